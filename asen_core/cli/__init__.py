"""The command line: one file per verb; the heavy imports happen inside the verbs, so that `--help` is quick."""

from __future__ import annotations

import typer

from asen_core.cli.background import make_background
from asen_core.cli.bench import AFTER_NAME, bench
from asen_core.cli.bring import bring
from asen_core.cli.cases import cases
from asen_core.cli.check import check
from asen_core.cli.compare import compare
from asen_core.cli.console import VerbGroup
from asen_core.cli.convert import convert
from asen_core.cli.data import data
from asen_core.cli.evaluate import evaluate
from asen_core.cli.evidence import evidence
from asen_core.cli.explain import explain
from asen_core.cli.figure import figure
from asen_core.cli.index import index
from asen_core.cli.inshop import inshop
from asen_core.cli.look import look
from asen_core.cli.map import make_maps
from asen_core.cli.push import push
from asen_core.cli.render import render
from asen_core.cli.screen import screen
from asen_core.cli.search import search
from asen_core.cli.shard import shard
from asen_core.cli.train import train
from asen_core.cli.user import user
from asen_core.cli.watch import watch

app = typer.Typer(
    cls=VerbGroup,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


@app.callback(epilog="Every verb explains itself with examples: [cyan]python -m asen_core VERB --help[/].")
def _about() -> None:
    """Which garments are alike in [bold]one respect[/]: neckline, sleeve, pattern, length, colour and more.

    A first try with the shipped model and gallery:

    [cyan]python -m asen_core look photo.jpg[/]

    [cyan]python -m asen_core search photo.jpg neckline[/]
    """


for _verb in (look, search, compare, explain, index, evaluate, inshop, render, train, convert, evidence):
    app.command()(_verb)
app.command("map")(make_maps)
app.command("background")(make_background)
app.command()(screen)
app.command()(shard)
app.command()(bring)
app.command()(push)
app.command()(check)
app.command(context_settings=AFTER_NAME)(bench)
app.add_typer(cases, name="cases")
app.add_typer(data, name="data")
app.add_typer(figure, name="figure")
app.add_typer(watch, name="watch")
app.add_typer(user, name="user")


def main() -> None:
    """Run the command line and exit: 0 success, 1 an error that was explained, 2 wrong usage, 130 stopped with Ctrl-C."""
    app(prog_name="python -m asen_core")


__all__ = ["app", "main"]
