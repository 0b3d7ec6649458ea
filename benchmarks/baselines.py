"""Trains every baseline and the product's own recipe on the same photos with the same budget, and measures them alike.

python benchmarks/baselines.py --data DIR --out DIR [--images N] [--seed S] [--rows general,csn] [--split test]

Each row is `python -m asen_core train ROW --images N` and twice `python -m asen_core evaluate --json`: on garment_labels.csv,
and on the street photos of clothing_attributes by what crowd workers answered. Runs lie in OUT and go on where they were
stopped; complete ones are only measured. benchmarks/baselines.json keeps all runs; the table averages those of several seeds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as for `python -m` in that folder

from asen_core import checkpoint  # noqa: E402
from asen_core.data.crowd import QUESTIONS  # noqa: E402
from asen_core.data.vocabulary import FINE  # noqa: E402
from asen_core.models import AsenPP, Model  # noqa: E402
from asen_core.models.asen import Asen  # noqa: E402
from asen_core.training import load_recipe  # noqa: E402

FOUND = ROOT / "benchmarks" / "baselines.json"
ROWS = ("pooled", "general", "csn", "asen", "asen_pp", "compact")


@dataclass(frozen=True)
class Run:
    """One trained and measured row; shares in [0, 1]. photos: the budget asked for; minutes: of training alone.

    map: attribute -> MAP; street: crowd column -> MAP; pointing: mean over attributes, None without attention.
    """

    row: str
    seed: int
    photos: int
    split: str
    map: Mapping[str, float]
    macro_map: float
    micro_map: float
    street: Mapping[str, float]
    street_macro_map: float
    pointing: float | None
    length: int
    images_seen: int
    minutes: float
    machine: str
    checkpoint: str
    recipe: str

    @property
    def key(self) -> tuple[str, int, int, str]:
        """A later run replaces the one with the same key."""
        return self.row, self.seed, self.photos, self.split


def main() -> None:
    asked = _arguments()
    for row in asked.rows:
        directory = trained(row, asked)
        found = measured(row, directory, asked)
        runs = {r.key: r for r in [*stored(FOUND), found]}
        part = FOUND.with_suffix(".part")
        part.write_text(json.dumps([asdict(r) for r in runs.values()], indent=1) + "\n", encoding="utf-8")
        os.replace(part, FOUND)
    print(markdown([r for r in stored(FOUND) if (r.photos, r.split) == (asked.images, asked.split)]))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=_path, required=True, help="the photos and label files that `train` reads")
    parser.add_argument("--out", type=_path, required=True, help="where the runs lie")
    parser.add_argument("--images", type=int, default=48_000, help="photos that each run sees")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rows", type=lambda s: tuple(s.split(",")), default=ROWS, help="some of " + ",".join(ROWS))
    parser.add_argument("--split", default="valid", help="the photos to measure on; test only for a release")
    parser.add_argument("--trunk", type=_path, help="pretrained MobileNetV2; default: as the recipes say")
    asked = parser.parse_args()
    if unknown := set(asked.rows) - set(ROWS):
        parser.error(f"--rows knows {', '.join(ROWS)}, not {', '.join(sorted(unknown))}")
    return asked


def _path(text: str) -> Path:
    return Path(text).resolve()


def trained(row: str, asked: argparse.Namespace, only: str = "") -> Path:
    """The checkpoint of a row, after training it or what is left of it; only: on this collection's photos alone."""
    out: Path = asked.out / (f"{row}-{asked.images}-{asked.seed}" + (f"-{only}" if only else ""))
    directory = out / "checkpoint"
    if complete(directory, load_recipe(row, asked.images, asked.seed, (only,) if only else ()).text):
        return directory
    out.mkdir(parents=True, exist_ok=True)
    drawn = asked.out / "rendered"  # the same garments for all rows, drawn once
    drawn.mkdir(parents=True, exist_ok=True)
    if not (out / "rendered").exists():
        (out / "rendered").symlink_to(drawn.resolve())
    given = ["--data", asked.data, "--out", out, "--images", asked.images, "--seed", asked.seed]
    given += ["--trunk", asked.trunk] if asked.trunk else []
    given += ["--only", only] if only else []
    asen("train", row, *given)
    return directory


def complete(directory: Path, recipe_text: str) -> bool:
    """Whether a checkpoint lies there that this very recipe made."""
    path = directory / "config.json"
    return path.exists() and json.loads(path.read_text(encoding="utf-8"))["provenance"].get("recipe_text") == recipe_text


def measured(row: str, directory: Path, asked: argparse.Namespace) -> Run:
    """The figures of a checkpoint on the asked split."""
    data: Path = asked.data
    crowd, given = data / "clothing_attributes", ("--checkpoint", directory, "--split", asked.split)
    found = evaluate(data, data / "garment_labels.csv", *given, "--regions", data / "regions.csv")
    street = evaluate(crowd, crowd / "labels.csv", *given, *crowd_columns())["columns"]
    loaded = checkpoint.load(directory)
    made, retrieval = loaded.provenance, found["retrieval"]
    return Run(
        row=row, seed=asked.seed, photos=asked.images, split=asked.split,
        map={a: s["map"] for a, s in retrieval["attributes"].items() if s["map"] is not None},
        macro_map=retrieval["macro_map"], micro_map=retrieval["micro_map"],
        street={c: s["map"] for c, s in street["columns"].items() if s["map"] is not None},
        street_macro_map=street["macro_map"],
        pointing=found["localisation"]["mean"]["pointing"] if attends(loaded.model) else None,
        length=loaded.model.dim, images_seen=made["images_seen"], minutes=made["train_minutes"], machine=machine(),
        checkpoint=loaded.fingerprint, recipe=made["recipe_text"],
    )  # fmt: skip


def crowd_columns() -> list[str]:
    """The options of `evaluate` for all columns of crowd answers."""
    return [part for column, question in QUESTIONS.items() for part in ("--column", f"{column}:{question.attribute}")]


def evaluate(images: Path, labels: Path, *given: object) -> dict[str, Any]:
    """What the verb prints as JSON."""
    found: dict[str, Any] = json.loads(asen("evaluate", "--images", images, "--labels", labels, "--json", *given))
    return found


def asen(verb: str, *given: object) -> str:
    """What the verb prints to stdout; its progress and errors are shown. A failure ends the script: the verb has said why."""
    command = [sys.executable, "-m", "asen_core", verb, *map(str, given)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"Stopped at: {' '.join(command)}")
    return done.stdout


def attends(model: Model) -> bool:
    """Whether it has a heat map."""
    return isinstance(model, AsenPP | Asen)


def machine() -> str:
    """Processor and cores."""
    models = (line.partition(":")[2].strip() for line in _cpu_info() if line.startswith("model name"))
    return f"{next(models, platform.machine())}, {os.cpu_count()} cores"


def _cpu_info() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def stored(path: Path) -> list[Run]:
    """The runs measured so far."""
    return [Run(**r) for r in json.loads(path.read_text(encoding="utf-8"))] if path.exists() else []


def markdown(runs: Sequence[Run]) -> str:
    """A table in percent, one line per row; several seeds are averaged, with their standard deviation at the means."""
    heads = ["", *FINE, "**mean**", "micro", "street photos", "peak in region", "numbers", "photos seen", "minutes", "seeds"]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for row in ROWS:
        mine = [r for r in runs if r.row == row]
        if not mine:
            continue
        cells = [_mean([r.map.get(a) for r in mine]) for a in FINE]
        cells += [f"**{_spread([r.macro_map for r in mine])}**", _mean([r.micro_map for r in mine])]
        cells += [_spread([r.street_macro_map for r in mine]), _mean([r.pointing for r in mine])]
        minutes = statistics.mean(r.minutes for r in mine)
        cells += [str(mine[-1].length), f"{mine[-1].images_seen:,}", f"{minutes:.0f}", str(len(mine))]
        lines.append("| " + " | ".join([row, *cells]) + " |")
    return "\n".join(lines)


def _mean(shares: Sequence[float | None]) -> str:
    known = [s for s in shares if s is not None]
    return f"{100 * statistics.mean(known):.1f}" if known else "–"


def _spread(shares: Sequence[float]) -> str:
    return _mean(shares) + (f" ± {100 * statistics.stdev(shares):.1f}" if len(shares) > 1 else "")


if __name__ == "__main__":
    main()
