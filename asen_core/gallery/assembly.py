"""From what was looked at to a gallery that can be opened: a new generation beside the old one, switched to at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from asen_core.errors import GalleryError
from asen_core.gallery import manifest as disk
from asen_core.gallery import rows
from asen_core.gallery.background import background
from asen_core.gallery.columns import coded
from asen_core.gallery.journal import Journal, Looked
from asen_core.gallery.local import LocalStore
from asen_core.gallery.manifest import Manifest
from asen_core.gallery.tidying import images, tidy

EXACT_UP_TO = 100_000
"""Items that are compared one by one; above, an index that looks at part of them is built."""
AT_ONCE = 4096


@dataclass(frozen=True)
class Entry:
    """An item that a gallery shall have: its id, the digest of its photo's content, what is known about it and its file.

    path, size, mtime_ns: by which the file is known unchanged the next time; copies: paths of others folded into this one;
    like: digests of those of them that have other content and only look the same.
    """

    id: str
    key: str
    labels: Mapping[str, str] = field(default_factory=dict)
    path: str = ""
    size: int = 0
    mtime_ns: int = 0
    copies: tuple[str, ...] = ()
    like: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Source:
    """Where vectors can be taken from: (A, n, D) and RoIs (n, A, 4), both float16; what stands in which row, by key."""

    vectors: np.ndarray
    rois: np.ndarray
    at: Mapping[str, int]
    looked: Sequence[Looked]


def assemble(
    directory: Path, entries: Sequence[Entry], journals: Sequence[Journal], built: Mapping[str, str], reuse: bool = True,
    exact_up_to: int = EXACT_UP_TO, each: Callable[[str, int, int], None] | None = None,
) -> Manifest:  # fmt: skip
    """Write a new generation of a gallery from journals and, with `reuse`, from what the present one holds; then switch to it.

    entries: in the order that the items shall have, with different ids; journals: at least one, of equal headers; they are
    removed in the end. built: notes. each: told (doing, done, total) now and then. Equal entries give equal files but for the
    date. Call it with the folder held by `writing`.

    Raises: GalleryError for an entry that neither holds, OSError for files that can't be written; the present one stays.
    """
    header = {k: v for k, v in journals[0].header.items() if k != "built"}
    before = _manifest_before(directory)
    sources = [_of_journal(journal) for journal in journals]
    if reuse and before and same_make(before, header):
        sources.append(_of_gallery(directory, before))
    places = [_place(entry, sources) for entry in entries]
    generation = (before.generation if before else _highest(directory)) + 1
    _write_vectors(directory / disk.named(disk.VECTORS, generation), sources, places, header, each)
    labels = coded([{k: v for k, v in entry.labels.items() if v} for entry in entries])
    _save(directory / disk.named(disk.CODES, generation), labels.codes)
    rows.write(
        directory / disk.named(disk.ITEMS, generation),
        (_row(entry, sources[s], r) for entry, (s, r) in zip(entries, places, strict=True)),
        labels,
    )
    stored = np.load(directory / disk.named(disk.VECTORS, generation), mmap_mode="r")
    _save(directory / disk.named(disk.BACKGROUND, generation), background(stored, np.random.default_rng(0)))
    neighbours: Mapping[str, object] = {"kind": "exact"}
    if len(entries) > exact_up_to:
        from asen_core.gallery.approximate import build

        neighbours = build(stored, directory / disk.named(disk.NEIGHBOURS, generation), each=each)
    made = {"created": datetime.now(UTC).isoformat(timespec="seconds"), "background_seed": "0"}
    manifest = Manifest(
        **{**header, "attributes": tuple(header["attributes"])}, count=len(entries), labels=labels.labels,
        sha256={role: disk.digest(directory / disk.named(role, generation)) for role in disk.ENDINGS},
        built={**made, **built}, generation=generation, neighbours=neighbours,
    )  # fmt: skip
    perhaps_unused = {row.image for source in sources for row in source.looked} | images(directory, before)
    disk.write(directory, manifest)
    tidy(directory, manifest, perhaps_unused)
    for journal in journals:
        journal.remove()
    return manifest


def stored(directory: Path, header: Mapping[str, object]) -> list[rows.Row]:
    """What the present generation holds of each item that has its picture, in its order.

    Nothing where its make is another, a file is damaged or there is none: then all is to be looked at anew.
    """
    manifest = _manifest_before(directory)
    if manifest is None or not same_make(manifest, header):
        return []
    try:
        held = LocalStore(directory, pictures=False)
    except GalleryError:
        return []
    try:
        return [row for row in held.rows.rows() if disk.has_picture(directory, row.image)]
    finally:
        held.close()


def same_make(manifest: Manifest, header: Mapping[str, object]) -> bool:
    """Whether vectors of a gallery can stand beside those that a journal's header tells of."""
    return all(
        _plain(getattr(manifest, name)) == _plain(header[name]) for name in ("attributes", "dim", "split", "fingerprint")
    )


def check_target(directory: Path) -> None:
    """Files there may be replaced and removed, so it must be a gallery's folder. Raises: GalleryError."""
    if not directory.exists():
        return
    if not directory.is_dir() or (other := sorted(p.name for p in directory.iterdir() if not disk.is_own(p.name))):
        what = f"holds {other[0]!r}, which belongs to no gallery" if directory.is_dir() else "is a file"
        raise GalleryError(f"{directory} {what}; give a new or empty folder, so that nothing is overwritten.")


def _manifest_before(directory: Path) -> Manifest | None:
    try:
        return disk.read(directory)
    except GalleryError:
        return None


def _highest(directory: Path) -> int:
    """The newest generation beside a damaged manifest: readers may still hold it. 0 where there is none: it was never whole."""
    if not (directory / disk.MANIFEST).exists():
        return 0
    return max(map(disk.generation_of, (path.name for path in directory.iterdir())), default=0)


def _of_journal(journal: Journal) -> _Source:
    vectors, rois = journal.arrays()
    looked = journal.rows()
    return _Source(vectors.transpose(1, 0, 2), rois, {row.key: i for i, row in enumerate(looked)}, looked)


def _of_gallery(directory: Path, manifest: Manifest) -> _Source:
    vectors = np.load(directory / manifest.file(disk.VECTORS), mmap_mode="r")
    held = rows.Rows(directory / manifest.file(disk.ITEMS), manifest.attributes, manifest.count)
    boxes = np.zeros((manifest.count, len(manifest.attributes), 4), np.float16)
    looked: list[Looked] = []
    for i, row in enumerate(held.rows()):
        boxes[i] = row.rois
        looked.append(Looked(row.key, row.image, row.facts))
    held.close()
    return _Source(vectors, boxes, {row.key: i for i, row in enumerate(looked)}, looked)


def _place(entry: Entry, sources: Sequence[_Source]) -> tuple[int, int]:
    for number, source in enumerate(sources):
        if (row := source.at.get(entry.key)) is not None:
            return number, row
    raise GalleryError(f"Nothing is known of {entry.id!r}: it was not looked at; start the run again.")


def _row(entry: Entry, source: _Source, number: int) -> rows.Row:
    looked = source.looked[number]
    facts = {k: v for k, v in looked.facts.items() if k not in ("writer", "like")}
    if entry.like:
        facts["like"] = entry.like
    labels = {k: v for k, v in entry.labels.items() if v}
    file = (entry.path, entry.size, entry.mtime_ns, entry.copies)
    return rows.Row(entry.id, entry.key, looked.image, labels, source.rois[number], facts, *file)


def _write_vectors(
    path: Path, sources: Sequence[_Source], places: Sequence[tuple[int, int]], header: Mapping[str, object],
    each: Callable[[str, int, int], None] | None,
) -> None:  # fmt: skip
    shape = (len(header["attributes"]), len(places), header["dim"])  # type: ignore[arg-type]
    if 0 in shape:
        _save(path, np.zeros(shape, np.float16))
        return
    out = np.lib.format.open_memmap(path, "w+", np.float16, shape)
    if hasattr(os, "posix_fallocate"):  # writing to a mapped file on a full disk would end the process instead of raising
        with path.open("rb+") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    at = np.array(places, np.int64).reshape(-1, 2)
    for start in range(0, len(places), AT_ONCE):
        here = at[start : start + AT_ONCE]
        for number, source in enumerate(sources):
            mine = np.flatnonzero(here[:, 0] == number)
            out[:, start + mine] = source.vectors[:, here[mine, 1]]
        if each:
            each("Writing vectors", min(start + AT_ONCE, len(places)), len(places))
    out.flush()


def _save(path: Path, array: np.ndarray) -> None:
    with path.open("wb") as file:
        np.save(file, array)
        file.flush()
        os.fsync(file.fileno())


def _plain(value: object) -> object:
    return tuple(value) if isinstance(value, list | tuple) else value
