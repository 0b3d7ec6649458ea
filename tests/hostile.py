"""Photos and labels with names as an attacker would choose them, and the gallery that is made of them."""

from __future__ import annotations

import csv
import os
from pathlib import Path

from PIL import Image
from tiny import photo

RUN = "window.hacked = (window.hacked || 0) + 1"
TAG, SCRIPT = f'<img src=x onerror="{RUN}">', f"</script><script>{RUN}</script>"
FORMULAS = ("=cmd|' C'!A0", "+1+1", "-1+1", "@SUM(A1)", "\t=1+1", " =1+1", "＝1+1", "red;=1+1")
NAMES = (
    f"{TAG}.png".encode(), f"<svg onload={RUN}>.png".encode(), b"two\nlines.png", b"\x1b[31mred\x1b]0;owned\x07.png",
    "\u202egnp.exe.png".encode(), b"\xff\xfe.png", b"x" * 251 + b".png", b"-rf.png", b"=cmd|' C'!A0.png", b"+1.png", b"@a.png",
    b"[bold]loud[red].png", b"[link=javascript1]x.png", b":smile:.png", b"%2e%2e%2f.png", b"'; DROP TABLE items.png",
    b"{{7*7}}${7*7}.png", b"\\\\host\\share.png", b"a\"b' onerror=x.png",
)  # fmt: skip
COLUMNS = ("brand", TAG, "=1+1", "price", "note", "__proto__", "link", "\x1b[2J", "neckline")
NOTES = (SCRIPT, TAG, "\x1b]0;owned\x07\x1b[2J", "\u202edesrever", "[bold]x[/nothing]", "a\r\nb", "&lt;b&gt;", "`id`$(id)")
ADDRESSES = (f"javascript:{RUN}", "https://a.example/<b>", f"data:text/html,{SCRIPT}", 'https://a.example/" onclick="x')


def hostile_folder(folder: Path) -> Path:
    """A photo of each name, and labels.csv that says something of each."""
    folder.mkdir(parents=True)
    rows = []
    for i, name in enumerate(NAMES):
        path = os.fsencode(folder) + b"/" + name
        with open(path, "wb") as file:
            Image.fromarray(photo(60, 40, i)).save(file, "PNG")
        shown = name.decode("utf-8", "backslashreplace")
        formula, note, address = (some[i % len(some)] for some in (FORMULAS, NOTES, ADDRESSES))
        rows.append((shown, formula, TAG, SCRIPT, str(-i - 0.5), note, "x", address, "\x1b[1A", (TAG, SCRIPT, formula)[i % 3]))
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("image", *COLUMNS), *rows])
    return folder
