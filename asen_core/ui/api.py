"""The service: look, search, mix and compare as calls for programs, over HTTP and as tools of language models (MCP).

Names, parameters and results are a contract: add freely, don't rename. The docstrings are what callers read. Annotations are
not postponed here: Gradio makes its schema of the return types as they stand.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
from gradio import route_utils
from gradio.utils import get_upload_folder

from asen_core.errors import AsenError
from asen_core.review.background import Background
from asen_core.review.compare import compare
from asen_core.review.design import Design, Shot, mirror
from asen_core.types import Box, Garment, Matches, View
from asen_core.ui import answers, given
from asen_core.ui.api_types import Attributes, Compared, Contents, Found, Looked, Region, Where
from asen_core.ui.schema import describe
from asen_core.ui.studio import Studio

AMONG = 1000
"""How many garments, the most alike overall, can be put in an attribute's order."""


class Api:
    """The calls; each is a plain method. Registered inside an open `gr.Blocks` with `offer`.

    standard: what likeness of two photos is measured against, read when first needed.
    """

    def __init__(self, studio: Studio, standard: Callable[[], Background]) -> None:
        self.studio, self.standard = studio, standard

    def offer(self) -> None:
        """Make the calls endpoints under their own names. What runs the model waits in one line with the page."""
        for call, busy in (
            (self.attributes, False), (self.gallery, False),
            (self.look, True), (self.search, True), (self.mix, True), (self.compare, True),
        ):  # fmt: skip
            line = {"concurrency_limit": 1, "concurrency_id": "model"} if busy else {"concurrency_limit": None}
            describe(gr.api(told(call), api_name=call.__name__, **line), call)

    def attributes(self) -> Attributes:
        """List what garments can be compared in, such as neckline or sleeve, and the values that can be read."""
        return answers.attributes(self.studio)

    def gallery(self, where: Where | None = None) -> Contents:
        """Count the garments of the gallery and the values of their labels, by which searches can be filtered.

        Args:
            where: Only garments with these labels: {"colour": ["navy", "blue"], "price": {"least": 10, "most": 50}}.
        """
        return answers.contents(self.studio.engine.gallery, given.where(where))

    def look(
        self, photo: str, attributes: list[str] | None = None, attention: bool = False,
        regions: dict[str, Region] | None = None,
    ) -> Looked:  # fmt: skip
        """Look at a photo of one garment: what is read of each attribute, how surely, and where the model looks.

        Args:
            photo: A data URL (data:image/jpeg;base64,...), the path of an upload, or gallery:ID of a garment.
            attributes: Names of attributes, as the call attributes lists them; null for all.
            attention: Whether to send the map of where the model looks, too.
            regions: Attribute -> the region to look at instead of the model's own, in pixels of the upright photo.
        """
        garment, _ = self._photo(photo)
        views = self._look(garment, given.names("attributes", attributes) or None, given.regions(regions))
        shown = [answers.seen(view, attention is True) for view in views.values()]
        return Looked(width=garment.width, height=garment.height, seen=shown)

    def search(
        self, photo: str, attribute: str, request: gr.Request, k: int = 10, where: Where | None = None,
        least: float | None = None, balance: float | None = None, region: Region | None = None, among: int = 0,
    ) -> Found:  # fmt: skip
        """Find the garments of the gallery that are most alike in one attribute.

        Args:
            photo: A data URL (data:image/jpeg;base64,...), the path of an upload, or gallery:ID of a garment.
            attribute: The name of an attribute, such as neckline.
            k: How many garments, 1 to 100.
            where: Only garments with these labels: {"colour": ["navy", "blue"], "price": {"least": 10, "most": 50}}.
            least: The smallest similarity, -1 to 1; null for none.
            balance: From the region alone (0) to the whole photo alone (1); null as the model was trained.
            region: What to look at instead of the model's own region, in pixels of the upright photo.
            among: Put only so many garments in order, the most alike overall, at most 1000; 0 for all.
        """
        (garment, own), box, first = self._photo(photo), given.region(region), given.whole("among", among, 0, AMONG)
        limits = self._limits(k, where, least, balance, own)
        engine, attribute = self.studio.engine, given.name("attribute", attribute)
        views = self._look(garment, None if first else [attribute], {attribute: box} if box else {})
        if first:
            matches = engine.rerank(views, attribute, first + bool(own), **limits)
        else:
            matches = engine.search(views[attribute], attribute, **limits)
        return answers.found(engine, _others(matches, own, limits["k"]), {attribute: views[attribute]}, root_of(request))

    def mix(
        self, photo: str, weights: dict[str, float], request: gr.Request, unlike: list[str] | None = None, k: int = 10,
        where: Where | None = None, least: float | None = None, balance: float | None = None,
    ) -> Found:  # fmt: skip
        """Find the garments that are alike in several attributes together, and different in others where that is asked.

        Args:
            photo: A data URL (data:image/jpeg;base64,...), the path of an upload, or gallery:ID of a garment.
            weights: Attribute -> how much it counts, such as {"neckline": 0.7, "sleeve": 0.3}.
            unlike: Attributes in which the garments must differ from the photo.
            k: How many garments, 1 to 100.
            where: Only garments with these labels: {"colour": ["navy", "blue"], "price": {"least": 10, "most": 50}}.
            least: The smallest weighted mean of similarities, -1 to 1; null for none.
            balance: From the region alone (0) to the whole photo alone (1); null as the model was trained.
        """
        (garment, own), shares, other = self._photo(photo), given.weights(weights), given.names("unlike", unlike) or []
        limits = self._limits(k, where, least, balance, own)
        views = self._look(garment, list(dict.fromkeys([*shares, *other])), {})
        matches = self.studio.engine.mix(views, shares, other, **limits)
        return answers.found(self.studio.engine, _others(matches, own, limits["k"]), views, root_of(request))

    def compare(self, first: str, second: str) -> Compared:
        """Compare two photos: how alike their garments are in each attribute, and how unusual that is.

        Args:
            first: A data URL (data:image/jpeg;base64,...), the path of an upload, or gallery:ID of a garment.
            second: The photo to compare it with, given likewise.
        """
        designs = [self._design(self._photo(photo)[0]) for photo in (first, second)]
        return answers.compared(compare(*designs, self.standard()))

    def _photo(self, photo: object) -> tuple[Garment, str]:
        return given.photo(photo, Path(get_upload_folder()), self.studio.engine.gallery)

    def _look(self, garment: Garment, attributes: list[str] | None, boxes: Mapping[str, Box]) -> dict[str, View]:
        return self.studio.look(garment.pixels, attributes, boxes)

    def _design(self, garment: Garment) -> Design:
        views, turned = (self._look(g, None, {}) for g in (garment, mirror(garment)))
        return Design(garment.id, (Shot(garment, views, turned),))

    def _limits(self, k: object, where: object, least: object, balance: object, own: str) -> dict[str, Any]:
        """own: a garment that is asked with; as it will be found, too, one more is searched for."""
        return {
            "k": given.whole("k", k, 1, given.MOST) + bool(own),
            "where": given.where(where),
            "least": given.number("least", least, -1, 1),
            "beta": given.number("balance", balance, 0, 1),
        }


def _others(found: Matches, own: str, k: int) -> Matches:
    """Without the garment that was asked with, for which one more was searched; it leaves no gap in the ranks before."""
    if not own:
        return found
    before = next((h.before for h in found if h.item.id == own), None)
    others = [h for h in found if h.item.id != own]
    if before is not None:
        others = [replace(h, before=h.before - (h.before > before)) if h.before else h for h in others]
    return replace(found, hits=tuple(others[: k - 1]))


def root_of(request: gr.Request | None) -> str:
    """The address under which a caller reached the page, also behind a proxy; "" where there was no request."""
    if request is None or request.request is None:
        return ""
    called = request.request
    return route_utils.get_root_url(called, route_utils.get_api_call_path(called), called.app.root_path) + "/"


def told(call: Callable[..., Any]) -> Callable[..., Any]:
    """The call with our errors as Gradio's: their text reaches the caller, everything else stays in the server's log."""

    @functools.wraps(call)
    def answer(*args: Any, **named: Any) -> Any:
        try:
            return call(*args, **named)
        except AsenError as error:
            raise gr.Error(str(error), print_exception=False) from None

    return answer
