"""The verb `screen`: many suspects against a protected catalogue, into a named case that `cases` shows and triages."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asen_core.cli.console import CheckpointOption, DeviceOption, GalleryOption, JsonOption, emit, say, tell
from asen_core.errors import CaseError

if TYPE_CHECKING:
    from asen_core.engine import Engine
    from asen_core.review.cases import Case, Cases
    from asen_core.review.screening import Progress
    from asen_core.review.triage import Settings

CaseOption = Annotated[
    str, typer.Option("--case", metavar="NAME", help="The case: made where there is none of that name, else continued.")
]
StoreOption = Annotated[
    Path | None,
    typer.Option(
        "--store",
        metavar="FILE",
        help="File of the cases. Default: ASEN_CASES, else alike/cases.sqlite in the user's data folder.",
        show_default=False,
    ),
]
PercentileOption = Annotated[
    float | None,
    typer.Option(
        "--percentile", min=0, max=100, help="Queue hits closer than this percentage of pairs (99).", show_default=False
    ),
]


def screen(
    case: CaseOption,
    suspects: Annotated[
        list[Path] | None,
        typer.Argument(metavar="SUSPECTS...", help="Folders, zips or photos. Default: those of the case.", show_default=False),
    ] = None,
    percentile: PercentileOption = None,
    attribute: Annotated[
        list[str] | None, typer.Option("--attribute", "-a", help="Only this attribute; repeat for several. Default: all.")
    ] = None,
    hits: Annotated[
        int | None, typer.Option("--hits", min=1, help="Protected items kept per attribute (3).", show_default=False)
    ] = None,
    store: StoreOption = None,
    gallery: GalleryOption = None,
    checkpoint: CheckpointOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Find the protected garments closest to each of many suspects.

    Per attribute and overall the closest items of the gallery, and how unusual
    that is among pairs of different garments; ranked, the most unusual first.
    It shows what is alike, and judges nothing.

    Stopped or killed at any time, the same line goes on where it was; with more
    suspects it adds them. Files that are no photos are kept in the case with the
    reason. [cyan]cases[/] shows, triages and exports what was found.

    [bold]Examples[/]

    [cyan]python -m asen_core screen market/ --case spring --gallery mine/[/]

    [cyan]python -m asen_core screen offers.zip a.jpg --case spring[/]

    [cyan]python -m asen_core screen --case spring --percentile 99.9 --json[/]
    """
    from asen_core.engine import Engine
    from asen_core.review.cases import Cases
    from asen_core.review.triage import Settings

    cases = Cases.open(store)
    known = cases.case(case) if case.strip() in cases.list() else None
    if known is None and not suspects:
        raise typer.BadParameter("A new case needs suspects: a folder, a zip or photos.", param_hint="SUSPECTS")
    if known is not None and (
        (attribute and tuple(attribute) != known.settings.attributes) or (hits and hits != known.settings.hits)
    ):
        raise typer.BadParameter(
            "The case has its attributes and hits already; make a new one for others.", param_hint="--case"
        )
    if known is not None and gallery is None:
        gallery = known.catalogue.directory
    engine = Engine.open(checkpoint, gallery, device)
    if known is None:
        settings = Settings(99.0 if percentile is None else percentile, tuple(attribute or ()), hits or 3)
        known = _made(cases, case, engine, settings, suspects or [])
    done = _run(engine, known, suspects or None)
    if as_json:
        from asen_core.cli.queue import case_json

        emit({"store": str(cases.path), **case_json(known, percentile)})
    else:
        from asen_core.cli.queue import queue_table

        _tell(known, done)
        say(queue_table(known, percentile))


def _made(cases: Cases, name: str, engine: Engine, settings: Settings, suspects: list[Path]) -> Case:
    """A new case, if its suspects can be listed: one that can't be screened is not left behind."""
    from asen_core.review.suspects import listed

    listed(suspects)
    return cases.create(name, engine.gallery, settings, time=datetime.now(UTC))


def _run(engine: Engine, case: Case, suspects: list[Path] | None) -> Progress:
    """Screen with a bar on stderr: how many of all, how many a second, and the time left."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    from asen_core.review.screening import screen as go

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[pace]}"))
    with Bar(*columns, TextColumn("time left"), TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task("Screening suspects", total=None, pace="")

        def told(now: Progress) -> None:
            if bar.tasks[0].total is None:
                bar.reset(task, total=now.total, completed=now.done, pace="")
                return
            speed = bar.tasks[0].speed
            bar.update(task, completed=now.done, pace=f"{speed:.1f} a second" if speed else "")

        try:
            return go(engine, case, suspects, progress=told)
        except KeyboardInterrupt:
            bar.stop()
            tell(f"What was screened is kept; the same line goes on with it. The case is {case.name}.")
            raise


def _tell(case: Case, done: Progress) -> None:
    for suspect in case.suspects(unreadable=True):
        tell(f"Not screened: {suspect.name}: {suspect.unreadable}")
    counts = case.counts()
    if not counts.screened:
        raise CaseError(f"None of the {counts.unreadable} files can be read as a photo; the reasons are above. Give photos.")
    bad = f"; {counts.unreadable} files could not be read, see above" if counts.unreadable else ""
    tell(f"{counts.screened:,} suspects in the case {case.name} ({done.total:,} files in this run){bad}.")
