"""Photos read by processes: the same as read here, the same errors, and nothing left behind."""

import os
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny import CONFIG, photo

from asen_core.engine import processes, reading
from asen_core.engine.processes import Readers
from asen_core.errors import PhotoError
from asen_core.images import worker

pytestmark = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="this system has no files in memory")


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Photos of several sizes, one of them turned by its EXIF; a process is started for the second one."""
    monkeypatch.setattr(processes, "AFTER", 2)
    found = []
    for i in range(6):
        image, exif = Image.fromarray(photo(40 + 30 * i, 60, seed=i)), Image.Exif()
        exif[0x0112] = 6 if i == 3 else 1
        found.append(tmp_path / f"photo {i} é.jpg")
        image.save(found[-1], exif=exif)
    return found


def _pids(readers: Readers) -> list[int]:
    return [p._running.pid for p in readers._started]


def test_a_process_gives_what_is_read_here(paths: list[Path]) -> None:
    mine, theirs = Readers(CONFIG, False), Readers(CONFIG, True)
    try:
        for path in [*paths, str(paths[0])]:
            (garment, square, frame), (other, laid, placed) = mine.laid(path), theirs.laid(path)
            assert (garment.pixels == other.pixels).all()
            assert (square == laid).all()
            assert (garment.id, frame) == (other.id, placed)
        assert len(_pids(theirs)) == 1
        assert _pids(mine) == []
    finally:
        theirs.close()


@pytest.mark.parametrize("content", [None, b"", b"no photo"], ids=["absent", "empty", "not a photo"])
def test_what_cannot_be_read_is_told_in_the_same_words(paths: list[Path], tmp_path: Path, content: bytes | None) -> None:
    bad = tmp_path / "bad.jpg"
    if content is not None:
        bad.write_bytes(content)
    with pytest.raises(PhotoError) as here:
        reading.laid(bad, CONFIG)
    readers = Readers(CONFIG, True)
    try:
        for path in paths[:2]:
            readers.laid(path)
        with pytest.raises(PhotoError) as there:
            readers.laid(bad)
        assert str(there.value) == str(here.value)
        assert (readers.laid(paths[0])[0].pixels == reading.laid(paths[0], CONFIG)[0].pixels).all()
    finally:
        readers.close()


def test_a_process_that_is_killed_costs_no_photo(paths: list[Path]) -> None:
    readers = Readers(CONFIG, True)
    try:
        for path in paths[:3]:
            readers.laid(path)
        (pid,) = _pids(readers)
        os.kill(pid, signal.SIGKILL)
        for path in paths:
            assert (readers.laid(path)[0].pixels == reading.laid(path, CONFIG)[0].pixels).all()
        assert _pids(readers) == [pid], "it is not started again"
    finally:
        readers.close()


def test_one_that_cannot_be_started_is_done_without(paths: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    open_before = len(os.listdir("/proc/self/fd"))
    readers = Readers(CONFIG, True)
    for path in paths:
        assert readers.laid(path)[0].id == path.stem
    assert len(os.listdir("/proc/self/fd")) == open_before


def test_bytes_and_arrays_are_read_here(paths: list[Path]) -> None:
    readers = Readers(CONFIG, True)
    for _ in range(4):
        readers.laid(paths[0].read_bytes())
        readers.laid(photo())
    assert _pids(readers) == []


@pytest.mark.parametrize("whole", [True, False], ids=["to the end", "closed early"])
def test_batches_by_processes_leave_nothing_running(paths: list[Path], monkeypatch: pytest.MonkeyPatch, whole: bool) -> None:
    made: list[Readers] = []
    monkeypatch.setattr(reading, "Readers", lambda *given: made.append(Readers(*given)) or made[0])
    running = reading.batches(paths * 3, CONFIG, 4, 1, processes=True)
    found = [next(running)]
    (pid,) = _pids(made[0])
    found += list(running) if whole else []
    running.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    wanted = [reading.laid(p, CONFIG)[0].pixels for p in (paths * 3)[: 18 if whole else 4]]
    for garment, pixels in zip([g for b in found for g in b.garments], wanted, strict=True):
        assert (garment.pixels == pixels).all()


def test_the_answer_is_in_the_file(paths: list[Path]) -> None:
    file = os.memfd_create("test")
    said = worker.answer(str(paths[1]), file, 64, 255, "letterbox")
    _, square, frame = reading.laid(paths[1], CONFIG)
    assert (said["shape"], said["frame"]) == ([70, 60], [frame.size, frame.scale, frame.dx, frame.dy])
    assert os.pread(file, 64 * 64 * 3, 70 * 60 * 3) == np.ascontiguousarray(square).tobytes()
    assert worker.answer(str(paths[1]) + "x", file, 64, 255, "letterbox") == {}
    os.close(file)
