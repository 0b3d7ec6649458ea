"""The verb `bring`: an open dataset from its public home, or any folder of photos, as a gallery."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from asen_core.cli.console import CheckpointOption, DeviceOption, JsonOption, emit, following, say, tell

if TYPE_CHECKING:
    from asen_core.indexing.datasets import Photos
    from asen_core.indexing.report import Report


def bring(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="SOURCE",
            help="A dataset's name, a git address, or a folder of photos. Default: list the names.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder of the gallery.", show_default=False)] = None,
    address: Annotated[
        str | None,
        typer.Option("--from", metavar="ADDRESS", help="Fetch it from this git repository, say a mirror or a clone."),
    ] = None,
    photos: Annotated[
        Path | None, typer.Option("--photos", help="Folder for fetched photos. Default: that of --out with -photos.")
    ] = None,
    fold: Annotated[bool, typer.Option("--fold", help="Copies and photos that look the same become one garment.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Also where --out holds a gallery of another checkpoint.")] = False,
    checkpoint: CheckpointOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Bring real photos and make a gallery of them, in one line.

    A dataset is fetched with git: its latest photos without history; nothing
    in it is run. Labels come from its label file, else from the folders' names
    (train/dress/a.jpg: category dress, split train). The same line again
    fetches and looks at only what changed; stopped at any time it goes on.

    [bold]Examples[/]

    [cyan]python -m asen_core bring clothing-dataset-small --out real[/]

    [cyan]python -m asen_core bring clothing-dataset-small --from ../a-clone --out real[/]

    [cyan]python -m asen_core bring photos/ --out mine[/]
    """
    if source is None and address is None:
        _list(as_json)
        return
    if out is None:
        raise typer.BadParameter("Give a folder for the gallery, say --out real.", param_hint="--out")
    from asen_core.cli.watch import after_index
    from asen_core.engine import Engine
    from asen_core.indexing import datasets, index
    from asen_core.indexing.report import Progress

    place = photos or out.with_name(f"{out.absolute().name}-photos")
    with following() as each:

        def told(doing: str, done: int, total: int) -> None:
            each(Progress(doing, done, total))

        with datasets.photos(source or str(address), place, address, told) as found:
            engine = Engine.open(checkpoint, device=device)
            report = index(engine, found.folder, out, found.labels, fold=fold, replace=replace, notes=found.notes, each=each)
    waiting = after_index(out)
    if as_json:
        emit({**_json(found, report), "watches": waiting})
    else:
        _print(found, report)


def _list(as_json: bool) -> None:
    from asen_core.indexing.datasets import KNOWN

    if as_json:
        emit({name: {"home": d.home, "licence": d.licence, "about": d.about, "size": d.size} for name, d in KNOWN.items()})
        return
    table = Table("name", "what", "licence", "to fetch")
    table.add_column("home", overflow="fold")
    for name, dataset in KNOWN.items():
        table.add_row(name, dataset.about, dataset.licence, dataset.size, dataset.home)
    say(table, "Others: python -m asen_core bring ADDRESS_OR_FOLDER --out GALLERY")


def _json(found: Photos, report: Report) -> dict[str, Any]:
    brought = found.brought
    fetched = {"photos": brought.photos, "fetched": brought.fetched, "left_out": dict(brought.left_out)} if brought else None
    return {"photos": str(found.folder), "notes": dict(found.notes), "brought": fetched, "index": report.to_json()}


def _print(found: Photos, report: Report) -> None:
    for path, reason in {**(found.brought.left_out if found.brought else {}), **report.left_out}.items():
        tell(f"Left out {path}: {reason}")
    if found.brought:
        fetched = f"{found.brought.fetched:,} of {found.brought.photos:,} photos are new or changed"
        say(f"{found.brought.source} at {found.brought.commit[:12]}: {fetched}; they lie in {found.folder}.")
    if licence := found.notes.get("licence"):
        say(f"Licence: {licence}.")
    say(f"{report.items:,} garments in {report.out}. To browse them: ASEN_GALLERY={report.out} python app.py")
