"""Where the points of `figure tsne` come from: a gallery, labelled photos, or a published dataset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from asen_core.cli.console import tell, tracked
from asen_core.cli.figure_photos import in_bar, official_photos, sample
from asen_core.data.labels import Photo, read_labels
from asen_core.draw.scatter import Cloud
from asen_core.errors import DataError, QueryError
from asen_core.gallery import Gallery, maps
from asen_core.images import load

if TYPE_CHECKING:
    from asen_core.engine import Engine

_THUMBNAIL = 400
_BATCH = 16


@dataclass(frozen=True)
class Labelled:
    """Photos with known values: a CSV and its folder, or a published dataset; count: at most so many per attribute."""

    labels: Path | None
    images: Path | None
    dataset: str | None
    data: Path | None
    split: str | None = None
    count: int | None = None
    seed: int = 0
    pictures: bool = False


def gallery_clouds(
    directory: Path | None, names: tuple[str, ...] | None, count: int | None, seed: int, pictures: bool
) -> list[Cloud]:
    """The spaces of a gallery (None: the shipped one) with all its garments, laid out as its own maps where it has them.

    Raises: GalleryError, QueryError for an unknown attribute, DataError where the gallery is empty.
    """
    from asen_core.engine import SHIPPED_GALLERY

    gallery = Gallery.open(directory or SHIPPED_GALLERY)
    if unknown := [n for n in names or () if n not in gallery.attributes]:
        raise QueryError(f"Unknown attribute {unknown[0]!r}; this gallery knows {', '.join(gallery.attributes)}.")
    if not len(gallery):
        raise DataError(f"The gallery {gallery.directory} holds no garment, so there is nothing to draw.")
    names = names or gallery.attributes
    chosen = sample(len(gallery), count, seed)
    items = [gallery.items[i] for i in chosen]
    kept = gallery.maps
    made = kept.points if kept and (kept.seed, kept.method) == (seed, maps.METHOD) and len(chosen) == len(gallery) else {}
    picture = _opener([gallery.picture(item) for item in items]) if pictures else None
    clouds = []
    for name in tracked(names, len(names), "Laying out") if set(names) - set(made) else names:
        points = made[name] if name in made else maps.lay_out(gallery.space(name)[chosen], seed)
        clouds.append(Cloud(name, points, [item.labels.get(name, "") for item in items], picture=picture))
    return clouds


def labelled_clouds(engine: Engine, wanted: Labelled, names: tuple[str, ...] | None) -> list[Cloud]:
    """The spaces in which labelled photos lie; in each those that have a label of its attribute.

    Raises: DataError where labels or photos are missing, QueryError for an attribute that no photo or the model knows.
    """
    photos = _photos(engine, wanted)
    used = _used(engine, photos, wanted, names)
    vectors = _vectors(engine, photos, used)
    clouds = []
    for name in tracked(used, len(used), "Laying out"):
        mine = [photos[i] for i in used[name]]
        picture = _opener([p.path for p in mine]) if wanted.pictures else None
        points = maps.lay_out(vectors[name], wanted.seed)
        clouds.append(Cloud(name, points, [p.labels[name] for p in mine], engine.vocabulary[name], picture))
    return clouds


def _photos(engine: Engine, wanted: Labelled) -> list[Photo]:
    if wanted.dataset is not None and wanted.data is not None:
        return official_photos(wanted.data, wanted.dataset, wanted.split or "test")
    if wanted.labels is not None and wanted.images is not None:
        photos = read_labels(wanted.labels, wanted.images, tuple(engine.vocabulary), wanted.split)
        if absent := [p.key for p in photos if not p.path.is_file()]:
            raise DataError(
                f"{len(absent)} of the {len(photos)} photos that {wanted.labels} lists are not in {wanted.images}, such as "
                f"{absent[0]}; add them or take their rows out."
            )
        return photos
    raise ValueError("Labels need their folder of images, a dataset the folder that it lies in.")


def _used(engine: Engine, photos: Sequence[Photo], wanted: Labelled, names: tuple[str, ...] | None) -> dict[str, list[int]]:
    """Attribute -> the positions of its photos; what --count leaves out is said."""
    found = {name: [i for i, p in enumerate(photos) if name in p.labels] for name in names or engine.vocabulary}
    if unknown := [n for n in found if n not in engine.vocabulary]:
        raise QueryError(f"Unknown attribute {unknown[0]!r}; this model knows {', '.join(engine.vocabulary)}.")
    bare = [name for name, mine in found.items() if not mine]
    if bare and (names or len(bare) == len(found)):
        there = sorted({label for p in photos for label in p.labels})
        raise QueryError(
            f"None of the {len(photos):,} photos has a label of {', '.join(bare)}; they have {', '.join(there) or 'none'}. "
            "Give attributes that are labelled, or a checkpoint that was trained with them."
        )
    used = {}
    for name, mine in found.items():
        if mine:
            used[name] = [mine[i] for i in sample(len(mine), wanted.count, wanted.seed)]
            if len(used[name]) < len(mine):
                tell(f"{name}: {len(used[name]):,} of {len(mine):,} photos, drawn with seed {wanted.seed}.")
    return used


def _vectors(engine: Engine, photos: Sequence[Photo], used: dict[str, list[int]]) -> dict[str, np.ndarray]:
    """Attribute -> (N, D) float32, in the order of `used`; each photo is looked at once."""
    places = {name: {i: row for row, i in enumerate(mine)} for name, mine in used.items()}
    vectors = {name: np.zeros((len(mine), engine.dim), np.float32) for name, mine in used.items()}
    needed = sorted({i for mine in used.values() for i in mine})
    views = engine.views((photos[i].path for i in needed), tuple(used), _BATCH)
    for i, view in zip(needed, in_bar(views, len(needed)), strict=True):
        for name, place in places.items():
            if i in place:
                vectors[name][place[i]] = view[name].embedding
    return vectors


def _opener(paths: Sequence[Path]) -> Callable[[int], np.ndarray]:
    return lambda number: load(paths[number], longest=_THUMBNAIL).pixels
