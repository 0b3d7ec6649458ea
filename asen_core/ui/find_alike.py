"""The tab "Find alike": its layout, and which handler answers which click."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from asen_core.errors import AsenError
from asen_core.ui import busy, handlers, present, watching
from asen_core.ui.controls import Controls, Values, question, recounted, told
from asen_core.ui.handlers import KEPT_SECONDS, Step, Visit
from asen_core.ui.present import Within
from asen_core.ui.server import visits
from asen_core.ui.stage import TEMPLATE, camera, intake, stage
from asen_core.ui.studio import Ask, Studio, compare, opening

TITLE, FIND = "Find alike", "find-alike"
"""The tab's name for people, and for the page."""
_HERE = Path(__file__).parent


class FindAlike:
    """Builds the tab inside an open `gr.Blocks`. Holds components only; what belongs to a visitor is in `gr.State`.

    notice: where messages go; None makes the place here, which is seen only while this tab is.
    """

    def __init__(self, studio: Studio, notice: gr.HTML | None = None) -> None:
        self.studio = studio
        self.visit = gr.State(None, time_to_live=KEPT_SECONDS, delete_callback=forgetting(studio, handlers.forget))
        first = Ask(studio.attributes[0])
        self.notice = notice or notice_board()
        with gr.Row(elem_id="desk"):
            with gr.Column(elem_id="query", min_width=300):
                self.stage = _html(
                    "stage", stage(None, first.attribute), TEMPLATE, intake=intake(studio.samples), camera=camera()
                )
            with gr.Column(elem_id="answers", min_width=300):
                self.controls = Controls(studio, first)
                self.results = _html("results", self._results(studio, Visit(), first))
        self.dock = _html("dock", "")
        self._wire()

    def _wire(self) -> None:
        c = self.controls
        for listen, step in (
            (self.stage.photo_sent, handlers.photo_sent),
            (self.stage.sample_chosen, handlers.sample_chosen),
            (self.stage.box_drawn, handlers.box_drawn),
            (self.results.tile_begun, handlers.tile_chosen),
            (self.dock.search_on, handlers.search_on),
        ):
            self._on(listen, step, concurrency_limit=1)
        for changed in (c.first.input, c.count.input, c.filters.filtered, c.mix.mixed, c.beta.change, c.least.change):
            self._on(changed, handlers.asked_anew, concurrency_limit=None, left=False)
        for listen, step in (
            (self.stage.photo_refused, handlers.photo_refused),
            (self.stage.box_reset, handlers.box_reset),
            (self.dock.pair_closed, handlers.pair_closed),
            (self.results.tile_chosen, handlers.tile_compared),
        ):
            self._on(listen, step, concurrency_limit=None)
        self._on(c.attribute.input, handlers.asked_anew, concurrency_limit=None, mixed=False)
        c.show.change(None, c.show, None, js="(v) => { document.documentElement.dataset.show = v; }")
        c.filters.filtered(
            self._recount, [self.visit, c.filters], c.filters, show_progress="hidden", api_visibility="private",
            concurrency_limit=None,
        )  # fmt: skip

    @property
    def given(self) -> list[Any]:
        """What every question is put with: the visit, then the controls."""
        return [self.visit, *self.controls.all]

    @property
    def shown(self) -> list[Any]:
        """What every answer changes."""
        return [self.notice, self.stage, self.results, self.dock, self.visit]

    def used(self, visit: Visit | None) -> Studio:
        """Around the gallery that a visit searches."""
        return (visit.studio if visit else None) or self.studio

    def answered(
        self, step: Step, visit: Visit | None, values: Values, sent: dict[str, Any]
    ) -> tuple[tuple[Any, Any, Any, Any, Visit], bool]:
        """Values for `shown` after a step, and whether it went well; else the visit stays and the notice says why."""
        before = visit or Visit()
        for used in (before.own, before.query and before.query.pictures):
            if used is not None:
                used.touch()
        try:
            ask = question(self.used(before), values)
        except AsenError as error:
            return (present.notice(str(error)), gr.skip(), gr.skip(), gr.skip(), before), False
        text = ""
        try:
            after = step(self.used(before), before, ask, {**sent, "folder": get_upload_folder()})
        except AsenError as error:
            after, text = before, str(error)
        if visit is None and after.query is None and visits.lost():
            text = busy.LOST
        slower = self.used(after).engine.notice if after.query is not before.query else ""
        try:
            shown: tuple[Any, Any, Any] = self.page(after, ask)
        except AsenError as error:
            shown, text = (gr.skip(), gr.skip(), gr.skip()), text or str(error)
        return (present.notice(text or slower), *shown, after), not text

    def page(self, visit: Visit, ask: Ask) -> tuple[str, str, str]:
        """Left side, grid and comparison as they now are."""
        studio = self.used(visit)
        return stage(visit.query, ask.attribute), self._results(studio, visit, ask), self._dock(studio, visit, ask)

    def _on(
        self, listen: Callable[..., Any], step: Step, concurrency_limit: int | None, left: bool = True, mixed: bool = True
    ) -> None:
        """Let a step answer an event. Steps that may run the model share one queue; our errors become the notice, here only.

        left: whether the photo's side may change; else it is not sent again. mixed: whether a mix of attributes holds on.
        """

        def answer(visit: Visit | None, values: Values, sent: dict[str, Any]) -> tuple[Any, ...]:
            said, side, *rest = self.answered(step, visit, values if mixed else (*values[:-1], {}), sent)[0]
            return (said, side if left else gr.skip(), *rest)

        shared = {"concurrency_id": "model"} if concurrency_limit else {}
        listen(
            told(answer), self.given, self.shown, show_progress="hidden", api_visibility="private", trigger_mode="always_last",
            concurrency_limit=concurrency_limit, **shared,
        )  # fmt: skip

    def _results(self, studio: Studio, visit: Visit, ask: Ask) -> str:
        gallery = studio.engine.gallery
        if visit.query is None or visit.answer is None:
            return present.welcome(opening(studio, ask.count), gallery.picture, ask.attribute, len(gallery), studio.name)
        reading = visit.query.views[ask.attribute].reading
        value = reading.value if reading else None
        within = Within(studio.name, studio.facets, watching.offered(studio))
        return present.results(visit.answer, ask, gallery.picture, value, visit.chosen, within)

    def _dock(self, studio: Studio, visit: Visit, ask: Ask) -> str:
        if visit.query is None or not visit.chosen:
            return ""
        shown = compare(studio, visit.query, visit.chosen, visit.answer)
        return present.pair(shown, visit.query, ask.attribute, studio.engine.gallery.picture, ask.mix)

    def _recount(self, visit: Visit | None, chosen: Any) -> Any:
        """A filter that is refused is said by the search itself."""
        try:
            return recounted(self.used(visit), chosen)
        except AsenError:
            return gr.skip()


def forgetting(studio: Studio, forget: Callable[[Studio, Any], None]) -> Callable[[Any], None]:
    """What ends a visit. No `partial`: Gradio copies a page's settings for each visitor, and would copy the model in it."""

    def ended(visit: Any) -> None:
        forget(studio, visit)

    return ended


def notice_board() -> gr.HTML:
    """The one place for messages of all tabs."""
    return _html("notice", present.notice())


def _html(name: str, value: str, template: str = "${value}", **kept: str) -> gr.HTML:
    """A part of the page that is ours; what it does in the browser is in the script of the same name.

    kept: parts of the template that are sent once, with the page; later only the value travels.
    """
    script = (_HERE / f"{name}.js").read_text(encoding="utf-8")
    return gr.HTML(value, html_template=template, elem_id=name, apply_default_css=False, js_on_load=script, **kept)
