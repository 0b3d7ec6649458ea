"""Audits what is installed: `python tests/audit.py`. Ends with 1 where something is wrong.

Everywhere: each requirement has both ends and is kept, packages fit each other, came from an index, and have a licence that
may be used beside this program's. Where a list of advisories can be reached, too: none is known of any package. Where none
can, it says so; that is no failure, since a closed place has no other way, but it is no audit either.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
SERVICES = ("pypi", "osv")
PATIENCE = 240
ACCEPTED: dict[str, str] = {}
"""Advisory -> why it does not touch this program."""
FREE = frozenset(
    [
        "MIT", "MIT-0", "MIT-CMU", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception",
        "ISC", "Zlib", "PSF-2.0", "Python-2.0", "MPL-2.0", "BSL-1.0", "CC0-1.0", "HPND", "Unlicense",
    ]
)  # fmt: skip
_SAID = re.compile(r"\b(mit|bsd|apache|mpl|mozilla public|isc|python software foundation|zlib|psf)\b", re.I)
_NOT = re.compile(r"\b[al]?gpl|general public|non-?commercial|proprietary", re.I)
MAKERS = re.compile(r"nvidia-|cuda-toolkit")
"""Those of a card's maker, brought by torch under the maker's terms; they stay where they are installed."""


def required(*files: Path) -> list[Requirement]:
    """The lines of requirement files that hold on this machine."""
    lines = [line.partition("#")[0].strip() for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    found = [Requirement(line) for line in lines if line]
    return [r for r in found if r.marker is None or r.marker.evaluate()]


def ranges(requirements: Sequence[Requirement]) -> Iterator[str]:
    """What is missing, too old or too new, or may become anything."""
    for r in requirements:
        ends = {s.operator for s in r.specifier}
        if not ({">=", "<"} <= ends or "==" in ends):
            yield f"{r} has no lowest or no highest version"
        try:
            version = metadata.version(r.name)
        except metadata.PackageNotFoundError:
            yield f"{r.name} is not installed"
            continue
        if not r.specifier.contains(version, prereleases=True):
            yield f"{r.name} {version} is installed, {r.specifier} is required"


def closure(requirements: Sequence[Requirement]) -> list[metadata.Distribution]:
    """All that is installed because of them."""
    found: dict[tuple[str, frozenset[str]], metadata.Distribution] = {}
    waiting = [(r.name, frozenset(r.extras)) for r in requirements]
    while waiting:
        name, extras = waiting.pop()
        key = re.sub(r"[-_.]+", "-", name).lower(), extras
        if key in found:
            continue
        try:
            found[key] = metadata.distribution(name)
        except metadata.PackageNotFoundError:  # `pip check` says so
            continue
        for line in found[key].requires or []:
            r = Requirement(line)
            if r.marker is None or any(r.marker.evaluate({"extra": extra}) for extra in (*extras, "")):
                waiting.append((r.name, frozenset(r.extras)))
    return list({d.name: d for d in found.values()}.values())


def origins(packages: Sequence[metadata.Distribution]) -> Iterator[str]:
    """Those that came from an address or a folder instead of an index (PEP 610)."""
    for package in packages:
        if noted := package.read_text("direct_url.json"):
            yield f"{package.name} was installed from {json.loads(noted).get('url', 'elsewhere')}"


def licences(packages: Sequence[metadata.Distribution]) -> Iterator[str]:
    """Those whose licence is not on the list."""
    for package in packages:
        given = package.metadata
        said = [c.rpartition(" :: ")[2] for c in given.get_all("Classifier") or [] if c.startswith("License")]
        text = given.get("License-Expression") or "; ".join(said) or (given.get("License") or "")[:80]
        if not MAKERS.match(package.name) and not is_free(text):
            yield f"{package.name} has the licence {text or 'that it does not name'!r}"


def is_free(text: str) -> bool:
    """Of an SPDX expression or of a licence's name."""
    parts = [part.strip(" ()") for part in re.split(r"\bAND\b", text)]
    if all(any(one.strip(" ()") in FREE for one in re.split(r"\bOR\b", part)) for part in parts):
        return True
    return bool(_SAID.search(text)) and not _NOT.search(text)


def advisories(told: str) -> tuple[list[str], int, list[str]]:
    """What is known, how many packages were looked up, and which could not be. told: JSON of pip-audit."""
    packages = json.loads(told)["dependencies"]
    known = [
        f"{p['name']} {p['version']}: {v['id']}, mended in {', '.join(v['fix_versions']) or 'no version yet'}"
        for p in packages
        for v in p.get("vulns", [])
        if not {v["id"], *v.get("aliases", [])} & ACCEPTED.keys()
    ]
    missed = [p["name"] for p in packages if "skip_reason" in p]
    return known, len(packages) - len(missed), missed


def looked_up() -> tuple[list[str], str]:
    """Known advisories, and what to say. An index that has packages but no advisories answers as if it knew none of them."""
    reasons = []
    for service in SERVICES:
        line = [sys.executable, "-m", "pip_audit", "-s", service, "-f", "json", "--progress-spinner", "off", "--timeout", "15"]
        try:
            done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
            known, count, missed = advisories(done.stdout)
        except (subprocess.TimeoutExpired, ValueError, KeyError):
            reasons.append(f"{service} could not be reached")
            continue
        if known or count > len(missed):
            rest = f", {len(missed)} could not be looked up ({', '.join(missed)})" if missed else ""
            return known, f"advisories of {count} packages looked up at {service}{rest}"
        reasons.append(f"{service} knows {count} of {count + len(missed)} packages")
    return [], f"NOT DONE, advisories are unreachable: {'; '.join(reasons)}"


def main() -> int:
    """Say what was found."""
    own = required(ROOT / "requirements.txt")
    every = [*own, *required(ROOT / "tests" / "requirements.txt")]
    packages = closure(own)
    fits = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True)
    wrong = [*ranges(every), *origins(closure(every)), *licences(packages)]
    wrong += fits.stdout.splitlines() if fits.returncode else []
    known, said = looked_up()
    print(f"audit: {len(every)} requirements and the {len(packages)} packages of the product looked at; {said}")
    for line in (*wrong, *known):
        print(f"audit: {line}", file=sys.stderr)
    return 1 if wrong or known else 0


if __name__ == "__main__":
    sys.exit(main())
