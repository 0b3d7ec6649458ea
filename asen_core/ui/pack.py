"""The evidence pack of what is on the desk: the PDF and the JSON in one zip."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from datetime import UTC, datetime

from asen_core import images
from asen_core.errors import QueryError
from asen_core.gallery import Gallery
from asen_core.review.background import Background
from asen_core.review.compare import compare
from asen_core.review.design import Design
from asen_core.review.evidence import File, Pair, making, pair_pack, read
from asen_core.review.relations import relations_of
from asen_core.ui.desk import Desk, Side


def packed(desk: Desk, background: Background, gallery: Gallery, now: datetime) -> bytes:
    """A zip with evidence.pdf and evidence.json; the same bytes for the same desk and moment.

    Raises: QueryError without a comparison; PhotoError where a file is no longer kept.
    """
    if desk.comparison is None:
        raise QueryError("There is nothing to put into a pack yet; give a photo of each design.")
    designs = [_whole(d, side) for d, side in zip((desk.comparison.first, desk.comparison.second), desk.sides, strict=True)]
    found = compare(*designs, background, desk.comparison.weights)
    maps = {desk.why.found.attribute: (desk.why.found.strength, None)} if desk.why else {}
    first, second = (_files(side) for side in desk.sides)
    pair = Pair(found, first, second, background, maps, relations_of(found))
    pack = pair_pack(pair, making(gallery, now.astimezone(UTC).isoformat()), "evidence.json")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in (("evidence.pdf", pack.pdf), ("evidence.json", pack.json)):
            archive.writestr(zipfile.ZipInfo(name, now.astimezone(UTC).timetuple()[:6]), data)
    return out.getvalue()


def _whole(design: Design, side: Side) -> Design:
    """The design with its photos in full, and the places in their pixels: the desk keeps small ones."""
    shots = tuple(
        replace(sheet.shot, garment=images.load(sheet.query.photo), views=sheet.query.views) for sheet in side
    )  # fmt: skip
    return Design(design.name, shots)


def _files(side: Side) -> tuple[File, ...]:
    return tuple(read(sheet.query.photo) for sheet in side)
