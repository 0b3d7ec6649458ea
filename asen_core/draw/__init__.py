"""Pictures for people: overlays as arrays (here), and figures for print (`attention`, `strips`, `scatter` on a `page`)."""

from __future__ import annotations

from asen_core.draw.overlay import contact_sheet, crop, fitted, framed, heat, overlaid, shrunk, strength, tinted

__all__ = ["contact_sheet", "crop", "fitted", "framed", "heat", "overlaid", "shrunk", "strength", "tinted"]
