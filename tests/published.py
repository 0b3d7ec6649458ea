"""A benchmark's layout with drawn garments, small enough for tests."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from asen_core.data.labels import regions_of_masks, write_regions
from asen_core.data.render import catalogue
from asen_core.data.vocabulary import FASHIONAI

PARTS = ("train", "train", "train", "query_valid", "candidate_valid", "candidate_valid")


def fashionai(data: Path, count: int, width: int = 48, height: int = 64, marks: bool = True) -> Path:
    """`count` garments of two attributes, drawn in turn and handed to `PARTS` in turn; returns `data`."""
    root, attributes = data / "FashionAI", list(FASHIONAI)
    names: dict[str, list[str]] = {"train": [], "valid": []}
    lists: dict[str, list[str]] = {part: [] for part in PARTS}
    regions = []
    drawn = (g for g in catalogue(10 * count, 5, width, height, "fashionai") if {"sleeve_length"} & set(g.fashionai))
    for i in range(count):
        garment, part = next(drawn), PARTS[i % len(PARTS)]
        attribute = next((a for a in ("neckline_design", "sleeve_length") if a in garment.fashionai and (i // 6 + i) % 2), None)
        attribute = attribute or "sleeve_length"
        split = part.rpartition("_")[2]
        name = f"{split}/Images/{attribute}_labels/{i}.png"
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(garment.pixels).save(root / name)
        value = FASHIONAI[attribute].index(garment.fashionai[attribute])
        lists[part].append(f"{len(names[split])} {attributes.index(attribute)} {value}")
        names[split].append(name)
        regions.append((name, regions_of_masks(garment.masks)))
    for split, images in names.items():
        (root / f"filenames_{split}.txt").write_text("\n".join(images) + "\n")
    for part, rows in lists.items():
        (root / f"{'label_train' if part == 'train' else part}.txt").write_text("\n".join(rows) + "\n")
    if marks:
        write_regions(root / "regions.csv", regions)
    return data
