"""How small and how large a photo may be."""

from __future__ import annotations

from dataclasses import dataclass

from asen_core.errors import PhotoError


@dataclass(frozen=True)
class Limits:
    """bytes: of the file; pixels: width x height, read from the header; side: the least width and height."""

    bytes: int = 50_000_000
    pixels: int = 80_000_000
    side: int = 5


LIMITS = Limits()


def check_size(width: int, height: int, name: str) -> None:
    """Raises: PhotoError where the picture is smaller or larger than `LIMITS` allow."""
    least = LIMITS.side
    if min(width, height) < least:
        raise PhotoError(f"{name} is {width} x {height} pixels, at least {least} x {least} are needed; use a larger picture.")
    if width * height > LIMITS.pixels:
        mp = width * height / 1e6
        raise PhotoError(
            f"{name} is {width} x {height} pixels ({mp:.0f} megapixels), at most {LIMITS.pixels // 10**6} megapixels are read; "
            "save it smaller."
        )
