"""The one inference path: photos in, views and matches out."""

from asen_core.engine.engine import SHIPPED_CHECKPOINT, SHIPPED_GALLERY, Engine

__all__ = ["SHIPPED_CHECKPOINT", "SHIPPED_GALLERY", "Engine"]
