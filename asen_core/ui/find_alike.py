"""The tab "Find alike": its layout, and which handler answers which click."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from asen_core.errors import AsenError
from asen_core.ui import handlers, names, present
from asen_core.ui.handlers import KEPT_SECONDS, Step, Visit
from asen_core.ui.stage import stage
from asen_core.ui.studio import Ask, Studio, choices, compare, opening

TITLE, FIND = "Find alike", "find-alike"
"""The tab's name for people, and for the page."""
COUNTS = (12, 24, 48)
FIRSTS = (50, 100, 250)
"""How many garments, the most alike overall, can be put in an attribute's order."""
FILTERS = ("category", "colour")
_HERE = Path(__file__).parent


class FindAlike:
    """Builds the tab inside an open `gr.Blocks`. Holds components only; what belongs to a visitor is in `gr.State`.

    notice: where messages go; None makes the place here, which is seen only while this tab is.
    """

    def __init__(self, studio: Studio, notice: gr.HTML | None = None) -> None:
        self.studio = studio
        self.visit = gr.State(None, time_to_live=KEPT_SECONDS, delete_callback=partial(handlers.forget, studio))
        first = Ask(studio.attributes[0])
        self.notice = notice or notice_board()
        with gr.Row(elem_id="desk"):
            with gr.Column(elem_id="query", min_width=300):
                self.stage = _html("stage", stage(None, first.attribute, studio.samples))
            with gr.Column(elem_id="answers", min_width=300):
                self._lay_out_controls(first)
                self.results = _html("results", self._results(Visit(), first))
        self.dock = _html("dock", "")
        self._wire()

    def _lay_out_controls(self, first: Ask) -> None:
        pills = [(names.attribute_name(a), a) for a in self.studio.attributes]
        self.attribute = _pills("attribute", "Alike in", pills, first.attribute)
        with gr.Row(elem_id="bar"):
            self.show = _pills("show", "Show", [("Whole garment", "whole"), ("Region", "region")], "whole")
            self.count = _pills("count", "How many", [(str(c), c) for c in COUNTS], first.count)
            self.first = self._first()
        with gr.Accordion("Filters and balance", open=False, elem_id="options"):
            with gr.Row():
                self.filters = [self._filter(label) for label in FILTERS]
            with gr.Row():
                self.beta = gr.Slider(
                    0, 1, self.studio.engine.config.beta, step=0.05, label="Balance: region (0) to whole photo (1)",
                    elem_id="beta", min_width=180,
                )  # fmt: skip
                self.least = gr.Slider(0, 1, first.least, step=0.01, label="Least similarity", elem_id="least", min_width=180)

    def _first(self) -> gr.Radio:
        """Which garments are put in the attribute's order; hidden where all are few enough."""
        offered = [n for n in FIRSTS if n < len(self.studio.engine.gallery)]
        named = [(f"{n} most alike overall" if n == offered[0] else str(n), n) for n in offered]
        return _pills("first", "Among", [("All", 0), *named], 0, visible=bool(offered))

    def _filter(self, label: str) -> gr.Dropdown:
        found = self._counted(label, {})
        return gr.Dropdown(
            found, value=[], multiselect=True, label=names.attribute_name(label), elem_id=f"filter-{label}",
            min_width=180, visible=bool(found),
        )  # fmt: skip

    def _counted(self, label: str, where: dict[str, list[str]]) -> list[tuple[str, str]]:
        counts = choices(self.studio, label, where)
        return [(f"{names.value_name(label, v)} ({n:,})", v) for v, n in sorted(counts.items(), key=lambda c: -c[1])]

    def _wire(self) -> None:
        for listen, step in (
            (self.stage.photo_sent, handlers.photo_sent),
            (self.stage.sample_chosen, handlers.sample_chosen),
            (self.stage.box_drawn, handlers.box_drawn),
            (self.results.tile_chosen, handlers.tile_chosen),
            (self.dock.search_on, handlers.search_on),
        ):
            self._on(listen, step, concurrency_limit=1)
        for control in (self.first, self.count, *self.filters):
            self._on(control.input, handlers.asked_anew, concurrency_limit=None, left=False)
        for slider in (self.beta, self.least):
            self._on(slider.change, handlers.asked_anew, concurrency_limit=None, left=False)
        for listen, step in (
            (self.stage.photo_refused, handlers.photo_refused),
            (self.stage.box_reset, handlers.box_reset),
            (self.dock.pair_closed, handlers.pair_closed),
            (self.attribute.input, handlers.asked_anew),
        ):
            self._on(listen, step, concurrency_limit=None)
        self.show.change(None, self.show, None, js="(v) => { document.documentElement.dataset.show = v; }")
        for control in self.filters:
            control.input(
                self._recount, self.filters, self.filters, show_progress="hidden", api_visibility="private",
                concurrency_limit=None,
            )  # fmt: skip

    @property
    def controls(self) -> list[Any]:
        """What every question is put with: the visit, then what `asked` takes, in its order."""
        return [self.visit, self.attribute, self.count, self.beta, self.least, self.first, *self.filters]

    @property
    def shown(self) -> list[Any]:
        """What every answer changes."""
        return [self.notice, self.stage, self.results, self.dock, self.visit]

    def asked(
        self, attribute: str, count: int, beta: float, least: float, first: int, category: list[str], colour: list[str]
    ) -> Ask:
        """The values of the controls as a question."""
        trained = abs(beta - self.studio.engine.config.beta) < 1e-6
        return Ask(attribute, count, None if trained else beta, least, {"category": category, "colour": colour}, first)

    def answered(
        self, step: Step, visit: Visit | None, ask: Ask, sent: dict[str, Any]
    ) -> tuple[tuple[str, str, str, str, Visit], bool]:
        """Values for `shown` after a step, and whether it went well; else the visit stays and the notice says why."""
        before, text = visit or Visit(), ""
        try:
            after = step(self.studio, before, ask, {**sent, "folder": get_upload_folder()})
        except AsenError as error:
            after, text = before, str(error)
        return (present.notice(text), *self._page(after, ask), after), not text

    def _on(self, listen: Callable[..., Any], step: Step, concurrency_limit: int | None, left: bool = True) -> None:
        """Let a step answer an event. Steps that may run the model share one queue; our errors become the notice, here only.

        left: whether the photo's side may change; else it is not sent again.
        """

        def answer(
            visit: Visit | None, attribute: str, count: int, beta: float, least: float, first: int,
            category: list[str], colour: list[str], event: gr.EventData,
        ) -> tuple[Any, ...]:  # fmt: skip
            sent = event._data if isinstance(event._data, dict) else {}
            said, side, *rest = self.answered(
                step, visit, self.asked(attribute, count, beta, least, first, category, colour), sent
            )[0]
            return (said, side if left else gr.skip(), *rest)

        shared = {"concurrency_id": "model"} if concurrency_limit else {}
        listen(
            answer,
            self.controls,
            self.shown,
            show_progress="hidden", api_visibility="private", trigger_mode="always_last",
            concurrency_limit=concurrency_limit, **shared,
        )  # fmt: skip

    def _page(self, visit: Visit, ask: Ask) -> tuple[str, str, str]:
        """Left side, grid and comparison as they now are."""
        left = stage(visit.query, ask.attribute, self.studio.samples)
        return left, self._results(visit, ask), self._dock(visit, ask)

    def _results(self, visit: Visit, ask: Ask) -> str:
        gallery = self.studio.engine.gallery
        if visit.query is None or visit.answer is None:
            return present.welcome(opening(self.studio, ask.count), gallery.picture, ask.attribute, len(gallery))
        reading = visit.query.views[ask.attribute].reading
        return present.results(visit.answer, ask, gallery.picture, reading.value if reading else None, visit.chosen)

    def _dock(self, visit: Visit, ask: Ask) -> str:
        if visit.query is None or not visit.chosen:
            return ""
        shown = compare(self.studio, visit.query, visit.chosen, visit.answer)
        return present.pair(shown, visit.query, ask.attribute, self.studio.engine.gallery.picture)

    def _recount(self, *chosen: list[str]) -> list[dict[str, Any]]:
        """Counts beside each filter's values, given what the other filters keep."""
        where = dict(zip(FILTERS, chosen, strict=True))
        return [gr.update(choices=self._counted(label, where)) for label in FILTERS]


def notice_board() -> gr.HTML:
    """The one place for messages of all tabs."""
    return _html("notice", present.notice())


def _html(name: str, value: str) -> gr.HTML:
    """A part of the page that is ours; what it does in the browser is in the script of the same name."""
    script = (_HERE / f"{name}.js").read_text(encoding="utf-8")
    return gr.HTML(value, elem_id=name, apply_default_css=False, js_on_load=script)


def _pills(name: str, label: str, options: list[tuple[str, Any]], value: Any, visible: bool = True) -> gr.Radio:
    return gr.Radio(
        options, value=value, label=label, show_label=False, elem_id=name, container=False, min_width=0, visible=visible
    )
