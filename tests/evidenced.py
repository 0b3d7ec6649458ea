"""What the tests of evidence packs share: photos as files, pairs and makings."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from tiny import photo

from asen_core.review import evidence
from asen_core.review.background import of_gallery
from asen_core.review.compare import compare
from asen_core.review.design import seen

AT = "2026-01-31T11:00:00+01:00"


def encoded(pixels: np.ndarray, kind: str = "JPEG", **more) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind, **more)
    return out.getvalue()


def jpeg(seed: int = 0, height: int = 90, width: int = 60, name: str = "") -> evidence.File:
    return evidence.of_bytes(encoded(photo(height, width, seed), quality=90), name or f"photo {seed}.jpg")


def made(engine, first, second, **more) -> evidence.Pair:
    background = of_gallery(engine.gallery)
    designs = [seen(engine, [f.garment for f in files]) for files in (first, second)]
    return evidence.Pair(compare(*designs, background), tuple(first), tuple(second), background, **more)


def making(engine, **more) -> evidence.Making:
    return evidence.making(engine.gallery, AT, **more)
