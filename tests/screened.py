"""A tiny engine with a protected catalogue, and suspects, for the tests of screening."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from PIL import Image
from tiny import photo, tiny_checkpoint

from asen_core.engine import Engine
from asen_core.gallery import GalleryWriter
from asen_core.types import Garment

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def opened(folder: Path, items: int = 12) -> Engine:
    """An engine whose gallery, below `folder`, holds drawn rectangles called item-0, item-1, ...; made where it is missing."""
    checkpoint = folder / "checkpoint"
    if not checkpoint.exists():
        tiny_checkpoint(checkpoint)
    engine = Engine.open(checkpoint, folder / "gallery")
    if not (folder / "gallery").exists():
        shape = (tuple(engine.vocabulary), engine.dim, engine.config.global_dim, engine.fingerprint)
        with GalleryWriter(folder / "gallery", *shape) as writer:
            garments = [Garment(photo(seed=i), labels={"sleeve": "long"}) for i in range(items)]
            for i, (garment, views) in enumerate(zip(garments, engine.views(garments), strict=True)):
                writer.add_views(f"item-{i}", garment, views)
    return engine


def suspects(folder: Path, count: int, seed: int = 50) -> Path:
    """A folder with so many photos, 00.png on; each shows another rectangle."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        Image.fromarray(photo(seed=seed + i)).save(folder / f"{i:02d}.png")
    return folder
