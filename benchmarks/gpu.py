"""`compact` on a GPU, all attributes: photos a second from memory and from JPEG files, one query, and whether it is the same.

python benchmarks/gpu.py [--photos DIR] [--count 2048] [--rounds 5] [--cores 16]
python benchmarks/gpu.py --again

Ways take turns on the same photos: the plain pass (float32, kernels launched one by one, crops cut one by one) and the quick
one that the app takes (models/staged.py: recorded kernels, local branch in float16), from photos in the host's memory, laid
already; then everything from files on (`Engine.embed`). The quick way is also timed by CUDA events on photos that lie on the
card: what it reaches of that from memory is the share of time in which the card computes. One query is one photo in memory
under all attributes, both transfers counted. Embeddings are compared with float32 on the processor. Other numbers and layouts
that the quick way could run in are told beside it, with their cosines to the plain pass. Where there is no GPU this says so,
ends well and leaves figures of an earlier run alone. Writes benchmarks/gpu.json and the table of README.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # as for `python -m` in that folder

from benchmarks import machine, pictures, tables, timing  # noqa: E402
from benchmarks.paths import cosines  # noqa: E402

if TYPE_CHECKING:
    from asen_core.engine.reading import Batch
    from asen_core.engine.runtime import Runtime
    from asen_core.engine.staged_runtime import StagedRuntime

SIZE, SIZES, PLAIN, SINGLES, COMPARED, AT_LEAST, PASSES = (512, 512), (32, 128, 512), 32, 200, 64, 128, 20
ASKED = {"memory": 4000.0, "files": 0.7, "query_ms": 5.0, "cosine": 0.999}
NONE = "No GPU is at hand: nothing was measured. Run `python benchmarks/gpu.py` on a machine with an NVIDIA GPU."


def main() -> None:
    parser = timing.parser(__doc__)
    parser.set_defaults(cores=min(16, machine.cores()))
    parser.add_argument("--photos", type=Path, help="a folder of photos; without it garments are drawn")
    parser.add_argument("--count", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    if not asked.again and not _card():
        asked.dry = asked.dry or _measured_before()
    timing.run(__file__, asked, measured, markdown)


def measured(asked: argparse.Namespace) -> dict[str, Any]:
    """All figures, or that there is no GPU."""
    card = _card()
    if not card:
        return {"gpu": None, "said": NONE}
    from asen_core.engine import Engine

    with tempfile.TemporaryDirectory() as scratch:
        paths = pictures.photos(asked.photos, asked.count, Path(scratch), SIZE, asked.seed)
        engine = Engine.open(device="cuda")
        runtime = engine._runtime
        found = {
            "gpu": card, "photos": pictures.told(asked.photos, SIZE), "count": len(paths), "attributes": len(engine.vocabulary),
            "numbers": _numbers(runtime), **_speeds(engine, paths, asked.rounds), "cosine": _compared(engine, paths[:COMPARED]),
            "variants": _variants(engine, paths[: max(COMPARED, AT_LEAST)]),
        }  # fmt: skip
        return {**found, "notes": list(runtime.notes), "verdicts": judged(found)}


def _card() -> str:
    """The GPU's name, "" where there is none."""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else ""


def _measured_before() -> bool:
    kept = Path(__file__).with_suffix(".json")
    return kept.exists() and json.loads(kept.read_text(encoding="utf-8"))["gpu"] is not None


def _numbers(runtime: Any) -> str:
    """In which numbers the quick way runs, or that the plain one had to."""
    if runtime._quick is None:
        return "float32, plain pass"
    used = runtime._quick._staged.numbers
    return f"global branch {str(used.whole).removeprefix('torch.')}, local branch {str(used.local).removeprefix('torch.')}"


def _speeds(engine: Any, paths: Sequence[Path], rounds: int) -> dict[str, Any]:
    """Photos a second of each way, and milliseconds of one query."""
    from asen_core.engine import reading

    runtime, every = engine._runtime, range(len(engine.vocabulary))
    batch = next(reading.batches(paths, engine.config, len(paths), reading.readers(True), processes=True))
    ways = {f"memory, {size} at once": partial(_embedded, runtime, batch, size, every) for size in SIZES}
    ways["plain pass"] = partial(_embedded, runtime._plain, _part(batch, 0, len(paths) // 8), PLAIN, every)
    for size in SIZES[1:]:
        ways[f"files, {size} at once"] = partial(engine.embed, paths, batch_size=size)
    seconds = timing.interleaved(ways, rounds)
    count = {name: len(paths) // 8 if name == "plain pass" else len(paths) for name in ways}
    speed = {name: round(count[name] / float(np.median(took)), 1) for name, took in seconds.items()}
    quick = runtime._quick
    on_card = {} if quick is None else {"on the card": round(_on_card(quick, batch), 1)}
    return {
        "photos_per_second": {**speed, **on_card}, "seconds": {n: [round(s, 4) for s in took] for n, took in seconds.items()},
        "query": {name: _queries(way, batch, every) for name, way in (("quick", quick or runtime), ("plain", runtime._plain))},
    }  # fmt: skip


def _part(batch: Batch, start: int, stop: int) -> Batch:
    from asen_core.engine.reading import Batch

    return Batch(batch.garments[start:stop], batch.inputs[start:stop], batch.frames[start:stop])


def _embedded(runtime: Runtime, batch: Batch, size: int, wanted: Sequence[int]) -> None:
    for at in range(0, len(batch.garments), size):
        some = _part(batch, at, at + size)
        runtime.run(some.garments, some.inputs, some.frames, wanted)


def _queries(runtime: Runtime, batch: Batch, wanted: Sequence[int]) -> dict[str, float]:
    """One photo after the other, in milliseconds."""
    seconds = []
    for i in range(SINGLES + 10):
        one = _part(batch, i % len(batch.garments), i % len(batch.garments) + 1)
        began = time.perf_counter()
        runtime.run(one.garments, one.inputs, one.frames, wanted)
        seconds.append(time.perf_counter() - began)
    return timing.spread(seconds[10:])


def _on_card(quick: StagedRuntime, batch: Batch) -> float:
    """Photos a second where they lie on the card already and nothing is fetched, by CUDA events."""
    import torch

    from asen_core.engine.staged_runtime import AT_ONCE
    from asen_core.models.staged import places

    some = _part(batch, 0, AT_ONCE)
    with torch.inference_mode():
        laid, *photos = quick._sent([some.inputs, *(g.pixels for g in some.garments)])
        sources = [photo.permute(2, 0, 1) for photo in photos]
        where, images = places(sources, some.frames, laid.device), laid.permute(0, 3, 1, 2)
        quick._staged(images, sources, where)
        began, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        began.record()
        for _ in range(PASSES):
            quick._staged(images, sources, where)
        ended.record()
        ended.synchronize()
    return PASSES * len(sources) / (began.elapsed_time(ended) / 1e3)


def _variants(engine: Any, paths: Sequence[Path]) -> dict[str, dict[str, float]]:
    """Photos a second on the card, and the least cosine to the plain pass, in other numbers and layouts."""
    import torch

    from asen_core.engine import reading
    from asen_core.engine.staged_runtime import StagedRuntime
    from asen_core.models.staged import Numbers

    half, whole = torch.float16, torch.float32
    ways = {
        "as the app": Numbers(), "channels first": Numbers(channels_last=False), "all in float32": Numbers(whole),
        "local in bfloat16": Numbers(torch.bfloat16), "both in float16": Numbers(half, half),
    }  # fmt: skip
    batch, every = next(reading.batches(paths, engine.config, len(paths))), range(len(engine.vocabulary))
    runtime, found = engine._runtime, {}
    exact = runtime._plain.run(batch.garments, batch.inputs, batch.frames, every).embedding
    for name, numbers in ways.items():
        try:
            quick = StagedRuntime(engine.checkpoint.model, runtime._device, [], numbers)
            made = quick.run(batch.garments, batch.inputs, batch.frames, every).embedding
            speed = round(_on_card(quick, batch), 1)
        except RuntimeError as error:
            print(f"{name}: {error}", file=sys.stderr)
            continue
        found[name] = {"photos_per_second": speed, "least_cosine": cosines(exact, made)["least"]}
    return found


def _compared(engine: Any, paths: Sequence[Path]) -> dict[str, float]:
    """Cosines to float32 on the processor."""
    from benchmarks import engines as by_runtime

    reference = by_runtime.opened(by_runtime.REFERENCE)
    return cosines(reference.embed(paths), engine.embed(paths))


def best(found: Mapping[str, float], kind: str) -> float:
    """The most photos a second of the ways whose name begins so. Raises: ValueError where there is none."""
    return max(speed for name, speed in found.items() if name.startswith(kind))


def judged(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What was asked, by medians."""
    speed = found["photos_per_second"]
    memory, files = best(speed, "memory"), best(speed, "files")
    return [
        timing.verdict("photos a second, all attributes, from memory", memory, least=ASKED["memory"]),
        timing.verdict("from JPEG files, of that from memory", files / memory, least=ASKED["files"]),
        timing.verdict("one query, median (ms)", found["query"]["quick"]["median_ms"], most=ASKED["query_ms"]),
        timing.verdict("least cosine to float32 on the processor", found["cosine"]["least"], least=ASKED["cosine"]),
    ]


def markdown(found: Mapping[str, Any]) -> str:
    """The ways, then what was asked; one sentence where nothing was measured."""
    if found["gpu"] is None:
        return found["said"]
    speed = found["photos_per_second"]
    rows = [(name, timing.figure(value), timing.figure(value / speed["plain pass"])) for name, value in speed.items()]
    ways = tables.table(("way", "photos a second", "times as fast as the plain pass"), rows)
    busy = f"; from memory the card computes {best(speed, 'memory') / speed['on the card']:.0%} of the time" if (
        "on the card" in speed
    ) else ""  # fmt: skip
    query = found["query"]
    note = (
        f"{found['gpu']}, {found['numbers']}; {found['count']} photos ({found['photos']}), {found['attributes']} attributes; "
        f"medians of rounds in which the ways took turns{busy}. One query: {query['quick']['median_ms']:.2f} ms "
        f"(p99 {query['quick']['p99_ms']:.2f}), by the plain pass {query['plain']['median_ms']:.1f}. {timing.ran_on(found)}"
    )
    others = [
        (name, timing.figure(f["photos_per_second"]), f"{f['least_cosine']:.6f}") for name, f in found["variants"].items()
    ]
    variants = tables.table(("in other numbers and layouts", "photos a second on the card", "least cosine"), others)
    told = [f"Given up: {said}" for said in found["notes"]]
    return "\n\n".join((ways, timing.verdicts(found["verdicts"]), variants, note, *told))


if __name__ == "__main__":
    main()
