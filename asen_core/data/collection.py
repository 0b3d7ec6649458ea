"""The photos that the default checkpoint learns from, with their own label columns translated to the default vocabulary.

The folder holds `products`, `clothing_photos` and `clothing_attributes` (each with labels.csv and images/),
`garment_labels.csv` and `regions.csv`; any of them may be absent, not all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

from asen_core.data.crowd import QUESTIONS
from asen_core.data.labels import Photo, read_labels, read_regions, splits_of
from asen_core.data.vocabulary import DEFAULT
from asen_core.errors import DataError

Columns = dict[str, str]

_COLOURS: Columns = {
    "Black": "black", "Charcoal": "grey", "Grey": "grey", "Grey Melange": "grey", "Silver": "grey", "Steel": "grey",
    "White": "white", "Off White": "white", "Cream": "beige", "Beige": "beige", "Nude": "beige", "Skin": "beige",
    "Khaki": "beige", "Tan": "brown", "Brown": "brown", "Coffee Brown": "brown", "Mushroom Brown": "brown",
    "Copper": "brown", "Bronze": "brown", "Taupe": "brown", "Red": "red", "Rust": "orange", "Maroon": "maroon",
    "Burgundy": "maroon", "Orange": "orange", "Peach": "pink", "Yellow": "yellow", "Mustard": "yellow", "Gold": "yellow",
    "Olive": "olive", "Green": "green", "Lime Green": "green", "Fluorescent Green": "green", "Sea Green": "teal",
    "Teal": "teal", "Turquoise Blue": "teal", "Blue": "blue", "Navy Blue": "navy", "Purple": "purple", "Lavender": "purple",
    "Mauve": "purple", "Magenta": "pink", "Pink": "pink", "Rose": "pink", "Multi": "multi",
}  # fmt: skip

_ARTICLES: Columns = {
    "Tshirts": "t_shirt", "Shirts": "shirt", "Tops": "top", "Tunics": "top", "Camisoles": "top", "Kurtas": "kurta",
    "Kurtis": "kurta", "Sweaters": "sweater", "Sweatshirts": "sweatshirt", "Jackets": "outerwear",
    "Innerwear Vests": "tank_top", "Dresses": "dress", "Jeans": "trousers", "Trousers": "trousers",
    "Track Pants": "trousers", "Leggings": "trousers", "Capris": "trousers", "Lounge Pants": "trousers",
    "Churidar": "trousers", "Shorts": "shorts", "Lounge Shorts": "shorts", "Skirts": "skirt", "Briefs": "underwear",
    "Trunk": "underwear", "Bra": "underwear", "Boxers": "underwear", "Caps": "hat", "Hat": "hat",
}  # fmt: skip

_PHOTO_CATEGORIES: Columns = {
    "t-shirt": "t_shirt", "shirt": "shirt", "dress": "dress", "skirt": "skirt", "shorts": "shorts", "pants": "trousers",
    "outwear": "outerwear", "hat": "hat", "shoes": "shoes",
}  # fmt: skip

_CROWD_CATEGORIES: Columns = {
    "1": "shirt", "2": "sweater", "3": "t_shirt", "4": "outerwear", "5": "suit", "6": "tank_top", "7": "dress"
}  # fmt: skip
_CROWD_COLOURS: Columns = {"gray": "grey"} | {
    c: c for c in ("black", "blue", "brown", "green", "purple", "red", "white", "yellow")
}
_CROWD_PATTERNS: Columns = {
    "pattern_solid": "solid", "pattern_floral": "floral", "pattern_graphics": "graphic", "pattern_plaid": "check",
    "pattern_spot": "dots",
}  # fmt: skip


def _products(row: Columns) -> Columns:
    labels = {"colour": _COLOURS.get(row.get("baseColour", ""), "")}
    category = _ARTICLES.get(row.get("articleType", ""), "")
    if row.get("masterCategory") == "Footwear":
        category = "shoes"
    elif row.get("subCategory") == "Bags":
        category = "bag"
    elif row.get("masterCategory") == "Accessories" and not category:
        category = "accessory"
    return labels | {"category": category}


def _clothing_photos(row: Columns) -> Columns:
    return {"category": _PHOTO_CATEGORIES.get(row.get("category", ""), "")}


def _clothing_attributes(row: Columns) -> Columns:
    """Crowd labels (1 no, 2 yes) where they mean the same as ours; "collar: yes" does not say which, so it is left out."""
    labels = {"category": _CROWD_CATEGORIES.get(row.get("category", ""), "")}
    labels["sleeve"] = {"1": "sleeveless", "2": "short", "3": "long"}.get(row.get("sleevelength", ""), "")
    if row.get("collar") == "1":
        labels["collar"] = "none"
        labels["neckline"] = {"1": "v", "2": "round"}.get(row.get("neckline", ""), "")
    if row.get("placket") == "1":
        labels["closure"] = "none"
    patterns = [p for column, p in _CROWD_PATTERNS.items() if row.get(column) == "2"]
    colours = [c for column, c in _CROWD_COLOURS.items() if row.get(column) == "2"]
    if len(patterns) == 1 and row.get("pattern_stripe") != "2":
        labels["pattern"] = patterns[0]
    if row.get("many_colors") == "2":
        labels["colour"] = "multi"
    elif len(colours) == 1:
        labels["colour"] = colours[0]
    return labels


CROWD = "clothing_attributes"
_READERS: dict[str, Callable[[Columns], Columns]] = {
    "products": _products,
    "clothing_photos": _clothing_photos,
    CROWD: _clothing_attributes,
}


def collect(root: Path, split: str, only: Collection[str] = ()) -> list[Photo]:
    """All photos of a split that carry a label of the default vocabulary or a marked region, sorted by key.

    only: the collections that are taken, () for all.

    Raises: DataError where none of the collections is there, `only` names an unknown one, or it leaves no photo.
    """
    photos: dict[str, Photo] = {}
    for name, translate in _READERS.items():
        listing = root / name / "labels.csv"
        # A collection may lack a split (no home photo is for testing); one without the column is told off by read_labels.
        if listing.exists() and split in (splits_of(listing) or [split]):
            for photo in read_labels(listing, root / name, split=split):
                labels = {k: v for k, v in translate(dict(photo.labels)).items() if v}
                key = f"{name}/{photo.key}"
                answers = {c: v for c, v in photo.labels.items() if c in QUESTIONS} if name == CROWD else {}
                photos[key] = Photo(key, photo.path, labels, source=name, answers=answers)
    if not photos:
        raise DataError(
            f"{root} holds none of {', '.join(_READERS)} with a labels.csv that has split {split!r}; give the folder that does."
        )
    if (root / "garment_labels.csv").exists():
        for photo in read_labels(root / "garment_labels.csv", root, DEFAULT, split):
            known = _listed(photos, photo.key, "garment_labels.csv")
            photos[photo.key] = replace(known, labels={**known.labels, **photo.labels})
    if (root / "regions.csv").exists():
        for key, regions in read_regions(root / "regions.csv", split).items():
            photos[key] = replace(_listed(photos, key, "regions.csv"), regions=regions)
    found = [photos[k] for k in sorted(photos) if photos[k].labels or photos[k].regions or photos[k].answers]
    return _of(found, only, f"{root}, split {split}") if only else found


def _of(photos: list[Photo], only: Collection[str], where: str) -> list[Photo]:
    if unknown := sorted(set(only) - set(_READERS)):
        raise DataError(f"There is no collection {', '.join(unknown)}; --only takes {', '.join(_READERS)}.")
    kept = [p for p in photos if p.source in only]
    if not kept:
        there = ", ".join(sorted({p.source for p in photos})) or "none"
        raise DataError(f"Nothing is left of {where} with only {', '.join(sorted(only))}; it has photos of {there}.")
    return kept


def _listed(photos: dict[str, Photo], key: str, where: str) -> Photo:
    if key not in photos:
        raise DataError(f"{key} stands in {where} but in no collection's labels.csv of that split; add or remove its row.")
    return photos[key]
