"""What leaves a case: a table of its hits, and its decided pairs as training data."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from asen_core import files, images
from asen_core.errors import CaseError
from asen_core.review.suspects import Reader
from asen_core.review.triage import ALIKE, NOT_ALIKE, OVERALL, Decision, Hit, Suspect
from asen_core.sheets import cell

if TYPE_CHECKING:
    from asen_core.review.case import Case

PAIRS, LABELS, IMAGES = "pairs.csv", "labels.csv", "images"
PAIR_COLUMNS = ("anchor", "positive", "negative", "attribute", "decided_by", "time")
HIT_COLUMNS = (
    "suspect", "file", "sha256", "bytes", "read_as", "unreadable", "hit", "attribute", "rank", "item", "similarity",
    "closer_than_percent_of_pairs", "pairs", "closer_than_percent_of_pairs_of_its_kind", "pairs_of_its_kind", "decision",
    "from_whitelist", "reviewer", "time", "note",
)  # fmt: skip


@dataclass(frozen=True)
class Pair:
    """Two photos, as paths within the images folder, and whether a reviewer found them alike under an attribute."""

    anchor: str
    other: str
    alike: bool
    attribute: str
    decided_by: str
    time: str


@dataclass(frozen=True)
class Training:
    """What was written. columns: of the label file -> the attribute in whose space it belongs.

    contradicted: pairs found not alike whose photos a chain of alike pairs joins; the photos of that chain have no group there.
    """

    folder: Path
    pairs: int
    photos: int
    columns: Mapping[str, str]
    contradicted: tuple[Pair, ...]

    @property
    def command(self) -> str:
        """The line that measures a model on the groups."""
        given = " ".join(f"--column {c}:{a}" for c, a in self.columns.items())
        return f"python -m asen_core evaluate --labels {self.folder / LABELS} --images {self.folder / IMAGES} {given}".strip()


def write_hits(case: Case, path: Path, percentile: float = 0.0) -> int:
    """One row per hit at or above a percentile with its figures and decision; unreadable files have a row without a hit.

    Text that a spreadsheet would take for a formula begins with an apostrophe. Returns how many hits; raises: CaseError.
    """
    suspects = {s.id: s for s in case.suspects()}
    hits = case.hits(percentile=percentile)
    bad = [_row(s, None) for s in suspects.values() if s.unreadable]
    _write(path, HIT_COLUMNS, [*(_row(suspects[h.suspect], h) for h in hits if h.suspect in suspects), *bad])
    return len(hits)


def write_training(case: Case, folder: Path) -> Training:
    """The pairs found alike or not alike, as training data; those unsure or whitelisted say nothing and are left out.

    pairs.csv: one row a pair: anchor (the protected item's picture), positive (the suspect's photo) where they are alike or
    else negative, attribute (or `OVERALL`), decided_by, time; the last decision counts. `read_pairs` reads it back.

    labels.csv: column image and per attribute a column such as neckline_alike, where photos joined by alike pairs share a
    group, and each found only not alike is a group of its own; empty where nothing was said, or where the decisions
    contradict each other. A group is no value of the vocabulary, so the evaluator reads it as a column in words of its own:

        python -m asen_core evaluate --labels labels.csv --images images --column neckline_alike:neckline

    images/: copies of the photos of both, by their SHA-256. Overall pairs are in pairs.csv only: no space is theirs.

    Raises: CaseError where nothing was decided, the folder holds something, or a photo is gone or has changed.
    """
    said = [(h, h.decision) for h in case.hits() if h.decision and h.decision.decision in (ALIKE, NOT_ALIKE)]
    if not said:
        raise CaseError(f"In the case {case.name} no hit is decided alike or not alike yet; decide some first.")
    try:
        if folder.exists() and any(folder.iterdir()):
            raise CaseError(f"{folder} holds something already; give a new or empty folder, so that nothing is mixed.")
        (folder / IMAGES).mkdir(parents=True, exist_ok=True)
        pairs = _pairs(case, said, folder / IMAGES)
    except OSError as reason:
        raise CaseError(f"The pairs can't be written to {folder} ({reason}); give a folder you may write to.") from reason
    rows = [(p.anchor, *((p.other, "") if p.alike else ("", p.other)), p.attribute, p.decided_by, p.time) for p in pairs]
    _write(folder / PAIRS, PAIR_COLUMNS, [[cell(v) for v in row] for row in rows])
    attributes = sorted({p.attribute for p in pairs} - {OVERALL})
    grouped = {a: _groups([p for p in pairs if p.attribute == a]) for a in attributes}
    columns = {f"{a}_alike": a for a in attributes}
    photos = sorted({photo for p in pairs if p.attribute != OVERALL for photo in (p.anchor, p.other)})
    _write(folder / LABELS, ("image", *columns), [[p, *(grouped[a][0].get(p, "") for a in attributes)] for p in photos])
    against = tuple(p for a in attributes for p in grouped[a][1])
    return Training(folder, len(pairs), len(photos), columns, against)


def read_pairs(path: Path) -> list[Pair]:
    """The pairs of a pairs.csv. Raises: CaseError naming the row where it isn't one."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            if missing := set(PAIR_COLUMNS) - set(reader.fieldnames or ()):
                raise CaseError(f"{path} lacks the column {', '.join(sorted(missing))}; export the pairs again.")
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as reason:
        raise CaseError(f"{path} can't be read as a CSV file in UTF-8 ({reason}); export the pairs again.") from reason
    found = []
    for number, row in enumerate(rows, 2):
        if not row["anchor"] or not row["attribute"] or bool(row["positive"]) == bool(row["negative"]):
            raise CaseError(f"{path} row {number} must have an anchor, an attribute, and a positive or a negative; mend it.")
        other = row["positive"] or row["negative"]
        found.append(Pair(row["anchor"], other, bool(row["positive"]), row["attribute"], row["decided_by"], row["time"]))
    return found


def verified(reader: Reader, suspect: Suspect) -> bytes:
    """A suspect's file, if it is what was screened. Raises: PhotoError where it is gone, CaseError where it has changed."""
    data = reader.read(suspect.path, suspect.member)
    if len(data) <= images.LIMITS.bytes and suspect.sha256 not in ("", hashlib.sha256(data).hexdigest()):
        raise CaseError(f"{suspect.name} is not the file that was screened any more; bring that one back or screen it anew.")
    return data


def _pairs(case: Case, said: Sequence[tuple[Hit, Decision]], folder: Path) -> list[Pair]:
    """Copies the photos of both sides; the same pair of photos in two files is kept as it was said last."""
    suspects = {s.id: s for s in case.suspects()}
    items = {h.item: h.picture for h, _ in said}
    kept: dict[str, str] = {}
    for item, picture in items.items():
        place = case.catalogue.directory / picture
        if not place.is_file():
            raise CaseError(f"The picture of {item} is no longer at {place}; bring the catalogue back to where it was.")
        kept[item] = _copied(place.read_bytes(), place.suffix, folder)
    photos: dict[int, str] = {}
    with Reader() as reader:
        for number in sorted({h.suspect for h, _ in said}):
            suspect = suspects[number]
            photos[number] = _copied(verified(reader, suspect), Path(suspect.name).suffix, folder)
    found: dict[tuple[str, str, str], Pair] = {}
    for h, d in sorted(said, key=lambda s: (s[1].time, s[0].id)):
        pair = Pair(kept[h.item], photos[h.suspect], d.decision == ALIKE, h.attribute, d.reviewer, d.time)
        if pair.anchor != pair.other:  # the item's own picture among the suspects teaches nothing
            found[pair.anchor, pair.other, pair.attribute] = pair
    return sorted(found.values(), key=lambda p: (p.attribute, p.anchor, p.other))


def _groups(pairs: Sequence[Pair]) -> tuple[dict[str, str], list[Pair]]:
    """Photo -> group, and the pairs found not alike within one group, whose photos are left out."""
    leader = {photo: photo for p in pairs for photo in (p.anchor, p.other)}

    def led(photo: str) -> str:
        while leader[photo] != photo:
            leader[photo] = leader[leader[photo]]
            photo = leader[photo]
        return photo

    for p in pairs:
        if p.alike:
            low, high = sorted((led(p.anchor), led(p.other)))
            leader[high] = low
    against = [p for p in pairs if not p.alike and led(p.anchor) == led(p.other)]
    spoilt = {led(p.anchor) for p in against}
    leaders = sorted({led(photo) for photo in leader} - spoilt)
    names = {photo: f"group-{number}" for number, photo in enumerate(leaders, 1)}
    return {photo: names[led(photo)] for photo in leader if led(photo) in names}, against


def _copied(data: bytes, suffix: str, folder: Path) -> str:
    """The name of the copy. An odd suffix is dropped: the content says what it is."""
    plain = suffix.lower() if suffix[1:].isascii() and suffix[1:].isalnum() and len(suffix) <= 6 else ""
    name = hashlib.sha256(data).hexdigest() + plain
    files.write(folder / name, data)
    return name


def _row(s: Suspect, h: Hit | None) -> list[str]:
    file = f"{s.path}!/{s.member}" if s.member else str(s.path)
    row = [cell(s.name), cell(file), s.sha256, str(s.size), cell(s.category), cell(s.unreadable)]
    if h is None:
        return [*row, *[""] * (len(HIT_COLUMNS) - len(row))]
    figures = [v for st in (h.standing, h.within) for v in ((f"{st.percent:.4f}", str(st.pairs)) if st else ("", ""))]
    row += [str(h.id), cell(h.attribute), str(h.rank), cell(h.item), f"{h.similarity:.6f}", *figures]
    if (d := h.decision) is None:
        return [*row, *[""] * 5]
    return [*row, d.decision, "yes" if d.inherited else "", cell(d.reviewer), d.time, cell(d.note)]


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with files.whole(path) as part, part.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([columns, *rows])
    except OSError as reason:
        raise CaseError(f"{path} can't be written ({reason.strerror}); give a place you may write to.") from reason
