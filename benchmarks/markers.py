"""Tables between named markers on a page: <!-- figures: NAME --> ... <!-- /figures: NAME -->."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path


def replaced(text: str, tables: Mapping[str, str], page: str, family: str = "figures") -> str:
    """The page with each table between its markers.

    Raises: ValueError where a marker has no table, stands twice, or lacks its partner; it names `page`.
    """
    tokens = list(re.finditer(rf"<!-- (/?){family}: (\S+) -->", text))
    parts, at, seen = [], 0, set()
    for opening, closing in zip(tokens[::2], [*tokens[1::2], None], strict=False):
        name = opening[2]
        if closing is None or opening[1] or (closing[1], closing[2]) != ("/", name):
            wanted = f"<!-- {family}: {name} --> and then <!-- /{family}: {name} -->"
            raise ValueError(f"{page}: {opening[0]} has no partner; write {wanted}.")
        if name not in tables:
            raise ValueError(f"{page}: there is no table for {opening[0]}; there are {', '.join(tables)}.")
        if name in seen:
            raise ValueError(f"{page}: {opening[0]} stands there twice; keep one pair.")
        seen.add(name)
        table = tables[name].strip("\n")
        parts += [text[at : opening.end()], "\n", table + "\n" if table else ""]
        at = closing.start()
    return "".join([*parts, text[at:]])


def fill(page: Path, tables: Mapping[str, str], family: str) -> None:
    """Write tables between their markers of a file; other tables of the family stay. Raises: ValueError as `replaced`."""
    text = page.read_text(encoding="utf-8")
    kept = {m[1]: m[2] for m in re.finditer(rf"<!-- {family}: (\S+) -->\n(.*?)<!-- /{family}: \1 -->", text, re.DOTALL)}
    write(page, replaced(text, {**kept, **tables}, str(page), family))


def names(text: str, family: str = "figures") -> set[str]:
    """Which tables a page shows."""
    return set(re.findall(rf"<!-- {family}: (\S+) -->", text))


def write(path: Path, text: str) -> None:
    """Write a file under a temporary name first, so that a stop in between leaves the old one."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)
