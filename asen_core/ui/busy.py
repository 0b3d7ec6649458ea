"""What a visitor is told while others are served: a place in line, or that the line is full. Words and HTML only."""

from __future__ import annotations

import math
import secrets
from html import escape

from asen_core.ui import names

PHOTO = "photo_sent"
"""The event by which a photo is given."""
TURN = "It is your turn now."
LOST = "What was on the table here is no longer kept on the server; give the photo once more."
"""To a visitor whose photo went: away for too long, or too many others came."""
UNREAD = "Busy: the answers to your earlier calls were not read; read them first (queue/data), then call again."


def place(rank: int, seconds: float | None = None) -> str:
    """To one who waits. rank: 1 for the next; seconds: until the turn comes, None where that isn't known."""
    after = f", about {math.ceil(seconds)} s" if seconds is not None and seconds > 1 else ""
    return f"Busy: you are {names.place(rank)} in line{after}."


def full(waiting: int, seconds: float | None) -> str:
    """To one who finds the line full. seconds: until all who wait are served; said in steps of five."""
    shown = 10 if seconds is None else max(5, 5 * math.ceil(seconds / 5))
    others = "1 other is" if waiting == 1 else f"{waiting} others are"
    return f"Busy: {others} waiting; try again in about {shown} s."


def held(waiting: int) -> str:
    """To a caller who has as many questions open as one may have."""
    return f"Busy: {waiting} of your questions are waiting already; send the next when one of them is answered."


def replaced(most: int) -> str:
    """To a visitor whose oldest click had to make room for the newest."""
    return f"Busy: only your last {most} clicks are kept; the one before them was left out."


def refused(text: str, event: str) -> str:
    """The notice of one who found the line full. event: what was refused; a photo need not be chosen once more."""
    again = '<button type="button" class="plain" data-do="again">Try again</button>' if event == PHOTO else ""
    return (
        f'<div class="notice" role="alert" data-turn="{secrets.token_hex(4)}"><p>{escape(text)}</p>{again}'
        '<button type="button" class="plain" data-do="dismiss" aria-label="Dismiss this message">✕</button></div>'
    )


def waiting(text: str) -> str:
    """The notice of one who waits. It is no alert, can't be dismissed, and goes when the answer comes."""
    return f'<div class="notice queued" role="status" data-turn="{secrets.token_hex(4)}"><p>{escape(text)}</p></div>'
