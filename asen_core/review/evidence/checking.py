"""A pack checked: are these its files, and do the figures come out again?"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asen_core.engine import Engine
from asen_core.errors import CheckpointError, DataError, QueryError
from asen_core.review.background import Background, Standing
from asen_core.review.compare import Comparison, Likeness, compare
from asen_core.review.design import Design, seen
from asen_core.review.evidence.facts import File
from asen_core.review.evidence.pair import of_pairs
from asen_core.review.evidence.record import FORMAT, PERCENT, SIMILARITY

OVERALL = "overall"
_FIGURES = (("similarity", SIMILARITY), ("mirrored", SIMILARITY), ("any_kind", PERCENT), ("same_kind", PERCENT))


@dataclass(frozen=True)
class Agreement:
    """One figure: what the pack states, what came out now, and within which tolerance the two have to agree.

    figure: "similarity", "mirrored" (both -1..1), "any_kind" or "same_kind" (percent of pairs that are less alike); None: none.
    """

    feature: str
    figure: str
    stated: float | None
    found: float | None
    tolerance: float

    @property
    def agrees(self) -> bool:
        if self.stated is None or self.found is None:
            return self.stated is self.found
        return abs(self.stated - self.found) <= self.tolerance + 1e-9


@dataclass(frozen=True)
class Verdict:
    """files: name -> whether it is, byte for byte, one of the pack's; missing: the pack's files that were not given.

    figures: none where the files are others; background: whether the pairs to compare with are those of the pack.
    """

    files: tuple[tuple[str, bool], ...]
    missing: tuple[str, ...]
    figures: tuple[Agreement, ...]
    background: bool

    @property
    def same_files(self) -> bool:
        return not self.missing and all(same for _, same in self.files)

    @property
    def agrees(self) -> bool:
        """Whether the files are the pack's and every figure came out again."""
        return self.same_files and bool(self.figures) and all(f.agrees for f in self.figures)


def read(path: Path) -> dict[str, Any]:
    """A pack's JSON. Raises: DataError where it is none."""
    try:
        record = json.loads(path.read_bytes())
        known = isinstance(record, dict) and record.get("kind") in ("pair", "case") and record.get("format") == FORMAT
        if not known or not all(_whole(p) for p in _pairs(record)):
            raise ValueError(f"it is no pack of format {FORMAT}")
        str(record["model"]["fingerprint"]), str(record["background"]["sha256"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as reason:
        raise DataError(
            f"{path} can't be read as an evidence pack ({str(reason)[:120]}); give the JSON that was written with the PDF."
        ) from None
    return record


def check(
    record: Mapping[str, Any], engine: Engine, background: Background, first: Sequence[File], second: Sequence[File]
) -> Verdict:
    """Compare files with those of a pack, and its figures with what comes out of them now.

    record: as of `read`; of a case, the pair that these files belong to. The order of the files doesn't matter.

    Raises: CheckpointError for another model than the pack's; QueryError for a case that has no pair with these files.
    """
    stated = str(record["model"]["fingerprint"])
    if engine.fingerprint != stated:
        raise CheckpointError(
            f"The pack was made with the model {stated[:12]}, {engine.fingerprint[:12]} is in use; "
            "give the pack's with --checkpoint."
        )
    pair = _chosen(record, first, second)
    sides = [_sorted(design["photos"], files) for design, files in zip(pair["designs"], (first, second), strict=True)]
    known, missing = (tuple(x for side in sides for x in side[i]) for i in (0, 1))
    same = of_pairs(background) == record["background"]["sha256"]
    if missing or not all(agrees for _, agrees in known):
        return Verdict(known, missing, (), same)
    found = compare(*(_design(engine, d["name"], s[2]) for d, s in zip(pair["designs"], sides, strict=True)), background,
                    {a: w for a, w in pair["weights"].items() if a in background.attributes})  # fmt: skip
    return Verdict(known, missing, tuple(_agreements(pair, found)), same)


def _agreements(pair: Mapping[str, Any], found: Comparison) -> list[Agreement]:
    rows = []
    for name, stated in ((OVERALL, pair[OVERALL]), *pair["features"].items()):
        now = found.overall if name == OVERALL else found.features.get(name)
        figures = _figures_of(now) if now else dict.fromkeys(f for f, _ in _FIGURES)
        for figure, tolerance in _FIGURES:
            said = stated[figure]
            said = said["closer_than_percent"] if isinstance(said, Mapping) else said
            rows.append(Agreement(name, figure, said, figures[figure], tolerance))
    return rows


def _figures_of(now: Likeness) -> dict[str, float | None]:
    shares = {"any_kind": _percent(now.standing), "same_kind": _percent(now.within)}
    return {"similarity": now.similarity, "mirrored": now.mirrored, **shares}


def _percent(standing: Standing | None) -> float | None:
    return standing.percent if standing else None


def _design(engine: Engine, name: str, files: Sequence[File]) -> Design:
    return seen(engine, [f.garment for f in files], name)


def _sorted(photos: Sequence[Mapping[str, Any]], files: Sequence[File]) -> tuple[list[tuple[str, bool]], list[str], list[File]]:
    """Which of the files are the pack's, which of the pack's are missing, and the files in the pack's order."""
    given = {f.facts.sha256: f for f in files}
    wanted = [str(p["sha256"]) for p in photos]
    known = [(f.facts.name, f.facts.sha256 in wanted) for f in files]
    missing = [str(p["name"]) for p in photos if p["sha256"] not in given]
    return known, missing, [given[d] for d in wanted if d in given]


def _chosen(record: Mapping[str, Any], first: Sequence[File], second: Sequence[File]) -> Mapping[str, Any]:
    if record["kind"] == "pair":
        return record
    given = [{f.facts.sha256 for f in files} for files in (first, second)]
    for pair in _pairs(record):
        if [{p["sha256"] for p in d["photos"]} for d in pair["designs"]] == given:
            return pair
    raise QueryError(
        f"None of the {len(record['pairs'])} pairs of this case has exactly these files, byte for byte; "
        "give the files of one of its pairs, in its order."
    )


def _pairs(record: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return [record] if record["kind"] == "pair" else record["pairs"]


def _whole(pair: Mapping[str, Any]) -> bool:
    """Whether everything that is read of a pair is there."""
    likes = [pair[OVERALL], *pair["features"].values()]
    photos = [d["photos"] for d in pair["designs"]]
    figures = all(f in like for like in likes for f, _ in _FIGURES)
    return (
        len(photos) == 2
        and figures
        and all("sha256" in p and "name" in p for some in photos for p in some)
        and (isinstance(pair["weights"], dict))
    )
