"""Saved searches in the page: the button beside the results, and the block in the tab "Gallery"."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from asen_core.errors import AsenError
from asen_core.ui import handlers, present, watching, watching_view
from asen_core.ui.compare import data_of
from asen_core.ui.controls import Values, question, told
from asen_core.ui.find_alike import FIND, FindAlike
from asen_core.ui.handlers import Visit

_HERE = Path(__file__).parent


class WatchBlock:
    """Builds the block inside an open `gr.Tab`, and answers the button of `find`. Nothing of it belongs to one visitor."""

    def __init__(self, find: FindAlike, tabs: gr.Tabs) -> None:
        self.find = find
        script = (_HERE / "watching.js").read_text(encoding="utf-8")
        self.page = gr.HTML(watching_view.nothing(), elem_id="watching", apply_default_css=False, js_on_load=script)
        own = {"show_progress": "hidden", "api_visibility": "private"}
        find.results.search_saved(told(self._save), find.given, [find.notice], concurrency_limit=None, **own)
        for listen, answer in (
            (self.page.arrived, self._listed), (self.page.checked, self._checked), (self.page.removed, self._removed),
        ):  # fmt: skip
            listen(answer, [find.visit], [find.notice, self.page], concurrency_limit=1, **own)
        self.page.garment_chosen(
            told(self._search), find.given, [*find.shown, find.controls.attribute, tabs], trigger_mode="always_last",
            concurrency_limit=1, concurrency_id="model", **own,
        )  # fmt: skip

    def _save(self, visit: Visit | None, values: Values, sent: dict[str, Any]) -> str:
        visit = visit or Visit()
        studio = self.find.used(visit)
        try:
            saved = watching.save(studio, visit, question(studio, values), str(sent.get("name", "")))
        except AsenError as error:
            return present.notice(str(error))
        return present.notice(watching_view.kept(saved), good=True)

    def _listed(self, visit: Visit | None) -> tuple[str, Any]:
        return self._answered(visit, lambda studio: None)

    def _checked(self, visit: Visit | None) -> tuple[str, Any]:
        return self._answered(visit, watching.check)

    def _removed(self, visit: Visit | None, event: gr.EventData) -> tuple[str, Any]:
        return self._answered(visit, lambda studio: watching.remove(studio, str(data_of(event).get("name", ""))))

    def _answered(self, visit: Visit | None, step: Any) -> tuple[str, Any]:
        """The notice and the block after a step; a report that it returns is shown, and told by that."""
        studio = self.find.used(visit)
        if not watching.offered(studio):
            return present.notice(), watching_view.nothing()
        try:
            report = step(studio)
            shown = watching_view.panel(watching.listed(studio), report, studio.engine.gallery.picture, studio.name)
            if report is not None:
                watching.told(studio, report)
        except AsenError as error:
            return present.notice(str(error)), gr.skip()
        return present.notice(), shown

    def _search(self, visit: Visit | None, values: Values, sent: dict[str, Any]) -> tuple[Any, ...]:
        """A new garment becomes what is asked with, in "Find alike"; where that fails, page and tab stay as they are."""
        visit = visit or Visit()
        studio = self.find.used(visit)
        try:
            now = watching.renewed(studio)
        except AsenError as error:
            return (present.notice(str(error)), *[gr.skip()] * 3, visit, gr.skip(), gr.skip())
        before = visit if now is studio else replace(visit, studio=now)  # what was indexed since is known to that alone
        known = sent.get("attribute") if sent.get("attribute") in now.attributes else values[0]
        shown, well = self.find.answered(handlers.search_on, before, (known, *values[1:-1], {}), {"id": sent.get("id")})
        return (*shown, gr.update(value=known), gr.Tabs(selected=FIND) if well else gr.skip())
