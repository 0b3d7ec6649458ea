"""Photos read ahead: their order, how far ahead, where errors come, and that the threads end."""

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from tiny import CONFIG, photo

from asen_core import images
from asen_core.engine import reading
from asen_core.engine.reading import batches
from asen_core.errors import PhotoError


def _numbered(count: int) -> list[np.ndarray]:
    return [np.full((20 + i, 30, 3), i, np.uint8) for i in range(count)]


def _running() -> int:
    return sum(t.name.startswith("reading") for t in threading.enumerate())


@pytest.mark.parametrize("readers", [1, 4])
@pytest.mark.parametrize(
    ("count", "size", "sizes"),
    [(0, 2, []), (1, 1, [1]), (1, 5, [1]), (4, 2, [2, 2]), (5, 2, [2, 2, 1]), (3, 1, [1, 1, 1])],
)
def test_batches_come_in_order_and_hold_what_was_laid(count: int, size: int, sizes: list[int], readers: int) -> None:
    photos = _numbered(count)
    found = list(batches(photos, CONFIG, size, readers))
    assert [len(b.garments) for b in found] == sizes
    flat = [(g, i, f) for b in found for g, i, f in zip(b.garments, b.inputs, b.frames, strict=True)]
    for pixels, (garment, laid, frame) in zip(photos, flat, strict=True):
        wanted, wanted_frame = images.lay(pixels, CONFIG.input_size, CONFIG.fill)
        assert (garment.pixels == pixels).all()
        assert (laid == wanted).all()
        assert frame == wanted_frame
    assert _running() == 0


def test_a_slow_photo_keeps_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    load = images.load

    def slowly(source: np.ndarray) -> object:
        time.sleep(0.05 if source[0, 0, 0] == 0 else 0)
        return load(source)

    monkeypatch.setattr(images, "load", slowly)
    found = [int(g.pixels[0, 0, 0]) for b in batches(_numbered(6), CONFIG, 2, 4) for g in b.garments]
    assert found == list(range(6))


def test_the_next_batch_is_read_while_one_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    load, read = images.load, threading.Event()

    def noted(source: np.ndarray) -> object:
        if source[0, 0, 0] == 3:
            read.set()
        return load(source)

    monkeypatch.setattr(images, "load", noted)
    running = batches(_numbered(6), CONFIG, 2)
    next(running)
    assert read.wait(5), "nothing was read while the first batch was in use"
    running.close()


def test_at_most_two_batches_are_asked_for() -> None:
    asked: list[int] = []

    def photos() -> Iterator[np.ndarray]:
        for i, pixels in enumerate(_numbered(20)):
            asked.append(i)
            yield pixels

    running = batches(photos(), CONFIG, 3)
    assert asked == []
    for turn in (1, 2, 3):
        next(running)
        assert len(asked) == 3 * turn + 3
    running.close()
    assert _running() == 0


@pytest.mark.parametrize("readers", [1, 3])
def test_a_photo_that_cannot_be_read_comes_after_the_batches_before_it(readers: int) -> None:
    running = batches([photo(), photo(), photo(), b"no photo", photo()], CONFIG, 2, readers)
    assert len(next(running).garments) == 2
    with pytest.raises(PhotoError):
        next(running)
    assert list(running) == []
    assert _running() == 0


def test_what_the_iterable_raises_has_its_place_too() -> None:
    def photos() -> Iterator[np.ndarray]:
        yield from _numbered(3)
        raise KeyError("the list ends here")

    running = batches(photos(), CONFIG, 2)
    assert len(next(running).garments) == 2
    with pytest.raises(KeyError, match="ends here"):
        next(running)


def test_a_generator_closed_early_ends_its_threads_and_reads_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    load, read = images.load, []

    def slowly(source: np.ndarray) -> object:
        time.sleep(0.02)
        read.append(int(source[0, 0, 0]))
        return load(source)

    monkeypatch.setattr(images, "load", slowly)
    running = batches(_numbered(50), CONFIG, 5, 1)
    next(running)
    running.close()
    assert _running() == 0
    assert len(read) <= 7


def test_an_empty_batch_has_its_shape() -> None:
    batch = reading.together([], CONFIG)
    assert (batch.garments, batch.inputs.shape, batch.frames) == ((), (0, 64, 64, 3), ())


def test_readers_are_one_on_a_processor_and_no_more_than_there_are_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "cores", lambda: 64)
    assert (reading.readers(False), reading.readers(True)) == (1, 16)
    monkeypatch.setattr(reading, "cores", lambda: 4)
    assert reading.readers(True) == 4
