"""DARN's download: a list of addresses, labels, and the photos that could still be fetched, in pic/."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from asen_core.data.official.download import Labelled, Place, safe_name
from asen_core.data.official.facts import DATASETS
from asen_core.data.official.lines import Faults, read_lines
from asen_core.errors import DataError

FOLDER = "pic/"


def read_addresses(raw: Path) -> dict[str, str]:
    """Photo (`pic/...`) -> its address, from the one *url*.txt in `raw`: `photo address` a line, or the address alone.

    A photo may be named with or without pic/, or by a number; an address alone names it by its last part.

    Raises: DataError where there is no such list or a line can't be used: counted, the first few named.
    """
    path = _only(raw, "*url*.txt", "list of addresses (darn_url.txt)")
    faults, found = Faults(path), {}
    for number, line in enumerate(read_lines(path), 1):
        fields = line.split()
        addresses = [f for f in fields if "://" in f]
        if len(addresses) != 1 or len(fields) > 2 or not addresses[0].startswith(("http://", "https://")):
            faults.add(number, f"{line.strip()!r} is not `photo address` with an http(s) address")
            continue
        try:
            names = [f for f in fields if f not in addresses] or [urlsplit(addresses[0]).path.rsplit("/", 1)[-1]]
        except ValueError as error:
            faults.add(number, f"{addresses[0]!r} is no address ({error})")
            continue
        name = photo_path(names[0])
        if not safe_name(name):
            faults.add(number, f"{names[0]!r} is no photo below {FOLDER}")
        elif name in found:
            faults.add(number, f"{name} stands in an earlier line already")
        else:
            found[name] = addresses[0]
    faults.refuse()
    return found


def photo_path(name: str) -> str:
    """The path below the dataset's folder of a photo that a list names."""
    path = name if name.startswith(FOLDER) else FOLDER + name
    return path if "." in path.rsplit("/", 1)[-1] else path + ".jpg"


def read_labels_of(raw: Path) -> dict[str, tuple[tuple[int, int], ...]]:
    """Photo (`pic/...`) -> its labels, from the one *label*.txt in `raw`: `photo a1 v1 [a2 v2 ...]` a line.

    Raises: DataError where there is no such list or a line can't be used: counted, the first few named.
    """
    path = _only(raw, "*label*.txt", "list of labels")
    counts = list(DATASETS["DARN"].values.items())
    faults, found = Faults(path), {}
    for number, line in enumerate(read_lines(path), 1):
        fields = line.split()
        name = photo_path(fields[0]) if fields else ""
        wrong = _fault(fields, counts)
        if wrong or not safe_name(name):
            faults.add(number, wrong or f"{fields[0]!r} is no photo below {FOLDER}")
        elif name in found:
            faults.add(number, f"{name} stands in an earlier line already")
        else:
            found[name] = tuple(dict.fromkeys(zip(map(int, fields[1::2]), map(int, fields[2::2]), strict=True)))
    faults.refuse()
    return found


def labelled(labels: Mapping[str, tuple[tuple[int, int], ...]], places: Mapping[str, Place]) -> list[Labelled]:
    """The labelled photos that are there, by name."""
    return [Labelled(name, places[name], labels[name]) for name in sorted(labels) if name in places]


def _fault(fields: list[str], counts: list[tuple[str, int]]) -> str:
    """What is wrong with a line of labels; empty where nothing is."""
    if len(fields) < 3 or len(fields) % 2 == 0:
        return f"{len(fields)} fields where `photo attribute value [attribute value ...]` is expected"
    if not all(f.isascii() and f.isdigit() and len(f) <= 12 for f in fields[1:]):
        return f"{' '.join(fields[1:])!r} are no whole numbers"
    for attribute, value in zip(map(int, fields[1::2]), map(int, fields[2::2]), strict=True):
        if attribute >= len(counts):
            return f"attribute {attribute} is none of 0 to {len(counts) - 1}"
        if value >= counts[attribute][1]:
            return f"value {value} of {counts[attribute][0]} is none of 0 to {counts[attribute][1] - 1}"
    return ""


def _only(raw: Path, pattern: str, what: str) -> Path:
    found = sorted(raw.glob(pattern)) if raw.is_dir() else []
    if len(found) != 1:
        got = ", ".join(p.name for p in found) or "nothing of that name"
        raise DataError(f"{raw} should hold one {what}, named {pattern}; it has {got}.")
    return found[0]
