"""A visitor's own gallery, of photos and zips that were uploaded, within limits."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from asen_core.errors import DataError
from asen_core.gallery import Gallery
from asen_core.indexing import labels as known
from asen_core.indexing.archives import Budget, Opened, opened
from asen_core.indexing.report import Progress, Report, never, silent
from asen_core.indexing.run import Given, How, run
from asen_core.indexing.scan import File, Files
from asen_core.review.suspects import packed, spelled

if TYPE_CHECKING:
    from asen_core.engine import Engine


@dataclass(frozen=True)
class Limits:
    """photos: of one gallery; bytes: of all of them, unpacked; seconds: for looking at them."""

    photos: int = 1000
    bytes: int = 1_000_000_000
    seconds: float = 900.0


def make(
    engine: Engine, files: Sequence[Path], folder: Path, limits: Limits | None = None,
    each: Callable[[Progress], None] = silent, stop: Callable[[], bool] = never, fold: bool = False,
) -> tuple[Gallery, Report]:  # fmt: skip
    """A gallery of uploaded photos, and of those in uploaded zips, in a folder of its own; the same files again go on with it.

    Label files (labels.csv, labels.json) in a zip or beside the photos become filters. What is no photo, unsafe, over the
    limits or can't be read is left out with its reason, also photos not come to when the time is over or `stop` says so;
    nothing of it stops the others. Names are shown as they were given; on disk a picture is called by its content.

    Raises: DataError where no photo is left; GalleryError as `index`.
    """
    limits = limits or Limits()
    found = _chosen(files, Budget(limits.photos, limits.bytes))
    if not found.files:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in list(found.left_out.items())[:3])
        said = (
            f"There is no photo in {spelled(Path(files[0]).name)}"
            if len(files) == 1
            else f"There is no photo in these {len(files)} files"
        )
        raise DataError(f"{said}; give some photos, or a zip of them.{f' {reasons}' if reasons else ''}")
    until = time.monotonic() + limits.seconds
    reasons = {True: f"The limit of {limits.seconds:.0f} seconds was reached before it.", False: "It was stopped before it."}

    def over() -> bool:
        return stop() or time.monotonic() > until

    fitted = _labels(found)
    chosen = Files(tuple(sorted(found.files, key=lambda file: file.name)), found.left_out)
    given = Given(chosen, fitted, {"from": "photos", "folder": "uploaded"}, lambda: reasons[time.monotonic() > until])
    report = run(engine, given, folder.absolute(), How(fold=fold, maps=False), each, over)
    return Gallery.open(folder, engine.fingerprint), report


def _chosen(given: Sequence[Path], budget: Budget) -> Opened:
    """What of the uploads may be read."""
    all_of = Opened()
    names: set[str] = set()
    for path in given:
        name = _distinct(spelled(Path(path).name), names)
        if path.suffix.lower() == ".zip" or packed(path):
            found = opened(path, name, f"{name.removesuffix('.zip')}/" if len(given) > 1 else "", budget)
            all_of.files += found.files
            all_of.labels += found.labels
            all_of.left_out |= found.left_out
        elif path.suffix.lower() in (".csv", ".json", ".jsonl"):
            if reason := budget.labels_refusal(path.stat().st_size):
                all_of.left_out[name] = reason
            else:
                all_of.labels.append((name, path.read_bytes()))
        else:
            size = path.stat().st_size
            if reason := budget.refusal(size):
                all_of.left_out[name] = reason
            else:
                all_of.files.append(File(name, path, size, path.stat().st_mtime_ns))
    return all_of


def _distinct(name: str, taken: set[str]) -> str:
    found, number = name, 2
    while found in taken:
        found, number = f"{name} ({number})", number + 1
    taken.add(found)
    return found


def _labels(found: Opened) -> known.Fitted:
    """The labels of all label files; one that can't be read or names no photo is left out."""
    labels: dict[str, dict[str, str]] = {}
    absent: list[str] = []
    twice: list[str] = []
    names = [file.name for file in found.files]
    for name, data in found.labels:
        try:
            fitted = known.fitted(known.parsed(data, name), names, name, beside=name.rpartition("/")[0])
        except DataError as reason:
            found.left_out[name] = str(reason)
            continue
        for photo, values in fitted.labels.items():
            labels[photo] = {**values, **labels.get(photo, {})}
        absent += fitted.absent
        twice += fitted.twice
    return known.Fitted(labels, tuple(absent), tuple(twice))
