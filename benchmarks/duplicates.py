"""Whether copies of a photo are grouped with it when a folder is indexed, and nothing else is.

python benchmarks/duplicates.py --data DIR [--photos 200] [--split test] [--speed 20000]
python benchmarks/duplicates.py --again

DIR holds products, street_outfits, clothing_photos and clothing_attributes, each with labels.csv (columns image and split) and
images. All photos of the split lie together with copies of some of them, made in one way at a time: saved again, resized and
cropped, which shall be found, and altered so that they show something else, which shall not. Pictures are looked at as a
gallery stores them. A group of different photos counts as wrong unless every pixel is the same; it is named, so that people can
look. Also: seconds to compare the hashes of many photos, which are made of real ones with a quarter of the bits turned. Writes
benchmarks/duplicates.json and the table between the markers of README.md (<!-- duplicates: table -->); with another split than
test it writes nothing.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as for `python -m` in that folder

from asen_core.gallery.journal import LONGEST, QUALITY  # noqa: E402
from asen_core.images import load  # noqa: E402
from asen_core.indexing.duplicates import candidates, near  # noqa: E402
from asen_core.review.prints import Prints, prints  # noqa: E402
from benchmarks import machine, markers, tables  # noqa: E402
from benchmarks.alterations import ALTERATIONS, altered  # noqa: E402

FOUND, PAGE = ROOT / "benchmarks" / "duplicates.json", ROOT / "README.md"
FOLDERS = ("products", "street_outfits", "clothing_photos", "clothing_attributes")
Change = Callable[[np.ndarray, int], np.ndarray]


@dataclass(frozen=True)
class Way:
    """words: for the table; alike: whether the copy is one picture with its original."""

    words: str
    change: Change
    alike: bool = True


def _saved(quality: int, size: float = 1.0) -> Change:
    def change(pixels: np.ndarray, number: int) -> np.ndarray:
        picture = Image.fromarray(pixels)
        picture = picture.resize([max(16, round(size * n)) for n in picture.size], Image.Resampling.LANCZOS)
        picture.save(file := io.BytesIO(), "JPEG", quality=quality)
        return np.array(Image.open(file))

    return change


def _cropped(share: float) -> Change:
    def change(pixels: np.ndarray, number: int) -> np.ndarray:
        rng, size = np.random.default_rng(number), [round((1 - share) * n) for n in pixels.shape[:2]]
        y, x = (int(rng.integers(whole - kept + 1)) for whole, kept in zip(pixels.shape[:2], size, strict=True))
        return np.ascontiguousarray(pixels[y : y + size[0], x : x + size[1]])

    return change


def _altered(name: str) -> Change:
    return lambda pixels, number: altered(name, pixels, number)


WAYS: Mapping[str, Way] = {
    "saved": Way("saved again (JPEG at quality 85)", _saved(85)),
    "packed": Way("saved again (JPEG at quality 30)", _saved(30)),
    "half": Way("half the size, JPEG at quality 80", _saved(80, 0.5)),
    "larger": Way("half as large again, JPEG at quality 85", _saved(85, 1.5)),
    "crop2": Way("2 % of width and height cut away", _cropped(0.02)),
    "crop5": Way("5 % of width and height cut away", _cropped(0.05)),
    "crop10": Way("10 % of width and height cut away", _cropped(0.1)),
    **{n: Way(ALTERATIONS[n].words, _altered(n), False) for n in ("mirror", "recolour", "text", "darken", "border")},
}


def main() -> None:
    asked = _arguments()
    if not asked.again:
        with tempfile.TemporaryDirectory() as scratch:
            found = measured(asked.data, asked.split, asked.photos, Path(scratch))
        found |= {"speed": timed(asked.speed), **machine.facts()}
        text = json.dumps(found, indent=1)
        print(text)
        if asked.split != "test":
            return
        markers.write(FOUND, text + "\n")
    markers.fill(PAGE, {"table": markdown(json.loads(FOUND.read_text(encoding="utf-8")))}, "duplicates")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path())
    parser.add_argument("--photos", type=int, default=200, help="how many are copied")
    parser.add_argument("--split", default="test")
    parser.add_argument("--speed", type=int, default=20_000, help="photos whose hashes are compared for the time")
    parser.add_argument("--again", action="store_true", help="write the table again, measure nothing")
    return parser.parse_args()


def listed(data: Path, split: str) -> list[Path]:
    """All photos of a split, in an order that has nothing to do with their names."""
    paths = []
    for folder in FOLDERS:
        with (data / folder / "labels.csv").open(encoding="utf-8", newline="") as file:
            paths += [data / folder / r["image"] for r in csv.DictReader(file) if r["split"] == split]
    return [paths[i] for i in np.random.default_rng(0).permutation(len(paths))]


def measured(data: Path, split: str, photos: int, scratch: Path) -> dict[str, Any]:
    """Per way the share of copies that are in a group with their original; and the groups among the photos themselves."""
    paths = listed(data, split)
    if len(paths) < photos:
        raise SystemExit(f"{photos} photos are to be copied, there are {len(paths)}; ask for fewer with --photos.")
    own = [_stored(load(p).pixels, scratch / f"{i}.webp") for i, p in enumerate(paths)]
    hashes = prints(map(load, own))
    began = time.perf_counter()
    groups = near(hashes, own)
    seconds = time.perf_counter() - began
    found = {}
    for name, way in WAYS.items():
        copies = [_stored(way.change(load(p).pixels, i), scratch / f"{name}-{i}.webp") for i, p in enumerate(paths[:photos])]
        more = prints(map(load, copies))
        both = Prints(np.concatenate([hashes.bits, more.bits]), np.concatenate([hashes.sha256, more.sha256]))
        found[name] = shares(near(both, [*own, *copies]), len(paths), photos, groups)
        print(name, found[name], file=sys.stderr, flush=True)
    apart = [g for g in groups if len({hashes.sha256[i].tobytes() for i in g}) > 1]
    return {
        "split": split, "photos": len(paths), "copied": photos, "seconds": round(seconds, 1),
        "compared": len(candidates(hashes.bits)), "groups": len(groups),
        "different": [[str(paths[i].relative_to(data)) for i in g] for g in apart], "ways": found,
    }  # fmt: skip


def _stored(pixels: np.ndarray, path: Path) -> Path:
    """As a gallery stores a picture."""
    picture = Image.fromarray(pixels)
    picture.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS, reducing_gap=3.0)
    picture.save(path, "WEBP", quality=QUALITY)
    return path


def shares(
    groups: Sequence[Sequence[int]], photos: int, copied: int, before: Sequence[Sequence[int]]
) -> dict[str, Any]:  # fmt: skip
    """found: share of copies grouped with their original; strange: copies grouped with photos that are not in its group before.

    Positions: all photos, then the copies of the first ones in their order. before: the groups without copies.
    """
    mates = {i: set(group) for group in before for i in group}
    found, strange = 0, 0
    for group in map(set, groups):
        for copy in (i for i in group if i >= photos):
            original = copy - photos
            allowed = mates.get(original, {original})
            found += original in group
            strange += any((i - photos if i >= photos else i) not in allowed for i in group)
    return {"found": round(found / copied, 4), "strange": strange}


def timed(photos: int) -> dict[str, Any]:
    """Seconds in which so many hashes of every kind are compared with one another; no real pair is near."""
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 256, (photos, 3, 32), dtype=np.uint8)
    began = time.perf_counter()
    candidates(bits)
    return {"photos": photos, "seconds": round(time.perf_counter() - began, 2)}


def markdown(found: Mapping[str, Any]) -> str:
    """What is grouped with its original, in percent; what is another picture comes last."""
    heads = ("the copy", "grouped with the photo", "shall be")
    rows = [(w.words, tables.percent(found["ways"][n]["found"]), "yes" if w.alike else "no") for n, w in WAYS.items()]
    strange, different = sum(way["strange"] for way in found["ways"].values()), len(found["different"])
    speed, copies = found["speed"], len(found["ways"]) * found["copied"]
    note = (
        f"{found['copied']} photos, copied in each way, among {found['photos']:,}, in percent. Of {copies:,} copies "
        f"{strange or 'none'} came into a group with another photo. The photos themselves form {found['groups']} groups, of "
        f"which {different or 'none'} ({1000 * different / found['photos']:.1f} per 1,000 photos) are not the same pixel for "
        f"pixel. Comparing the hashes of {speed['photos']:,} photos takes {speed['seconds']:.1f} s, grows with the square of "
        "that number, and is followed by a look at the near ones."
    )
    return f"{tables.table(heads, rows)}\n\n{note}"


if __name__ == "__main__":
    main()
