"""Light and shadow in the cloth, hems and cuffs, pockets; and the drawing of bottoms."""

from __future__ import annotations

import numpy as np
import skia

from asen_core.data.render import styles
from asen_core.data.render.curve import Segments, bow, cubic, path, reverse
from asen_core.data.render.fabric import GLOSS
from asen_core.data.render.outline import Torso
from asen_core.data.render.palette import Palette, luma, shade
from asen_core.data.render.sleeves import Sleeve
from asen_core.data.render.spec import Spec
from asen_core.data.render.stage import Cloth, Stage


def crease(stage: Stage, inside: skia.Path, lines: list[Segments], cloth: Cloth, width: float, depth: float = 1.0) -> None:
    """Folds: a dark valley and a lit ridge beside it."""
    gloss = GLOSS.get(cloth.fabric, 0.0)
    dark = (0.24 if luma(cloth.dye) > 60 else 0.5) * depth
    light = (0.12 + 0.14 * gloss + (0.02 if luma(cloth.dye) < 90 else 0)) * depth
    shapes = [lens(chain, width * 1.5) for chain in lines]
    moved = []
    for shape in shapes:
        copy = skia.Path(shape)
        copy.offset(width * 0.9, -width * 0.35)
        moved.append(copy)
    stage.fills(inside, shapes, width * 0.4, shade(cloth.dye, 0.22), dark * 1.25)
    stage.fills(inside, moved, width * 0.45, shade(cloth.dye, 1.9), light * 1.5)


def lens(chain: Segments, width: float) -> skia.Path:
    """A fold's footprint: as long as the curve, widest in its middle, pointed at both ends."""
    p, a, b, q = chain[0]
    dx, dy = q[0] - p[0], q[1] - p[1]
    length = max(float(np.hypot(dx, dy)), 1e-6)
    nx, ny = dy / length * width, -dx / length * width
    return path(chain[:1], cubic(q, (b[0] + nx, b[1] + ny), (a[0] + nx, a[1] + ny), p))


def volume(stage: Stage, shape: skia.Path, cloth: Cloth, strength: float = 1.0) -> None:
    """Light from the upper left over the whole piece."""
    b = shape.getBounds()
    lit, dim = shade(cloth.dye, 1.8), shade(cloth.dye, 0.2)
    sheen = round((22 + 60 * GLOSS.get(cloth.fabric, 0)) * strength)
    stops = [
        skia.Color(*dim, round(60 * strength)), skia.Color(*dim, 0), skia.Color(*lit, sheen), skia.Color(*lit, 0),
        skia.Color(*dim, round(84 * strength)),
    ]  # fmt: skip
    across = skia.GradientShader.MakeLinear([skia.Point(b.left(), 0), skia.Point(b.right(), 0)], stops, [0, 0.2, 0.38, 0.62, 1])
    down = skia.GradientShader.MakeLinear(
        [skia.Point(0, b.top()), skia.Point(0, b.bottom())],
        [skia.Color(*lit, round(20 * strength)), skia.Color(*dim, 0), skia.Color(*dim, round(44 * strength))],
        [0, 0.4, 1],
    )
    stage.canvas.save()
    stage.canvas.clipPath(shape, skia.ClipOp.kIntersect, True)
    for shader in (across, down):
        stage.canvas.drawRect(b, skia.Paint(Shader=shader))
    stage.canvas.restore()


def torso(stage: Stage, spec: Spec, cut: Torso, cloth: Cloth, rng: np.random.Generator) -> None:
    """Folds of a front: from the armpits, at the waist, down a skirt."""
    u = rng.uniform
    volume(stage, cut.front, cloth)
    ax, ay = cut.armpit
    lines = []
    for side in (-1, 1):
        for _ in range(int(rng.integers(1, 3))):
            x, y = side * (ax - u(0, 3)), ay + u(-2, 4)
            lines.append(
                cubic(
                    (x, y),
                    (x - side * u(4, 8), y + u(1, 6)),
                    (x - side * u(7, 12), y + u(6, 12)),
                    (x - side * u(8, 15), y + u(9, 20)),
                )
            )
        y = u(34, 44)
        if y < cut.hem_y - 8:
            lines.append(bow((side * (cut.waist + 1), y), (side * u(4, 12), y + u(-2, 7)), u(-2, 2)))
    crease(stage, cut.front, lines, cloth, u(1.2, 2.2), u(0.6, 1.1))
    if cut.hem_y > 66:
        hang = []
        for _ in range(int(rng.integers(4, 8))):
            share = u(-0.9, 0.9)
            hang.append(
                cubic(
                    (share * cut.waist * 0.8, u(40, 52)),
                    (share * cut.waist, 58),
                    (share * cut.hem_x * 0.9, cut.hem_y - 20),
                    (share * cut.hem_x, cut.hem_y + 2),
                )
            )
        crease(stage, cut.front, hang, cloth, u(1.6, 3.2), 1.0 if spec.fit == "a_line" else 0.6)
    else:
        low = [bow((x, cut.hem_y - u(8, 20)), (x + u(-4, 4), cut.hem_y), u(-1.5, 1.5)) for x in u(-0.8, 0.8, 3) * cut.waist]
        crease(stage, cut.front, low, cloth, u(1.2, 2.4), 0.6)


def sleeve(stage: Stage, spec: Spec, part: Sleeve, cloth: Cloth, rng: np.random.Generator) -> None:
    """Light on a sleeve and creases at the elbow."""
    volume(stage, part.shape, cloth, 0.6)
    if len(part.middle) < 4:
        return
    points, lines = np.array(part.middle), []
    for at in rng.uniform(0.3, 0.85, 4):
        k = at * (len(points) - 1)
        p = points[int(k)] + (points[int(k) + 1] - points[int(k)]) * (k % 1)
        d = points[int(k) + 1] - points[int(k)]
        d = d / np.linalg.norm(d)
        n = np.array([d[1], -d[0]]) * part.width * float(rng.choice((-1, 1)))
        lines.append(
            bow(
                tuple(map(float, p + n * 1.2)),
                tuple(map(float, p - n * 0.3 + d * rng.uniform(-4, 4))),
                float(rng.uniform(-1, 1)),
            )
        )
    crease(stage, part.shape, lines, cloth, float(rng.uniform(0.9, 1.6)), 0.8)


def cuff(stage: Stage, spec: Spec, part: Sleeve, cloth: Cloth, colours: Palette) -> None:
    """The end of a sleeve: rib, rolled band, shirt cuff or a turned edge."""
    if part.cuff.isEmpty():
        return
    banded = ribbed(spec) and styles.SLEEVES[spec.sleeve][0] == "long"
    if banded:
        stage.canvas.save()
        stage.canvas.clipPath(part.shape, skia.ClipOp.kIntersect, True)
        stage.piece(part.cuff, Cloth(shade(cloth.dye, 0.95), "rib"), -part.turn, depth=0.8)
        stage.canvas.restore()
    elif spec.sleeve == "rolled":
        stage.shadow(part.cuff, 0.7, 0.4, 0, -0.5, inside=part.shape)
        stage.piece(part.cuff, cloth, -part.turn + 90, depth=0.8)
        stage.mark("sleeve", part.cuff)
        stage.mark("garment", part.cuff)
    elif spec.kind == "shirt" and spec.sleeve == "long":
        stage.piece(part.cuff, cloth, -part.turn + 8, depth=0.5)
        stage.mark("garment", part.cuff)
    else:
        stage.strokes(part.shape, [part.cuff], 0.16, 0.01, shade(cloth.dye, 0.55), 0.0 if spec.fabric == "silk" else 0.45)


def ribbed(spec: Spec) -> bool:
    """Whether cuffs and hem end in knitted bands."""
    return spec.fabric in styles.KNITS or spec.neck == "rib"


def ribbed_hem(stage: Stage, cut: Torso, cloth: Cloth) -> None:
    """A knitted band along the lower edge."""
    raised = [tuple((x * 1.01, y - 6.0) for x, y in s) for s in cut.hem]
    band = path(cut.hem, reverse(raised))
    stage.canvas.save()
    stage.canvas.clipPath(cut.front, skia.ClipOp.kIntersect, True)
    stage.piece(band, Cloth(shade(cloth.dye, 0.96), "rib"), depth=0.7)
    stage.canvas.restore()
