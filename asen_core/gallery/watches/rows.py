"""Saved searches and what they found, as rows of their file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from asen_core.errors import QueryError
from asen_core.gallery.gallery import Gallery
from asen_core.gallery.watches.question import Question, Rule, Threshold
from asen_core.types import Item, Match

KNOWN = ""
"""Stands for the time of telling where a garment was there when the search was saved."""


@dataclass(frozen=True, eq=False)
class Saved:
    """A saved search. vectors: (A, D) float32 in the order of `attributes`; picture: WebP of at most 384 pixels.

    known: how many garments count as close and were there when it was saved; told, waiting: those found since; ran: when it
    was last asked again, "" for never.
    """

    id: int
    name: str
    created: str
    ran: str
    question: Question
    rule: Rule
    threshold: Threshold
    fingerprint: str
    attributes: tuple[str, ...]
    vectors: np.ndarray
    picture: bytes
    known: int = 0
    told: int = 0
    waiting: int = 0


@dataclass(frozen=True)
class Found:
    """A garment that a saved search found. found: when; told: when, "" while it waits; known: it was there from the start."""

    match: Match
    found: str
    told: str
    known: bool


def saved(db: sqlite3.Connection, row: sqlite3.Row) -> Saved:
    """A row of the searches, with counts of its hits."""
    attributes, asked = tuple(json.loads(row["attributes"])), json.loads(row["question"])
    counts = db.execute(
        "SELECT count(*) FILTER (WHERE told = ?), count(*) FILTER (WHERE told <> ?), count(*) FILTER (WHERE told IS NULL) "
        "FROM hits WHERE watch_id = ?",
        (KNOWN, KNOWN, row["id"]),
    ).fetchone()
    limit = Threshold(**json.loads(row["threshold"]))
    rule = Rule(**asked["rule"])
    numbers = (limit.value, *limit.unlike.values(), rule.least or 0)
    texts = (row["name"], row["created"], row["ran"], row["checkpoint"], limit.item, rule.than, *attributes)
    if not all(isinstance(n, int | float) for n in numbers) or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"the saved search {row['name']!r} holds something else than numbers and texts")
    if not isinstance(row["picture"], bytes):
        raise ValueError(f"the saved search {row['name']!r} has no picture")
    return Saved(
        row["id"], row["name"], row["created"], row["ran"], Question.of_json(asked), rule,
        limit, row["checkpoint"], attributes,
        np.frombuffer(row["vectors"], "<f4").reshape(len(attributes), -1), row["picture"], *counts,
    )  # fmt: skip


def keep(db: sqlite3.Connection, watch: int, close: Sequence[Match], time: str, told: str | None) -> None:
    """Write down what is close. told: of new ones, None lets them wait; others get their present similarity only."""
    db.executemany(
        "INSERT INTO hits VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE "
        "SET similarity = excluded.similarity, percentile = excluded.percentile",
        [(watch, m.item.id, m.item.image, float(m.similarity), float(m.percentile), time, told) for m in close],
    )


def forget(db: sqlite3.Connection, watch: int, close: Sequence[Match], gallery: Gallery) -> None:
    """Drop what left the gallery or has another picture now; what was only renamed keeps its place under its new name.

    What is merely not close any more, as its labels or an index changed, stays: it was told.
    """
    now = {match.item.id: match.item.image for match in close}
    rows = [(r["item"], r["image"]) for r in db.execute("SELECT item, image FROM hits WHERE watch_id = ?", (watch,))]
    held, lost, absent = {item for item, _ in rows}, [], {}
    for item, image in rows:
        if now.get(item) == image:
            continue
        there = item_of(gallery, item)
        if there is None:
            absent[image] = item
        if there is None or there.image != image:
            lost.append((watch, item, image))
    for item, image in now.items():
        if item not in held and image in absent:
            db.execute("UPDATE hits SET item = ? WHERE watch_id = ? AND item = ?", (item, watch, absent.pop(image)))
    db.executemany("DELETE FROM hits WHERE watch_id = ? AND item = ? AND image = ?", lost)


def match(item: Item, row: sqlite3.Row) -> Match:
    """A hit as it was last found."""
    return Match(item, row["similarity"], row["percentile"])


def found(item: Item, row: sqlite3.Row) -> Found:
    """A hit with its history."""
    return Found(match(item, row), row["found"], row["told"] or "", row["told"] == KNOWN)


def item_of(gallery: Gallery, id: str) -> Item | None:
    """An item, None where the gallery has none of this id."""
    try:
        return gallery.item(id)
    except QueryError:
        return None
