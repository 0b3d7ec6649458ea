"""What a model learned from one dataset is worth on another: trains on each alone, measures on all.

python benchmarks/shift.py --data DIR --out DIR [--images N] [--seed S]

Trains `compact` with the same budget on catalogue photos alone and on home photos alone (`train --only`; rendered garments
stay), and measures both by dataset on `valid`, where both have labels, beside the run on all photos that
benchmarks/baselines.py left in OUT (trained here if it isn't there). Runs go on where they were stopped. Writes
benchmarks/shift.json and the table between the markers of the model card.

A run without street photos leaves them out of its batches, so it sees a sixth fewer photos in as many steps.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as for `python -m` in that folder

from benchmarks import baselines, markers, tables  # noqa: E402

FOUND = ROOT / "benchmarks" / "shift.json"
CARD = ROOT / "assets" / "compact" / "README.md"
SOURCES = {"": "all photos", "products": "catalogue photos alone", "clothing_photos": "home photos alone"}
"""What a run is trained on, and how the table calls it."""
TESTED = ("products", "clothing_photos")
STREET = "street photos (crowd answers)"
MARKER = {"training": ""}


def main() -> None:
    asked = _arguments()
    placed(CARD, MARKER)  # before hours of training
    runs = []
    for only in SOURCES:
        directory = baselines.trained("compact", asked, only)
        runs.append(measured(only, directory, asked))
    markers.write(FOUND, json.dumps(runs, indent=1) + "\n")
    table = markdown(runs)
    markers.write(CARD, placed(CARD, {"training": table}))
    print(table)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=_path, required=True, help="the photos and label files that `train` reads")
    parser.add_argument("--out", type=_path, required=True, help="where the runs lie; that of benchmarks/baselines.py")
    parser.add_argument("--images", type=int, default=16_000, help="photos that each run sees")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--trunk", type=_path, help="pretrained MobileNetV2; default: as the recipe says")
    return parser.parse_args()


def _path(text: str) -> Path:
    return Path(text).resolve()


def placed(page: Path, made: Mapping[str, str]) -> str:
    """The page with the tables. Raises: SystemExit where its markers are missing or wrong."""
    text = page.read_text(encoding="utf-8")
    try:
        filled = markers.replaced(text, made, str(page), "shift")
    except ValueError as error:
        raise SystemExit(str(error)) from None
    if missing := set(made) - markers.names(text, "shift"):
        wanted = " ".join(f"<!-- shift: {n} --> <!-- /shift: {n} -->" for n in sorted(missing))
        raise SystemExit(f"{page} has no place for the table; put {wanted} into it.")
    return filled


def measured(only: str, directory: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """The figures of one checkpoint on `valid`, by dataset, as plain JSON values."""
    data: Path = asked.data
    crowd, given = data / "clothing_attributes", ("--checkpoint", directory, "--split", "valid")
    found = baselines.evaluate(data, data / "garment_labels.csv", *given)
    street = baselines.evaluate(crowd, crowd / "labels.csv", *given, *baselines.crowd_columns())
    made = json.loads((directory / "config.json").read_text(encoding="utf-8"))["provenance"]
    return {
        "trained_on": only or "all", "images": asked.images, "seed": asked.seed, "split": "valid",
        "checkpoint": found["checkpoint"], "photos": made["photos"], "minutes": made["train_minutes"],
        "datasets": tables.without_values(found["datasets"]), "street": tables.without_values(street["columns"]),
    }  # fmt: skip


def markdown(runs: Sequence[Mapping[str, Any]]) -> str:
    """Macro MAP in percent among the photos of each dataset, one line per run."""
    heads = ("trained on", "photos to learn from", *(tables.DATASETS[name] for name in TESTED), STREET)
    rows = []
    for run in runs:
        own = [run["datasets"]["own"].get(name) for name in TESTED]
        cells = [tables.spanned(m["macro_map"], m["macro_interval"]) if m else "–" for m in [*own, run["street"]]]
        name = SOURCES["" if run["trained_on"] == "all" else run["trained_on"]]
        rows.append((name, f"{run['photos']:,}", *cells))
    return tables.table(heads, rows)


if __name__ == "__main__":
    main()
