"""What a model sees on a benchmark's photos, kept in shards on disk: a run that was stopped goes on after its last shard."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from asen_core.data.labels import Regions, read_regions
from asen_core.data.official import Listing
from asen_core.data.vocabulary import REGION_OF
from asen_core.errors import DataError
from asen_core.evaluation.localisation import FIGURES, measured
from asen_core.evaluation.passes import Size, shown
from asen_core.images import load
from asen_core.types import Box, Garment, View

if TYPE_CHECKING:
    from asen_core.engine import Engine

SHARD = 256
"""Photos in a file: what a stopped run has to do again at most."""
INVISIBLE = "Invisible"
FORMAT = 1
Shard = tuple[tuple[int, tuple[int, ...]], ...]
"""Photos of one file: image index, and the indices of the attributes that a list has it under."""


@dataclass(frozen=True, eq=False)
class Looks:
    """One attribute: (M,) int32 image indices, ascending, and per photo its vector, the value read and where the map points.

    vectors: (M, D) float32. read: (M,) int16, -1 where nothing is read. places: (M, 4) float32 as of `localisation.FIGURES`,
    nan where the attribute's region isn't marked or the attribute is labelled invisible.
    """

    images: np.ndarray
    vectors: np.ndarray
    read: np.ndarray
    places: np.ndarray

    def at(self, images: np.ndarray) -> np.ndarray:
        """Which rows these image indices are."""
        return np.searchsorted(self.images, images)


class Work:
    """All that is to be looked at, each photo once, and the folder where its shards lie.

    The folder is named by everything that the vectors depend on: checkpoint, lists, photos (size and time) and marked regions.

    Raises: DataError where the folder can't be written.
    """

    def __init__(self, engine: Engine, queries: Listing, candidates: Listing, folder: Path) -> None:
        self.listing = queries
        rows = np.unique(np.concatenate([queries.rows, candidates.rows]), axis=0)
        self._pairs = np.unique(rows[:, :2], axis=0)
        self.shards = _shards(self._pairs)
        marks = queries.root / "regions.csv"
        self._regions: Mapping[str, Regions] = read_regions(marks) if marks.exists() else {}
        names = [v.index(INVISIBLE) if INVISIBLE in v else -1 for v in queries.vocabulary.values()]
        self.invisible = {(int(i), int(a)) for i, a, v in rows if v == names[a]}
        self.folder = folder / f"{queries.dataset}-{queries.split}-{self._key(engine.fingerprint, queries, candidates, marks)}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(self.folder, error) from None

    @property
    def photos(self) -> int:
        """How many there are."""
        return sum(map(len, self.shards))

    @property
    def pairs(self) -> int:
        """Photos, each counted under every attribute that it is listed under."""
        return len(self._pairs)

    def look(self, engine: Engine, batch_size: int, progress: bool) -> None:
        """Show the engine every photo that no shard holds yet.

        Raises: PhotoError where one can't be read, DataError where a shard can't be written.
        """
        todo = [n for n in range(len(self.shards)) if not _whole(self._file(n))]
        paths = [self.listing.path(image) for n in todo for image, _ in self.shards[n]]
        with closing(shown(paths, progress, self.photos - len(paths))) as waiting:
            for n in todo:
                shard = self.shards[n]
                _write(self._file(n), self._looked(engine, shard, islice(waiting, len(shard)), batch_size))
            next(waiting, None)  # the bar's last step

    def looks(self, attribute: int, length: int) -> Looks:
        """All photos listed under the attribute with that index; length: of a vector."""
        images = self._pairs[self._pairs[:, 1] == attribute, 0]
        m = len(images)
        found = Looks(images, np.empty((m, length), np.float32), np.empty(m, np.int16), np.empty((m, len(FIGURES)), np.float32))
        for n in range(len(self.shards)):
            try:
                self._fill(found, attribute, self._file(n))
            except FileNotFoundError:
                raise DataError(
                    f"{self.folder} was emptied by another run of the same evaluation; run it again, and give runs that go on "
                    "at the same time a --work each."
                ) from None
        return found

    def _fill(self, found: Looks, attribute: int, path: Path) -> None:
        with np.load(path) as file:
            if f"images-{attribute}" in file:
                rows = found.at(file[f"images-{attribute}"])
                for name in ("vectors", "read", "places"):
                    getattr(found, name)[rows] = file[f"{name}-{attribute}"]

    def remove(self) -> None:
        """Delete the shards."""
        for file in self.folder.glob("*.npz*"):
            file.unlink(missing_ok=True)
        with suppress(OSError):  # another run of the same evaluation is at work there, or was quicker
            self.folder.rmdir()

    def _looked(self, engine: Engine, shard: Shard, paths: Iterable[Path], batch_size: int) -> dict[str, np.ndarray]:
        names = tuple(engine.vocabulary)
        asked = sorted({a for _, mine in shard for a in mine})
        sizes: deque[Size] = deque()
        found: dict[int, list[tuple]] = {a: [] for a in asked}
        views = engine.views(_garments(paths, sizes), [names[a] for a in asked], batch_size)
        for (image, mine), seen in zip(shard, views, strict=True):
            size = sizes.popleft()
            for a in mine:
                view = seen[names[a]]
                read = engine.vocabulary[names[a]].index(view.reading.value) if view.reading else -1
                found[a].append((image, view.embedding, read, self._pointed(view, image, a, size)))
        return {name: array for a, some in found.items() for name, array in _columns(a, some)}

    def _pointed(self, view: View, image: int, attribute: int, size: Size) -> tuple[float, ...]:
        boxes = self.marked(image, attribute)
        return measured(view, [b.scaled(*size) for b in boxes], size) if boxes else (np.nan,) * len(FIGURES)

    def marked(self, image: int, attribute: int) -> tuple[Box, ...]:
        """The boxes (fractions of the photo) where the attribute is to be seen; none where it is labelled invisible."""
        region = REGION_OF.get(tuple(self.listing.vocabulary)[attribute], "")
        if (image, attribute) in self.invisible:
            return ()
        return self._regions.get(self.listing.images[image], {}).get(region, ())

    def _file(self, number: int) -> Path:
        return self.folder / f"{number:05d}.npz"

    def _key(self, fingerprint: str, queries: Listing, candidates: Listing, marks: Path) -> str:
        digest = hashlib.sha256(json.dumps([FORMAT, SHARD, fingerprint, queries.dataset, queries.split]).encode())
        for listing in (queries, candidates):
            digest.update(listing.rows.tobytes() + b"|")
        for image in np.unique(self._pairs[:, 0]).tolist():
            known = queries.path(image).stat()
            digest.update(f"{queries.images[image]}|{known.st_size}|{known.st_mtime_ns}\n".encode())
        digest.update(marks.read_bytes() if marks.exists() else b"")
        return digest.hexdigest()[:16]


def default_folder() -> Path:
    """Where the progress of runs lies that were given no folder: the user's cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "asen" / "evaluate"


def _shards(pairs: np.ndarray) -> tuple[Shard, ...]:
    """Photos of the same attributes lie together, so that a pass asks for few that it doesn't need."""
    wanted: dict[int, list[int]] = {}
    for image, attribute in pairs.tolist():
        wanted.setdefault(image, []).append(attribute)
    photos = sorted(((image, tuple(mine)) for image, mine in wanted.items()), key=lambda p: (p[1], p[0]))
    return tuple(tuple(photos[i : i + SHARD]) for i in range(0, len(photos), SHARD))


def _garments(paths: Iterable[Path], sizes: deque[Size]) -> Iterator[Garment]:
    for path in paths:
        garment = load(path)
        sizes.append((garment.width, garment.height))
        yield garment


def _columns(attribute: int, some: list[tuple]) -> Iterator[tuple[str, np.ndarray]]:
    kinds = {"images": np.int32, "vectors": np.float32, "read": np.int16, "places": np.float32}
    for (name, kind), values in zip(kinds.items(), zip(*some, strict=True), strict=True):
        yield f"{name}-{attribute}", np.asarray(values, kind)


def _whole(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as file:
            return bool(file.namelist())
    except (OSError, zipfile.BadZipFile):
        return False


def _write(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with open(part, "wb") as file:
            np.savez(file, **arrays)
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> DataError:
    return DataError(f"{path} can't be written ({error}); give a folder with room for the vectors with --work.")
