"""The page around the tabs, and how it is served."""

from __future__ import annotations

import io
import signal
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr

from asen_core.ui import compare, gallery_tab, maps, schema, screen, theme, watch_block
from asen_core.ui.api import Api
from asen_core.ui.find_alike import FIND, TITLE, FindAlike, notice_board
from asen_core.ui.guard import middleware
from asen_core.ui.handlers import ARCHIVE_MEGABYTES, KEPT_SECONDS
from asen_core.ui.query import Explain, Look
from asen_core.ui.scratch import Scratch
from asen_core.ui.studio import Studio, samples_in

if TYPE_CHECKING:
    from asen_core.engine import Engine

SAMPLES = Path(__file__).resolve().parents[2] / "assets" / "samples"
NAME = "Alike"
_HEADER = f'<header class="masthead"><h1>{NAME}</h1><p>Which garments are alike in this one respect?</p></header>'


def build(engine: Engine, look: Look | None = None, samples: Path = SAMPLES, explain: Explain | None = None) -> gr.Blocks:
    """The page for an engine. look, explain: what stands in for `engine.look` and `why.explain`, say on a shared GPU.

    Raises: GalleryError where the engine's gallery can't be used.
    """
    scratch = Scratch.open()
    studio = Studio(engine, look or engine.look, scratch, samples_in(samples), explain)
    gr.set_static_paths([scratch.root, *_folders(studio)])
    with gr.Blocks(
        title=f"{NAME} · {TITLE}", analytics_enabled=False, delete_cache=(1800, KEPT_SECONDS), fill_width=True
    ) as page:
        gr.HTML(_HEADER, elem_id="masthead", apply_default_css=False)
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
    page.queue(max_size=32, default_concurrency_limit=1, api_open=False)  # open, calls would pass the waiting ones by
    return page


def serve(page: gr.Blocks, wait: bool = True) -> str:
    """Start the server and return its address; `wait` keeps it running until Ctrl+C.

    It listens where GRADIO_SERVER_NAME and GRADIO_SERVER_PORT say, else on 127.0.0.1 at the first free port from 7860.
    """
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
            state_session_capacity=500,
            prevent_thread_lock=True,
            quiet=True,
            mcp_server=schema.has_tools(),
            app_kwargs={"middleware": middleware()},
            _frontend=False,  # skips only its request to itself, which fails behind a proxy or if a busy machine takes over 3 s
        )
    schema.mend_tools(page)
    print(f"{NAME} is open at {url} (Ctrl+C ends it)", flush=True)
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
