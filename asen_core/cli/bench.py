"""The verb `bench`: what was measured and how, and the measuring itself."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from asen_core.cli.console import emit, say
from asen_core.errors import AsenError

SCRIPTS = Path(__file__).resolve().parents[2] / "benchmarks"
AFTER_NAME = {"allow_interspersed_args": False, "ignore_unknown_options": True}
"""Settings of the verb: what stands behind NAME is the script's, options too."""


def bench(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="One of the list.", show_default=False)] = None,
    given: Annotated[
        list[str] | None, typer.Argument(metavar="ARGS", help="For the script; --help explains them.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The list as JSON; the scripts write JSON themselves.")] = False,
) -> None:
    """Measure: speed, memory, accuracy, load. Without a name: list what can be measured.

    One script of benchmarks/ per figure. It prints what it found, writes it
    into benchmarks/NAME.json and as a table into the README, and ends with
    its own exit code.

    [bold]Examples[/]

    [cyan]python -m asen_core bench[/]

    [cyan]python -m asen_core bench paths --help[/]

    [cyan]python -m asen_core bench paths --rounds 3[/]
    """
    scripts = found(SCRIPTS)
    if name is None:
        return _listed(scripts, as_json)
    if as_json:
        raise typer.BadParameter("it is for the list; give what the script takes behind its name.", param_hint="--json")
    if name not in scripts:
        raise AsenError(f"There is no benchmark {name!r}; there are {', '.join(scripts)}.")
    done = subprocess.run([sys.executable, str(SCRIPTS / f"{name}.py"), *(given or [])], check=False)
    if done.returncode:
        # A shell's way of telling that a signal ended it; a negative code would be cut to something else.
        raise typer.Exit(done.returncode if done.returncode > 0 else 128 - done.returncode)


def found(folder: Path) -> dict[str, str]:
    """Name of each script in a folder -> what it measures, the first line of its docstring; by name.

    Raises: AsenError where there is none: they are not installed with the package.
    """
    scripts = dict(_scripts(folder))
    if not scripts:
        raise AsenError(
            f"There are no benchmarks in {folder}: they come with the repository, not with an installed package. "
            "Run this in a copy of the repository."
        )
    return scripts


def _scripts(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.glob("*.py")):
        text = path.read_text(encoding="utf-8")
        if '__name__ == "__main__"' in text:  # the others are parts of scripts
            said = ast.get_docstring(ast.parse(text)) or ""
            yield path.stem, said.partition("\n")[0]


def _listed(scripts: dict[str, str], as_json: bool) -> None:
    if as_json:
        return emit(scripts)
    table = Table("name", "what it measures")
    for name, said in scripts.items():
        table.add_row(name, said)
    return say(table)
