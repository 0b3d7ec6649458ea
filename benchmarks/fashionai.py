"""The paper's recipe against this product's on FashionAI's vocabulary: same drawn garments, same trunk, same budget.

python benchmarks/fashionai.py --trunk mobilenet_v2.safetensors [--out DIR] [--images N] [--seed S] [--rows asen_pp,fashionai]

FashionAI's photos need an account, so the renderer stands in: garments in the official layout, all 54 values in the official
split's proportions, one label a photo, a fifth of the test garments queries against all others (`render --layout FashionAI`).
Every row is `python -m asen_core train ROW --dataset FashionAI --images N --rendered 0`, so that all learn from the very same
photos and labels; the product's recipe also uses where each attribute is to be read (regions.csv), which photos with the
official labels alone don't say: the row "unmarked" is that recipe without them. Each is measured by
`python -m asen_core evaluate --dataset FashionAI --split test`. Runs go on where they were stopped; benchmarks/fashionai.json
keeps them all, and the README's table is written from it (`--again` only writes it).
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as for `python -m` in that folder

from asen_core import checkpoint  # noqa: E402
from asen_core.training import load_recipe  # noqa: E402
from benchmarks import baselines, markers, tables  # noqa: E402

FOUND = ROOT / "benchmarks" / "fashionai.json"
README = ROOT / "README.md"
ROWS = {
    "pooled": "pooled ImageNet features",
    "paper_compact": "ASEN++, the paper's recipe",
    "asen_pp": "ASEN++, the paper's sampling and losses at this product's rates",
    "unmarked": "this product's recipe without marked regions",
    "fashionai": "**this product's recipe**",
}
"""Recipe, but for `RECIPES` -> how the table calls it."""
RECIPES = {"unmarked": "fashionai"}
GARMENTS = {"count": 6000, "train": 9000, "valid": 900, "seed": 2026}


@dataclass(frozen=True)
class Run:
    """One trained and measured row; shares in [0, 1]. photos: the budget asked for; minutes: of training alone.

    map: attribute -> MAP; interval: of micro_map, 95 %; pointing: attribute -> share of peaks in the region, empty without any.
    """

    row: str
    seed: int
    photos: int
    map: Mapping[str, float]
    micro_map: float
    interval: tuple[float, float]
    macro_map: float
    pointing: Mapping[str, float]
    queries: int
    candidates: int
    length: int
    images_seen: int
    minutes: float
    machine: str
    checkpoint: str
    recipe: str

    @property
    def key(self) -> tuple[str, int, int]:
        """A later run replaces the one with the same key."""
        return self.row, self.seed, self.photos


def main() -> None:
    asked = _arguments()
    placed("")  # before hours of training
    data = asked.out if asked.again else drawn(asked.out)
    for row in () if asked.again else asked.rows:
        found = measured(row, trained(row, data, asked), data, asked)
        runs = {r.key: r for r in [*stored(), found]}
        markers.write(FOUND, json.dumps([asdict(r) for r in runs.values()], indent=1) + "\n")
    table = markdown(stored())
    markers.write(README, placed(table))
    print(table)


def placed(table: str) -> str:
    """The README with the table between its markers."""
    return markers.replaced(README.read_text(encoding="utf-8"), {"table": table}, README.name, "fashionai")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=_path, default=ROOT / "runs" / "fashionai", help="where the garments and the runs lie")
    parser.add_argument("--trunk", type=_path, help="pretrained MobileNetV2 (safetensors), the same for all rows")
    parser.add_argument("--images", type=int, default=24_000, help="photos that each run sees")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rows", type=lambda s: tuple(s.split(",")), default=tuple(ROWS), help="some of " + ",".join(ROWS))
    parser.add_argument("--again", action="store_true", help="measure nothing, write the README's table from what was measured")
    asked = parser.parse_args()
    if unknown := set(asked.rows) - set(ROWS):
        parser.error(f"--rows knows {', '.join(ROWS)}, not {', '.join(sorted(unknown))}")
    if not (asked.trunk or asked.again):
        parser.error("give the trunk's file with --trunk")
    return asked


def _path(text: str) -> Path:
    return Path(text).resolve()


def drawn(out: Path) -> Path:
    """The folder of the garments, drawn where they aren't there yet."""
    given = [part for name, value in GARMENTS.items() for part in (f"--{name}", value)]
    baselines.asen("render", "--layout", "FashionAI", "--out", out / "garments", *given)
    return out / "garments"


def trained(row: str, data: Path, asked: argparse.Namespace) -> Path:
    """The checkpoint of a row, after training it or what is left of it."""
    out: Path = asked.out / f"{row}-{asked.images}-{asked.seed}"
    images = None if row == "pooled" else asked.images
    recipe = RECIPES.get(row, row)
    plan = load_recipe(recipe, images, asked.seed, dataset="FashionAI", rendered=0)
    if not baselines.complete(out / "checkpoint", plan.text):
        given = [
            "--data",
            _unmarked(data) if row == "unmarked" else data,
            "--out",
            out,
            "--dataset",
            "FashionAI",
            "--rendered",
            0,
            "--seed",
            asked.seed,
        ]
        given += ["--images", images] if images else []
        baselines.asen("train", recipe, *given, "--trunk", asked.trunk)
    return out / "checkpoint"


def _unmarked(data: Path) -> Path:
    """The same garments without their marked regions."""
    bare = data.with_name(f"{data.name}-unmarked")
    (bare / "FashionAI").mkdir(parents=True, exist_ok=True)
    for path in [*data.glob("*.json"), *(data / "FashionAI").iterdir()]:
        link = bare / path.relative_to(data)
        if path.name != "regions.csv" and not link.exists():
            link.symlink_to(path)
    return bare


def measured(row: str, directory: Path, data: Path, asked: argparse.Namespace) -> Run:
    """The figures of a checkpoint on the test garments."""
    given = ("--dataset", "FashionAI", "--split", "test", "--data", data, "--checkpoint", directory, "--json")
    found: dict[str, Any] = json.loads(baselines.asen("evaluate", *given))
    loaded, retrieval = checkpoint.load(directory), found["retrieval"]
    scores = retrieval["attributes"]
    looks = found["localisation"]["attributes"] if baselines.attends(loaded.model) else {}
    return Run(
        row=row, seed=asked.seed, photos=asked.images,
        map={a: s["map"] for a, s in scores.items()},
        micro_map=retrieval["micro_map"], interval=tuple(retrieval["micro_interval"]), macro_map=retrieval["macro_map"],
        pointing={a: p["pointing"] for a, p in looks.items() if p["pointing"] is not None},
        queries=sum(s["queries"] for s in scores.values()), candidates=sum(s["candidates"] for s in scores.values()),
        length=loaded.model.dim, images_seen=loaded.provenance["images_seen"], minutes=loaded.provenance["train_minutes"],
        machine=baselines.machine(), checkpoint=loaded.fingerprint, recipe=loaded.provenance["recipe_text"],
    )  # fmt: skip


def stored() -> list[Run]:
    """The runs measured so far."""
    return [Run(**r) for r in json.loads(FOUND.read_text(encoding="utf-8"))] if FOUND.exists() else []


def markdown(runs: Sequence[Run]) -> str:
    """A table in percent: by budget, then row; several seeds are averaged."""
    attributes = list(runs[0].map)
    heads = ("", *attributes, "**micro MAP**", "macro", "peak in region", "photos seen", "minutes")
    order = {row: i for i, row in enumerate(ROWS)}
    kinds = sorted({(r.images_seen and r.photos, order[r.row]) for r in runs})
    groups = [[r for r in runs if (r.images_seen and r.photos, order[r.row]) == kind] for kind in kinds]
    return tables.table(heads, [_line(group, attributes) for group in groups])


def _line(runs: Sequence[Run], attributes: Sequence[str]) -> tuple[str, ...]:
    """The cells of one row; the interval is that of the first seed."""
    micro = tables.percent(statistics.mean(r.micro_map for r in runs))
    ends = tables.spanned(runs[0].micro_map, runs[0].interval).partition(" ")[2]
    return (
        ROWS[runs[0].row],
        *(tables.percent(statistics.mean(r.map[a] for r in runs)) for a in attributes),
        f"**{micro}** {ends}",
        tables.percent(statistics.mean(r.macro_map for r in runs)),
        tables.percent(tables.mean([tables.mean(list(r.pointing.values())) for r in runs])),
        f"{runs[0].images_seen:,}",
        f"{statistics.mean(r.minutes for r in runs):.0f}",
    )


if __name__ == "__main__":
    main()
