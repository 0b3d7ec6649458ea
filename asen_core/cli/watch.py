"""The verbs `watch add`, `run`, `list`, `show`, `renew` and `remove`: saved searches that tell what is new and closer."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asen_core.cli import watched
from asen_core.cli.asked import parse_weights, parse_where
from asen_core.cli.console import CheckpointOption, DeviceOption, GalleryOption, JsonOption, emit, tell
from asen_core.cli.search import BetaOption, UnlikeOption, WhereOption
from asen_core.errors import AsenError

if TYPE_CHECKING:
    import numpy as np

    from asen_core.engine import Engine
    from asen_core.gallery.watches import Watches

watch = typer.Typer(
    no_args_is_help=True, rich_markup_mode="rich", help="Saved searches: tell me when something closer appears."
)
SHOWN = 20
PhotoArgument = Annotated[
    Path, typer.Argument(metavar="PHOTO", help="A picture file: JPEG, PNG, WebP, ...", show_default=False)
]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the saved search.", show_default=False)]
FileOption = Annotated[
    Path | None,
    typer.Option(
        "--watches", metavar="FILE", help="Their file. Default: ASEN_WATCHES, else one beside the gallery.", show_default=False
    ),
]
CountOption = Annotated[int, typer.Option("-k", min=1, help="How many garments at most per search; JSON has all.")]


@watch.command()
def add(
    photo: PhotoArgument,
    attribute: Annotated[
        str,
        typer.Argument(metavar="ATTRIBUTE", help="What to compare: neckline, or neckline=0.7,sleeve=0.3.", show_default=False),
    ],
    name: Annotated[str, typer.Option("--name", help="What to call it.", show_default=False)],
    than: Annotated[str | None, typer.Option("--than", metavar="ID", help="Only what is closer than this garment.")] = None,
    least: Annotated[float | None, typer.Option("--least", min=-1, max=1, help="Only from this similarity on.")] = None,
    unlike: UnlikeOption = None,
    where: WhereOption = None,
    beta: BetaOption = None,
    gallery: GalleryOption = None,
    watches: FileOption = None,
    checkpoint: CheckpointOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Save a search, to be told when something closer appears.

    By default that is whatever is closer than the best there is now. What is
    close already is not told.

    [bold]Examples[/]

    [cyan]python -m asen_core watch add shirt.jpg neckline --name "spring blouse" --gallery mine/[/]

    [cyan]python -m asen_core watch add shirt.jpg pattern --name checks --least 0.9 --where colour=blue[/]

    [cyan]python -m asen_core watch add shirt.jpg neckline=0.7,sleeve=0.3 --unlike pattern --name mix[/]
    """
    if than and least is not None:
        raise typer.BadParameter("Give --than or --least, not both.", param_hint="--than")
    weights, wanted = parse_weights(attribute), parse_where(where or [])
    from asen_core.engine import Engine
    from asen_core.gallery.watches import Watches
    from asen_core.gallery.watches.question import Question, Rule

    engine = Engine.open(checkpoint, gallery, device)
    vectors, pixels = _looked(engine, photo, beta)
    opened = Watches.open(engine.gallery, watches)
    question = Question(weights, dict.fromkeys(unlike or []), wanted)
    saved = opened.save(name, vectors, pixels, question, Rule(least, than or ""), time=datetime.now(UTC))
    watched.print_saved(opened, saved, as_json)


@watch.command()
def renew(
    name: NameArgument,
    photo: PhotoArgument,
    beta: BetaOption = None,
    gallery: GalleryOption = None,
    watches: FileOption = None,
    checkpoint: CheckpointOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Look at the photo again, for a gallery of another checkpoint; its question stays, its threshold is found anew.

    [bold]Examples[/]

    [cyan]python -m asen_core watch renew "spring blouse" shirt.jpg --gallery mine/[/]
    """
    from asen_core.engine import Engine
    from asen_core.gallery.watches import Watches

    engine = Engine.open(checkpoint, gallery, device)
    opened = Watches.open(engine.gallery, watches)
    opened.saved(name)
    watched.print_saved(opened, opened.renew(name, *_looked(engine, photo, beta), time=datetime.now(UTC)), as_json)


@watch.command()
def run(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME...", help="Default: all.", show_default=False)] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Also write a page with pictures: report.html.")
    ] = None,
    count: CountOption = SHOWN,
    gallery: GalleryOption = None,
    watches: FileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Search again, and tell what is new and close enough, each garment once.

    `index` searches again by itself when it changed something; what it found
    waits for this verb. Neither the photos nor the model are needed.

    [bold]Examples[/]

    [cyan]python -m asen_core watch run --gallery mine/[/]

    [cyan]python -m asen_core watch run "spring blouse" --gallery mine/ --out report.html --json[/]
    """
    opened = _opened(gallery, watches)
    report = opened.run(names or None, time=datetime.now(UTC))
    if out is not None:
        from asen_core.cli.watch_page import write

        write(out, report, opened.gallery)
    if as_json:
        emit(watched.report_json(report, opened.gallery))
    else:
        watched.print_report(report, opened, count)
    opened.told(report, time=datetime.now(UTC))
    if out is not None:
        tell(f"Written to {out}.")


@watch.command("list")
def list_(gallery: GalleryOption = None, watches: FileOption = None, as_json: JsonOption = False) -> None:
    """List the saved searches of a gallery.

    [bold]Examples[/]

    [cyan]python -m asen_core watch list --gallery mine/[/]
    """
    opened = _opened(gallery, watches)
    found = opened.list()
    if as_json:
        emit({"file": str(opened.path), "watches": [watched.summary(saved) for saved in found]})
    else:
        watched.print_list(opened, found)


@watch.command()
def show(
    name: NameArgument,
    count: CountOption = SHOWN,
    gallery: GalleryOption = None,
    watches: FileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one saved search and all that it found so far; nothing counts as told by that.

    [bold]Examples[/]

    [cyan]python -m asen_core watch show "spring blouse" --gallery mine/[/]
    """
    opened = _opened(gallery, watches)
    saved, found = opened.saved(name), opened.found(name)
    if as_json:
        emit(watched.found_json(saved, found, opened.gallery))
    else:
        watched.print_found(saved, found, opened.gallery, count)


@watch.command()
def remove(name: NameArgument, gallery: GalleryOption = None, watches: FileOption = None) -> None:
    """Forget a saved search.

    [bold]Examples[/]

    [cyan]python -m asen_core watch remove "spring blouse" --gallery mine/[/]
    """
    _opened(gallery, watches).remove(name)
    tell(f"{name} is removed.")


def after_index(gallery: Path | str) -> dict[str, int]:
    """Search again after a gallery was made or changed; name -> how many hits wait for `watch run`, said on stderr.

    What goes wrong is said there, too: the gallery itself is whole.
    """
    from asen_core.gallery import Gallery
    from asen_core.gallery.watches import file as watchfile
    from asen_core.gallery.watches import rerun

    if not watchfile.default_path(gallery).exists():
        return {}
    try:
        report = rerun(Gallery.open(gallery), time=datetime.now(UTC))
    except AsenError as error:
        tell(f"The saved searches were not asked: {error}")
        return {}
    for name, new in report.new.items():
        if new:
            tell(f"Saved search {name}: {new:,} new; see them with: python -m asen_core watch run --gallery {gallery}")
    for name, reason in report.failed.items():
        tell(f"Saved search {name} was not asked: {reason}")
    return report.new


def _looked(engine: Engine, photo: Path, beta: float | None) -> tuple[np.ndarray, np.ndarray]:
    """(A, D) float32 in the order of the gallery's attributes, and the photo's pixels."""
    import numpy as np

    from asen_core.images import load

    garment = load(photo)
    views = engine.look(garment, list(engine.gallery.attributes))
    return np.stack([views[a].query_vector(beta) for a in engine.gallery.attributes]), garment.pixels


def _opened(gallery: Path | str | None, watches: Path | None) -> Watches:
    from asen_core.gallery import Gallery
    from asen_core.gallery.watches import Watches

    if gallery is None:
        from asen_core.engine import SHIPPED_GALLERY

        gallery = SHIPPED_GALLERY
    return Watches.open(Gallery.open(gallery), watches)
