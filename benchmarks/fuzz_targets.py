"""What is fuzzed: every door, the errors that it documents, and the bytes to begin with; for the fuzzer and for the tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import typer

from asen_core.errors import CaseError, CheckpointError, DataError, GalleryError, PhotoError, QueryError
from benchmarks import fuzz_doors as doors
from benchmarks import fuzz_folders as folders
from benchmarks import fuzz_seeds as seeds

Door = Callable[[bytes, Path], None]


@dataclass(frozen=True)
class Target:
    """A door: bytes and a scratch folder in. refuses: the errors that it documents, whose text must be a sentence for people.

    seeds: made in a scratch folder; megabytes: what the whole process may hold; keys: words that the format knows; longest:
    bytes of one input.
    """

    door: Door
    refuses: tuple[type[Exception], ...]
    seeds: Callable[[Path], Iterable[bytes]]
    megabytes: int = 1_000
    keys: tuple[str, ...] = ()
    longest: int = 4_096


def play(target: Target, data: bytes, folder: Path) -> bool:
    """Whether a door took the bytes. Raises: `doors.WrongError`, and whatever else is no documented refusal."""
    try:
        target.door(data, folder)
    except target.refuses as reason:
        told = str(reason)
        doors.hold(len(told.split()) > 4, f"no sentence: {told!r}")
        return False
    return True


def _of_models(name: str) -> Door:
    """Brings torch only when it is called."""
    return lambda data, folder: getattr(import_module("benchmarks.fuzz_models"), name)(data, folder)


_JSON = ("{", "}", "[", "]", '":', "null", "true", "NaN", "Infinity", "-1", "1e999", '"\\ud800"')
_MANIFEST = ("attributes", "dim", "split", "count", "fingerprint", "labels", "sha256", "neighbours", "kind", "exact", "format")
_ZIP = ("PK\\x03\\x04", "PK\\x01\\x02", "PK\\x05\\x06", "../")
_SQL = ("CREATE TABLE", "CREATE VIEW", "items", "label_values", "watches", "hits", "SQLite format 3\\x00")

TARGETS: Mapping[str, Target] = {
    "photo": Target(doors.photo, (PhotoError,), seeds.photos, 2_000, longest=8_000),
    "photo_smaller": Target(doors.photo_smaller, (PhotoError,), seeds.photos_with_a_size, 2_000, longest=8_000),
    "photo_facts": Target(doors.photo_facts, (PhotoError,), seeds.photos, 2_000, longest=8_000),
    "table": Target(doors.table, (DataError,), seeds.tables, keys=(*_JSON, "image", ";", "\\t", "\\xef\\xbb\\xbf", "dataset")),
    "call": Target(doors.call, (PhotoError, QueryError), seeds.calls, keys=(*_JSON, "least", "most", "where", "gallery:")),
    "words": Target(doors.words, (typer.BadParameter, GalleryError), seeds.words, keys=("=", "..", "milvus://", "?tls=1", "@")),
    "recipe": Target(doors.recipe, (DataError,), seeds.recipes, keys=("[[stage]]", "extends = ", "[model]", "= 1", '""')),
    "evidence": Target(doors.evidence, (DataError, CheckpointError, QueryError), seeds.packs, keys=_JSON),
    "downloads": Target(
        folders.downloads, (DataError,), seeds.downloads, keys=("image,", "train", "query", "gallery", "http://")
    ),
    "lists": Target(folders.lists, (DataError,), seeds.lists, keys=(*_JSON, "ATTRIBUTES", "split", "dropped", "listed")),
    "gallery": Target(
        folders.gallery, (GalleryError,), seeds.galleries, keys=(*_JSON, *_MANIFEST, *_SQL, "shape"), longest=17_000
    ),
    "watches": Target(folders.watches, (GalleryError, QueryError), seeds.watches, keys=_SQL, longest=12_000),
    "cases": Target(folders.cases, (CaseError,), seeds.cases, keys=_SQL, longest=12_000),
    "archive": Target(folders.archive, (CaseError,), seeds.archives, keys=_ZIP),
    "checkpoint": Target(
        _of_models("checkpoint"), (CheckpointError,), seeds.checkpoints, 2_000, (*_JSON, "F16", "shape"), 20_000
    ),
    "released": Target(_of_models("released"), (CheckpointError,), seeds.releases, 2_000),
}
