"""Whether explanations hold: insertion and deletion on real pairs, and the attribute named first on drawn ones.

python benchmarks/explain.py --data DIR [--each 15] [--drawn 90] [--split test] [--keep FILE] [--again]

Real pairs: a photo of the split and its nearest other one with the same value, in the attribute's space, `--each` per attribute
of the labels. The photo is revealed on and removed down to its blurred self in the order of three maps: the saliency, plain
attention, and chance (two seeds). Drawn pairs: two garments whose labels differ in all attributes but one. Prints JSON, keeps
it in benchmarks/explain.json and writes the tables between the markers of README.md (<!-- explain: areas -->,
<!-- explain: first -->). --keep: where finished pairs are noted, so that a stopped run goes on; --again: write the tables of
the last measurement again. With another split than test it writes nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as for `python -m` in that folder

from asen_core.cli.console import tracked  # noqa: E402
from asen_core.data.collection import collect  # noqa: E402
from asen_core.data.labels import Photo  # noqa: E402
from asen_core.data.render import render  # noqa: E402
from asen_core.images import load  # noqa: E402
from benchmarks import markers, tables  # noqa: E402
from benchmarks.explain_pairs import ATTRIBUTES, Shared, nearest, shared_pairs  # noqa: E402

if TYPE_CHECKING:
    from asen_core.engine import Engine

FOUND, PAGE = ROOT / "benchmarks" / "explain.json", ROOT / "README.md"
WAYS = {"saliency": "explanation", "attention": "plain attention", "chance": "chance"}
RANKINGS = ("first", "alone", "agreeing")
SEED, SEEDS, POOL, STEPS, OTHER = 2027, 2, 300, 16, 12
"""Seed of all that is drawn; random orders; photos looked through; steps of a curve, and steps that no map was chosen by."""


def main() -> None:
    asked = _arguments()
    if not asked.again:
        with tempfile.TemporaryDirectory() as scratch:
            found = measured(asked, asked.keep or Path(scratch) / "pairs.jsonl")
        text = json.dumps(found, indent=1)
        print(text)
        if asked.split != "test":
            return
        markers.write(FOUND, text + "\n")
    found = json.loads(FOUND.read_text(encoding="utf-8"))
    markers.fill(PAGE, {"areas": areas(found), "first": first(found)}, "explain")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path())
    parser.add_argument("--each", type=int, default=15, help="real pairs of each attribute")
    parser.add_argument("--drawn", type=int, default=90, help="drawn pairs")
    parser.add_argument("--split", default="test", help="valid: to choose settings by")
    parser.add_argument("--keep", type=Path, help="file in which finished pairs are noted")
    parser.add_argument("--again", action="store_true", help="write the tables again, measure nothing")
    return parser.parse_args()


def measured(asked: argparse.Namespace, keep: Path) -> dict[str, Any]:
    """All figures; pairs that `keep` holds for the same checkpoint and settings are not measured again."""
    from asen_core.engine import Engine
    from asen_core.review.explain import DEFAULT, QUICK

    engine = Engine.open()
    photos = [p for p in collect(asked.data, asked.split) if any(a in p.labels for a in ATTRIBUTES)]
    photos = [photos[i] for i in np.random.default_rng(SEED).permutation(len(photos))[:POOL]]
    vectors = _vectors(engine, photos, keep)
    real = [nearest(photos, vectors, a, i, asked.each) for i, a in enumerate(ATTRIBUTES)]
    seed = SEED if asked.split == "test" else SEED + 1
    drawn = shared_pairs(asked.drawn, seed, tuple(engine.vocabulary))
    made = [engine.fingerprint, str(DEFAULT), str(QUICK), SEEDS, STEPS, OTHER, seed]
    work: list[tuple[str, Callable[[], dict[str, Any]]]] = []
    for turn in range(asked.each):
        for attribute, pairs in zip(ATTRIBUTES, real, strict=True):
            query, reference = pairs[turn]
            work.append((f"{attribute} {query.key} {reference.key}", lambda a=attribute, p=pairs[turn]: judged(engine, a, *p)))
    work[len(work) // 2 : len(work) // 2] = [
        (f"{pair.attribute} drawn {i}", lambda p=pair: named(engine, p)) for i, pair in enumerate(drawn)
    ]
    notes = {json.dumps(note["key"]): note for note in _kept(keep)}
    done = []
    for name, do in tracked(work, len(work), "pairs"):
        key = [*made, name]
        if (text := json.dumps(key)) not in notes:
            notes[text] = {"key": key, **do()}
            with keep.open("a", encoding="utf-8") as file:
                file.write(json.dumps(notes[text]) + "\n")
        done.append(notes[text])
    facts = {"checkpoint": engine.fingerprint, "split": asked.split, "saliency": str(DEFAULT), "ranking": str(QUICK)}
    return {**facts, **summary([n for n in done if "areas" in n], [n for n in done if "reasons" in n])}


def _vectors(engine: Engine, photos: Sequence[Photo], keep: Path) -> np.ndarray:
    """(N, A, D) float32; kept beside the notes."""
    path, key = keep.with_suffix(".npz"), f"{engine.fingerprint} {[p.key for p in photos]}"
    if path.exists():
        with np.load(path) as stored:
            if str(stored["key"]) == key:
                return stored["vectors"]
    found = engine.embed(tracked((p.path for p in photos), len(photos), "photos"), ATTRIBUTES, 16)
    np.savez(path, key=key, vectors=found)
    return found


def _kept(keep: Path) -> Iterator[dict[str, Any]]:
    for line in keep.read_text(encoding="utf-8").splitlines() if keep.exists() else ():
        try:
            yield json.loads(line)
        except ValueError:  # the last line of a run that was stopped while it wrote
            return


def judged(engine: Engine, attribute: str, query: Photo, reference: Photo) -> dict[str, Any]:
    """Areas under insertion and deletion of each way on one real pair; seconds: of this process, for the map."""
    from asen_core.review.explain import DEFAULT, attention_map, curves, saliency

    photo = load(query.path)
    views, target = (seen[attribute] for seen in engine.views([photo, load(reference.path)], [attribute], 2))
    began, clock = time.process_time(), time.perf_counter()
    found = saliency(engine, photo, target, seed=SEED)
    spent = [time.process_time() - began, time.perf_counter() - clock]
    orders = {"saliency": [found.map], "attention": [attention_map(photo, views, found.map.shape)]}
    orders["chance"] = [np.random.default_rng([SEED, s]).random(found.map.shape) for s in range(SEEDS)]
    drawn = {way: [curves(engine, photo, target, o, DEFAULT.fill, STEPS) for o in some] for way, some in orders.items()}
    others = {
        way: curves(engine, photo, target, orders[way][0], DEFAULT.fill, OTHER).areas for way in ("saliency", "attention")
    }
    means = {way: np.mean([c.areas for c in some], axis=0).tolist() for way, some in drawn.items()}
    whole = drawn["saliency"][0]
    return {
        "attribute": attribute,
        "areas": means,
        "others": others,
        "similarity": [whole.hidden, whole.whole],
        "seconds": spent,
    }


def named(engine: Engine, pair: Shared) -> dict[str, Any]:
    """The attributes that apply to one drawn pair, each with similarity and agreement; seconds: of this process."""
    from asen_core.review.explain import ranked

    photos = [load(render(spec, 216, 288).pixels) for spec in (pair.first, pair.second)]
    began = time.process_time()
    reasons = [[r.attribute, r.similarity, r.agreement] for r in ranked(engine, *photos, seed=SEED)]
    return {"attribute": pair.attribute, "reasons": reasons, "seconds": time.process_time() - began}


def summary(real: Sequence[Mapping[str, Any]], drawn: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Means, paired differences with 95 % bootstrap intervals, and shares of the drawn pairs."""
    rows = {way: np.array([note["areas"][way] for note in real]) for way in WAYS}
    gains = {way: interval(rows["saliency"] - rows[way]) for way in ("attention", "chance")}
    gains["other_steps"] = interval(np.array([np.subtract(n["others"]["saliency"], n["others"]["attention"]) for n in real]))
    each = {a: _of(real, a) for a in ATTRIBUTES}
    right = {way: np.array([_best(n, way) == n["attribute"] for n in drawn], float)[:, None] for way in RANKINGS}
    by = {a: np.mean([_best(n, "first") == a for n in drawn if n["attribute"] == a]) for a in _names(drawn)}
    shares = {way: interval(row)[0] for way, row in right.items()}
    seconds = [note["seconds"][0] for note in real]
    return {
        "pairs": len(real), "areas": {way: row.mean(0).tolist() for way, row in rows.items()}, "gains": gains,
        "attributes": each, "seconds": {"median": float(np.median(seconds)), "most": max(seconds)},
        "drawn": {"pairs": len(drawn), **shares, "attributes": {a: float(share) for a, share in by.items()}},
    }  # fmt: skip


def _names(drawn: Sequence[Mapping[str, Any]]) -> list[str]:
    return sorted({note["attribute"] for note in drawn})


def _best(note: Mapping[str, Any], way: str) -> str:
    """The attribute that a way of ranking names first; empty where none applies to both garments."""
    from asen_core.review.explain.attributes import score

    ways = {"first": score, "alone": lambda similarity, _: similarity, "agreeing": lambda _, agreement: agreement}
    return max(note["reasons"], key=lambda r: ways[way](r[1], r[2]), default=[""])[0]


def interval(values: np.ndarray, rounds: int = 10_000) -> list[list[float]]:
    """Per column of (N, C) values its mean and the 95 % percentile bootstrap interval of it: [mean, low, high] each."""
    rng = np.random.default_rng(SEED)
    counts = rng.multinomial(len(values), np.full(len(values), 1 / len(values)), size=rounds)
    means = counts @ values / len(values)
    return np.stack([values.mean(0), *np.percentile(means, (2.5, 97.5), axis=0)], axis=1).tolist()


def _of(real: Sequence[Mapping[str, Any]], attribute: str) -> dict[str, Any]:
    mine = [note["areas"] for note in real if note["attribute"] == attribute]
    return {"pairs": len(mine), **{way: np.mean([m[way] for m in mine], axis=0).tolist() for way in WAYS}}


def areas(found: Mapping[str, Any]) -> str:
    """Insertion and deletion of the three ways per attribute and over all pairs, in percent, as Markdown."""
    heads = ["attribute", "pairs", *(f"{curve}: {way}" for curve in ("insertion", "deletion") for way in WAYS.values())]
    rows = [
        (name, str(row["pairs"]), *(tables.percent(row[way][curve]) for curve in (0, 1) for way in WAYS))
        for name, row in found["attributes"].items()
    ]
    whole = [tables.percent(found["areas"][way][curve]) for curve in (0, 1) for way in WAYS]
    rows.append(("**all**", f"**{found['pairs']}**", *(f"**{cell}**" for cell in whole)))
    notes = []
    labels = ("plain attention", "plain attention at steps by which no map was chosen", "chance")
    for way, label in zip(("attention", "other_steps", "chance"), labels, strict=True):
        told = (f"{100 * mean:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})" for mean, low, high in found["gains"][way])
        notes.append("against {}, insertion {}, deletion {}".format(label, *told))
    spent = "A map takes {median:.1f} s of one core (the slowest {most:.1f} s).".format(**found["seconds"])
    return f"{tables.table(heads, rows)}\n\nPaired differences with 95 % intervals: {'; '.join(notes)}. {spent}"


def first(found: Mapping[str, Any]) -> str:
    """How often the shared attribute is named first, as Markdown."""
    drawn = found["drawn"]
    heads = ("drawn pairs", "shared attribute named first", "by similarity alone", "by agreement of regions alone")
    cells = (
        f"{100 * m:.1f} ({100 * lo:.1f} to {100 * hi:.1f})" for m, lo, hi in (drawn[w] for w in ("first", "alone", "agreeing"))
    )
    return tables.table(heads, [(str(drawn["pairs"]), *cells)])


if __name__ == "__main__":
    main()
