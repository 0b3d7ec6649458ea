"""The verb `evidence`: one PDF and one JSON about a pair of designs, and the check of such a pack."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from asen_core.cli.console import CheckpointOption, DeviceOption, GalleryOption, JsonOption, emit, say, tell
from asen_core.errors import PhotoError

if TYPE_CHECKING:
    from asen_core.engine import Engine
    from asen_core.review.evidence import File, Pack, Pair, Verdict

_FIGURES = {"any_kind": "closer than, all kinds", "same_kind": "closer than, same kind"}


def evidence(
    first: Annotated[
        Path | None, typer.Argument(metavar="FIRST", help="A photo, or a folder of 1 to 7 photos.", show_default=False)
    ] = None,
    second: Annotated[
        Path | None, typer.Argument(metavar="SECOND", help="The same of the other design.", show_default=False)
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="The PDF to write.", show_default=False)] = None,
    json_out: Annotated[
        Path | None, typer.Option("--json-out", help="The JSON to write. Default: beside the PDF.", show_default=False)
    ] = None,
    date: Annotated[
        str | None,
        typer.Option("--date", help="When it is made, such as 2026-01-31T10:00:00Z. Default: now.", show_default=False),
    ] = None,
    reviewer: Annotated[str, typer.Option("--reviewer", metavar="NAME", help="Who makes it.", show_default=False)] = "",
    title: Annotated[str, typer.Option("--title", help="Stands on the first page.", show_default=False)] = "",
    file_dates: Annotated[bool, typer.Option("--file-dates", help="State when each file was last changed, too.")] = False,
    explain: Annotated[bool, typer.Option("--explain/--no-explain", help="Add what explains each likeness (slower).")] = True,
    case: Annotated[
        str | None,
        typer.Option("--case", metavar="NAME", help="Write down a screened case instead of a pair.", show_default=False),
    ] = None,
    cases: Annotated[
        Path | None, typer.Option("--cases", help="The file that holds the cases. Default: the usual one.", show_default=False)
    ] = None,
    pairs: Annotated[int, typer.Option("--pairs", min=0, help="Of a case, show at most so many pairs in full.")] = 50,
    checked: Annotated[
        Path | None,
        typer.Option("--check", metavar="PACK.json", help="Compute a pack's figures anew from the files.", show_default=False),
    ] = None,
    gallery: GalleryOption = None,
    checkpoint: CheckpointOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Write down a comparison for someone else: one PDF to read, one JSON to check.

    With the same photos, date and names it is the same to the byte.
    [cyan]--check[/] tells whether the files are those of a pack and computes its
    figures anew; it ends with code 1 where one doesn't agree.

    [bold]Examples[/]

    [cyan]python -m asen_core evidence ours.jpg theirs.jpg --out pack.pdf[/]

    [cyan]python -m asen_core evidence ours/ theirs/ --out pack.pdf --reviewer "A. Smith" --date 2026-01-31T10:00:00Z[/]

    [cyan]python -m asen_core evidence --case "Spring suspects" --out case.pdf[/]

    [cyan]python -m asen_core evidence --check pack.json ours.jpg theirs.jpg[/]
    """
    given = [p for p in (first, second) if p is not None]
    _usable(given, out, checked, case)
    at = date or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    sides = [photos_of(path, file_dates) for path in given]
    from asen_core.engine import Engine
    from asen_core.review import evidence as packs

    place = json_out or (out or Path("pack")).with_suffix(".json")
    if case is not None and out is not None:
        from asen_core.review.cases import Cases

        known = Cases.open(cases).case(case)
        engine = Engine.open(checkpoint, gallery or known.catalogue.directory, device)
        making = packs.making(engine.gallery, at, title, reviewer)
        _put(packs.of_case(engine, known, making, pairs, explain, place.name), out, place, as_json)
        return
    engine = Engine.open(checkpoint, gallery, device)
    if checked is not None:
        _check(engine, checked, sides, as_json)
        return
    assert out is not None
    names = [folder_name(path) for path in given]
    pair = compared(engine, sides, names, explain)
    making = packs.making(engine.gallery, at, title, reviewer)
    _put(packs.pair_pack(pair, making, place.name), out, place, as_json)


def _usable(given: list[Path], out: Path | None, checked: Path | None, case: str | None) -> None:
    """Raises: typer.BadParameter where the options don't go together."""
    if (out is None) == (checked is None):
        raise typer.BadParameter("give --out pack.pdf to write a pack, or --check pack.json to check one.", param_hint="--out")
    if out is not None and out.suffix.lower() != ".pdf":
        raise typer.BadParameter(f"{out} must end in .pdf.", param_hint="--out")
    if case is not None and (given or checked):
        raise typer.BadParameter("a case brings its own photos; give --case and --out alone.", param_hint="--case")
    if case is None and len(given) != 2:
        raise typer.BadParameter("give both designs: FIRST and SECOND, each a photo or a folder.", param_hint="SECOND")


def _put(pack: Pack, out: Path, place: Path, as_json: bool) -> None:
    from asen_core.review.evidence import write

    write(pack, out, place)
    tell(f"Written: {out} and {place}.")
    if as_json:
        emit({"pdf": str(out), "json": str(place)})


def photos_of(path: Path, dates: bool = False) -> list[File]:
    """A photo, or those of a folder by name. Raises: PhotoError where there are none or too many."""
    from asen_core.indexing.scan import is_photo
    from asen_core.review.design import MOST
    from asen_core.review.evidence import read

    found = sorted(p for p in path.iterdir() if is_photo(p, path)) if path.is_dir() else [path]
    if not 1 <= len(found) <= MOST:
        raise PhotoError(f"The folder {path} has {len(found)} photos, expected 1 to {MOST} of one design; keep the best ones.")
    return [read(p, _changed(p) if dates and p.is_file() else "") for p in found]


def folder_name(path: Path) -> str:
    """A folder names its design; a single photo names it by itself."""
    return path.resolve().name if path.is_dir() else ""


def compared(engine: Engine, sides: list[list[File]], names: list[str], explain: bool) -> Pair:
    """Both designs looked at and compared against the gallery's pairs, copies looked for, and explained where asked."""
    from asen_core.review.background import of_gallery
    from asen_core.review.compare import compare
    from asen_core.review.design import seen
    from asen_core.review.evidence import Pair, maps_of
    from asen_core.review.relations import relations_of

    background = of_gallery(engine.gallery)
    first, second = (seen(engine, [f.garment for f in files], name) for files, name in zip(sides, names, strict=True))
    found = compare(first, second, background)
    maps = maps_of(engine, found) if explain else {}
    return Pair(found, tuple(sides[0]), tuple(sides[1]), background, maps, relations_of(found))


def _check(engine: Engine, path: Path, sides: list[list[File]], as_json: bool) -> None:
    from asen_core.review.background import of_gallery
    from asen_core.review.evidence import check
    from asen_core.review.evidence.checking import read

    verdict = check(read(path), engine, of_gallery(engine.gallery), *sides)
    if as_json:
        emit(_plain(verdict))
    else:
        _print(verdict)
    if not verdict.agrees:
        raise typer.Exit(1)


def _print(verdict: Verdict) -> None:
    for name, same in verdict.files:
        say(f"{name}: {'the same file, byte for byte' if same else 'NOT a file of this pack'}")
    for name in verdict.missing:
        say(f"{name}: of the pack, not given")
    if not verdict.same_files:
        say("The files are not those of the pack, so its figures were not computed anew.")
        return
    if not verdict.background:
        say("The gallery's pairs are not those of the pack: shares may differ; give its gallery with --gallery.")
    table = Table("feature", "figure")
    for name in ("in the pack", "now", "tolerance", "agrees"):
        table.add_column(name, justify="right")
    for f in verdict.figures:
        stated, found = ("–" if v is None else f"{v:.4f}" for v in (f.stated, f.found))
        table.add_row(
            f.feature, _FIGURES.get(f.figure, f.figure), stated, found, f"{f.tolerance:g}", "yes" if f.agrees else "NO"
        )
    say(table)
    wrong = sum(not f.agrees for f in verdict.figures)
    say(
        f"All {len(verdict.figures)} figures agree."
        if not wrong
        else f"{wrong} of {len(verdict.figures)} figures do NOT agree."
    )


def _plain(verdict: Verdict) -> dict[str, Any]:
    figures = [{**vars(f), "agrees": f.agrees} for f in verdict.figures]
    figures = [{k: v if v is None or isinstance(v, str | bool) else float(v) for k, v in f.items()} for f in figures]
    files = [{"name": name, "same": same} for name, same in verdict.files]
    return {
        "agrees": verdict.agrees, "files": files, "missing": list(verdict.missing),
        "same_background": verdict.background, "figures": figures,
    }  # fmt: skip


def _changed(path: Path) -> str:
    return datetime.fromtimestamp(int(path.stat().st_mtime), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
