"""What a stop, a kill, a second run or a full disk costs an indexing run: nothing that was saved."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fake_engine import FakeEngine, paint
from test_indexing import folder, held, run

from asen_core.errors import GalleryError
from asen_core.gallery import Gallery, Journal, writing
from asen_core.indexing import Progress, StoppedError, index
from asen_core.indexing.look import header
from asen_core.types import Box

ROOT = Path(__file__).resolve().parents[1]


def test_a_stop_keeps_what_was_looked_at(tmp_path):
    folder(tmp_path / "p", **{f"n{i}": i for i in range(30)})
    told: list[Progress] = []
    with pytest.raises(StoppedError, match=r"Stopped after \d+ of 30 photos"):
        run(tmp_path, each=told.append, stop=lambda: bool(told) and told[-1].done >= 12)
    assert not (tmp_path / "g" / "manifest.json").exists()
    kept = len(Journal(tmp_path / "g" / "journal", header(FakeEngine())))
    assert 12 <= kept < 30
    assert told[-1].saved == kept
    report = run(tmp_path, each=told.append)
    assert (report.looked, report.added) == (30 - kept, 30)
    looking = [p for p in told if p.doing == "Looking at photos"]
    assert looking[-1].done == looking[-1].total == 30
    assert not list((tmp_path / "g").glob("journal*"))
    run_at_once = index(FakeEngine(), tmp_path / "p", tmp_path / "other", maps=False)
    assert run_at_once.looked == 30
    assert held(tmp_path / "g") == held(tmp_path / "other")


CHILD = """
import sys
from fake_engine import FakeEngine
from asen_core.indexing import index
def each(now):
    print(now.doing.split()[0], now.saved, flush=True)
index(FakeEngine(), sys.argv[1], sys.argv[2], maps=False, each=each)
"""


def child(tmp_path: Path, out: str) -> subprocess.Popen:
    paths = {"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests"))), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", CHILD, str(tmp_path / "p"), str(tmp_path / out)]
    return subprocess.Popen(command, env={**os.environ, **paths}, stdout=subprocess.PIPE, text=True)


def test_killed_at_any_moment_it_goes_on_and_nothing_saved_is_lost(tmp_path):
    photos = folder(tmp_path / "p", **{f"n{i:03d}": i for i in range(100)})
    (photos / "bad.png").write_bytes(b"no photo")
    for moment in ("Looking 64", "Comparing", "Writing"):
        process, saved = child(tmp_path, "g"), 0
        for line in process.stdout:
            saved = max(saved, int(line.split()[1]))
            if line.startswith(moment):
                process.send_signal(signal.SIGKILL)
                break
        assert process.wait() == -signal.SIGKILL
        process.stdout.close()
        assert len(Journal(tmp_path / "g" / "journal", header(FakeEngine()))) >= saved >= 64
    assert not (tmp_path / "g" / "manifest.json").exists()
    report = index(FakeEngine(), photos, tmp_path / "g", maps=False)
    whole = index(FakeEngine(), photos, tmp_path / "whole", maps=False)
    assert list(report.left_out) == list(whole.left_out) == ["bad.png"]
    assert held(tmp_path / "g") == held(tmp_path / "whole")
    assert (report.looked, whole.looked) == (0, 100)


def test_a_second_run_at_the_same_time_is_refused_and_readers_go_on(tmp_path):
    folder(tmp_path / "p", a=10)
    run(tmp_path)
    with writing(tmp_path / "g"), pytest.raises(GalleryError, match="is being written by another run"):
        run(tmp_path)
    reader = Gallery.open(tmp_path / "g")
    paint(tmp_path / "p" / "b.png", 20)
    run(tmp_path)
    assert len(reader.search("sleeve", np.array([1, 0], np.float32))) == 1
    assert len(Gallery.open(tmp_path / "g")) == 2


def test_a_full_disk_is_one_sentence_and_loses_nothing(tmp_path, monkeypatch):
    folder(tmp_path / "p", a=10, b=20)
    run(tmp_path)
    before = held(tmp_path / "g")
    folder(tmp_path / "p", c=30, d=40, e=50)
    save = Journal._save_picture
    tries = iter(range(9))

    def full(self, key, pixels):
        if next(tries) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return save(self, key, pixels)

    monkeypatch.setattr(Journal, "_save_picture", full)
    with pytest.raises(GalleryError, match=r"can't be written \(No space left on device\); what was looked at so far is kept"):
        run(tmp_path)
    assert held(tmp_path / "g") == before
    monkeypatch.undo()
    assert run(tmp_path).looked == 1


def test_a_flush_that_a_full_disk_cut_off_is_written_anew(tmp_path, monkeypatch):
    """Vectors are on disk, their lines are not: what comes after must not be taken for them."""
    journal = Journal(tmp_path / "journal", header(FakeEngine()))
    names, pixels = journal.attributes, np.zeros((9, 9, 3), np.uint8)

    def add(number: int) -> None:
        vector = np.full((len(names), 2), [np.cos(number), np.sin(number)], np.float32)
        journal.add(f"{number:064x}", pixels, vector, dict.fromkeys(names, Box(0, 0, 1, 1)))

    sync, calls = os.fsync, iter(range(99))

    def full(file):
        if next(calls) == 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(file)

    monkeypatch.setattr(os, "fsync", full)
    add(1)
    with pytest.raises(OSError, match="No space"):
        journal.flush()
    add(2)
    journal.flush()
    add(3)
    journal.flush()
    again = Journal(tmp_path / "journal", header(FakeEngine()))
    assert [int(row.key, 16) for row in again.rows()] == [1, 2, 3]
    assert again.arrays()[0][:, 0, 0].tolist() == pytest.approx([np.cos(n) for n in (1, 2, 3)], abs=1e-3)
