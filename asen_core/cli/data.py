"""The verbs `data check` and `data prepare`: the published benchmarks on disk."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from asen_core.cli.console import JsonOption, emit, say, tell, tracked

if TYPE_CHECKING:
    from asen_core.data.official import ListState, Report

data = typer.Typer(
    no_args_is_help=True, rich_markup_mode="rich", help="The published benchmarks: what is there, what is missing, preparation."
)


class Benchmark(StrEnum):
    """Whose lists and photos."""

    FashionAI = "FashionAI"
    DARN = "DARN"
    DeepFashion = "DeepFashion"


class Photos(StrEnum):
    """How photos come into the prepared folder."""

    link = "link"
    copy = "copy"
    none = "none"


BenchmarkArgument = Annotated[
    Benchmark,
    typer.Argument(metavar="DATASET", help="FashionAI, DARN or DeepFashion.", case_sensitive=False, show_default=False),
]


@data.command()
def check(
    dataset: BenchmarkArgument,
    folder: Annotated[
        Path, typer.Option("--data", help="Folder that holds FashionAI/, DARN/ or DeepFashion/.", show_default=False)
    ],
    as_json: JsonOption = False,
) -> None:
    """Say which lists and photos of a benchmark are there, which are missing, and where each is obtained.

    Ends with code 0 only where everything is there and can be used.

    [bold]Examples[/]

    [cyan]python -m asen_core data check FashionAI --data data/[/]

    [cyan]python -m asen_core data check DeepFashion --data data/ --json[/]
    """
    from asen_core.data.official import check as examine

    report = examine(folder, dataset.value)
    if as_json:
        emit(report_json(report))
    else:
        say(*_shown(report))
    if not report.complete:
        raise typer.Exit(1)


@data.command()
def prepare(
    dataset: BenchmarkArgument,
    raw: Annotated[Path, typer.Option("--raw", help="Folder with the downloads, zips or unzipped.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", help="Folder to write DATASET/ and meta.json into.", show_default=False)],
    split: Annotated[
        Path | None, typer.Option("--split", help="Folder with the authors' lists. Default: a split of our own.")
    ] = None,
    photos: Annotated[
        Photos, typer.Option("--photos", help="link, copy, or none: they stay where they are, below OUT/DATASET.")
    ] = Photos.link,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of a split of our own.")] = 0,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="DARN only: drop the photos that can't be had, and list them.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Bring the raw downloads of a benchmark into the authors' layout.

    FashionAI: the folders or zips with Annotations/label.csv and Images/.
    DARN: darn_url.txt, pic/, and the authors' lists or a list of labels
    (photo, then attribute and value pairs). DeepFashion: list_attr_cloth.txt,
    list_attr_img.txt, list_eval_partition.txt and img/ or img.zip.

    A run that was stopped goes on where it was when started again.

    [bold]Examples[/]

    [cyan]python -m asen_core data prepare FashionAI --raw dl/ --split lists/ --out data/[/]

    [cyan]python -m asen_core data prepare DARN --raw dl/ --split lists/ --out data/ --allow-missing[/]
    """
    from asen_core.data.official import Preparation
    from asen_core.data.official import check as examine
    from asen_core.data.official import prepare as write

    done = write(Preparation(dataset.value, raw, out, split, photos.value, seed, allow_missing), tracked)
    if split is None:
        tell(f"This is not the authors' split: it was made here with seed {seed}. Figures on it can't be compared with theirs.")
    if done.dropped:
        tell(
            f"Dropped, as they are not there: {len(done.dropped):,} listed photos; "
            f"{done.root / 'dropped_photos.txt'} names them."
        )
    if done.unused:
        tell(f"Left out, as they have no label or are in no list: {done.unused:,} photos of the download.")
    report = examine(out, dataset.value)
    if as_json:
        emit({"new_photos": done.new, "unused_photos": done.unused, **report_json(report)})
    else:
        say(*_shown(report))
    if not report.complete:
        raise typer.Exit(1)


def report_json(report: Report) -> dict[str, Any]:
    """The report as plain JSON values; `missing_photos` names the first hundred."""
    lists = [
        {"file": s.file, "lines": s.lines, "published": s.published, "photos": s.photos, "missing_photos": len(s.absent)}
        | {"fault": s.fault or None}
        for s in report.lists
    ]
    return {
        "dataset": report.facts.name,
        "folder": str(report.root),
        "complete": report.complete,
        "prepared": report.origin or None,
        "lists": lists,
        "photos": report.photos,
        "photos_found": report.photos - len(report.absent),
        "missing_photos": list(report.absent[:100]),
        "missing_files": report.missing,
        "faults": list(report.faults),
        "sources": [vars(s) for s in report.sources],
        "terms": report.facts.terms,
    }


def _shown(report: Report) -> list[RenderableType]:
    sizes = ("lines", "published") if any(s.published for s in report.lists) else ("lines",)
    table = Table("list", title=f"{report.facts.name} in {report.root}", title_justify="left")
    for name in (*sizes, "photos there"):
        table.add_column(name, justify="right")
    table.add_column("state")
    for state in report.lists:
        there = "–" if state.photos is None else f"{state.photos - len(state.absent):,} of {state.photos:,}"
        table.add_row(state.file, *(_count(getattr(state, size)) for size in sizes), there, _state(state))
    shown: list[RenderableType] = [table, *_notes(report)]
    if report.complete:
        shown.append(f"[green]Complete:[/] all lists and all {report.photos:,} photos are there.")
        return shown
    if report.missing:
        shown.append(f"[bold]Missing lists ({len(report.missing)}):[/] {', '.join(report.missing)}.")
    faults = dict.fromkeys([*report.faults, *(s.fault for s in report.lists if s.fault not in ("", "missing"))])
    shown += [f"[red]Refused:[/] {escape(fault)}" for fault in faults if not _follows(fault, report)]
    if report.absent:
        from asen_core.data.official import first_few

        shown.append(
            f"[bold]Missing photos ({len(report.absent):,} of {report.photos:,}):[/] {escape(first_few(report.absent, 2))}."
        )
    if not report.photos:
        shown.append("Which photos are needed is known only with the lists.")
    if report.sources:
        shown += ["", "[bold]Where to get them[/]", *(_source(s) for s in report.sources), f"Terms: {report.facts.terms}."]
    split = report.root if any(s.lines for s in report.lists) else "LISTS"
    # Given the lists' own folder, which need not be named after the dataset, the photos still go into one that is.
    out = report.root.parent if report.root.name == report.facts.name else "DATA"
    then = f"python -m asen_core data prepare {report.facts.name} --raw DOWNLOADS --split {split} --out {out}"
    return [
        *shown,
        "",
        "Lists unzipped into a folder of their own and the photos downloaded, this puts all in place:",
        f"[cyan]{escape(then)}[/]",
    ]


def _notes(report: Report) -> list[str]:
    notes = [f"Values: {escape(report.names)}."] if report.names else []
    if report.origin:
        notes.append(f"Prepared from: {escape(report.origin)}.")
    other = [s.file for s in report.lists if s.lines is not None and s.published not in (None, s.lines)]
    if other:
        notes.append(f"[yellow]Not the published sizes:[/] {', '.join(other)}; figures can't be compared with the published.")
    return notes


def _follows(fault: str, report: Report) -> bool:
    """Whether a refusal only says that another list, told of already, is missing."""
    return any(f"{report.root / file} is missing" in fault for file in report.missing)


def _state(state: ListState) -> str:
    if state.fault == "missing":
        return "[red]missing[/]"
    if state.fault:
        blamed = _blamed(state.fault)
        return "[red]refused[/]" if blamed in ("", state.file) else f"[yellow]needs {blamed}[/]"
    return "[yellow]photos missing[/]" if state.absent else "[green]complete[/]"


def _blamed(fault: str) -> str:
    """The list that a refusal is about; empty where it names none."""
    return next((word.rsplit("/", 1)[-1] for word in fault.split() if word.endswith((".txt", ".json"))), "")


def _count(number: int | None) -> str:
    return "–" if number is None else f"{number:,}"


def _source(source: Any) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    grid.add_row("•", escape(source.what))
    grid.add_row("", f"{escape(source.site)}: {escape(source.address)}")
    grid.add_row("", escape(source.access))
    return Padding(Group(grid), (0, 0, 0, 2))
