"""What a measurement was made with."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_LOAD = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
"""Taken when the benchmark starts: afterwards it would tell of the benchmark itself."""
_PACKAGES = {
    "torch": "torch", "numpy": "numpy", "openvino": "openvino", "faiss": "faiss-cpu", "pillow": "pillow", "gradio": "gradio",
}  # fmt: skip
_CODE = ("asen_core", ":(glob)benchmarks/*.py", ":(glob)assets/compact/model.*")
"""What a measurement depends on; the figures themselves don't count as a change."""
_VARIABLES = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def facts(seed: int | None = None) -> dict[str, Any]:
    """Commit, processor, cores, threads, load before the run and versions, to be kept beside the figures; seed: where one drew.

    commit: with a + where the code was changed since; processors: of the machine; cores: that this process may use; load:
    processes that ran or waited in the minute before the benchmark began; a package that is missing has no version.
    """
    drawn = {} if seed is None else {"seed": seed}
    return {
        "commit": _commit(), "processors": os.cpu_count(), "cores": cores(), "machine": platform.machine(),
        "processor": processor(), "running_threads": threads(), "load": _LOAD, "python": platform.python_version(),
        **_versions(), **drawn,
    }  # fmt: skip


def processor() -> str:
    """The processor's name, as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def keep_to(count: int) -> None:
    """Leave this process and what it starts the first `count` of its cores; before torch and others count them.

    Raises: SystemExit where there are fewer, or the system can't bind a process to cores.
    """
    # Idle threads of one library that spin would hold the cores while another one works.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if not hasattr(os, "sched_setaffinity"):
        if cores() != count:
            raise SystemExit(f"This system can't bind a process to cores; measure on a machine of {count}, or give --cores.")
        return
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < count:
        raise SystemExit(f"{count} cores were asked for, this process may use {len(allowed)}; give --cores {len(allowed)}.")
    os.sched_setaffinity(0, allowed[:count])
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(count)


def threads() -> dict[str, Any]:
    """Threads of the libraries that are loaded, and the variables of the environment that set them."""
    found: dict[str, Any] = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
    if torch := sys.modules.get("torch"):
        found["torch"] = torch.get_num_threads()
    if faiss := sys.modules.get("faiss"):
        found["faiss"] = faiss.omp_get_max_threads()
    if "openvino" in sys.modules:
        found["openvino"] = cores()  # what the engine asks it for
    return found


def peak_mb() -> float:
    """The most memory (10^6 bytes) that this process held; `getrusage` would begin with what the one held that started it."""
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return int(next(line.split()[1] for line in status if line.startswith("VmHWM:"))) * 1024 / 1e6
    except (OSError, StopIteration):
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def _commit() -> str:
    found, changed = (_git(*line) for line in (("rev-parse", "--short", "HEAD"), ("status", "--porcelain", "--", *_CODE)))
    return found + ("+" if changed else "")


def _git(*line: str) -> str:
    root = Path(__file__).resolve().parents[1]
    return subprocess.run(["git", *line], cwd=root, capture_output=True, text=True).stdout.strip()


def _versions() -> dict[str, str]:
    found = {}
    for name, package in _PACKAGES.items():
        try:
            found[name] = version(package)
        except PackageNotFoundError:
            continue
    return found
