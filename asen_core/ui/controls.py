"""The controls beside the photo: what to be alike in, filters, how many, and what all of them ask together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from asen_core.ui import names
from asen_core.ui.facets import counted, where_of
from asen_core.ui.mixing import mix_of
from asen_core.ui.studio import Ask, Studio

COUNTS = (12, 24, 48)
FIRSTS = (50, 100, 250)
"""How many garments, the most alike overall, can be put in an attribute's order."""
_HERE = Path(__file__).parent
Values = tuple[str, int, float, float, int, Any, Any]
"""What the controls say, in the order of `Controls.all`; the last two, filters and mix, as the browser made them."""


class Controls:
    """Lays the controls out where it is made. Holds components only."""

    def __init__(self, studio: Studio, first: Ask) -> None:
        pills = [(names.attribute_name(a), a) for a in studio.attributes]
        with gr.Row(elem_id="alike"):
            self.attribute = _pills("attribute", "Alike in", pills, first.attribute)
            self.mix = scripted("mix", {}, attributes=[[a, name] for name, a in pills])
        with gr.Row(elem_id="bar"):
            self.show = _pills("show", "Show", [("Whole garment", "whole"), ("Region", "region")], "whole")
            self.count = _pills("count", "How many", [(str(c), c) for c in COUNTS], first.count)
            offered = _firsts(studio)
            self.first = _pills("first", "Among", offered, 0, visible=len(offered) > 1)
        with gr.Accordion("Filters and balance", open=False, elem_id="options"):
            self.filters = scripted("filters", {}, facets=counted(studio.engine.gallery, studio.facets, {}))
            with gr.Row():
                self.beta = gr.Slider(
                    0, 1, studio.engine.config.beta, step=0.05, label="Balance: region (0) to whole photo (1)",
                    elem_id="beta", min_width=180,
                )  # fmt: skip
                self.least = gr.Slider(0, 1, first.least, step=0.01, label="Least similarity", elem_id="least", min_width=180)

    @property
    def all(self) -> list[Any]:
        """In the order of `Values`."""
        return [self.attribute, self.count, self.beta, self.least, self.first, self.filters, self.mix]

    @property
    def offers(self) -> list[Any]:
        """Those that change with the gallery, in the order of `offered`."""
        return [self.first, self.filters]


def offered(studio: Studio) -> list[dict[str, Any]]:
    """What `Controls.offers` become for another gallery: nothing is filtered yet."""
    firsts = _firsts(studio)
    return [
        gr.update(choices=firsts, value=0, visible=len(firsts) > 1),
        gr.update(value={}, facets=counted(studio.engine.gallery, studio.facets, {})),
    ]


def recounted(studio: Studio, chosen: object) -> dict[str, Any]:
    """The counts beside each filter's values, given what the other filters keep. Raises: QueryError."""
    where = where_of(studio.facets, chosen)
    return gr.update(facets=counted(studio.engine.gallery, studio.facets, where))


def question(studio: Studio, values: Values) -> Ask:
    """The values of the controls as a question. Raises: QueryError for what this gallery does not offer."""
    attribute, count, beta, least, first, chosen, mixed = values
    trained = abs(beta - studio.engine.config.beta) < 1e-6
    where, mix = where_of(studio.facets, chosen), mix_of(studio.attributes, mixed)
    return Ask(attribute, count, None if trained else beta, least, where, first, mix)


def told(answer: Callable[[Any, Values, dict[str, Any]], Any]) -> Callable[..., Any]:
    """`answer` as a handler of the visit and all controls; Gradio reads its signature, so it is spelled out."""

    def handler(
        visit: Any, attribute: str, count: int, beta: float, least: float, first: int, chosen: Any, mixed: Any,
        event: gr.EventData,
    ) -> Any:  # fmt: skip
        data = event._data if isinstance(event._data, dict) else {}
        return answer(visit, (attribute, count, beta, least, first, chosen, mixed), data)

    return handler


def scripted(name: str, value: dict[str, Any], **given: Any) -> gr.HTML:
    """A control that its script draws from what is given; its value is what the visitor set."""
    script = (_HERE / f"{name}.js").read_text(encoding="utf-8")
    return gr.HTML(
        value, html_template=f'<div class="{name}"></div>', elem_id=name, apply_default_css=False, js_on_load=script, **given
    )


def _firsts(studio: Studio) -> list[tuple[str, int]]:
    """Among which garments to search; only "all" where all are few enough."""
    offered = [n for n in FIRSTS if n < len(studio.engine.gallery)]
    return [("All", 0), *((f"{n} most alike overall" if n == offered[0] else str(n), n) for n in offered)]


def _pills(name: str, label: str, options: list[tuple[str, Any]], value: Any, visible: bool = True) -> gr.Radio:
    return gr.Radio(
        options, value=value, label=label, show_label=False, elem_id=name, container=False, min_width=0, visible=visible
    )
