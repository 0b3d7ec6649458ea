"""Several attributes in one query: how many of the first ten garments obey both conditions.

python benchmarks/mix.py --data DIR [--split test] [--keep FOLDER] [--device auto]
python benchmarks/mix.py --again

DIR is the folder that training takes. 30 % of its labelled photos are queries, the others are searched, as in `evaluate`: for
every two attributes alike in the first and different in the second (another known value), and alike in both at several weights.
Queries count for which ten photos that obey exist; the others are told apart. Two sets of labels: those given by looking at
each photo, and all, with the words of shops (colour, category) and crowd workers (coarse). Beside it stand a search in the
first attribute alone and chance. Up to which cosine two differ is told by the photos searched, without labels.
Writes benchmarks/mix.json and the tables between the markers of README.md (<!-- mix: table -->); with another split than test
it writes nothing.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as for `python -m` in that folder

from asen_core import metrics  # noqa: E402
from asen_core.data.collection import collect  # noqa: E402
from asen_core.data.labels import Photo, is_query, read_labels  # noqa: E402
from asen_core.gallery.background import background  # noqa: E402
from asen_core.gallery.exact import Exact  # noqa: E402
from asen_core.gallery.mix import limit, mix_of  # noqa: E402
from asen_core.names import attribute_name  # noqa: E402
from benchmarks import machine, markers, tables  # noqa: E402

FOUND, PAGE = ROOT / "benchmarks" / "mix.json", ROOT / "README.md"
FIRST, DRAWS, SEED = 10, 1000, 0
LOOKED, ALL = "looked", "all"
WEIGHTS = {"0.5 and 0.5": (0.5, 0.5), "0.7 and 0.3": (0.7, 0.3), "0.9 and 0.1": (0.9, 0.1)}


@dataclass(frozen=True, eq=False)
class Labelled:
    """Photos that are searched, and among them those that are asked with.

    vectors: (N, A, D); labels: (A, N) str, "" where unknown; asks: (N,) bool.
    """

    attributes: tuple[str, ...]
    vectors: np.ndarray
    labels: np.ndarray
    asks: np.ndarray


@dataclass(frozen=True, eq=False)
class Kind:
    """A kind of query: weights of two attributes, and whether a photo that obeys has another value in the second."""

    weights: tuple[float, float]
    unlike: bool = False
    other: bool = False


DIFFERENT, ALONE, ONE = Kind((1, 0), unlike=True, other=True), Kind((1, 0), other=True), Kind((1, 0))
BOTH = {name: Kind(w) for name, w in WEIGHTS.items()}


def main() -> None:
    asked = _arguments()
    if not asked.again:
        found = measured(asked.data, asked.split, asked.keep, asked.device) | machine.facts()
        text = json.dumps(found, indent=1)
        print(text)
        if asked.split != "test":
            return
        markers.write(FOUND, text + "\n")
    markers.fill(PAGE, {"table": markdown(json.loads(FOUND.read_text(encoding="utf-8")))}, "mix")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(), help="the folder of photos")
    parser.add_argument("--split", default="test")
    parser.add_argument("--keep", type=Path, help="a folder for vectors, for another run")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--again", action="store_true", help="write the tables again, measure nothing")
    return parser.parse_args()


def measured(data: Path, split: str, keep: Path | None, device: str) -> dict[str, Any]:
    """The figures of both sets of labels."""
    from asen_core.engine import Engine

    engine = Engine.open(device=device)
    names = tuple(engine.vocabulary)
    photos = [p for p in collect(data, split) if any(a in names for a in p.labels)]
    vectors = _vectors(engine, photos, keep / f"{split}.npy" if keep else None)
    looked = {p.key: p.labels for p in read_labels(data / "garment_labels.csv", data, names, split)}
    sets = {LOOKED: [looked.get(p.key, {}) for p in photos], ALL: [p.labels for p in photos]}
    groups = {name: figures(labelled(names, [p.key for p in photos], vectors, labels)) for name, labels in sets.items()}
    return {"split": split, "checkpoint": engine.fingerprint, "first": FIRST, **groups}


def _vectors(engine: Any, photos: Sequence[Photo], kept: Path | None) -> np.ndarray:
    """(N, A, D) float16."""
    if kept and kept.exists() and len(found := np.load(kept)) == len(photos):
        return found
    vectors = engine.embed((p.path for p in photos), batch_size=16).astype(np.float16)
    if kept:
        np.save(kept, vectors)
    return vectors


def labelled(names: Sequence[str], keys: Sequence[str], vectors: np.ndarray, labels: Sequence[Mapping[str, str]]) -> Labelled:
    """Photos with a label in any attribute. keys: by which queries are chosen."""
    known = np.array([[row.get(a, "") for row in labels] for a in names])
    some = (known != "").any(axis=0)
    asks = np.array([is_query(key) for key in keys])
    return Labelled(tuple(names), vectors[some], known[:, some], asks[some])


def figures(data: Labelled) -> dict[str, Any]:
    """The figures of one set of labels."""
    space = np.ascontiguousarray(data.vectors.transpose(1, 0, 2))
    quantiles = background(space, np.random.default_rng(SEED))
    finder = Exact(space)
    known = data.labels != ""
    row = {a: i for i, a in enumerate(data.attributes) if known[i].any()}
    return {
        "photos": len(data.asks), "queries": int(data.asks.sum()), "attributes": len(row),
        "limits": {a: round(limit(quantiles[i]), 3) for a, i in row.items()},
        "spread": {a: round(float(quantiles[i].std()), 3) for a, i in row.items()},
        "different": shares(data, finder, quantiles, DIFFERENT), "alone": shares(data, finder, quantiles, ALONE),
        "both": {name: shares(data, finder, quantiles, kind) for name, kind in BOTH.items()},
        "one": shares(data, finder, quantiles, ONE),
    }  # fmt: skip


def _several(data: Labelled) -> list[str]:
    """Attributes with two values at least."""
    return [a for a, row in zip(data.attributes, data.labels, strict=True) if len(set(row) - {""}) > 1]


@dataclass(frozen=True, eq=False)
class Asked:
    """One query's outcome. share: of its first ten (or as many as there are that obey) those that do; there: how many obey;
    chance: the share of all searched."""

    photo: int
    share: float
    there: int
    chance: float


def shares(data: Labelled, finder: Exact, quantiles: np.ndarray, kind: Kind) -> dict[str, Any]:
    """Per pair of attributes and over all queries."""
    pairs, columns = {}, []
    for a, b in itertools.permutations(_several(data), 2):
        columns.append(list(_answers(data, finder, quantiles, kind, a, b)))
        if enough := [x for x in columns[-1] if x.there >= FIRST]:
            means = {n: _mean(getattr(x, n) for x in enough) for n in ("share", "chance")}
            pairs[f"{a} {b}"] = {**means, "queries": len(enough)}
    enough = [x for answers in columns for x in answers if x.there >= FIRST]
    few = [x for answers in columns for x in answers if x.there < FIRST]
    means = {n: _mean(getattr(x, n) for x in enough) for n in ("share", "chance")}
    return {
        **means, **_interval(columns, len(data.asks)), "queries": len(enough),
        "macro": _mean(p["share"] for p in pairs.values()), "pairs": pairs,
        "fewer": {"queries": len(few), "share": _mean(x.share for x in few)},
    }  # fmt: skip


def _answers(data: Labelled, finder: Exact, quantiles: np.ndarray, kind: Kind, a: str, b: str) -> Iterator[Asked]:
    """One per photo that asks, where any photo obeys."""
    first, second = (data.attributes.index(x) for x in (a, b))
    known = (data.labels[first] != "") & (data.labels[second] != "")
    searched = known & ~data.asks
    mix = mix_of(data.attributes, quantiles, dict(zip((a, b), kind.weights, strict=True)), [b] if kind.unlike else ())
    signed, most = mix.signed(data.attributes), mix.most(data.attributes)
    for q in np.flatnonzero(known & data.asks).tolist():
        alike, also = (data.labels[i] == data.labels[i, q] for i in (first, second))
        obeys = alike & (also != kind.other)
        if not (there := int((obeys & searched).sum())):
            continue
        query = data.vectors[q].astype(np.float32)
        query /= np.linalg.norm(query, axis=1, keepdims=True)
        hits = finder.mixed(query, signed, FIRST, searched, most)[0]
        whole = min(FIRST, there)
        # A place that nothing was found for counts as wrong.
        yield Asked(q, float(obeys[hits[:whole]].sum()) / whole, there, there / int(searched.sum()))


def _interval(columns: Sequence[Sequence[Asked]], photos: int) -> dict[str, Any]:
    """The 95 % interval of the mean over queries: photos are drawn, each with all it asks."""
    sums, counts = np.zeros((photos, len(columns))), np.zeros((photos, len(columns)))
    for i, answers in enumerate(columns):
        for x in answers:
            if x.there >= FIRST:
                sums[x.photo, i] += x.share
                counts[x.photo, i] += 1
    rows, used = counts.any(axis=1), counts.any(axis=0)
    if not rows.any():
        return {"interval": None}
    drawn = metrics.bootstrap_sums(sums[rows][:, used], counts[rows][:, used], np.random.default_rng(SEED), DRAWS)
    return {"interval": [round(float(v), 4) for v in drawn.micro]}


def _mean(shares: Iterable[float]) -> float | None:
    return round(mean, 4) if (mean := tables.mean(list(shares))) is not None else None


def markdown(found: Mapping[str, Any]) -> str:
    """Both tables of the README."""
    heads = ("what is asked of two attributes", "labels", "obey both (95 % interval)", "first alone", "by chance", "queries")
    words = {LOOKED: "given by looking", ALL: "all"}
    rows = []
    for group, called in words.items():
        of = found[group]
        asked = [("alike in one, different in the other", of["different"], of["alone"])]
        asked += [(f"alike in both, weights {name}", both, of["one"]) for name, both in of["both"].items()]
        for name, own, alone in asked:
            cells = (tables.spanned(own["share"], own["interval"]), tables.percent(alone["share"]))
            rows.append((name, called, *cells, tables.percent(own["chance"]), f"{own['queries']:,}"))
    of, first = found[LOOKED], found["first"]
    fewer = of["different"]["fewer"]
    note = (
        f"Among {of['photos']:,} photos labelled by looking, and {found[ALL]['photos']:,} with any label: the share of the "
        f"first {first} that obey, in percent, over queries for which {first} such photos exist. Where fewer exist (as in the "
        f"first row, {fewer['queries']:,} queries), of as many first places {tables.percent(fewer['share'])} % obey. Per pair "
        "of attributes, labels given by looking:"
    )
    return f"{tables.table(heads, rows)}\n\n{note}\n\n{_matrix(found[LOOKED]['different']['pairs'])}"


def _matrix(pairs: Mapping[str, Mapping[str, Any]]) -> str:
    """Rows: alike in; columns: different in."""
    first, names = (list(dict.fromkeys(x for pair in pairs for x in pair.split()[:n])) for n in (1, 2))
    rows = []
    for a in first:
        shares = [pairs.get(f"{a} {b}", {}).get("share") for b in names]
        rows.append((attribute_name(a).lower(), *map(tables.percent, shares)))
    return tables.table(("alike in ↓, different in →", *(attribute_name(b).lower() for b in names)), rows)


if __name__ == "__main__":
    main()
