"""The page around the tabs, and how it is served."""

from __future__ import annotations

import io
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr
from starlette.middleware import Middleware

from asen_core.ui import compare, gallery_tab, maps, schema, screen, theme, watch_block
from asen_core.ui.api import Api
from asen_core.ui.find_alike import FIND, TITLE, FindAlike, notice_board
from asen_core.ui.handlers import ARCHIVE_MEGABYTES, KEPT_SECONDS
from asen_core.ui.query import Explain, Look
from asen_core.ui.scratch import Scratch
from asen_core.ui.server.arrivals import keep_apart
from asen_core.ui.server.compressed import Compressed
from asen_core.ui.server.guard import let_tools_in, middleware
from asen_core.ui.server.line import Line
from asen_core.ui.server.login import accounts_given
from asen_core.ui.server.login_page import LEAVE
from asen_core.ui.server.presence import Presence
from asen_core.ui.server.sizes import Sizes
from asen_core.ui.server.uploads import Uploads
from asen_core.ui.server.visits import Visits
from asen_core.ui.studio import Studio, samples_in

if TYPE_CHECKING:
    from asen_core.engine import Engine

SAMPLES = Path(__file__).resolve().parents[2] / "assets" / "samples"
NAME = "Alike"
VISITS, THREADS = 500, 10
"""Visits that are kept at once, and answers that are made at once; more threads only make all of them slower."""
_HEADER = f'<header class="masthead"><h1>{NAME}</h1><p>Which garments are alike in this one respect?</p>{{}}</header>'


def build(engine: Engine, look: Look | None = None, samples: Path = SAMPLES, explain: Explain | None = None) -> gr.Blocks:
    """The page for an engine. look, explain: what stands in for `engine.look` and `why.explain`, say on a shared GPU.

    Raises: GalleryError where the engine's gallery can't be used; AccountError where ASEN_USERS names no list of users.
    """
    keep_apart()
    scratch = Scratch.open()
    studio = Studio(engine, look or engine.look, scratch, samples_in(samples), explain)
    gr.set_static_paths([scratch.root, *_folders(studio)])
    with gr.Blocks(
        title=f"{NAME} · {TITLE}", analytics_enabled=False, delete_cache=(1800, KEPT_SECONDS), fill_width=True
    ) as page:
        gr.HTML(_HEADER.format(LEAVE if accounts_given() else ""), elem_id="masthead", apply_default_css=False)
        notice = notice_board()  # beside the tabs, not in one: a message in a tab that isn't shown would not be seen
        with gr.Tabs(elem_id="tabs") as tabs:
            with gr.Tab(TITLE, id=FIND):
                find = FindAlike(studio, notice)
            with gr.Tab(compare.TITLE, id=compare.COMPARE):
                beside = compare.Compare(studio, find, tabs)
            with gr.Tab(screen.TITLE, id="screen"):
                screen.Screen(studio, beside)
            with gr.Tab(maps.TITLE, id="map"):
                atlas = maps.Maps(studio, find, tabs)
            with gr.Tab(gallery_tab.TITLE, id=gallery_tab.GALLERY):
                gallery_tab.GalleryTab(studio, find, tabs, atlas)
                watch_block.WatchBlock(find, tabs)
        Api(studio, beside.standard).offer()
    schema.fetch_nothing(page)
    page.queue(default_concurrency_limit=1, api_open=False)  # open, calls would pass the waiting ones by
    page._queue = Line(page, notice, Visits(), Uploads(scratch))
    return page


def serve(page: gr.Blocks, wait: bool = True, ready: Callable[[], None] | None = None) -> str:
    """Start the server and return its address; `wait` keeps it running until Ctrl+C. ready: run in the background from then on.

    It listens where GRADIO_SERVER_NAME and GRADIO_SERVER_PORT say, else on 127.0.0.1 at the first free port from 7860.
    """
    ours = (Middleware(Presence, visits=page._queue.visits), Middleware(Sizes), Middleware(Compressed))
    with redirect_stdout(io.StringIO()):  # Gradio announces its tools with a picture that not every console can print
        _, url, _ = page.launch(
            theme=theme.theme(),
            css="\n".join(path.read_text(encoding="utf-8") for path in theme.STYLES),
            head=theme.HEAD,
            favicon_path=theme.FAVICON,
            max_file_size=ARCHIVE_MEGABYTES * 2**20,
            ssr_mode=False,
            show_error=False,
            enable_monitoring=False,
            footer_links=[],
            run_history=False,
            strict_cors=True,
            state_session_capacity=VISITS,
            max_threads=THREADS,
            prevent_thread_lock=True,
            quiet=True,
            mcp_server=schema.has_tools(),
            app_kwargs={"middleware": [*middleware(NAME, accounts_given()), *ours]},
            _frontend=False,  # skips only its request to itself, which fails behind a proxy or if a busy machine takes over 3 s
        )
    schema.mend_tools(page)
    let_tools_in(page)
    print(f"{NAME} is open at {url} (Ctrl+C ends it)", flush=True)
    if ready:
        threading.Thread(target=ready, daemon=True).start()
    if wait:
        # Leaving in good order, also when a service is stopped, removes uploads and other temporary files.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        try:
            page.block_thread()
        finally:
            page.close(verbose=False)
    return url


def _folders(studio: Studio) -> set[Path]:
    """The folders of pictures that the browser may read as they are; nothing else of the gallery is served."""
    return {studio.engine.gallery.pictures} | {p.parent for p in studio.samples}
