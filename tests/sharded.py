"""What tests of shards share: a folder for the small model, verbs run as people run them, what a journal or a gallery holds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from PIL import Image
from tiny import photo

from asen_core.gallery.journal import Journal

ROOT = Path(__file__).resolve().parents[1]
VERB = [sys.executable, "-m", "asen_core"]
STARTERS = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "JOB_COMPLETION_INDEX")


def environment(**variables: str) -> dict[str, str]:
    """This one without a starter's variables, one thread a process so that sums are summed alike."""
    plain = {k: v for k, v in os.environ.items() if k not in STARTERS and not k.startswith("SLURM_")}
    return {**plain, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **variables}


def run(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    asked = [str(a) for a in arguments]
    return subprocess.run(asked, env=environment(**variables), capture_output=True, text=True, timeout=300)


def fill(folder: Path) -> Path:
    """Photos for the small model: 70, one of them twice and one broken."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(70):
        Image.fromarray(photo(70 + i % 9, 60, seed=i)).save(folder / f"{i:02d}.png")
    (folder / "twice.png").write_bytes((folder / "00.png").read_bytes())
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff and then nothing")
    return folder


def contents(folder: Path) -> dict[str, tuple]:
    """What a journal holds of each photo's content."""
    journal = Journal(folder, json.loads((folder / "header.json").read_text()))
    vectors, rois = journal.arrays()
    rows = zip(journal.rows(), vectors, rois, strict=True)
    return {r.key: (v.tobytes(), b.tobytes(), r.facts, (folder.parent / r.image).read_bytes()) for r, v, b in rows}


def files(gallery: Path) -> dict[str, bytes]:
    """What a gallery consists of, but for the date in its manifest."""
    names = [p for p in gallery.rglob("*") if p.is_file() and p.suffix in (".npy", ".sqlite", ".webp")]
    return {p.relative_to(gallery).as_posix(): p.read_bytes() for p in names}
