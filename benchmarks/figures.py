"""Measures the shipped checkpoint on the `test` photos and writes the figures into README.md and the model card.

python benchmarks/figures.py --data DIR

DIR holds garment_labels.csv, regions.csv and the photos they name. It runs `python -m asen_core evaluate` and puts what it
prints, rounded, between the `figures` markers; assets/compact/figures.json keeps the unrounded output.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
CARD = ROOT / "assets" / "compact"
FINE = ("neckline", "collar", "sleeve", "closure", "pattern", "top_length", "bottom_length")
_BLOCK = re.compile(r"(<!-- figures -->\n).*?(<!-- /figures -->)", re.S)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    data: Path = parser.parse_args().data
    command = [sys.executable, "-m", "asen_core", "evaluate", "--images", str(data), "--split", "test"]
    command += ["--labels", str(data / "garment_labels.csv"), "--regions", str(data / "regions.csv")]
    command += ["--against-gallery", "--json"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    (CARD / "figures.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    table = markdown(found)
    for page in (ROOT / "README.md", CARD / "README.md"):
        text, count = _BLOCK.subn(lambda m: m.group(1) + table + m.group(2), page.read_text(encoding="utf-8"))
        if count != 1:
            raise SystemExit(f"{page} needs exactly one pair of figures markers, it has {count}.")
        page.write_text(text, encoding="utf-8")
    print(table)


def markdown(found: dict[str, Any]) -> str:
    """The table of one `evaluate --json` output, in percent."""
    retrieval, places, gallery = (found[k]["attributes"] for k in ("retrieval", "localisation", "gallery"))
    lines = [
        "| attribute | MAP | R@1 | read right | peak in region | region in RoI | RoI of photo | gallery P@10 |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in FINE:
        score, place, against = retrieval[name], places.get(name, {}), gallery.get(name, {})
        cells = [score["map"], score["recalls"].get("1"), score["accuracy"]]
        cells += [place.get(k) for k in ("pointing", "covered", "roi")] + [against.get("precision")]
        lines.append(f"| {name} | " + " | ".join(map(_percent, cells)) + " |")
    mean = found["localisation"]["mean"]
    means = [found["retrieval"]["macro_map"], None, None, *(mean[k] for k in ("pointing", "covered", "roi"))]
    means.append(found["gallery"]["mean"])
    lines.append("| **mean** | " + " | ".join(map(_percent, means)) + " |")
    return "\n".join(lines) + "\n"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}"


if __name__ == "__main__":
    main()
