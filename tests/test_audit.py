"""The audit of what is installed: its judgements, on packages that were made up."""

from __future__ import annotations

import json
import subprocess
from importlib import metadata
from pathlib import Path

import audit
import pytest
from packaging.requirements import Requirement


@pytest.mark.parametrize(
    ("text", "free"),
    [
        ("MIT", True), ("MIT License", True), ("Apache-2.0 OR BSD-3-Clause", True), ("MPL-2.0 AND (Apache-2.0 OR MIT)", True),
        ("GPL-3.0-only OR MIT", True), ("Apache-2.0 AND Apache-2.0 WITH LLVM-exception", True),
        ("OSI Approved :: Apache Software License", True),
        ("Mozilla Public License 2.0 (MPL 2.0)", True), ("", False), ("GPL-3.0-only", False), ("MIT AND GPL-3.0-only", False),
        ("LGPLv3; MIT License", False), ("GNU Affero General Public License v3", False), ("Proprietary", False),
        ("LicenseRef-Own", False), ("MIT, non-commercial", False), ("permit", False),
    ],
)  # fmt: skip
def test_licences(text: str, free: bool) -> None:
    assert audit.is_free(text) is free


def told(*packages: dict) -> str:
    return json.dumps({"dependencies": list(packages), "fixes": []})


GOOD = {"name": "a", "version": "1", "vulns": []}
BAD = {"name": "b", "version": "2", "vulns": [{"id": "X-1", "aliases": ["CVE-1"], "fix_versions": ["3"], "description": ""}]}
UNREACHABLE = "NOT DONE, advisories are unreachable: "
GONE = {"name": "c", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("answers", "known", "said"),
    [
        ([told(GOOD, GOOD)], 0, "advisories of 2 packages looked up at pypi"),
        ([told(GOOD, GOOD, GONE)], 0, "advisories of 2 packages looked up at pypi, 1 could not be looked up (c)"),
        ([told(GOOD, BAD)], 1, "advisories of 2 packages looked up at pypi"),
        ([told(GONE, GONE), "no JSON"], 0, UNREACHABLE + "pypi knows 0 of 2 packages; osv could not be reached"),
        ([told(GOOD, GONE, GONE), told(GOOD)], 0, "advisories of 1 packages looked up at osv"),
        ([told(), told()], 0, UNREACHABLE + "pypi knows 0 of 0 packages; osv knows 0 of 0 packages"),
        ([None, None], 0, UNREACHABLE + "pypi could not be reached; osv could not be reached"),
    ],
)  # fmt: skip
def test_what_was_not_looked_up_does_not_pass_for_clean(monkeypatch, answers: list, known: int, said: str) -> None:
    given = iter(answers)

    def run(line, **_):
        answer = next(given)
        if answer is None:
            raise subprocess.TimeoutExpired(line, 1)
        return subprocess.CompletedProcess(line, 1, answer, "")

    monkeypatch.setattr(audit.subprocess, "run", run)
    found, text = audit.looked_up()
    assert (len(found), text) == (known, said)
    assert not found or found == ["b 2: X-1, mended in 3"]


def test_an_advisory_that_is_accepted_is_left_out(monkeypatch) -> None:
    monkeypatch.setattr(audit, "ACCEPTED", {"CVE-1": "of a part that is not used"})
    assert audit.advisories(told(BAD)) == ([], 1, [])


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("pytest>=1,<10000", ""), ("pytest>=1", "no highest"), ("pytest", "no lowest"), ("pytest>=1,<2", "is required"),
        ("no-such-package-here>=1,<2", "not installed"), (f"pytest=={metadata.version('pytest')}", ""),
    ],
)  # fmt: skip
def test_ranges(line: str, wrong: str) -> None:
    found = " ".join(audit.ranges([Requirement(line)]))
    assert wrong in found
    assert bool(found) is bool(wrong)


def test_packages_from_elsewhere_and_of_other_licences_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "odd-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.4\nName: odd\nVersion: 1.0\nLicense-Expression: AGPL-3.0-only\n")
    odd = metadata.PathDistribution(folder)
    assert list(audit.origins([odd])) == []
    (folder / "direct_url.json").write_text('{"url": "file:///odd", "dir_info": {}}')
    assert list(audit.origins([odd])) == ["odd was installed from file:///odd"]
    assert list(audit.licences([odd])) == ["odd has the licence 'AGPL-3.0-only'"]


def test_the_closure_follows_extras() -> None:
    names = {d.name.lower() for d in audit.closure([Requirement("gradio[mcp]>=6")])}
    assert {"gradio", "mcp", "starlette", "anyio"} <= names
    assert "mcp" not in {d.name.lower() for d in audit.closure([Requirement("gradio>=6")])}


def test_ci_runs_it() -> None:
    assert ".venv/bin/python tests/audit.py\n" in (audit.ROOT / "tests" / "run.sh").read_text()
