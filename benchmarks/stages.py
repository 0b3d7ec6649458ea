"""Where the time of a query goes, stage by stage, beside the least that this machine could take: a roofline.

python benchmarks/stages.py [--photos DIR] [--count 60] [--checkpoint DIR] [--cores 2]
python benchmarks/stages.py --again

Decode, resize, trunk, attention, region (found and cut), local branch (one crop per attribute), search for 24 neighbours,
overlay (heat map, zoom and preview written) and transfer (the HTML of the answer and its pictures over a socket on loopback),
each apart and one photo at a time. The network's stages are timed in the torch reference and in the app's own runtime, photo
by photo in turn. Operations and bytes are counted in the network, and the machine's peaks (float32 matrix product, copying
pieces of several sizes) are measured in the same run. With --checkpoint nothing is written; search, overlay and transfer are
then those of the shipped model. Else it writes benchmarks/stages.json and the table of README.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as for `python -m` in that folder

from benchmarks import pictures, tables, timing  # noqa: E402

SIZE, NEIGHBOURS, WARM = (768, 1024), 24, 5
STAGES = {
    "decode": "decode", "resize": "resize", "trunk": "trunk", "attention": "attention", "region": "region found and cut",
    "local": "local branch", "search": "search", "overlay": "overlay", "transfer": "transfer to the page",
}  # fmt: skip


def main() -> None:
    parser = timing.parser(__doc__)
    parser.add_argument("--photos", type=Path, help="a folder of photos; without it garments are drawn")
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--checkpoint", type=Path, help="another than the shipped one")
    asked = parser.parse_args()
    asked.dry = asked.dry or asked.checkpoint is not None
    timing.run(__file__, asked, measured, markdown)


def measured(asked: argparse.Namespace) -> dict[str, Any]:
    """Medians of each stage by runtime, its work, and the roofline's seconds."""
    from benchmarks import engines, roofline
    from benchmarks.parts import medians
    from benchmarks.stage_work import works

    with tempfile.TemporaryDirectory() as scratch:
        paths = pictures.photos(asked.photos, asked.count, Path(scratch), SIZE, asked.seed)
        opened = {name: engines.opened(name, asked.checkpoint) for name in (engines.REFERENCE, "auto")}
        found = {engine.runtime: engine for engine in opened.values()}
        rows, seen = _timed(found, paths, Path(scratch))
        work = works(opened[engines.REFERENCE], seen)
    peaks = roofline.peaks()
    least = {name: peaks.seconds(pieces) for name, pieces in work.items()}
    return {
        "photos": pictures.told(asked.photos, SIZE), "count": len(paths), "attributes": len(opened["auto"].vocabulary),
        "gallery": seen["garments"], "app": opened["auto"].runtime,
        "ms": {name: {s: _ms(t) for s, t in medians(some).items()} for name, some in rows.items()},
        "work": {name: _told(pieces) for name, pieces in work.items()},
        "roofline_ms": {name: _ms(seconds) for name, seconds in least.items()},
        "peaks": {"gflops": peaks.gflops, "gb_per_second": {str(mb): gb for mb, gb in peaks.gb.items()}},
        "transfer": {"bytes": seen["sent"], "parts": seen["parts"]},
    }  # fmt: skip


def _timed(engines: Mapping[str, Any], paths: Sequence[Path], scratch: Path) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """Seconds per photo and stage of each runtime, and what the last photos were like."""
    from benchmarks.around import Around
    from benchmarks.parts import parts_of

    parts = {name: parts_of(engine) for name, engine in engines.items()}
    rows: dict[str, list[Any]] = {name: [] for name in engines}
    with Around(next(iter(engines.values())), scratch, NEIGHBOURS) as around:
        for number, path in enumerate([*paths[:WARM], *paths]):
            shared, garment, inputs, frame = around.before(path)
            network, boxes = {}, None
            for name in list(parts)[:: 1 if number % 2 else -1]:
                network[name], boxes = parts[name].times(garment, inputs, frame)
            shared |= around.after(path, garment)
            if number >= WARM:
                for name, times in network.items():
                    rows[name].append({s: {**shared, **times}[s] for s in STAGES})
        seen = around.seen | {"boxes": boxes, "garment": garment}
    return rows, seen


def _told(pieces: Sequence[Any]) -> dict[str, float]:
    from benchmarks.roofline import added

    whole = added(pieces)
    return {"mmac": round(whole.macs / 1e6, 2), "mb": round(whole.bytes / 1e6, 2)}


def _ms(seconds: float) -> float:
    return float(f"{1e3 * seconds:.4g}")


def shares(ms: Mapping[str, float], least: Mapping[str, float]) -> dict[str, float]:
    """Stage -> how much of the machine's most was reached; the whole too, which is their sum."""
    found = {name: least[name] / ms[name] for name in ms if ms[name] > 0}
    return found | {"whole": sum(least[n] for n in ms) / sum(ms.values())}


def markdown(found: Mapping[str, Any]) -> str:
    """Stages with their work, what the roofline says and what each runtime takes."""
    names = list(found["ms"])
    heads = ["stage", "multiply-adds (10⁶)", "megabytes", "roofline (ms)"]
    for name in names:
        heads += [f"{name} (ms)", "share reached"]
    least, rows = found["roofline_ms"], []
    reached = {name: shares(found["ms"][name], least) for name in names}
    for stage, said in STAGES.items():
        work = found["work"][stage]
        row = [said, f"{work['mmac']:,.1f}", f"{work['mb']:,.2f}", timing.figure(least[stage])]
        for name in names:
            row += [timing.figure(found["ms"][name][stage]), _share(reached[name].get(stage))]
        rows.append(row)
    sums = ["**all**", "", "", f"**{timing.figure(sum(least[s] for s in STAGES))}**"]
    for name in names:
        sums += [f"**{timing.figure(sum(found['ms'][name].values()))}**", f"{tables.percent(reached[name]['whole'])} %"]
    peaks, sent = found["peaks"], found["transfer"]
    speeds = ", ".join(f"{gb:,.0f} ({mb} MB)" for mb, gb in peaks["gb_per_second"].items())
    note = (
        f"Medians over {found['count']} photos ({found['photos']}), one at a time, {found['attributes']} attributes, "
        f"{found['gallery']:,} garments; the app takes {found['app']}. Peaks measured here: {peaks['gflops']:,.0f} GFLOP/s in "
        f"float32, and GB/s for pieces of a size: {speeds}. An answer sends {sent['bytes'] / 1e3:,.0f} kB in {sent['parts']} "
        f"parts. Decoding and overlay are held against their bytes alone. {timing.ran_on(found)}"
    )
    return f"{tables.table(heads, [*rows, sums])}\n\n{note}"


def _share(reached: float | None) -> str:
    """A stage that is the difference of two times may come out quicker than it can be: then nothing is said."""
    return "–" if reached is None or reached > 1 else f"{tables.percent(reached)} %"


if __name__ == "__main__":
    main()
