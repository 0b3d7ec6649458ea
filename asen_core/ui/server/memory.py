"""Memory that was freed goes back to the system. Linux's allocator keeps it, apart for each thread, so a busy server grows."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any

_ARENAS, _MOST = -8, 2
"""glibc's M_ARENA_MAX, and how many heaps all threads share."""


def share_heaps() -> bool:
    """Let threads share a few heaps; before they are started. Returns whether the allocator can do so."""
    library = _library()
    return library is not None and hasattr(library, "mallopt") and bool(library.mallopt(_ARENAS, _MOST))


def give_back() -> bool:
    """Give free memory back to the system: some milliseconds. Returns whether the allocator can do so."""
    library = _library()
    if library is None or not hasattr(library, "malloc_trim"):
        return False
    library.malloc_trim(0)
    return True


@cache
def _library() -> Any:
    return ctypes.CDLL(None) if sys.platform == "linux" else None
