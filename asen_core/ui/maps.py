"""The tab "Map": the gallery laid out by one attribute, on a canvas that maps.js and maps_view.js bring to life."""

from __future__ import annotations

import base64
import json
import secrets
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from asen_core.draw.legend import Entry, legend
from asen_core.errors import AsenError, GalleryError, QueryError
from asen_core.gallery.maps import how_to_make
from asen_core.ui import handlers, names
from asen_core.ui.controls import Values, told
from asen_core.ui.find_alike import FIND, FindAlike
from asen_core.ui.handlers import Visit
from asen_core.ui.stage import address
from asen_core.ui.studio import Studio

TITLE = "Map"
FINEST = 65535
_HERE = Path(__file__).parent
_KEY = '<div class="key" role="group" aria-label="Values; choose some to dim the others"></div>'


class Maps:
    """Builds the tab inside an open `gr.Tab`. Points travel once per attribute; a click is answered by the tab of `find`."""

    def __init__(self, studio: Studio, find: FindAlike, tabs: gr.Tabs) -> None:
        self.studio, self.find, self.tabs = studio, find, tabs
        script = "\n".join((_HERE / name).read_text(encoding="utf-8") for name in ("maps_view.js", "maps.js"))
        self.atlas = gr.HTML(frame(studio), elem_id="atlas", apply_default_css=False, js_on_load=script)
        passed_on = 'watch("value", () => document.dispatchEvent(new Event("map-sent")));'
        self.sent = gr.HTML("<div></div>", elem_id="map-sent", apply_default_css=False, js_on_load=passed_on)
        self.atlas.map_wanted(
            self._sheet, find.visit, [self.sent], show_progress="hidden", api_visibility="private", concurrency_limit=None
        )
        self.atlas.garment_chosen(
            told(self._search), find.given, [*find.shown, find.controls.attribute, tabs], show_progress="hidden",
            api_visibility="private", trigger_mode="always_last", concurrency_limit=1, concurrency_id="model",
        )  # fmt: skip

    def _sheet(self, visit: Visit | None, event: gr.EventData) -> str:
        data = event._data if isinstance(event._data, dict) else {}
        return sheet(self.find.used(visit), data.get("attribute"))

    def _search(self, visit: Visit | None, values: Values, sent: dict[str, Any]) -> tuple[Any, ...]:
        """The garment becomes the query under the map's attribute; where that fails, page and tab stay as they are."""
        attribute = sent.get("attribute")
        known = attribute if attribute in self.studio.attributes else values[0]
        sought = {"id": chosen(self.find.used(visit), sent.get("index"))}
        shown, well = self.find.answered(handlers.search_on, visit, (known, *values[1:-1], {}), sought)
        return (*shown, gr.update(value=known), gr.Tabs(selected=FIND) if well else gr.skip())


def chosen(studio: Studio, index: object) -> str:
    """The id of the garment with this number, or "" (which no gallery holds) for a number that the page did not give."""
    items = studio.engine.gallery.items
    known = isinstance(index, int) and not isinstance(index, bool) and 0 <= index < len(items)
    return items[index].id if known else ""


def sheet(studio: Studio, attribute: object) -> str:
    """One attribute's map for the browser: HTML whose data is JSON, or a message in its place."""
    try:
        content = _content(studio, attribute)
    except AsenError as error:
        content = {"problem": str(error)}
    return (
        f'<div data-turn="{secrets.token_hex(4)}" data-map="{escape(json.dumps({"attribute": attribute, **content}))}"></div>'
    )


def _content(studio: Studio, attribute: object) -> dict[str, Any]:
    """points: N pairs of uint16, numbers: N entries of the legend as uint8, both base64 of little-endian bytes."""
    if attribute not in studio.attributes or not isinstance(attribute, str):
        raise QueryError("The page asked for a map that this gallery can't have; reload the page.")
    gallery = studio.engine.gallery
    points = gallery.map(attribute)
    if points is None:
        name = names.attribute_name(attribute).lower()
        raise QueryError(f"This gallery has no map of {name} yet; make it once with: {how_to_make(gallery.directory)}")
    shown = legend([item.labels.get(attribute, "") for item in gallery.items])
    return {
        "points": _packed(np.rint(points * FINEST), "<u2"),
        "numbers": _packed(shown.numbers, "u1"),
        "entries": [{"name": _named(attribute, e), "colour": e.colour, "count": e.count} for e in shown.entries],
    }


def _packed(values: np.ndarray, kind: str) -> str:
    return base64.b64encode(values.astype(kind).tobytes()).decode()


def _named(attribute: str, entry: Entry) -> str:
    if entry.values > 1:
        return f"{entry.values} other values"
    return names.value_name(attribute, entry.value) if entry.value else "Not labelled"


def frame(studio: Studio) -> str:
    """The tab before any data: attributes, canvas, legend. Pictures are named once, since all maps show the same garments."""
    pills = "".join(
        f'<label><input type="radio" name="map-attribute" value="{escape(a)}"{" checked" if i == 0 else ""}>'
        f"<span>{escape(names.attribute_name(a))}</span></label>"
        for i, a in enumerate(studio.attributes)
    )
    tools = "".join(
        f'<button type="button" class="plain" data-do="{do}" aria-label="{said}" title="{said}">{sign}</button>'
        for do, said, sign in (("in", "Zoom in", "+"), ("out", "Zoom out", "−"), ("all", "Show all garments", "⤢"))
    )
    spoken = _spoken(len(studio.engine.gallery))
    return (
        f'<section class="atlas" data-pictures="{escape(json.dumps(pictures(studio)))}">'
        f'<fieldset class="pills"><legend>Map of</legend>{pills}</fieldset>'
        '<p class="how">Each point is a garment; the closer two are, the more alike in <b class="what"></b>. Colours are '
        "labels, places come from the pictures alone; distances between far groups say little.</p>"
        f'<div class="sheet"><canvas tabindex="0" role="application" aria-label="{escape(spoken)}"></canvas>'
        f'<div class="zooming">{tools}</div><div class="spot" role="status" hidden></div>'
        f'<p class="problem" role="status" hidden></p></div>{_KEY}</section>'
    )


def other(studio: Studio) -> str:
    """What the browser has to know of another gallery before it asks for its maps."""
    data = {
        "turn": secrets.token_hex(4),
        "pictures": json.dumps(pictures(studio)),
        "spoken": _spoken(len(studio.engine.gallery)),
    }
    given = " ".join(f'data-{name}="{escape(value)}"' for name, value in data.items())
    return f"<div {given}></div>"


def _spoken(count: int) -> str:
    return (
        f"Map of {count:,} garments. Arrow keys go from garment to garment, Enter searches from one, "
        "plus and minus zoom, 0 shows all."
    )


def pictures(studio: Studio) -> dict[str, Any]:
    """Where the browser finds each garment's picture: a folder, and their paths below it; none where there is no map."""
    gallery = studio.engine.gallery
    try:
        drawn = any(gallery.map(attribute) is not None for attribute in studio.attributes)
    except GalleryError:
        drawn = False
    items = gallery.items if drawn else ()
    files = [gallery.picture(item).relative_to(gallery.pictures).as_posix() for item in items]
    return {"folder": address(gallery.pictures), "files": files}
