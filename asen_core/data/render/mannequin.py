"""A plain mannequin, so that neck openings, sleeve ends and hems are seen against skin and neighbouring clothes."""

from __future__ import annotations

import numpy as np
import skia

from asen_core.data.render.curve import bow, cubic, dome, flipped, line, mirror, path, smooth
from asen_core.data.render.palette import RGB, parse, shade
from asen_core.data.render.pen import paint
from asen_core.data.render.sleeves import arm
from asen_core.data.render.stage import Cloth, Stage

SKINS = ("e8bfa0", "d9a888", "c48d68", "a06b48", "7a4b32", "f0d0b8", "cfcac4", "b9b4ae", "e6e2dc")
TOPS = ("f1f1ef", "26272b", "9fb4cc", "a3343a", "c9bfae", "f4e3e1")
UNDER = ("2a3346", "1f2024", "5a6f90", "3c4a63", "8d8f93", "c9bfae", "4a3a30")


def body(stage: Stage, rng: np.random.Generator, angles: tuple[float, float], bottom: bool) -> None:
    """Draw skin: head, neck, chest, arms at the two angles (picture's right, left), legs; `bottom`: in trousers too."""
    skin = parse(str(rng.choice(SKINS)))
    limbs = [flipped(_arm(angle)) if side else _arm(angle) for side, angle in enumerate(angles)]
    whole = _trunk()
    for limb in limbs:
        whole = skia.Op(whole, limb, skia.PathOp.kUnion_PathOp)
    _skin(stage, whole, skin)
    legs(stage, skin, rng, covered=bottom)
    if rng.random() < 0.75:
        head(stage, skin, rng)
    else:
        stage.canvas.drawOval(skia.Rect(-5.4, -16.6, 5.4, -13.6), paint(shade(skin, 0.8)))
    stage.shadow(_trunk_shadow(), 1.8, 0.28)


def head(stage: Stage, skin: RGB, rng: np.random.Generator) -> None:
    """A featureless head, cropped by the frame where it is too high; some wear hair."""
    stage.canvas.save()
    stage.canvas.translate(0, 2.5)
    stage.canvas.scale(0.94, 0.94)
    hair = parse(str(rng.choice(("1d1512", "2c1c14", "4a2f1e", "8a6238"))))
    haired = rng.random() < 0.7 and max(skin) - min(skin) > 30
    long = rng.random() < 0.5
    if haired and long:
        fall = float(rng.uniform(-4, 8))
        back = path(dome((6, fall + 2), (10.5, fall), (11.6, -10), (11.2, -22), (7.5, -34), (0, -38)))
        stage.piece(back, Cloth(hair, "silk"))
        _skin(stage, _neck(), skin)
    face = path(dome((1.8, -10.2), (5.2, -13), (7.6, -20), (7.8, -27), (5.2, -33.6), (0, -35.6)))
    _skin(stage, face, skin)
    if haired:
        part = float(rng.uniform(-3, 3))
        cap = path(
            dome((8.0, -22.5), (9.0, -29), (6, -36), (0, -38.2)),
            bow((-8.0, -22.5), (part, -32), 1.2),
            bow((part, -32), (8.0, -22.5), 1.2),
        )
        stage.piece(cap, Cloth(hair, "silk"))
    stage.canvas.restore()


def _skin(stage: Stage, shape: skia.Path, rgb: RGB) -> None:
    stage.piece(shape, Cloth(rgb, "silk"), depth=0.8)


def _neck() -> skia.Path:
    side = cubic((5.6, -16), (5.0, -5), (6.2, -1), (10, 1.2))
    return path(side, line((10, 1.2), (-10, 1.2)), mirror(side))


def _trunk() -> skia.Path:
    side = cubic((5.4, -15), (4.9, -4), (6.2, -0.3), (12.5, 3.2)) + smooth(
        (12.5, 3.2), (16.8, 7.2), (17.8, 14), (16.2, 28), (14.4, 39), (17.4, 56), (17.4, 66)
    )
    return path(side, mirror(side))


def _trunk_shadow() -> skia.Path:
    return path(cubic((-5, -12), (-3, -7), (3, -7), (5, -12)), bow((5, -12), (-5, -12), 0.5))


def _arm(angle: float) -> skia.Path:
    middle = [(14.6, 6.4), (16.2, 8.6), *arm((18.5, 4.5), (17.5, 20), angle, 0.3 * angle, 53.0)]
    p, widths = np.array(middle), np.array([1.6, 3.2, *np.linspace(4.4, 2.8, len(middle) - 2)])
    d = np.gradient(p, axis=0)
    d /= np.linalg.norm(d, axis=1, keepdims=True)
    out = p + np.stack([d[:, 1], -d[:, 0]], 1) * widths[:, None]
    inn = p - np.stack([d[:, 1], -d[:, 0]], 1) * widths[:, None]
    tip, across = p[-1], np.stack([d[-1, 1], -d[-1, 0]])
    hand = [
        tip + d[-1] * 4 + across * 3.2,
        tip + d[-1] * 10 + across * 2.8,
        tip + d[-1] * 15.5 + across * 0.6,
        tip + d[-1] * 12 - across * 2.2,
        tip + d[-1] * 4 - across * 3.5,
    ]
    points = [tuple(map(float, q)) for q in [*out, *hand, *inn[::-1]]]
    return path(smooth(*points))


def wearer(stage: Stage, rng: np.random.Generator, hem: float) -> None:
    """Who wears a skirt or trousers: a body in a plain top that ends at `hem`."""
    angle = float(rng.uniform(9, 16))
    body(stage, rng, (angle, angle + 1.5), bottom=False)
    side = cubic((8.0, 0.2), (11, 1.4), (15, 3), (18.0, 6)) + smooth((18.0, 6), (18.4, 14), (17.2, 24), (15.6, 38), (17.6, hem))
    cloth = Cloth(parse(str(rng.choice(TOPS))), "jersey")
    front = path(cubic((-8.0, 0.2), (-6, 9), (6, 9), (8.0, 0.2)), side, mirror(side))
    stage.piece(front, cloth)


def legs(stage: Stage, skin: RGB, rng: np.random.Generator, covered: bool) -> None:
    """Two legs; `covered` ones wear plain trousers."""
    outer = smooth((15.0, 52), (16.2, 62), (15.4, 82), (12.8, 98), (13.2, 112), (9.6, 132), (10.5, 141))
    inner = smooth((4.5, 141), (4.8, 132), (4.0, 112), (3.4, 98), (1.2, 80), (0.4, 72))
    leg = path(line((0, 50), (15.0, 52)), outer, line((10.5, 141), (4.5, 141)), inner)
    for shape in (leg, flipped(leg)):
        _skin(stage, shape, skin)
    shoe = path(smooth((3.4, 139), (2.6, 144.5), (6, 147.5), (11, 147.2), (12.6, 144), (11.4, 139)))
    leather = Cloth(parse(str(rng.choice(("241f1e", "f2f1ee", "6b4a32", "8e8f94", "3a3f4b")))), "silk")
    for shape in (shoe, flipped(shoe)):
        stage.piece(shape, leather)
    if covered:
        cloth = Cloth(parse(str(rng.choice(UNDER))), str(rng.choice(("denim", "weave", "canvas"))))
        outer = smooth((14.5, 40), (17.8, 57), (17.6, 82), (14.3, 104), (12.3, 139))
        trouser = path(
            line((0, 40), (14.5, 40)), outer, line((12.5, 139), (3.2, 139)), smooth((3.2, 139), (2.6, 104), (1, 84), (0.2, 71))
        )
        for shape in (trouser, flipped(trouser)):
            stage.piece(shape, cloth)
        stage.seam(path(line((0, 42), (0, 71)), closed=False), shade(cloth.dye, 1.3))


def throat(stage: Stage, seed: int, opening: skia.Path, rng: np.random.Generator) -> None:
    """Skin inside a neck opening, in the tone that `body` chose with a generator of the same seed."""
    skin = parse(str(rng.choice(SKINS)))
    stage.canvas.save()
    stage.canvas.clipPath(opening, skia.ClipOp.kIntersect, True)
    stage.piece(_trunk(), Cloth(skin, "silk"), depth=0.6)
    stage.shadow(_trunk_shadow(), 1.8, 0.28)
    stage.canvas.restore()
