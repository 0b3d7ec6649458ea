"""How the verbs `data check` and `data prepare` show what is there of a benchmark: for people, and as JSON."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from asen_core.cli.console import marked

if TYPE_CHECKING:
    from asen_core.data.official import ListState, Report


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
        "origin": report.made.lists,
        "dropped_photos": report.made.dropped,
        "lists": lists,
        "photos": report.photos,
        "photos_found": report.photos - len(report.absent),
        "missing_photos": list(report.absent[:100]),
        "missing_files": report.missing,
        "faults": list(report.faults),
        "remarks": list(report.remarks),
        "other_sizes": [s.file for s in report.other_sizes],
        "sources": [vars(s) for s in report.sources],
        "terms": report.facts.terms,
    }


def shown(report: Report) -> list[RenderableType]:
    """For people: every list, what is wrong, and how it is put right."""
    return [marked(line) if isinstance(line, str) else line for line in _said(report)]


def _said(report: Report) -> list[RenderableType]:
    """The same with rich's markup in its strings."""
    said: list[RenderableType] = [_table(report), *_notes(report)]
    if report.complete:
        return [*said, f"[green]Complete:[/] all lists and all {report.photos:,} photos are there."]
    if report.missing:
        said.append(f"[bold]Missing lists ({len(report.missing)}):[/] {', '.join(report.missing)}.")
    faults = dict.fromkeys([*report.faults, *(s.fault for s in report.lists if s.fault not in ("", "missing"))])
    said += [f"[red]Refused:[/] {escape(fault)}" for fault in faults if not _follows(fault, report)]
    if report.mistaken or not report.made.lists:
        return said
    if report.partial:
        sizes = ", ".join(f"{s.file} {s.lines:,} of {s.published:,}" for s in report.other_sizes)
        said.append(f"[red]Not the authors' lists, or not all of them,[/] by the published sizes: {sizes}.")
    if report.absent:
        from asen_core.data.official import first_few

        said.append(
            f"[bold]Missing photos ({len(report.absent):,} of {report.photos:,}):[/] {escape(first_few(report.absent, 2))}."
        )
    if not report.photos:
        said.append("Which photos are needed is known only with the lists.")
    if report.sources:
        said += ["", "[bold]Where to get them[/]", *(_source(s) for s in report.sources), f"Terms: {report.facts.terms}."]
    return [*said, "", *_steps(report)]


def _table(report: Report) -> Table:
    sizes = ("lines", "published") if any(s.published for s in report.lists) else ("lines",)
    table = Table("list", title=f"{report.facts.name} in {report.root}", title_justify="left")
    for name in (*sizes, "photos there"):
        table.add_column(name, justify="right")
    table.add_column("state")
    for state in report.lists:
        there = "–" if state.photos is None else f"{state.photos - len(state.absent):,} of {state.photos:,}"
        table.add_row(state.file, *(_count(getattr(state, size)) for size in sizes), there, marked(_state(state)))
    return table


def _steps(report: Report) -> list[str]:
    """The command that puts things right, and what has to go before it."""
    name, made = report.facts.name, report.made
    # Given the lists' own folder, which need not be named after the dataset, the photos still go into one that is.
    placed = report.root.name == name
    out = shlex.quote(str(report.root.parent)) if placed else "DATA"
    if made.lists == "drawn":
        sizes = " ".join(f"--{'count' if s == 'test' else s} {made.photos.get(s, 'N')}" for s in ("train", "valid", "test"))
        again = f"python -m asen_core render --layout {name} --out {out} {sizes} --seed {made.seed}"
        return [f"These garments were drawn. Delete {escape(str(report.root))}, then this draws them again:", _command(again)]
    command = f"python -m asen_core data prepare {name} --raw DOWNLOADS"
    said = "Lists unzipped into a folder of their own (LISTS) and the photos downloaded, this puts all in place:"
    if made.lists == "own" and made.seed is not None and not made.text.startswith("the lists of "):
        said = "The photos downloaded, this makes the same split again:"
        command += f" --seed {made.seed}"
    elif report.missing or report.spoiled:
        command += " --split LISTS"
    else:
        said = "The photos downloaded, this puts them in place:"
        command += f" --split {shlex.quote(str(report.root))}"
    command += f" --out {out}{' --allow-missing' if made.dropped else ''}"
    old = (
        [f"First delete these from {escape(str(report.root))}: {', '.join(report.spoiled)}."]
        if placed and report.spoiled
        else []
    )
    return [*old, said, _command(command)]


def _command(text: str) -> str:
    return f"[cyan]{escape(text)}[/]"


def _notes(report: Report) -> list[str]:
    notes = [f"Values: {escape(report.names)}."] if report.names else []
    if report.origin:
        notes.append(f"Prepared from: {escape(report.origin)}.")
    notes += [escape(remark) for remark in report.remarks]
    if (other := [s.file for s in report.other_sizes]) and not report.partial:
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
        return "[red]refused[/]" if not blamed or state.file in blamed else f"[yellow]needs {blamed[0]}[/]"
    return "[yellow]photos missing[/]" if state.absent else "[green]complete[/]"


def _blamed(fault: str) -> list[str]:
    """The lists that a refusal names, and meta.json."""
    names = [word.rsplit("/", 1)[-1] for word in fault.replace(":", " ").split()]
    return [name for name in names if name.endswith(".txt") or name == "meta.json"]


def _count(number: int | None) -> str:
    return "–" if number is None else f"{number:,}"


def _source(source: Any) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    grid.add_row("•", source.what)
    grid.add_row("", f"{source.site}: {source.address}")
    grid.add_row("", source.access)
    return Padding(Group(grid), (0, 0, 0, 2))
