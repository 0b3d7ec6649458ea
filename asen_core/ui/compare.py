"""The tab "Compare": two designs side by side, and which step answers which click."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from asen_core.errors import AsenError
from asen_core.review.background import Background, of_gallery
from asen_core.ui import desk, figures, present, sides, why
from asen_core.ui.desk import Desk, Step
from asen_core.ui.find_alike import FindAlike, forgetting
from asen_core.ui.handlers import KEPT_SECONDS, Visit
from asen_core.ui.scratch import keep
from asen_core.ui.stage import address
from asen_core.ui.studio import Studio

TITLE, COMPARE = "Compare", "compare"
"""The tab's name for people, and for the page."""
_HERE = Path(__file__).parent


class Compare:
    """Builds the tab inside an open `gr.Tab`. Holds components only; what belongs to a visitor is in `gr.State`."""

    def __init__(self, studio: Studio, find: FindAlike, tabs: gr.Tabs) -> None:
        self.studio, self.find, self.tabs = studio, find, tabs
        self._standard: Background | None = None
        self._lock = threading.Lock()
        self.desk = gr.State(None, time_to_live=KEPT_SECONDS, delete_callback=forgetting(studio, desk.forget))
        script = (_HERE / "compare.js").read_text(encoding="utf-8")
        self.page = gr.HTML(self._shown(Desk()), elem_id="compare", apply_default_css=False, js_on_load=script)
        passed_on = 'watch("value", () => document.dispatchEvent(new Event("overall-sent")));'
        self.sent = gr.HTML("<div></div>", elem_id="overall-sent", apply_default_css=False, js_on_load=passed_on)
        self._wire()

    def standard(self) -> Background:
        """What likeness is measured against, read once. Raises: GalleryError."""
        with self._lock:
            if self._standard is None:
                self._standard = of_gallery(self.studio.engine.gallery)
            return self._standard

    def _wire(self) -> None:
        for listen, step, limit in (
            (self.page.photos_sent, desk.photos_added, 1),
            (self.page.sample_chosen, desk.sample_laid, 1),
            (self.page.photo_removed, desk.photo_removed, None),
            (self.page.side_cleared, desk.side_cleared, None),
            (self.page.photo_refused, desk.photo_not_sent, None),
        ):
            self._on(listen, partial(self._answer, step), [self.desk], [self.find.notice, self.page, self.desk], limit)
        self._on(self.page.weighed, self._weigh, [self.desk], [self.find.notice, self.sent, self.desk], None)
        self._on(self.page.why_wanted, self._explain, [self.desk], [self.find.notice, self.sent, self.desk], 1)
        self._on(self.page.pack_wanted, self._pack, [self.desk], [self.find.notice, self.sent, self.desk], None)
        for wanted in (self.find.dock.in_detail, self.find.results.in_detail):
            shown = [self.find.notice, self.page, self.desk, self.tabs]
            self._on(wanted, self._open, [self.find.visit, self.desk], shown, 1)

    def _on(
        self, listen: Callable[..., Any], answer: Callable[..., Any], given: list[Any], shown: list[Any], limit: int | None
    ) -> None:
        """Let a method answer an event. What may run the model shares one queue with the other tabs."""
        shared = {"concurrency_id": "model"} if limit else {}
        listen(
            _told(answer, len(given)), given, shown, show_progress="hidden", api_visibility="private", concurrency_limit=limit,
            trigger_mode="always_last" if answer == self._weigh else "multiple", **shared,
        )  # fmt: skip

    def _answer(self, step: Step, before: Desk | None, sent: dict[str, Any]) -> tuple[Any, ...]:
        """Values for notice, page and desk; where the step fails, all stays and the notice says why."""
        after, text = self._stepped(step, before or Desk(), sent)
        return (present.notice(text), gr.skip() if text else self._shown(after), after)

    def _weigh(self, before: Desk | None, sent: dict[str, Any]) -> tuple[Any, ...]:
        """Only the overall line changes, so that the sliders stay as they are under the hand."""
        after, text = self._stepped(desk.weighed, before or Desk(), sent)
        return present.notice(text), _part("mean", figures.overall(after.comparison) if after.comparison else ""), after

    def _explain(self, before: Desk | None, sent: dict[str, Any]) -> tuple[Any, ...]:
        """Why the pair matches, under the attribute that was asked for."""

        def step(studio: Studio, standard: Callable[[], Background], shown: Desk, data: Any) -> Desk:
            return why.explained(shown, studio.explain or partial(why.explain, studio.engine), standard(), data)

        after, text = self._stepped(step, before or Desk(), sent)
        return present.notice(text), _part("", "") if text else _part("why", why.why(after.why)), after

    def _pack(self, before: Desk | None, sent: dict[str, Any]) -> tuple[Any, ...]:
        """The evidence pack, as a link that the browser follows at once."""
        from asen_core.ui.pack import packed  # brings what writes PDFs, which the page starts without

        shown = before or Desk()
        try:
            data = packed(shown, self.standard(), self.studio.engine.gallery, datetime.now(UTC))
            path = keep(self.studio.scratch.folder() / "evidence.zip", data)
        except AsenError as error:
            return present.notice(str(error)), _part("", ""), shown
        return present.notice(), _part("pack", f'<a download="evidence.zip" href="{address(path)}">Evidence</a>'), shown

    def _open(self, visit: Visit | None, before: Desk | None, sent: dict[str, Any]) -> tuple[Any, ...]:
        """The photo and a result of "Find alike", in this tab."""
        query = visit.query if visit else None
        pair = {"photo": query.photo, "name": query.item or query.photo.stem, "item": query.item} if query else {}
        return self.laid(before, {**pair, "id": sent.get("id")}, self.find.used(visit))

    def laid(self, before: Desk | None, pair: dict[str, Any], studio: Studio | None = None) -> tuple[Any, ...]:
        """Values for notice, page, desk and tabs that show a pair in this tab.

        pair: as of `desk.pair_laid`; studio: around the gallery of its garment, None for everyone's.
        """
        after, text = self._stepped(desk.pair_laid, before or Desk(), pair, studio)
        if text:
            return present.notice(text), gr.skip(), after, gr.skip()
        return present.notice(), self._shown(after), after, gr.Tabs(selected=COMPARE)

    def _stepped(self, step: Step, before: Desk, sent: dict[str, Any], studio: Studio | None = None) -> tuple[Desk, str]:
        try:
            return step(studio or self.studio, self.standard, before, {**sent, "folder": get_upload_folder()}), ""
        except AsenError as error:
            return before, str(error)

    def _shown(self, shown: Desk) -> str:
        return sides.page(shown, self.studio.attributes, self.studio.samples)


def _part(name: str, html: str) -> str:
    """A part of the tab on its own; the turn differs each time."""
    return f'<div data-part="{name}" data-turn="{secrets.token_hex(4)}">{html}</div>'


def _told(answer: Callable[..., Any], count: int) -> Callable[..., Any]:
    """The method as a handler that also gets what the browser sent along; Gradio reads its signature, so it is spelled out."""
    if count == 1:

        def one(state: Any, event: gr.EventData) -> Any:
            return answer(state, data_of(event))

        return one

    def two(visit: Any, state: Any, event: gr.EventData) -> Any:
        return answer(visit, state, data_of(event))

    return two


def data_of(event: gr.EventData) -> dict[str, Any]:
    """What the browser sent along; nothing where it is not what it should be."""
    return event._data if isinstance(event._data, dict) else {}
