"""The verbs `cases list`, `show`, `decide`, `export`, `rename` and `delete`: what `screen` found, and what people say of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from asen_core.cli.console import JsonOption, emit, say, tell
from asen_core.cli.queue import SHOWN, case_json, hit_json, hits_table, queue_table, summary
from asen_core.cli.screen import PercentileOption, StoreOption

cases = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="The reviewer's cases: the queue, decisions, exports.")
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the case.", show_default=False)]


@cases.command("list")
def list_(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """List all cases, the newest first.

    [bold]Examples[/]

    [cyan]python -m asen_core cases list[/]
    """
    from asen_core.review.cases import Cases

    opened = Cases.open(store)
    found = [opened.case(name) for name in opened.list()]
    if as_json:
        emit({"store": str(opened.path), "cases": [summary(case) for case in found]})
        return
    table = Table("case", "created", "protected", title=f"Cases in {opened.path}", title_justify="left")
    for name in ("suspects", "unreadable", "hits", "decided"):
        table.add_column(name, justify="right")
    for case in found:
        counts = vars(case.counts()).values()
        table.add_row(case.name, case.created, str(case.catalogue.directory), *(f"{n:,}" for n in counts))
    say(table if found else f"No cases in {opened.path} yet; make one with: python -m asen_core screen SUSPECTS --case NAME")


@cases.command()
def show(
    name: NameArgument,
    suspect: Annotated[
        int | None, typer.Option("--suspect", metavar="NUMBER", help="All hits of one suspect.", show_default=False)
    ] = None,
    percentile: PercentileOption = None,
    undecided: Annotated[bool, typer.Option("--undecided", help="Only suspects with a hit that nobody decided.")] = False,
    count: Annotated[int, typer.Option("-k", min=1, help="How many suspects at most; JSON has all.")] = SHOWN,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the queue of a case, undecided first and the most unusual first; or one suspect's hits.

    [bold]Examples[/]

    [cyan]python -m asen_core cases show spring --percentile 99.9[/]

    [cyan]python -m asen_core cases show spring --suspect 12[/]
    """
    from asen_core.review.cases import Cases

    case = Cases.open(store).case(name)
    if suspect is not None:
        found = case.hits(case.suspect(suspect), 0.0 if percentile is None else percentile)
        if as_json:
            emit({"case": case.name, "suspect": suspect, "hits": [hit_json(case, h) for h in found]})
        else:
            say(hits_table(case.suspect(suspect).name, found))
    elif as_json:
        emit(case_json(case, percentile, undecided))
    else:
        say(queue_table(case, percentile, undecided, count))


@cases.command()
def decide(
    name: NameArgument,
    hits: Annotated[list[int], typer.Argument(metavar="HIT...", help="Numbers, as `cases show` has them.", show_default=False)],
    decision: Annotated[
        str,
        typer.Option("--as", metavar="DECISION", help='"alike", "not alike", "unsure" or "whitelisted".', show_default=False),
    ],
    reviewer: Annotated[str, typer.Option("--by", metavar="REVIEWER", help="Your name.", show_default=False)],
    note: Annotated[str, typer.Option("--note", help="Why.")] = "",
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what hits are; earlier decisions are kept, the last one counts.

    A whitelisted hit whitelists its photo and item in all cases of the catalogue.

    [bold]Examples[/]

    [cyan]python -m asen_core cases decide spring 12 13 --as alike --by Ada[/]
    """
    from asen_core.review.cases import Cases

    case = Cases.open(store).case(name)
    case.decide(hits, decision, reviewer, datetime.now(UTC), note)
    if as_json:
        emit({"case": case.name, "hits": [hit_json(case, case.hit(number)) for number in hits]})
    else:
        tell(f"{len(hits)} hits of {case.name} decided: {decision}.")


@cases.command()
def export(
    name: NameArgument,
    table: Annotated[Path | None, typer.Option("--csv", help="Write one row per hit into this file.")] = None,
    training: Annotated[
        Path | None, typer.Option("--training", help="Write decided pairs, groups and photos into this new folder.")
    ] = None,
    percentile: Annotated[float, typer.Option("--percentile", min=0, max=100, help="Of --csv: only hits from here on.")] = 0.0,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Export the hits as a table, or the decided pairs as training data.

    --training writes pairs.csv (anchor, positive or negative, attribute, who
    decided), labels.csv with a group per attribute, which `evaluate` measures,
    and the photos of both. Pairs that are unsure or whitelisted are left out.

    [bold]Examples[/]

    [cyan]python -m asen_core cases export spring --csv hits.csv[/]

    [cyan]python -m asen_core cases export spring --training pairs/[/]
    """
    if table is None and training is None:
        raise typer.BadParameter("Give --csv FILE or --training DIR, or both.", param_hint="--csv")
    from asen_core.review.cases import Cases

    case = Cases.open(store).case(name)
    done: dict[str, Any] = {}
    if table is not None:
        done["csv"] = {"file": str(table), "hits": case.export_csv(table, percentile)}
        tell(f"{done['csv']['hits']:,} hits in {table}.")
    if training is not None:
        made = case.export_training(training)
        against = [vars(pair) for pair in made.contradicted]
        numbers = {"pairs": made.pairs, "photos": made.photos, "columns": dict(made.columns), "contradicted": against}
        done["training"] = {"folder": str(training), **numbers, "command": made.command}
        tell(f"{made.pairs:,} decided pairs of {made.photos:,} photos in {training}.")
        if against:
            tell(f"{len(against)} pairs are not alike, but joined by pairs that are: these photos have no group in labels.csv.")
        if made.columns:
            tell(f"To measure a model on them: {made.command}")
    if as_json:
        emit({"case": case.name, **done})


@cases.command()
def rename(name: NameArgument, new: Annotated[str, typer.Argument(metavar="NEW")], store: StoreOption = None) -> None:
    """Give a case another name.

    [bold]Examples[/]

    [cyan]python -m asen_core cases rename spring "spring 2026"[/]
    """
    from asen_core.review.cases import Cases

    Cases.open(store).rename(name, new)
    tell(f"{name} is now called {new.strip()}.")


@cases.command()
def delete(
    name: NameArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    store: StoreOption = None,
) -> None:
    """Delete a case with its hits and decisions; what it whitelisted stays so.

    [bold]Examples[/]

    [cyan]python -m asen_core cases delete spring --yes[/]
    """
    from asen_core.review.cases import Cases

    opened = Cases.open(store)
    counts = opened.case(name).counts()
    if not yes:
        typer.confirm(f"Delete {name} with {counts.hits:,} hits, {counts.decided:,} of them decided?", abort=True, err=True)
    opened.delete(name)
    tell(f"{name} is deleted.")
