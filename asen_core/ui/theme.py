"""A quiet theme: paper and ink, system fonts, one accent. The rest of the look is in the style sheets of assets/."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

_ASSETS = Path(__file__).resolve().parents[2] / "assets"
STYLES = tuple(_ASSETS / name for name in ("style.css", "review.css", "catalogue.css", "watching.css"))
FAVICON = _ASSETS / "favicon.svg"
_SANS = ("system-ui", "-apple-system", "Segoe UI", "Helvetica Neue", "Arial", "sans-serif")
_MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "monospace")

HEAD = '<meta name="referrer" content="same-origin"><meta name="color-scheme" content="light dark">'


def theme() -> gr.themes.Base:
    """Gradio's plain base in our colours; every value exists for light and dark."""
    base = gr.themes.Base(
        primary_hue=gr.themes.colors.stone,
        neutral_hue=gr.themes.colors.stone,
        radius_size=gr.themes.sizes.radius_md,
        font=_SANS,
        font_mono=_MONO,
    )
    return base.set(
        body_background_fill="#f7f6f3",
        body_background_fill_dark="#161514",
        body_text_color="#211f1c",
        body_text_color_dark="#ebe8e3",
        body_text_color_subdued="#68635b",
        body_text_color_subdued_dark="#a8a29a",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_border_width="0px",
        block_border_width_dark="0px",
        block_label_text_color="#68635b",
        block_label_text_color_dark="#a8a29a",
        block_shadow="none",
        input_background_fill="#ffffff",
        input_background_fill_dark="#211f1d",
        input_border_color="#dedad2",
        input_border_color_dark="#3a3733",
        slider_color="#211f1c",
        slider_color_dark="#ebe8e3",
        color_accent="#2f55d4",
        loader_color="#2f55d4",
    )
