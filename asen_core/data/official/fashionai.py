"""FashionAI's download: folders or zips with Images/<attribute>_labels/*.jpg and Annotations/*.csv."""

from __future__ import annotations

from pathlib import Path

from asen_core.data.official.download import Labelled, Tree, trees_with
from asen_core.data.official.facts import DATASETS
from asen_core.data.official.lines import Faults, lines_of
from asen_core.data.official.listing import first_few
from asen_core.errors import DataError


def read_fashionai(raw: Path) -> list[Labelled]:
    """Every photo of the label files below `raw`, by name `<attribute>_labels/<file>`; a photo in two archives counts once.

    A row is `Images/<attribute>_labels/<file>,<attribute>_labels,<letters>`, one letter per value: y is the value,
    m (maybe) and n aren't; exactly one y.

    Raises: DataError where there is no label file, a row can't be used, or a photo is absent: counted, the first few named.
    """
    trees = trees_with(raw, "Annotations", ".csv")
    if not trees:
        raise DataError(
            f"{raw} holds no Annotations/label.csv, neither in a folder nor in a zip; give the folder with "
            f"fashionAI_attributes_train1 and fashionAI_attributes_train2 (zips or unzipped)."
        )
    photos: dict[str, Labelled] = {}
    for tree, files in trees:
        for file in files:
            for photo in _of_file(tree, file):
                other = photos.setdefault(photo.name, photo)
                if other.labels != photo.labels:
                    raise DataError(
                        f"{tree.shown(file)} labels {photo.name} other than {other.place.path} does; keep one of them only."
                    )
    return [photos[name] for name in sorted(photos)]


def _of_file(tree: Tree, file: str) -> list[Labelled]:
    path = tree.shown(file)
    faults, labels, absent = Faults(path), {}, []
    for number, line in enumerate(lines_of(tree.read(file), path), 1):
        found = _row(line)
        if isinstance(found, str):
            faults.add(number, found)
        elif found[0] in labels:
            faults.add(number, f"{found[0]} stands in an earlier line already")
        else:
            labels[found[0]] = found[1]
    faults.refuse()
    photos = []
    for name, label in labels.items():
        place = tree.place(f"Images/{name}")
        if place is None:
            absent.append(name)
        else:
            photos.append(Labelled(name, place, (label,)))
    if absent:
        raise DataError(
            f"{len(absent):,} of the {len(labels):,} photos that {path} lists are not in {tree.shown('Images')}: "
            f"{first_few(absent)}. Unzip or fetch the archive again."
        )
    return photos


def _row(line: str) -> tuple[str, tuple[int, int]] | str:
    """Name and label of a row, or what is wrong with it."""
    fields = [f.strip() for f in line.split(",")]
    if len(fields) != 3:
        return f"{len(fields)} fields where `image,attribute,letters` is expected"
    image, folder, letters = fields
    values = DATASETS["FashionAI"].values
    attribute = folder.removesuffix("_labels")
    if attribute not in values or attribute == folder:
        return f"unknown attribute {folder!r}"
    parts = image.split("/")
    if len(parts) != 3 or parts[0] != "Images" or parts[1] != folder or parts[2] in ("", ".", "..") or "\\" in image:
        return f"{image!r} is not Images/{folder}/<file>"
    if len(letters) != values[attribute]:
        return f"{len(letters)} letters for the {values[attribute]} values of {attribute}"
    if set(letters) - set("ymn"):
        return f"letters {letters!r}, where only y, m and n are known"
    if letters.count("y") != 1:
        return f"{letters.count('y')} times y in {letters!r}, where exactly one is expected"
    return f"{folder}/{parts[2]}", (list(values).index(attribute), letters.index("y"))
