"""Model card and README figures written by the evaluation command, never by hand.

python benchmarks/figures.py --data DIR
python benchmarks/figures.py --again

DIR holds the photos and label files that `train` reads. It runs `python -m asen_core evaluate --json` with the shipped
checkpoint and gallery on the labelled photos, the street photos, all collections together, and newly rendered garments; the
comparisons come from benchmarks/baselines.json. Tables go between the markers of README.md and the model card, the unrounded
output into assets/compact/figures.json, the reliability curve into assets/compact/reliability.webp. The second line writes the
tables of the last measurement again, after benchmarks/baselines.py has added rows.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as for `python -m` in that folder

from asen_core import checkpoint  # noqa: E402
from benchmarks import baselines, markers, tables  # noqa: E402
from benchmarks.baselines import Run  # noqa: E402

CARD = ROOT / "assets" / "compact"
PAGES = (ROOT / "README.md", CARD / "README.md")
NAMES = ("retrieval", "places", "street", "street-line", "robustness", "baselines", "datasets")
RENDERED = ("--count", "120", "--seed", "2026")
"""Garments that no training run has drawn: runs draw by their recipes' seeds."""
RELEASE_1 = ("2bd9b0eb97564013", 134_400, 66)
"""Fingerprint, photos seen and minutes of the first release, as its config.json told them."""


def main() -> None:
    asked = _arguments()
    runs = [r for r in baselines.stored(baselines.FOUND) if r.split == asked.split]
    if not asked.dry:
        check({p: p.read_text(encoding="utf-8") for p in PAGES})
        if not any(r.row == "pooled" for r in runs):
            raise SystemExit(
                f"{baselines.FOUND} has no row `pooled` measured on {asked.split}, which the street photos are compared with; "
                f"first run benchmarks/baselines.py --split {asked.split}."
            )
    if asked.again:
        found = json.loads((CARD / "figures.json").read_text(encoding="utf-8"))
        if found["checkpoint"] != checkpoint.load(CARD).fingerprint:
            raise SystemExit(f"{CARD / 'figures.json'} tells of another checkpoint; measure the shipped one with --data DIR.")
        publish(found, markdown(found, runs, CARD), None)
        return
    with tempfile.TemporaryDirectory() as scratch:
        picture = Path(scratch) / "reliability.webp"
        found = measured(asked, Path(scratch), picture)
        made = markdown(found, runs, asked.checkpoint or CARD)
        if asked.dry:
            print("\n\n".join(f"{name}\n\n{text}" for name, text in made.items()))
            return
        publish(found, made, picture)
    print("\n\n".join(made.values()))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--data", type=_path)
    what.add_argument("--again", action="store_true", help="write the tables again, measure nothing")
    parser.add_argument("--split", default="test", help="another one only with --dry")
    parser.add_argument("--dry", action="store_true", help="print the tables, write nothing")
    parser.add_argument("--robustness-photos", type=int, default=200)
    parser.add_argument("--checkpoint", type=_path, help="another than the shipped one, only with --dry")
    parser.add_argument("--gallery", type=_path, help="another than the shipped one, only with --dry")
    asked = parser.parse_args()
    if not asked.dry and (asked.split != "test" or asked.checkpoint or asked.gallery):
        parser.error("The pages show the shipped checkpoint on `test`; give --dry for anything else.")
    return asked


def _path(text: str) -> Path:
    return Path(text).resolve()


def check(pages: Mapping[Path, str]) -> None:
    """Raises: SystemExit where a marker has no table or partner, or a table no place; before hours of measuring."""
    try:
        for path, text in pages.items():
            markers.replaced(text, dict.fromkeys(NAMES, ""), str(path))
    except ValueError as error:
        raise SystemExit(str(error)) from None
    shown = set[str]().union(*(markers.names(text) for text in pages.values()))
    if missing := [name for name in NAMES if name not in shown]:
        wanted = ", ".join(f"<!-- figures: {n} --> <!-- /figures: {n} -->" for n in missing)
        raise SystemExit(
            f"No page has a place for {', '.join(missing)}; put {wanted} into one of {', '.join(map(str, pages))}."
        )


def measured(asked: argparse.Namespace, scratch: Path, picture: Path) -> dict[str, Any]:
    """What `evaluate` printed on each kind of photos, without details by value but for the labelled photos."""
    data: Path = asked.data
    opened = ["--checkpoint", asked.checkpoint] if asked.checkpoint else []
    shelf = ["--gallery", asked.gallery] if asked.gallery else []
    split = ["--split", asked.split]
    crowd, drawn = data / "clothing_attributes", scratch / "drawn"
    neighbours = ["--against-gallery", "--robustness", "--robustness-photos", asked.robustness_photos, *shelf]
    regions = ["--regions", data / "regions.csv", "--figure-reliability", picture]
    photos = baselines.evaluate(data, data / "garment_labels.csv", *opened, *split, *regions, *neighbours)
    street = baselines.evaluate(crowd, crowd / "labels.csv", *opened, *split, *baselines.crowd_columns())
    together = baselines.evaluate(data, data, *opened, *split)
    baselines.asen("render", "--out", drawn, *RENDERED)
    rendered = baselines.evaluate(drawn, drawn / "labels.csv", *opened, "--regions", drawn / "regions.csv")
    photos.pop("datasets", None)  # `together` tells more of them
    return {
        "checkpoint": photos["checkpoint"], "split": asked.split, "photos": photos,
        "street": tables.without_values(street["columns"]), "datasets": tables.without_values(together["datasets"]),
        "rendered": tables.without_values(rendered),
    }  # fmt: skip


def markdown(found: Mapping[str, Any], runs: Sequence[Run], directory: Path) -> dict[str, str]:
    """All tables by the names of their markers; runs: of the same split as `found`."""
    photos, street = found["photos"], found["street"]
    pooled = next((r for r in reversed(runs) if r.row == "pooled"), None)
    macro = pooled.street_macro_map if pooled else None
    return {
        "retrieval": tables.retrieval(photos),
        "places": tables.places(photos, found["rendered"]),
        "street": tables.street(street, pooled.street if pooled else {}, macro),
        "street-line": tables.street_line(street, macro),
        "robustness": tables.robustness(photos["robustness"]),
        "baselines": compared(runs, shipped(found, directory)),
        "datasets": tables.datasets(found["datasets"]),
    }


def shipped(found: Mapping[str, Any], directory: Path) -> tuple[Run, str]:
    """The checkpoint as a row of the table of baselines, and the fingerprint that it went on from ("" for none)."""
    loaded = checkpoint.load(directory)
    made, photos, street = loaded.provenance, found["photos"], found["street"]
    run = Run(
        row="compact", seed=made["seed"], photos=made["images_seen"], split=found["split"],
        map={a: s["map"] for a, s in photos["retrieval"]["attributes"].items() if s["map"] is not None},
        macro_map=photos["retrieval"]["macro_map"], micro_map=photos["retrieval"]["micro_map"],
        street={c: s["map"] for c, s in street["columns"].items() if s["map"] is not None},
        street_macro_map=street["macro_map"], pointing=photos["localisation"]["mean"]["pointing"], length=loaded.model.dim,
        images_seen=made["images_seen"], minutes=made["train_minutes"], machine=made["machine"],
        checkpoint=loaded.fingerprint, recipe=made["recipe_text"],
    )  # fmt: skip
    return run, made.get("started_from", "")


def compared(runs: Sequence[Run], own: tuple[Run, str]) -> str:
    """The table of the baselines that saw equally many photos, and below it the shipped checkpoint."""
    budgets = [r.photos for r in runs]
    budget = max(set(budgets), key=lambda b: (budgets.count(b), b), default=0)
    run, began = own
    last = baselines.markdown([run]).splitlines()[-1].split("|")
    last[1] = " **shipped**¹ " if began else " **shipped** "
    table = baselines.markdown([r for r in runs if r.photos == budget]) + "\n" + "|".join(last)
    return f"{table}\n\n{_footnote(began)}" if began else table


def _footnote(began: str) -> str:
    fingerprint, images, minutes = RELEASE_1
    if began == fingerprint:
        return f"¹ It went on from release 1, which had seen {images:,} photos in {minutes} minutes; these come on top."
    return f"¹ It went on from the checkpoint {began}, whose photos and minutes come on top."


def publish(found: Mapping[str, Any], made: Mapping[str, str], picture: Path | None) -> None:
    """Write all that the pages show; each file is replaced as a whole. picture: a new reliability curve, if there is one."""
    pages = {p: markers.replaced(p.read_text(encoding="utf-8"), made, str(p)) for p in PAGES}
    markers.write(CARD / "figures.json", json.dumps(found, indent=1) + "\n")
    for path, text in pages.items():
        markers.write(path, text)
    if picture:
        part = CARD / "reliability.webp.part"
        part.write_bytes(picture.read_bytes())
        part.replace(CARD / "reliability.webp")


if __name__ == "__main__":
    main()
