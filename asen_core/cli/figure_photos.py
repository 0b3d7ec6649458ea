"""Which photos a figure shows, and what the model sees on them. Imported only when a figure is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import typer

from asen_core.cli.console import T, tracked
from asen_core.data.labels import Photo
from asen_core.data.official import photos_of, read_candidates, read_queries, read_train, require_photos, require_whole
from asen_core.draw import shrunk
from asen_core.draw.attention import Seen
from asen_core.draw.strips import Zoomed
from asen_core.draw.strips import zoomed as cut
from asen_core.errors import DataError, QueryError
from asen_core.images import load
from asen_core.indexing.scan import is_photo

if TYPE_CHECKING:
    from asen_core.engine import Engine
    from asen_core.types import Garment, View

MOST, SAMPLE = 400, 6
_BATCH, _MANY = 8, 8


@dataclass(frozen=True)
class Wanted:
    """The options of one figure: photos and folders, or a published dataset; count: how many of them, drawn with seed."""

    given: Sequence[Path]
    dataset: str | None = None
    split: str | None = None
    data: Path | None = None
    count: int | None = None
    seed: int = 0


def photo_paths(wanted: Wanted) -> list[Path]:
    """The photos in their order, of a dataset a sample of 6 where no count is given.

    Raises: DataError where there is none, too many, or a listed one is absent; typer.BadParameter for options at odds.
    """
    if bool(wanted.given) == bool(wanted.dataset):
        raise typer.BadParameter("Give PHOTOS (files or folders), or --dataset with --data.")
    if (wanted.dataset is None) != (wanted.data is None):
        raise typer.BadParameter("--dataset and --data go together; give both.")
    if wanted.split and not wanted.dataset:
        raise typer.BadParameter("Photos have no split; this goes with --dataset.", param_hint="--split")
    if wanted.dataset and wanted.data:
        listed = official_photos(wanted.data, wanted.dataset, wanted.split or "test")
        found, count = [p.path for p in listed], wanted.count or SAMPLE
    else:
        found, count = list(dict.fromkeys(p for given in wanted.given for p in _files(given))), wanted.count
    chosen = [found[i] for i in sample(len(found), count, wanted.seed)]
    if len(chosen) > MOST:
        raise DataError(
            f"{len(chosen):,} photos are too many for one figure, at most {MOST}; draw some of them with --count 40."
        )
    return chosen


def official_photos(data: Path, dataset: str, split: str) -> list[Photo]:
    """All photos of a published split, each once with all its labels.

    Raises: DataError where the lists are wrong or photos that they name are absent.
    """
    if split == "train":
        listings = [read_train(data, dataset)]
    else:
        listings = [read_queries(data, dataset, split), read_candidates(data, dataset, split)]
    require_whole(*listings)
    require_photos(*listings)
    photos: dict[str, Photo] = {}
    for photo in (p for listing in listings for p in photos_of(listing)):
        before = photos.get(photo.key)
        labels = {**photo.labels, **before.labels} if before else photo.labels
        photos[photo.key] = Photo(photo.key, photo.path, labels, photo.regions, photo.source)
    return list(photos.values())


def sample(total: int, count: int | None, seed: int) -> list[int]:
    """Positions of `count` of `total`, ascending, the same for the same seed; all of them where there are no more."""
    if count is None or count >= total:
        return list(range(total))
    return sorted(np.random.default_rng(seed).choice(total, count, replace=False).tolist())


def known_names(engine: Engine, names: tuple[str, ...] | None) -> tuple[str, ...]:
    """The attributes asked for, or all. Raises: QueryError where the model doesn't know one."""
    if unknown := [n for n in names or () if n not in engine.vocabulary]:
        raise QueryError(f"Unknown attribute {unknown[0]!r}; this model knows {', '.join(engine.vocabulary)}.")
    return names or tuple(engine.vocabulary)


def require_attention(engine: Engine) -> None:
    """Raises: QueryError where the network has no attention, so that its heat map would be the same everywhere."""
    if (method := engine.config.method) not in ("asen_pp", "asen"):
        raise QueryError(f"A network of method {method} has no attention to draw; give a checkpoint of asen_pp or asen.")


def require_zoom(engine: Engine) -> None:
    """Raises: QueryError where the network zooms into nothing."""
    if (method := engine.config.method) != "asen_pp":
        raise QueryError(f"A network of method {method} has no region that it zooms into; give a checkpoint of asen_pp.")


def seen(engine: Engine, paths: Sequence[Path], names: Sequence[str], longest: int) -> list[Seen]:
    """The photos, at most `longest` pixels long, with their views in those pixels. Raises: PhotoError."""
    return [Seen(*shrunk(garment, views, longest)) for garment, views in _looked(engine, paths, names)]


def zoomed(engine: Engine, paths: Sequence[Path], names: Sequence[str], longest: int) -> list[Zoomed]:
    """The photos and what is zoomed into, each at most `longest` pixels long. Raises: PhotoError."""
    return [cut(garment, views, longest) for garment, views in _looked(engine, paths, names)]


def in_bar(values: Iterator[T], total: int) -> Iterator[T]:
    """The values, with a bar where looking at the photos takes a while."""
    return tracked(values, total, "Looking at photos") if total > _MANY else values


def _looked(engine: Engine, paths: Sequence[Path], names: Sequence[str]) -> Iterator[tuple[Garment, dict[str, View]]]:
    def pairs() -> Iterator[tuple[Garment, dict[str, View]]]:
        for start in range(0, len(paths), _BATCH):
            garments = [load(path) for path in paths[start : start + _BATCH]]
            yield from zip(garments, engine.views(garments, names, _BATCH), strict=True)

    return in_bar(pairs(), len(paths))


def _files(given: Path) -> list[Path]:
    """A file as it is (what is wrong with it is said when it is read), or the photos below a folder, sorted."""
    if not given.is_dir():
        return [given]
    found = sorted(p for p in given.rglob("*") if is_photo(p, given))
    if not found:
        raise DataError(f"{given} holds no photo; give photos, or a folder with photos in it or its subfolders.")
    return found
