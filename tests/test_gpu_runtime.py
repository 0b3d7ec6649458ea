"""The GPU's runtime on a processor: memory that runs out and recordings by fakes, agreement with the plain pass for real."""

import gc
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from test_captured import Recorder
from tiny import CONFIG, photo, tiny_checkpoint, tiny_model

from asen_core import checkpoint as checkpoints
from asen_core import images
from asen_core.config import ModelConfig
from asen_core.engine import fitting, gpu_runtime, staged_runtime, torch_runtime
from asen_core.engine.fitting import NOTICE, REST, Asked, Fitting
from asen_core.engine.gpu_runtime import LADDER, GpuRuntime
from asen_core.engine.runtime import Looked, Runtime, runtime_for
from asen_core.engine.staged_runtime import StagedRuntime
from asen_core.engine.torch_runtime import TorchRuntime
from asen_core.models import AsenPP, build_model
from asen_core.models.staged import Numbers

CPU = torch.device("cpu")
OUT = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def _asked(count: int, wanted: list[int] | None = None, given: np.ndarray | None = None) -> Asked:
    garments = [images.load(photo(60 + 7 * i, 90 - 4 * i, seed=i)) for i in range(count)]
    laid = [images.lay(g.pixels, CONFIG.input_size, CONFIG.fill) for g in garments]
    inputs = np.stack([array for array, _ in laid]) if laid else np.zeros((0, 64, 64, 3), np.uint8)
    return Asked(garments, inputs, [frame for _, frame in laid], [0, 1] if wanted is None else wanted, given)


def _same(one: Looked, other: Looked, within: float = 1e-4) -> None:
    for name in ("embedding", "attention", "boxes"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=within, rtol=1e-5)
    for mine, theirs in zip(one.probabilities, other.probabilities, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=within)


class Card:
    """A device on which `room` photos fit at once; its numbers are the photos' own, so that order shows."""

    def __init__(self, room: int, error: RuntimeError = OUT) -> None:
        self.room, self.error = room, error
        self.sizes: list[int] = []
        self.released = 0

    def run(self, asked: Asked) -> Looked:
        self.sizes.append(len(asked.garments))
        if len(asked.garments) > self.room:
            raise self.error
        return _numbered(asked)

    def release(self) -> None:
        self.released += 1


class Processor:
    """A runtime that never runs out."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def run(self, garments: object, inputs: object, frames: object, wanted: object, given: object = None) -> Looked:
        asked = Asked(garments, inputs, frames, wanted, given)
        self.sizes.append(len(asked.garments))
        return _numbered(asked)


def _numbered(asked: Asked) -> Looked:
    count = len(asked.garments)
    rows = np.array([g.width for g in asked.garments], np.float32).reshape(count, 1, 1)
    return Looked(rows, rows[..., None], np.repeat(rows, 4, 2), (rows[:, 0],))


def _fitting(room: int, error: RuntimeError = OUT) -> tuple[Fitting, Card, Processor, list[float]]:
    card, processor, now = Card(room, error), Processor(), [0.0]
    return Fitting(card.run, card.release, lambda: processor, lambda: now[0]), card, processor, now


@pytest.mark.parametrize(
    ("room", "count", "sizes", "processor"),
    [
        (8, 8, [8], []),
        (8, 1, [1], []),
        (4, 8, [8, 4, 4], []),
        (3, 8, [8, 4, 2, 2, 2, 2], []),
        (1, 3, [3, 1, 1, 1], []),
        (0, 3, [3, 1], [3]),
        (0, 1, [1], [1]),
        (0, 0, [0], []),
        (-1, 0, [0], [0]),
    ],
)
def test_a_batch_is_halved_until_it_fits(room: int, count: int, sizes: list[int], processor: list[int]) -> None:
    run, card, slow, _ = _fitting(room)
    asked = _asked(count)
    _same(run(asked), _numbered(asked))
    assert card.sizes == sizes
    assert slow.sizes == processor
    assert run.notice == (NOTICE if processor else "")
    assert card.released == sum(size > room for size in sizes)


def test_the_size_that_fits_is_remembered_and_tried_anew_after_a_rest() -> None:
    run, card, _, now = _fitting(2)
    run(_asked(4))
    now[0] = REST - 1
    run(_asked(4))
    assert card.sizes == [4, 2, 2, 2, 2]
    card.room, now[0] = 9, REST
    run(_asked(4))
    assert card.sizes[5:] == [4]


def test_the_processor_steps_in_for_a_while_and_the_notice_goes_with_it() -> None:
    run, card, slow, now = _fitting(0)
    run(_asked(1))
    now[0] = 30.0
    run(_asked(5))
    assert (card.sizes, slow.sizes, run.notice) == ([1], [1, 5], NOTICE)
    card.room, now[0] = 9, REST + 1
    run(_asked(5))
    assert (card.sizes, slow.sizes, run.notice) == ([1, 5], [1, 5], "")


@pytest.mark.parametrize(
    "text",
    [
        "CUDA error: out of memory",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    ],
)
def test_every_way_of_saying_that_memory_is_out(text: str) -> None:
    run, _, slow, _ = _fitting(0, RuntimeError(text))
    run(_asked(1))
    assert slow.sizes == [1]


def test_another_error_is_not_taken_for_memory() -> None:
    run, card, slow, _ = _fitting(0, RuntimeError("CUDA error: an illegal memory access was encountered"))
    with pytest.raises(RuntimeError, match="illegal"):
        run(_asked(2))
    assert (card.sizes, slow.sizes) == ([2], [])


def test_given_squares_stay_with_their_photos_when_a_batch_is_halved() -> None:
    given = np.arange(4 * 2 * 4, dtype=np.float32).reshape(4, 2, 4)
    assert [_asked(4, None, given).part(2, 4).given.tolist()] == [given[2:].tolist()]


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("wanted", [[0, 1], [1]], ids=str)
@pytest.mark.parametrize("recorded", [False, True])
def test_the_staged_runtime_gives_what_the_plain_one_gives(count: int, wanted: list[int], recorded: bool) -> None:
    model, record = tiny_model(config=replace(CONFIG, value_share=0.7)), Recorder()
    quick = StagedRuntime(model, CPU, [], Numbers(torch.float32), record if recorded else None)
    asked = _asked(count, wanted)
    _same(asked.by(quick), asked.by(TorchRuntime(model, CPU)))
    assert bool(record.sizes) == recorded


def test_a_large_batch_goes_in_parts_in_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staged_runtime, "AT_ONCE", 2)
    model, record = tiny_model(), Recorder()
    asked = _asked(5)
    _same(asked.by(StagedRuntime(model, CPU, [], Numbers(torch.float32), record)), asked.by(TorchRuntime(model, CPU)))
    assert set(record.sizes) == {1, 4}


def test_a_given_square_is_looked_at() -> None:
    model = tiny_model()
    given = np.full((1, 2, 4), np.nan, np.float32)
    given[0, 1] = 5, 5, 25, 25
    asked = _asked(1, None, given)
    _same(asked.by(StagedRuntime(model, CPU, [], Numbers(torch.float32))), asked.by(TorchRuntime(model, CPU)))


def _never() -> Runtime:
    raise AssertionError("the processor is not needed")


def _broken(fault: object) -> object:
    """Makes staged runtimes of which a `fault` (numbers -> error, cosine or None) spoils some."""

    def make(model: AsenPP, device: torch.device, notes: list[str], numbers: Numbers) -> Runtime:
        found = fault(numbers)
        if isinstance(found, Exception):
            raise found
        runtime = StagedRuntime(model, device, notes, numbers)
        run = runtime.run
        if found is not None:
            runtime.run = lambda *given: replace(out := run(*given), embedding=out.embedding * found)
        return runtime

    return make


@pytest.mark.parametrize(
    ("fault", "notes", "quick"),
    [
        (lambda numbers: None, [], torch.float16),
        (lambda numbers: 0.99 if numbers.local == torch.float16 else None, ["float16 was given up: its cosine"], torch.float32),
        (lambda numbers: float("nan"), ["float16 was given up: its cosine", "float32 was given up: its cosine"], None),
        (
            lambda numbers: RuntimeError("no kernel image is available\nfor execution"),
            ["float16 was given up: no kernel image is available.", "float32 was given up: no kernel"],
            None,
        ),
    ],
    ids=["all well", "fewer bits disagree", "not a number", "nothing runs"],
)
def test_what_fails_or_disagrees_is_given_up_with_its_reason(
    fault: object, notes: list[str], quick: torch.dtype | None
) -> None:
    model = tiny_model()
    runtime = GpuRuntime(model, CPU, _never, _broken(fault))
    assert len(runtime.notes) == len(notes)
    for said, wanted in zip(runtime.notes, notes, strict=True):
        assert wanted in said
    asked = _asked(3)
    mine, theirs = asked.by(runtime), asked.by(TorchRuntime(model, CPU))
    assert (mine.embedding * theirs.embedding).sum(-1).min() > 0.999
    found = runtime._quick._staged.numbers.local if runtime._quick is not None else None
    assert found == quick


class Pixels:
    """A runtime whose embeddings are the inputs; deaf: it answers each number of photos as it did the first time."""

    def __init__(self, deaf: bool) -> None:
        self.deaf, self.first = deaf, {}

    def run(self, garments: object, inputs: np.ndarray, frames: object, wanted: list[int], given: object = None) -> Looked:
        rows = inputs.reshape(len(inputs), 1, -1) - inputs.mean()
        rows = (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).repeat(len(wanted), 1)
        looked = Looked(rows, rows, rows, ())
        return self.first.setdefault((len(inputs), len(wanted)), looked) if self.deaf else looked


@pytest.mark.parametrize(("deaf", "said"), [(False, ""), (True, "its cosine to float32 is")])
def test_a_quick_way_that_keeps_to_the_first_photos_is_given_up(deaf: bool, said: str) -> None:
    reason = GpuRuntime(tiny_model(), CPU, _never)._disagreement(Pixels(deaf), Pixels(False))
    assert reason[: len(said)] == said
    assert bool(reason) == deaf


def test_what_was_given_up_leaves_no_memory_behind() -> None:
    held: list[weakref.ref] = []

    def make(model: AsenPP, device: torch.device, notes: list[str], numbers: Numbers) -> Runtime:
        runtime = StagedRuntime(model, device, notes, numbers, Recorder())
        run = runtime.run
        runtime.run = lambda *given: replace(out := run(*given), embedding=out.embedding * 0.5)
        held.append(weakref.ref(runtime._staged.model))
        return runtime

    gc.disable()
    try:
        assert GpuRuntime(tiny_model(), CPU, _never, make)._quick is None
        assert [ref() for ref in held] == [None] * len(LADDER)
    finally:
        gc.enable()


def test_recordings_that_fail_later_are_noted_too() -> None:
    def record(stage: object, inputs: tuple[torch.Tensor, ...]) -> object:
        if len(inputs[0]) > 4:
            raise RuntimeError("capturing failed")
        return Recorder()(stage, inputs)

    model = tiny_model()
    runtime = GpuRuntime(model, CPU, _never, lambda *given: StagedRuntime(*given, record))
    assert runtime.notes == []
    asked = _asked(5)
    _same(asked.by(runtime), asked.by(TorchRuntime(model, CPU)), 0.02)
    assert [note[:28] for note in runtime.notes] == ["A recording for 16 photos wa"] * 2


@pytest.mark.parametrize(
    "config",
    [
        replace(CONFIG, geometry="released", roi_margin=0.0, roi_min_size=0.0),
        replace(CONFIG, method="general", reading_scale=0.0),
    ],
    ids=["the authors' geometry", "a method that looks once"],
)
def test_what_cannot_be_staged_takes_the_plain_pass_to_the_bit(config: ModelConfig) -> None:
    torch.manual_seed(0)
    model = build_model(config, {"neckline": ("round", "v"), "sleeve": ("short", "long")}).eval()
    runtime, asked = GpuRuntime(model, CPU, _never), _asked(2)
    assert (asked.by(runtime).embedding == asked.by(TorchRuntime(model, CPU)).embedding).all()
    assert runtime.notes == []


@pytest.mark.parametrize(("count", "wanted"), [(0, [0, 1]), (2, []), (0, [])])
def test_nothing_asked_is_nothing_answered(count: int, wanted: list[int]) -> None:
    asked = _asked(count, wanted)
    looked = asked.by(GpuRuntime(tiny_model(), CPU, _never))
    assert looked.embedding.shape == (count, len(wanted), 32)
    assert len(looked.probabilities) == len(wanted)


def test_a_card_that_is_full_at_the_start_is_tried_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    full, model, slow = [True], tiny_model(), Processor()

    def make(model: AsenPP, device: torch.device, notes: list[str], numbers: Numbers) -> Runtime:
        if full[0]:
            raise OUT
        return StagedRuntime(model, device, notes, numbers)

    runtime = GpuRuntime(model, CPU, lambda: slow, make)
    assert runtime.notice == ""
    asked = _asked(2)
    asked.by(runtime)
    assert (runtime.notice, slow.sizes) == (NOTICE, [2])
    full[0] = False
    monkeypatch.setattr(fitting, "REST", 0.0)
    _same(asked.by(runtime), asked.by(TorchRuntime(model, CPU)), 0.05)
    assert (runtime.notice, runtime.notes) == ("", [])


def test_the_model_given_stays_where_it_is() -> None:
    model = tiny_model()
    before = {name: t.clone() for name, t in model.state_dict().items()}
    GpuRuntime(model, CPU, _never)
    assert all((t == before[name]).all() and t.dtype == before[name].dtype for name, t in model.state_dict().items())


def test_the_quickest_way_is_tried_first() -> None:
    assert [n.local for n in LADDER] == [torch.float16, torch.float32]
    assert {n.whole for n in LADDER} == {torch.float32}


@pytest.mark.parametrize(("name", "lent", "made"), [("cuda", False, True), ("cuda", True, False), ("cpu", False, False)])
def test_a_gpu_gets_its_own_runtime_with_the_processor_behind_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, lent: bool, made: bool
) -> None:
    asked: list[tuple] = []
    monkeypatch.setattr(torch_runtime, "device_of", torch.device)
    monkeypatch.setattr(torch_runtime, "TorchRuntime", lambda model, device: "plain")
    monkeypatch.setattr(gpu_runtime, "GpuRuntime", lambda *given: asked.append(given) or "quick")
    if lent:
        monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    checkpoint = checkpoints.load(tiny_checkpoint(tmp_path / "c"))
    assert runtime_for(checkpoint, name, "torch") == ("quick" if made else "plain")
    if made:
        model, device, fallback = asked[0]
        assert (model, device.type) == (checkpoint.model, "cuda")
        assert fallback() == "plain", "the processor's"
