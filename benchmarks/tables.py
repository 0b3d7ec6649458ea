"""The tables of the README and the model card, as Markdown, from what `evaluate --json` printed; percent with one decimal."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Found = Mapping[str, Any]
"""One output of `evaluate --json`, or a part of it."""

AGREEMENT = {"neckline": 0.90, "collar": 0.96, "sleeve": 0.96, "closure": 0.98, "pattern": 0.96, "top_length": 0.91}
"""Cohen's kappa between two labellings of the same photos, made apart; from the README beside garment_labels.csv."""

DATASETS = {"products": "catalogue photos", "clothing_photos": "home photos", "clothing_attributes": "street photos"}

CHANGES = {
    "mirrored": "mirrored",
    "rotated": "turned by 8 to 15°",
    "cropped": "5 to 8 % cut from each side",
    "recoloured": "hue turned by 60 to 300°",
    "background": "plain backdrop replaced by a coloured one",
    "jpeg": "JPEG at quality 30",
    "darkened": "darkened to 60 %",
}


def retrieval(found: Found) -> str:
    """MAP with its interval, recall, reading and calibration per attribute, beside how far two labellers agree."""
    scores, curves = found["retrieval"]["attributes"], found["calibration"]["attributes"]
    heads = ("attribute", "MAP (95 % interval)", "R@1", "R@10", "read right", "labels' agreement (kappa)", "ECE")
    rows = []
    for name, s in scores.items():
        recalls = (s["recalls"].get("1"), s["recalls"].get("10"))
        agreement = f"{100 * AGREEMENT[name]:.0f}" if name in AGREEMENT else "–"
        cells = (*map(percent, (*recalls, s["accuracy"])), agreement, percent(curves.get(name, {}).get("ece")))
        rows.append((name, spanned(s["map"], s["interval"]), *cells))
    return table(heads, [*rows, *_means(found)])


def _means(found: Found) -> list[tuple[str, ...]]:
    """macro: plain means over attributes; micro: over queries, and over readings for what is read."""
    whole, calibration = found["retrieval"], found["calibration"]
    known = [s for s in whole["attributes"].values() if s["map"] is not None]
    queries = [s["queries"] for s in known]
    macro, micro = [], []
    for k in ("1", "10"):
        recalls = [s["recalls"][k] for s in known]
        macro.append(mean(recalls))
        micro.append(sum(r * n for r, n in zip(recalls, queries, strict=True)) / sum(queries))
    macro += [mean([s["accuracy"] for s in whole["attributes"].values()]), None]
    macro.append(mean([c["ece"] for c in calibration["attributes"].values()]))
    micro += [calibration["all"]["accuracy"], None, calibration["all"]["ece"]]
    return [
        (f"**{name}**", f"**{spanned(whole[f'{name}_map'], whole[f'{name}_interval'])}**", *map(percent, cells))
        for name, cells in (("macro", macro), ("micro", micro))
    ]


def places(photos: Found, rendered: Found) -> str:
    """Where the heat map looks and what the RoI holds on photos, and the first of these on rendered garments."""
    heads = ("attribute", "peak in region", "attention inside", "region in RoI", "RoI of photo", "photos", "peak, rendered")
    there, drawn = photos["localisation"], rendered["localisation"]
    figures = ("pointing", "attention", "covered", "roi")
    rows = []
    for name, place in there["attributes"].items():
        peak = percent(drawn["attributes"].get(name, {}).get("pointing"))
        rows.append((name, *(percent(place[f]) for f in figures), str(place["photos"]), peak))
    means = (*(percent(there["mean"][f]) for f in figures), "", percent(drawn["mean"]["pointing"]))
    return table(heads, [*rows, ("**mean**", *means)])


def street(columns: Found, pooled: Mapping[str, float], pooled_macro: float | None) -> str:
    """Columns of crowd answers against pooled ImageNet features; pooled: column -> MAP."""
    heads = ("crowd workers were asked for", "searched in", "MAP (95 % interval)", "by chance")
    heads += ("pooled ImageNet features", "difference")
    rows = [
        (name, s["space"], spanned(s["map"], s["interval"]), percent(s["chance"]), *_against(s["map"], pooled.get(name)))
        for name, s in columns["columns"].items()
    ]
    macro = spanned(columns["macro_map"], columns["macro_interval"])
    chance = percent(mean([s["chance"] for s in columns["columns"].values()]))
    return table(heads, [*rows, ("**macro**", "", f"**{macro}**", chance, *_against(columns["macro_map"], pooled_macro))])


def street_line(columns: Found, pooled_macro: float | None) -> str:
    """The same in one sentence."""
    found, compared = spanned(columns["macro_map"], columns["macro_interval"], " %"), percent(pooled_macro)
    return (
        f"On street photos, by {len(columns['columns'])} questions that crowd workers answered in words of their own, "
        f"macro MAP is {found}; pooled ImageNet features reach {compared} %."
    )


def _against(own: float | None, other: float | None) -> tuple[str, str]:
    if own is None or other is None:
        return percent(other), "–"
    return percent(other), f"{100 * (own - other):+.1f}"


def robustness(found: Found) -> str:
    """How many neighbours a changed photo keeps, mean over attributes."""
    share = f"first {found['first']} still among first {found['among']}"
    rows = [(CHANGES.get(n, n), percent(c["mean"]), str(c["photos"])) for n, c in found["changes"].items()]
    return table(("change to the photo", share, "photos"), rows)


def datasets(found: Found) -> str:
    """Retrieval among each dataset's own photos, then with queries of one and candidates of another."""
    names = list(found["photos"])
    called = [DATASETS.get(n, n) for n in names]
    heads = ("attribute", *(f"{n}, MAP (95 % interval)" for n in called))
    own = [(found["own"][n] or {}).get("attributes", {}) for n in names]
    rows = []
    for attribute in dict.fromkeys(a for scores in own for a in scores):
        mine = [scores.get(attribute) for scores in own]
        rows.append((attribute, *(spanned(s["map"], s["interval"]) if s else "–" for s in mine)))
    means = [found["own"][n] for n in names]
    rows.append(("**macro**", *(spanned(m["macro_map"], m["macro_interval"]) if m else "–" for m in means)))
    rows.append(("photos", *(f"{found['photos'][n]:,}" for n in names)))
    compared = ", ".join(found["compared_attributes"]) or "no attribute"
    crossed = [
        (DATASETS.get(q, q), *(percent(found["shift"][q][c][key]) for c in names for key in ("macro_map", "chance")))
        for q in names
    ]
    heads_crossed = ("queries of", *(h for c in called for h in (f"among {c}", "by chance")))
    note = f"Across datasets, mean MAP over the attributes that all of them label in several values ({compared}):"
    return "\n\n".join((table(heads, rows), note, table(heads_crossed, crossed)))


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Markdown; all columns but the first to the right."""
    lines = [heads, ("---", *["---:"] * (len(heads) - 1)), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def percent(share: float | None) -> str:
    """0.8284 as '82.8'; a dash where there is no figure."""
    return "–" if share is None else f"{100 * share:.1f}"


def spanned(share: float | None, ends: Sequence[float] | None, unit: str = "") -> str:
    """0.8284 and its interval as '82.8 (80.1–85.0)'."""
    return percent(share) + unit + (f" ({percent(ends[0])}–{percent(ends[1])})" if ends else "")


def mean(shares: Sequence[float | None]) -> float | None:
    """Plain mean of those that are known; None where none is."""
    known = [s for s in shares if s is not None]
    return statistics.fmean(known) if known else None


def without_values(found: Any) -> Any:
    """The same without what it tells value by value: no table shows it."""
    if isinstance(found, dict):
        return {k: without_values(v) for k, v in found.items() if k != "values"}
    return [without_values(v) for v in found] if isinstance(found, list) else found
