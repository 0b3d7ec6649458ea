"""The tab "Gallery": what is searched, a private gallery of one's own photos, and which step answers which click."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from asen_core.errors import AsenError
from asen_core.ui import galleries as known
from asen_core.ui import gallery_view, maps, present
from asen_core.ui.compare import data_of
from asen_core.ui.controls import Values, offered, question, told
from asen_core.ui.find_alike import FIND, FindAlike
from asen_core.ui.galleries import FOLDER, OWN, Data, Galleries
from asen_core.ui.handlers import Visit, gallery_chosen
from asen_core.ui.server.web import on_own_machine
from asen_core.ui.studio import Studio

TITLE, GALLERY = "Gallery", "gallery"
"""The tab's name for people, and for the page."""
_HERE = Path(__file__).parent
Step = Callable[[Galleries, Visit, Data], Visit]


class GalleryTab:
    """Builds the tab inside an open `gr.Tab`. What belongs to a visitor is in the visit of "Find alike"."""

    def __init__(self, studio: Studio, find: FindAlike, tabs: gr.Tabs, atlas: maps.Maps) -> None:
        self.find, self.tabs, self.atlas = find, tabs, atlas
        self.galleries = Galleries(studio, on_own_machine(), lambda folder: gr.set_static_paths([folder]))
        script = (_HERE / "gallery.js").read_text(encoding="utf-8")
        # Drawn when the tab is opened: there may be much to count.
        empty = '<section class="catalogue"><p class="muted">Counting the garments …</p></section>'
        self.page = gr.HTML(empty, elem_id="gallery", apply_default_css=False, js_on_load=script)
        passed_on = 'watch("value", () => document.dispatchEvent(new Event("gallery-sent")));'
        self.sent = gr.HTML("<div></div>", elem_id="gallery-sent", apply_default_css=False, js_on_load=passed_on)
        self._wire()

    def _wire(self) -> None:
        shown = [self.find.notice, self.page]
        self._on(self.page.photos_given, self._stepped(known.photos_given), [self.find.visit], [*shown, self.find.visit])
        self._on(self.page.arrived, lambda visit: self._shown(visit or Visit()), [self.find.visit], [self.page])
        for listen, step in (
            (self.page.folder_given, known.folder_given),
            (self.page.stopped, known.stopped),
        ):
            self._on(listen, self._stepped(step, changes=False), [self.find.visit], shown)
        self._on(self.page.ticked, self._tick, [self.find.visit], [self.sent])
        switched = [*self.find.shown, *self.find.controls.offers, self.page, self.atlas.sent, self.tabs]
        self._on(self.page.used, told(self._use), self.find.given, switched)
        self._on(self.page.removed, told(self._remove), self.find.given, switched)

    def _on(self, listen: Any, answer: Any, given: list[Any], shown: list[Any]) -> None:
        listen(
            answer, given, shown, show_progress="hidden", api_visibility="private", concurrency_limit=None,
            trigger_mode="multiple",
        )  # fmt: skip

    def _stepped(self, step: Step, changes: bool = True) -> Callable[..., Any]:
        """A step as a handler: notice, page and visit; where it fails, the visit stays and the notice says why.

        changes: whether the visit may become another; else it is not written, since a search may be doing so just then.
        """

        def answer(visit: Visit | None, event: gr.EventData) -> tuple[Any, ...]:
            before = visit or Visit()
            try:
                after = step(self.galleries, before, {**data_of(event), "folder": get_upload_folder()})
                found = present.notice(), self._shown(after), after
            except AsenError as error:
                found = present.notice(str(error)), gr.skip(), before
            return found if changes else found[:2]

        return answer

    def _shown(self, visit: Visit) -> str:
        return gallery_view.page(self.galleries, visit)

    def _tick(self, visit: Visit | None, event: gr.EventData) -> str:
        """The progress alone, so that nothing else moves meanwhile."""
        if visit is not None and visit.own is not None:
            visit.own.touch()
        runs = {OWN: visit.own if visit else None, FOLDER: self.galleries.making if self.galleries.local else None}
        parts = (f'<div data-of="{what}">{gallery_view.progress(run, what)}</div>' for what, run in runs.items())
        turn = secrets.token_hex(4)  # the browser asks again only after an answer that differs
        return f'<div class="ticked" data-turn="{turn}">{"".join(parts)}</div>'

    def _use(self, visit: Visit | None, values: Values, sent: dict[str, Any]) -> tuple[Any, ...]:
        """Another gallery is searched from now on, in "Find alike"; what was filtered by does not hold there."""
        before = visit or Visit()
        return self._switched(before, lambda: known.chosen(self.galleries, before, sent), values, before, FIND)

    def _remove(self, visit: Visit | None, values: Values, sent: dict[str, Any]) -> tuple[Any, ...]:
        """The visitor's own photos go; where they were searched in, everyone's gallery takes their place."""
        before = visit or Visit()
        own = before.own
        used = before.studio if before.studio and own and before.studio.engine.gallery is not own.gallery else None
        shown = self._switched(before, lambda: used or self.galleries.studio, values, known.without_own(before), None)
        if own is not None:
            own.remove()
        return shown

    def _switched(
        self, before: Visit, choose: Callable[[], Studio], values: Values, visit: Visit, tab: str | None
    ) -> tuple[Any, ...]:
        try:
            studio = choose()
            ask = question(studio, (*values[:4], 0, {}, values[6]))
            after = gallery_chosen(studio, visit, ask)
            shown, offers = self.find.page(after, ask), offered(studio)
        except AsenError as error:
            return (present.notice(str(error)), *[gr.skip()] * 3, before, *[gr.skip()] * 5)
        opened = gr.Tabs(selected=tab) if tab else gr.skip()
        return (present.notice(), *shown, after, *offers, self._shown(after), maps.other(studio), opened)
