"""Recordings of a stage, by a fake that re-runs the stage: what is filled up, given up and forgotten."""

import pytest
import torch
from torch import Tensor

from asen_core.models.captured import Captured, Replay


def _stage(x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
    return x + 2 * y, (x * y).sum(1)


class Recorder:
    """Records by keeping the stage; writes into the same outputs every time, as a CUDA graph does."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.replayed: list[int] = []

    def __call__(self, stage: object, inputs: tuple[Tensor, ...]) -> Replay:
        self.sizes.append(len(inputs[0]))
        outputs = tuple(torch.zeros_like(t) for t in stage(*inputs))

        def replay() -> tuple[Tensor, ...]:
            self.replayed.append(len(inputs[0]))
            for mine, fresh in zip(outputs, stage(*inputs), strict=True):
                mine.copy_(fresh)
            return outputs

        return replay


def _batch(count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 3, generator=generator), torch.randn(count, 3, generator=generator)


@pytest.mark.parametrize(("count", "size"), [(1, 1), (2, 4), (4, 4), (5, 8), (8, 8)])
def test_a_batch_is_filled_up_to_the_next_size(count: int, size: int) -> None:
    record, notes = Recorder(), []
    captured = Captured(_stage, notes, record, sizes=(8, 1, 4))
    for seed in (0, 1):
        given = _batch(count, seed)
        for mine, theirs in zip(captured(*given), _stage(*given), strict=True):
            torch.testing.assert_close(mine, theirs)
    assert record.sizes == [size]
    assert notes == []


def test_a_smaller_batch_after_a_larger_one_has_nothing_of_it() -> None:
    captured = Captured(_stage, [], Recorder(), sizes=(4,))
    captured(*_batch(4, 1))
    first, second = captured(*_batch(2, 2))
    torch.testing.assert_close(first, _stage(*_batch(2, 2))[0])
    assert len(second) == 2


@pytest.mark.parametrize("count", [0, 9])
def test_no_photos_and_too_many_run_unrecorded(count: int) -> None:
    record = Recorder()
    captured = Captured(_stage, [], record, sizes=(1, 8))
    assert len(captured(*_batch(count))[0]) == count
    assert record.sizes == []


def test_what_cannot_be_recorded_runs_unrecorded_and_is_tried_once() -> None:
    tried, notes = [], []

    def record(stage: object, inputs: tuple[Tensor, ...]) -> Replay:
        tried.append(len(inputs[0]))
        raise RuntimeError("operation not permitted when stream is capturing\nmore")

    captured = Captured(_stage, notes, record, sizes=(2,))
    for _ in range(3):
        torch.testing.assert_close(captured(*_batch(2))[0], _stage(*_batch(2))[0])
    assert tried == [2]
    assert notes == [
        "A recording for 2 photos was given up (operation not permitted when stream is capturing); these run unrecorded."
    ]


@pytest.mark.parametrize(
    "wrong", [lambda t: t + 1.0, lambda t: t * float("nan"), torch.zeros_like], ids=["off", "nan", "stale"]
)
def test_a_recording_that_disagrees_is_given_up(wrong: object) -> None:
    notes: list[str] = []

    def record(stage: object, inputs: tuple[Tensor, ...]) -> Replay:
        return lambda: tuple(wrong(t) for t in stage(*inputs))

    captured = Captured(_stage, notes, record, sizes=(2,))
    for _ in range(2):
        torch.testing.assert_close(captured(*_batch(2))[0], _stage(*_batch(2))[0])
    assert len(notes) == 1
    assert "disagrees" in notes[0]


@pytest.mark.parametrize("deaf", [(0, 1), (0,), (1,)], ids=["both", "the first", "the second"])
def test_a_recording_that_does_not_read_its_inputs_is_given_up(deaf: tuple[int, ...]) -> None:
    notes: list[str] = []

    def record(stage: object, inputs: tuple[Tensor, ...]) -> Replay:
        first = [t.clone() for t in inputs]
        return lambda: stage(*(first[i] if i in deaf else t for i, t in enumerate(inputs)))

    captured, given = Captured(_stage, notes, record, sizes=(2,)), _batch(2)
    kept = [t.clone() for t in given]
    torch.testing.assert_close(captured(*given)[0], _stage(*kept)[0])
    assert len(notes) == 1
    assert "disagrees" in notes[0]
    assert all(torch.equal(mine, theirs) for mine, theirs in zip(given, kept, strict=True)), "the caller's own stay"


def test_out_of_memory_while_recording_is_the_callers() -> None:
    def record(stage: object, inputs: tuple[Tensor, ...]) -> Replay:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    captured = Captured(_stage, [], record, sizes=(2,))
    with pytest.raises(torch.OutOfMemoryError):
        captured(*_batch(2))


def test_released_recordings_are_made_anew() -> None:
    record = Recorder()
    captured = Captured(_stage, [], record, sizes=(2,))
    captured(*_batch(2))
    captured.release()
    torch.testing.assert_close(captured(*_batch(1))[0], _stage(*_batch(1))[0])
    assert record.sizes == [2, 2]
