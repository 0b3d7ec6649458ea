"""What a visitor compares: two sides with the photos of one design each, and what each click makes of them. No Gradio in here.

`data` is what the browser sent along and is never trusted. All may raise the errors of asen_core.errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from asen_core import draw, images
from asen_core.errors import PhotoError, QueryError
from asen_core.review.background import Background
from asen_core.review.compare import Comparison, compare
from asen_core.review.design import MOST, Design, Shot, mirror
from asen_core.types import Garment
from asen_core.ui.handlers import KEPT_SECONDS, REFUSALS, uploaded
from asen_core.ui.query import Query, ask_about
from asen_core.ui.studio import Studio, sample
from asen_core.ui.why import Why

SMALL = 640
"""The longer side, in pixels, of the photo that is kept in memory; whatever needs more reads the file again."""
_TURNED = "mirrored "


@dataclass(frozen=True, eq=False)
class Sheet:
    """One photo on the desk: what the page shows of it, and what is compared (a small photo, views in its pixels)."""

    query: Query
    shot: Shot
    name: str


Side = tuple[Sheet, ...]


@dataclass(frozen=True, eq=False)
class Desk:
    """What one visitor compares.

    weights: attribute -> weight, 1 where not named; comparison: None until both sides have a photo; relations: sentences on
    whether the two photos that are closest overall are copies of each other; why: the explanation last asked for.
    """

    sides: tuple[Side, Side] = ((), ())
    weights: Mapping[str, float] = field(default_factory=dict)
    comparison: Comparison | None = None
    relations: tuple[str, ...] = ()
    why: Why | None = None


Data = Mapping[str, Any]
Standard = Callable[[], Background]
"""What similarities are measured against; called when it is needed, since reading it takes a moment."""
Step = Callable[[Studio, Standard, Desk, Data], Desk]


def photos_added(studio: Studio, standard: Standard, desk: Desk, data: Data) -> Desk:
    """Photos were sent for a side. data: side, paths, and `folder`, where uploads arrive (set by the page)."""
    paths = data.get("paths")
    if not isinstance(paths, list) or not paths:
        raise PhotoError("No photo arrived; choose the files once more.")
    number, here = _side(data), len(desk.sides[_side(data)])
    if here + len(paths) > MOST:
        raise QueryError(
            f"A design has at most {MOST} photos: {here} are here and {len(paths)} were given; choose those that show it best."
        )
    files = [uploaded(path, Path(data["folder"])) for path in paths]
    return _with_side(studio, standard, desk, number, (*desk.sides[number], *_laid_all(studio, files)))


def sample_laid(studio: Studio, standard: Standard, desk: Desk, data: Data) -> Desk:
    """A sample garment becomes the whole side. data: side, index."""
    return _with_side(studio, standard, desk, _side(data), _laid_all(studio, [sample(studio, data.get("index"))]))


def photo_removed(studio: Studio, standard: Standard, desk: Desk, data: Data) -> Desk:
    """One photo of a side goes. data: side, index."""
    number, index = _side(data), data.get("index")
    sheets = desk.sides[number]
    if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < len(sheets):
        raise QueryError("That photo is not on the desk any more; reload the page and start anew.")
    return _with_side(studio, standard, desk, number, sheets[:index] + sheets[index + 1 :])


def side_cleared(studio: Studio, standard: Standard, desk: Desk, data: Data) -> Desk:
    """All photos of a side go. data: side."""
    return _with_side(studio, standard, desk, _side(data), ())


def weighed(studio: Studio, standard: Standard, desk: Desk, data: Data) -> Desk:
    """The person weighs the attributes. data: weights, attribute -> number; those not named weigh 1."""
    given = data.get("weights")
    if not isinstance(given, Mapping) or not all(isinstance(w, int | float) for w in given.values()):
        raise QueryError("The weights were not understood; reload the page and set them again.")
    return _compared(standard, replace(desk, weights={str(a): float(w) for a, w in given.items()}))


def pair_laid(studio: Studio, standard: Standard, desk: Desk, data: Data) -> Desk:
    """A photo and a garment of the gallery become the two sides.

    data: photo (a path), name and item (of the gallery, perhaps empty), all three set by the page; id, of the garment.
    """
    photo, item = data.get("photo"), studio.engine.gallery.item(str(data.get("id", "")))
    if not isinstance(photo, Path):
        raise QueryError("There is no photo to compare this garment with; give one first.")
    new: list[Side] = []
    try:
        new.append((_laid(studio, photo, str(data.get("name")), str(data.get("item", ""))),))
        new.append((_laid(studio, studio.engine.gallery.picture(item), item.id, item.id),))
    except BaseException:
        forget(studio, Desk((new[0] if new else (), ())))
        raise
    after = _related(_compared(standard, replace(desk, sides=(new[0], new[1]), why=None)))
    forget(studio, desk)
    return after


def photo_not_sent(studio: Studio, standard: Standard, desk: Desk, data: Data) -> Desk:
    """The browser could not send a photo. data: reason. Raises: PhotoError, always."""
    raise PhotoError(REFUSALS.get(str(data.get("reason")), REFUSALS["upload"]))


def forget(studio: Studio, desk: Desk | None) -> None:
    """Remove what was kept of a visitor's photos."""
    for sheet in (s for side in desk.sides for s in side) if desk else ():
        studio.scratch.forget(sheet.query.folder)


def _side(data: Data) -> int:
    number = data.get("side")
    if number not in (0, 1) or isinstance(number, bool):
        raise QueryError("The page asked for a side that there is not; reload it.")
    return int(number)


def _with_side(studio: Studio, standard: Standard, desk: Desk, number: int, sheets: Side) -> Desk:
    """The desk with other photos on one side; what went is forgotten only once all is well."""
    sides = (sheets, desk.sides[1]) if number == 0 else (desk.sides[0], sheets)
    after = _related(_compared(standard, replace(desk, sides=sides, why=None)))
    for gone in desk.sides[number]:
        if gone not in sheets:
            studio.scratch.forget(gone.query.folder)
    return after


def _compared(standard: Standard, desk: Desk) -> Desk:
    """The desk with its comparison made anew, under its weights."""
    if not all(desk.sides):
        return replace(desk, comparison=None, relations=())
    background = standard()
    weights = {a: desk.weights.get(a, 1.0) for a in background.attributes}
    first, second = (Design(side[0].name, tuple(s.shot for s in side)) for side in desk.sides)
    return replace(desk, comparison=compare(first, second, background, weights))


def _related(desk: Desk) -> Desk:
    """The desk with what the two photos that are closest overall, as they are or mirrored, are to each other."""
    from asen_core.review.copies import relation  # brings scipy, which the page starts without

    if desk.comparison is None:
        return desk
    pairs = [(a, b) for a in desk.comparison.first.shots for b in desk.comparison.second.shots]
    a, b = max(pairs, key=lambda pair: _closeness(*pair))
    return replace(desk, relations=tuple(relation(a.garment, b.garment).sentences()))


def _closeness(first: Shot, second: Shot) -> float:
    return max(sum(float(v[a].embedding @ w.embedding) for a, w in second.views.items()) for v in (first.views, first.mirrored))


def _laid_all(studio: Studio, photos: list[Path]) -> Side:
    """All of them or, where one can't be used, none."""
    studio.scratch.sweep(KEPT_SECONDS)
    laid: list[Sheet] = []
    try:
        for photo in photos:
            laid.append(_laid(studio, photo, photo.stem))
    except BaseException:
        forget(studio, Desk((tuple(laid), ())))
        raise
    return tuple(laid)


def _laid(studio: Studio, photo: Path, name: str, item: str = "") -> Sheet:
    garment = images.load(photo)
    turned = studio.look(mirror(garment).pixels, None, None)
    query = ask_about(garment, photo, studio.look, studio.scratch, item)
    both = {**query.views, **{_TURNED + a: view for a, view in turned.items()}}
    pixels, near = draw.shrunk(garment, both, SMALL)
    shot = Shot(Garment(pixels, name), {a: near[a] for a in query.views}, {a: near[_TURNED + a] for a in turned})
    return Sheet(query, shot, name)
