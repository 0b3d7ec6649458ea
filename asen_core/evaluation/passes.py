"""One pass over photos serves several measures: each photo is read and embedded once, for all their attributes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from asen_core.data.labels import Photo
from asen_core.errors import DataError
from asen_core.images import load
from asen_core.types import Garment, View

if TYPE_CHECKING:
    from asen_core.engine import Engine

Size = tuple[int, int]
"""(width, height) of the oriented photo in pixels."""


class Measure(Protocol):
    """Something measured in a pass: the photos and attributes it needs, and what it does with the views of one photo."""

    attributes: tuple[str, ...]
    photos: Mapping[Path, Photo]

    def add(self, photo: Photo, size: Size, views: Mapping[str, View]) -> None: ...


class Reporting(Measure, Protocol):
    """A measure that says what it found; None where there was nothing to find."""

    def report(self) -> Any: ...


@runtime_checkable
class CopiesMeasure(Measure, Protocol):
    """A measure that also wants changed copies of its photos looked at, each under a name, after the photo itself."""

    def copies(self, photo: Photo, garment: Garment) -> Iterator[tuple[str, Garment]]: ...

    def add_copy(self, photo: Photo, name: str, views: Mapping[str, View]) -> None: ...


Use = Callable[[Mapping[str, View]], None]


def run(engine: Engine, measures: Sequence[Measure], batch_size: int = 32, progress: bool = False) -> None:
    """Show each photo of the measures to the engine once and hand its views to every measure that wants it.

    `progress` draws a bar with the time left on stderr.

    Raises: DataError where photos are missing on disk; PhotoError where one can't be read.
    """
    photos = list(dict.fromkeys(path for m in measures for path in m.photos))
    require_files(photos)
    attributes = [a for a in engine.vocabulary if any(a in m.attributes for m in measures)]
    # Filled as the engine reads, emptied as it answers: what the views of each picture are for.
    uses: deque[Use] = deque()
    read = _read(shown(photos, progress), measures, uses)
    for views in engine.views(read, attributes, batch_size):
        uses.popleft()(views)
    assert not uses, f"the engine left out {len(uses)} pictures"


def by_path(photos: Collection[Photo]) -> dict[Path, Photo]:
    """The photos by where they lie.

    Raises: DataError where two of them lie at the same place.
    """
    found = {p.path: p for p in photos}
    if len(found) < len(photos):
        raise DataError(f"{len(photos) - len(found)} photos are listed twice; keep one entry per photo.")
    return found


def require_files(paths: Collection[Path]) -> None:
    """Refuse to measure on a silent subset.

    Raises: DataError that counts the missing files and names the first few.
    """
    missing = [p for p in paths if not p.is_file()]
    if missing:
        named = ", ".join(str(p) for p in missing[:3]) + (", ..." if len(missing) > 3 else "")
        raise DataError(
            f"{len(missing)} of {len(paths)} photos are not there: {named}. "
            "Nothing is measured on a part of the list; check the images directory or remove these rows."
        )


def _read(paths: Iterable[Path], measures: Sequence[Measure], uses: deque[Use]) -> Iterator[Garment]:
    for path in paths:
        garment = load(path)
        wanted = [m for m in measures if path in m.photos]
        uses.append(partial(_add, wanted, path, (garment.width, garment.height)))
        yield garment
        for measure in wanted:
            if isinstance(measure, CopiesMeasure):
                for name, copy in measure.copies(measure.photos[path], garment):
                    uses.append(partial(measure.add_copy, measure.photos[path], name))
                    yield copy


def _add(measures: Sequence[Measure], path: Path, size: Size, views: Mapping[str, View]) -> None:
    for measure in measures:
        measure.add(measure.photos[path], size, views)


def shown(paths: Sequence[Path], progress: bool, done: int = 0) -> Iterator[Path]:
    """The paths one by one, with a bar on stderr: how many of all, how many a second, and the time left; `done`: earlier."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(20),
        MofNCompleteColumn(),
        TextColumn("{task.fields[pace]}"),
        TextColumn("time left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not progress) as bar:
        task = bar.add_task("Photos", total=done + len(paths), completed=done, pace="")
        for path in paths:
            yield path
            speed = bar.tasks[0].speed
            bar.update(task, advance=1, pace=f"{speed:.1f} a second" if speed else "")
