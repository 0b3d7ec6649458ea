"""Work in a process of its own that is killed at a random moment, then the same work again to its end."""

from __future__ import annotations

import json
import os
import random
import select
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.fault_jobs import Job


class Killed(NamedTuple):
    """after: seconds from its start to the kill; told: how much it had said was saved; kept: how much was on the disk."""

    after: float
    told: int
    kept: int


def forked(work: Callable[[], Any]) -> Any:
    """What `work` returns in a fork of this process, as JSON. Raises: SystemExit where it fails."""
    reading, pid = _fork(lambda say: say(json.dumps(work())))
    with os.fdopen(reading, encoding="utf-8") as file:
        said = file.read()
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]):
        raise SystemExit("What was to be looked at in a process of its own failed, see above.")
    return json.loads(said)


def undisturbed(job: Job, home: Path, out: Path) -> tuple[float, Any]:
    """Seconds that the work takes, and what it comes to."""
    since = time.perf_counter()
    forked(lambda: job.go(home, out, lambda saved: None))
    return time.perf_counter() - since, forked(lambda: job.outcome(out))


def rounds(job: Job, home: Path, place: Path, count: int, rng: random.Random) -> dict[str, Any]:
    """The work undisturbed, and `count` times killed and gone on with; how often something was lost or is different."""
    seconds, wanted = undisturbed(job, home, place / "whole")
    kills, wrong, finished, different = [], 0, 0, set()
    while len(kills) < count and finished < 2 * count + 5:
        out = place / "killed"
        shutil.rmtree(out, ignore_errors=True)
        found = killed(job, home, out, rng.uniform(0, seconds))
        if found is None:  # it was quicker than the one that was measured
            finished += 1
            continue
        kills.append(found)
        forked(lambda out=out: job.go(home, out, lambda saved: None))
        ends = forked(lambda out=out: job.outcome(out))
        if ends != wanted:
            wrong += 1
            different |= {name for name in {*ends, *wanted} if ends.get(name) != wanted.get(name)}
        print(f"\r{job.name}: {len(kills)} of {count} ", end="", file=sys.stderr)
    print(file=sys.stderr)
    return {
        "seconds": round(seconds, 2), "kills": len(kills), "lost": sum(k.kept < k.told for k in kills), "wrong": int(wrong),
        "saved_before": sum(k.told > 0 for k in kills), "complete_before": finished,
        "after": [round(k.after, 2) for k in kills],
        "different": sorted(different),
    }  # fmt: skip


def killed(job: Job, home: Path, out: Path, after: float) -> Killed | None:
    """The work, killed with SIGKILL so many seconds after its start; None where it had ended by then."""
    since = time.perf_counter()
    reading, pid = _fork(lambda say: job.go(home, out, lambda saved: say(f"{saved}\n")))
    os.set_blocking(reading, False)
    said = b""
    while (left := after - (time.perf_counter() - since)) > 0:
        if select.select([reading], [], [], left)[0]:
            some = os.read(reading, 65536)
            if not some:
                break
            said += some
    moment = time.perf_counter() - since
    os.kill(pid, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.set_blocking(reading, True)
    with os.fdopen(reading, "rb") as file:
        said += file.read()
    if status >= 0:
        if status:
            raise SystemExit(f"{job.name} failed before it could be killed, see above.")
        return None
    lines = said.split(b"\n")[:-1]
    return Killed(moment, max(map(int, lines), default=0), forked(lambda: job.kept(home, out)))


def _fork(work: Callable[[Callable[[str], None]], Any]) -> tuple[int, int]:
    """A fork that does `work` with a way to say something; where to read that, and its process."""
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        os.close(writing)
        return reading, pid
    status = 1
    try:
        os.close(reading)
        work(lambda text: _all(writing, text.encode()))
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _all(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]
