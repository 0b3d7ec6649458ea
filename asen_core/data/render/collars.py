"""Collars, lapels, hoods and stand-ups: drawn over the shoulders, each marks what it covers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from asen_core.data.render import high_necks
from asen_core.data.render.collar_parts import pair
from asen_core.data.render.curve import bow, cubic, line, path
from asen_core.data.render.outline import Torso
from asen_core.data.render.stage import Cloth, Stage

Collar = Callable[[Stage, Torso, Cloth, np.random.Generator], None]


def collar(stage: Stage, neck: str, cut: Torso, cloth: Cloth, rng: np.random.Generator) -> None:
    """Draw the collar of a neck style (nothing where it has none) and mark it as `collar` and `neckline`."""
    if neck in DRAW:
        DRAW[neck](stage, cut, cloth, rng)


def shirt(stage: Stage, cut: Torso, cloth: Cloth, rng: np.random.Generator) -> None:
    """Two pointed leaves on a stand."""
    _leaves(stage, cut, cloth, rng, spread=float(rng.uniform(3.6, 6.4)), drop=float(rng.uniform(8, 11)))


def polo(stage: Stage, cut: Torso, cloth: Cloth, rng: np.random.Generator) -> None:
    """Softer, shorter leaves of rib, sometimes in another colour."""
    _leaves(
        stage, cut, Cloth(cloth.dye, "rib"), rng, spread=float(rng.uniform(4.6, 7)), drop=float(rng.uniform(6.8, 8.4)), soft=1.2
    )


def _leaves(
    stage: Stage, cut: Torso, cloth: Cloth, rng: np.random.Generator, spread: float, drop: float, soft: float = 0.0
) -> None:
    w, d = cut.neck_width, cut.depth
    part = float(rng.uniform(0.2, 1.5))
    top = (w * 0.82, -3.2)
    tip = (part + spread, d + drop - 5.4)
    front = (part, d + 0.2)
    leaf = path(
        cubic(top, (w + 0.9, -2.6), (w + 1.9, -0.2), (w + 1.2, 1.9)),
        bow((w + 1.2, 1.9), tip, -0.4 - soft * 0.3),
        bow(tip, front, 0.3 + soft * 0.4),
        cubic(front, (w * 0.35, d - 1.2), (w * 0.78, 0.6), top),
    )
    pair(stage, leaf, cloth, 28.0)


def mandarin(stage: Stage, cut: Torso, cloth: Cloth, rng: np.random.Generator) -> None:
    """A low band that stands around the neck, open at the front."""
    w, d = cut.neck_width, cut.depth
    h, gap = float(rng.uniform(2.6, 3.6)), float(rng.uniform(0.3, 1.3))
    band = path(
        cubic((w * 0.92, -h), (w * 0.9, 0.4 - h * 0.2), (w * 0.5, d - h * 0.9), (gap + 1.0, d - h)),
        bow((gap + 1.0, d - h), (gap, d - h * 0.5), -0.5),
        line((gap, d - h * 0.5), (gap, d + 0.3)),
        cubic((gap, d + 0.3), (w * 0.6, d), (w * 1.0, d * 0.6), (w + 0.3, 0.2)),
        line((w + 0.3, 0.2), (w * 0.92, -h)),
    )
    pair(stage, band, cloth, 15.0)


def peter_pan(stage: Stage, cut: Torso, cloth: Cloth, rng: np.random.Generator) -> None:
    """Flat leaves with round ends."""
    w, d = cut.neck_width, cut.depth
    b = float(rng.uniform(4.2, 5.8))
    leaf = path(
        cubic((w, -0.6), (w + b * 0.7, -0.2), (w + b * 1.05, 3), (w + b * 0.7, 6.4)),
        cubic((w + b * 0.7, 6.4), (w * 0.9, d + b * 1.3), (2.2, d + b * 1.5), (0.5, d + b * 0.6)),
        cubic((0.5, d + b * 0.6), (0.2, d + b * 0.3), (0.1, d + 0.5), (0.15, d)),
        cubic((0.15, d), (w * 0.58, d), (w * 0.98, d * 0.62), (w, -0.6)),
    )
    pair(stage, leaf, cloth, 20.0)


def puritan(stage: Stage, cut: Torso, cloth: Cloth, rng: np.random.Generator) -> None:
    """A wide flat collar that reaches over the shoulders, with corners."""
    w, d = cut.neck_width, cut.depth
    b = float(rng.uniform(7.5, 9.5))
    corner = (float(rng.uniform(4.5, 7.5)), d + b * 1.15)
    leaf = path(
        cubic((w, -0.6), (w + b * 0.5, 0.4), (w + b * 0.95, 3), (w + b * 0.85, 8)),
        bow((w + b * 0.85, 8), corner, 1.0),
        line(corner, (0.3, d + 0.4)),
        cubic((0.3, d + 0.4), (w * 0.58, d), (w * 0.98, d * 0.62), (w, -0.6)),
    )
    pair(stage, leaf, cloth, 20.0)


def lapel(stage: Stage, cut: Torso, cloth: Cloth, rng: np.random.Generator) -> None:
    """Notched lapels down to the V point under a tailored collar."""
    w, d = cut.neck_width, cut.depth
    wide, gorge = float(rng.uniform(8.5, 12.5)), float(rng.uniform(8, 11.5))
    roll = bow((0.2, d), (w - 0.6, 0.0), 0.5)
    peak = (wide, gorge + float(rng.uniform(0.2, 2.2)))
    notch = (wide * 0.72, gorge - 0.6)
    leaf = path(
        roll, line((w - 0.6, 0.0), notch, peak), cubic(peak, (wide * 0.8, gorge + (d - gorge) * 0.5), (3.2, d - 4), (0.2, d))
    )
    pair(stage, leaf, cloth, 12.0)
    tip = (wide * 0.9, gorge - float(rng.uniform(2.4, 3.6)))
    top = path(
        cubic((w * 0.82, -3.4), (w + 1.0, -3), (w + 3.0, -1), (w + 2.4, 1.6)),
        bow((w + 2.4, 1.6), tip, -0.5),
        line(tip, notch),
        bow(notch, (w * 0.72, 2.2), 0.3),
        line((w * 0.72, 2.2), (w * 0.82, -3.4)),
    )
    pair(stage, top, cloth, 35.0)


def shawl(stage: Stage, cut: Torso, cloth: Cloth, rng: np.random.Generator, wide: float = 0.0) -> None:
    """A rolled collar in one sweep from the neck to the V point."""
    w, d = cut.neck_width, cut.depth
    b = wide or float(rng.uniform(5.5, 7.5))
    bulge, low = (0.62, 9.0) if wide else (0.45, 7.0)
    leaf = path(
        bow((0.2, d), (w * 0.82, -3.2), 0.7),
        cubic((w * 0.82, -3.2), (w + 2, -3.4), (w + b * 0.62, 1), (w + b * bulge, low)),
        cubic((w + b * bulge, low), (w + b * bulge * 0.7, d * 0.62), (4.6, d - 3), (0.2, d)),
    )
    pair(stage, leaf, cloth, 10.0, stitched=False)


def wide_shawl(stage: Stage, cut: Torso, cloth: Cloth, rng: np.random.Generator) -> None:
    """A shawl collar as wide as the shoulders."""
    shawl(stage, cut, cloth, rng, float(rng.uniform(13, 16)))


DRAW: dict[str, Collar] = {
    "shirt": shirt, "polo": polo, "mandarin": mandarin, "peter_pan": peter_pan, "puritan": puritan, "lapel": lapel,
    "shawl": shawl, "wide_shawl": wide_shawl, "turtle": high_necks.turtle,
    "low_turtle": high_necks.low_turtle, "funnel": high_necks.funnel, "rib": high_necks.rib,
    "ruffle_high": high_necks.ruffle_high, "draped": high_necks.draped, "hood": high_necks.hood,
}  # fmt: skip
STANDING = ("shirt", "polo", "mandarin", "lapel", "shawl", "wide_shawl")
"""Collars whose inner back stands up behind the neck."""
