"""What visitors do at the page, and whether what they are shown is the answer to what they asked."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from PIL import Image, ImageOps

from benchmarks.load_visitor import BusyError, FaultError, Visitor, chosen

ROOT = Path(__file__).resolve().parents[1]
SHARES = {"attribute": 50, "tile": 20, "search_on": 8, "detail": 7, "upload": 15}
"""What visitors do after their first photo, in percent."""
THINK, AFTER_BUSY, MOST_PHOTOS, NEAR = (2.0, 10.0), (3.0, 8.0), 40, 1e-3
"""Seconds; photos; similarity by which two results may stand the other way round."""
KINDS = (".jpg", ".jpeg", ".png", ".webp")
_EXPECT = """
import json, sys
from asen_core.engine import Engine
engine = Engine.open()
found = {}
for photo in sys.argv[1:]:
    views = engine.look(photo)
    found[photo] = {
        a: [(h.item.id, h.similarity) for h in engine.search(v, a, k=48)]
        for a, v in views.items() if a in engine.gallery.attributes
    }
print(json.dumps(found))
"""
Expected = Mapping[str, Mapping[str, list[tuple[str, float]]]]


def photos_of(folder: Path | None, made: Path, seed: int) -> list[Path]:
    """Those of a folder, at most MOST_PHOTOS drawn; without one, four kinds of each sample. Raises: SystemExit without any."""
    source = folder or ROOT / "assets" / "samples"
    found = sorted(p for p in source.iterdir() if p.suffix.lower() in KINDS)
    if not found:
        raise SystemExit(f"{source} holds no photos ({', '.join(KINDS)}).")
    if folder:
        return random.Random(seed).sample(found, min(MOST_PHOTOS, len(found)))
    made.mkdir(parents=True)
    photos = []
    for path in found:
        with Image.open(path) as opened:
            whole = opened.convert("RGB")
        width, height = whole.size
        cut = whole.crop((width // 8, height // 10, width, height))
        for number, picture in enumerate((whole, ImageOps.mirror(whole), cut, ImageOps.mirror(cut))):
            photos.append(made / f"{path.stem}-{number}.jpg")
            picture.resize((picture.width * 2, picture.height * 2)).save(photos[-1], quality=92)
    return photos


def expectations(photos: list[Path]) -> Expected:
    """What the engine finds for each photo, from a process that ends before the measurement begins."""
    done = subprocess.run(
        [sys.executable, "-c", _EXPECT, *map(str, photos)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


@dataclass(frozen=True)
class Seen:
    """The photos that visitors have, what the engine finds for each, and how long they think (1: as THINK says)."""

    photos: Sequence[Path]
    expected: Expected
    think: float = 1.0


class Table:
    """What one visitor has on the table, and the clicks that are possible there."""

    def __init__(self, visitor: Visitor, drawn: random.Random, seen: Seen) -> None:
        self.visitor, self.drawn, self.photos, self.expected = visitor, drawn, seen.photos, seen.expected
        self.photo: Path | None = None
        self._sent: tuple[Path, str] | None = None
        self.attributes = sorted(next(iter(seen.expected.values())))
        self.attribute = str(visitor.page.call("attribute", "input", "results").given[1])

    async def act(self, action: str) -> None:
        """One click and its answer. Raises: BusyError, FaultError."""
        await (self.changed if action == "attribute" else getattr(self, action))()

    async def upload(self) -> None:
        """A new photo, or the one that the page was too busy for, once more."""
        if self._sent is None:
            photo = self.drawn.choice(self.photos)
            self._sent = photo, await self.visitor.upload(photo)
        photo, path = self._sent
        await self._do("upload", "stage", "photo_sent", {"path": path})
        self.photo, self._sent = photo, None
        self._check()
        await self.visitor.look_at(self.drawn.choice((0, 4, 24)))

    async def changed(self) -> None:
        """Alike in something else."""
        before, self.attribute = self.attribute, self.drawn.choice(self.attributes)
        try:
            await self._do("attribute", "attribute", "input", None)
        except BusyError:
            self.attribute = before
            raise
        self._check()

    async def tile(self) -> None:
        """A result is compared with the photo."""
        item = self.drawn.choice(self.visitor.tiles)
        shown = await self._do("tile", "results", "tile_chosen", {"id": item})
        if f'data-id="{item}"' not in str(shown.get("dock")):
            self._wrong(f"{item} was chosen, and another or none is compared")

    async def search_on(self) -> None:
        """The next search starts from a result; what it finds is not checked, as it is a picture of the gallery."""
        item = self.drawn.choice(self.visitor.tiles)
        shown = await self._do("search_on", "dock", "search_on", {"id": item})
        self.photo = None
        self.visitor.heard.checked += 1
        if f"Gallery garment {item}" not in str(shown.get("stage")):
            self._wrong(f"{item} was to be searched on from, and another photo is shown")

    async def detail(self) -> None:
        """A result beside the photo, in the other tab."""
        item = self.drawn.choice(self.visitor.tiles)
        call = self.visitor.page.call("results", "in_detail")
        shown = await self.visitor.do("detail", call, {"id": item}, {})
        if not any(item in str(value) for value in shown.values()):
            self._wrong(f"{item} was opened in Compare, and is not shown")

    async def _do(self, action: str, part: str, event: str, data: Mapping[str, Any] | None) -> dict[str, Any]:
        call = self.visitor.page.call(part, event, "results")
        return await self.visitor.do(action, call, data, {"attribute": self.attribute})

    def _check(self) -> None:
        """The results have to be those of this photo under this attribute, in order."""
        if self.photo is None:
            return
        self.visitor.heard.checked += 1
        said = mistaken(self.visitor.tiles, self.expected[str(self.photo)][self.attribute])
        if said:
            self._wrong(f"{self.photo.name}, {self.attribute}: {said}")

    def _wrong(self, said: str) -> None:
        self.visitor.heard.wrong.append(said)


def mistaken(shown: Sequence[str], expected: Sequence[tuple[str, float]]) -> str:
    """How results differ from those expected, "" where they don't; two as alike as NEAR may have changed places."""
    if not shown or len(shown) > len(expected):
        return f"{len(shown)} results, expected 1 to {len(expected)}"
    of = dict(expected)
    for rank, item in enumerate(shown):
        if item not in of or abs(of[item] - expected[rank][1]) > NEAR:
            return f"place {rank + 1} has {item}, expected {expected[rank][0]}"
    return ""


async def visit(visitor: Visitor, drawn: random.Random, seen: Seen, end: float) -> None:
    """From the page to its last click. Whoever is told that the page is busy waits and goes on."""
    table = Table(visitor, drawn, seen)
    await visitor.http.get(visitor.home)
    for number in range(drawn.randint(5, 20)):
        if time.monotonic() > end:
            return
        action = chosen(drawn, SHARES) if visitor.tiles else "upload"
        try:
            await table.act(action)
        except BusyError:
            visitor.heard.refused += 1
            await asyncio.sleep(drawn.uniform(*AFTER_BUSY))
            continue
        except (FaultError, httpx.HTTPError, ValueError, KeyError) as error:
            visitor.heard.errors[f"{action}: {type(error).__name__}: {error}"[:300]] += 1
        await asyncio.sleep(0 if not number else seen.think * drawn.uniform(*THINK))
