"""What is known of a garment as HTML: its labels, and the web addresses among them as links. All text is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from urllib.parse import urlsplit

from asen_core.ui import names
from asen_core.ui.facets import LINKS


def known(labels: Mapping[str, str], order: Iterable[str]) -> str:
    """Known labels, those of attributes first and in the order of the bars beside them; others as they are written."""
    known = dict.fromkeys(a for a in order if a in labels)
    rows = [(a, escape(names.value_name(a, labels[a])) if a in known else _own(labels[a])) for a in {**known, **labels}]
    return "".join(f"<div><dt>{escape(names.attribute_name(a))}</dt><dd>{v}</dd></div>" for a, v in rows if labels[a])


def _own(text: str) -> str:
    """A value of a column of one's own: a link where it is the address of a web page, else text."""
    if not text.startswith(LINKS) or any(c.isspace() or not c.isprintable() for c in text):
        return escape(text)
    try:
        host = urlsplit(text).hostname  # where the link really leads, whatever stands before an @
    except ValueError:
        host = None
    if not host:
        return escape(text)
    return (
        f'<a href="{escape(text)}" target="_blank" rel="noopener noreferrer nofollow" title="{escape(text)}">{escape(host)}</a>'
    )
