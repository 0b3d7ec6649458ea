"""The verb `bench`: its list, what it passes on and gives back, and how it says that there is nothing to run."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from asen_core.cli import app
from asen_core.errors import AsenError

verb = importlib.import_module("asen_core.cli.bench")  # in its package, the name is the function

SCRIPT = '''"""What {name} measures.

More of it.
"""
import json, sys
print(json.dumps(sys.argv[1:]))
if __name__ == "__main__":
    sys.exit({code})
'''


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, code in (("quick", 0), ("broken", 3)):
        (tmp_path / f"{name}.py").write_text(SCRIPT.format(name=name, code=code))
    (tmp_path / "part.py").write_text('"""A part of scripts."""\n')
    monkeypatch.setattr(verb, "SCRIPTS", tmp_path)
    return tmp_path


def call(*arguments: str, code: int = 0):
    result = CliRunner().invoke(app, ["bench", *arguments])
    assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
    return result


def test_the_list_is_of_scripts_not_of_their_parts(scripts: Path) -> None:
    assert json.loads(call("--json").stdout) == {"broken": "What broken measures.", "quick": "What quick measures."}
    shown = call().stdout
    assert "What quick measures." in shown
    assert "part" not in shown


@pytest.mark.parametrize(
    ("given", "code", "reached"),
    [
        (("quick",), 0, []),
        (("quick", "--rounds", "3", "--again"), 0, ["--rounds", "3", "--again"]),
        (("quick", "--json", "-h"), 0, ["--json", "-h"]),
        (("broken", "x"), 3, ["x"]),
    ],
)
def test_what_stands_behind_the_name_is_the_scripts(
    scripts: Path, capfd: pytest.CaptureFixture[str], given: tuple[str, ...], code: int, reached: list[str]
) -> None:
    call(*given, code=code)
    assert json.loads(capfd.readouterr().out) == reached


def test_a_script_that_a_signal_ended_is_told_as_a_shell_does(scripts: Path) -> None:
    (scripts / "killed.py").write_text('"""K."""\nimport os\nif __name__ == "__main__":\n    os.kill(os.getpid(), 9)\n')
    call("killed", code=137)


@pytest.mark.parametrize(
    ("given", "code", "says"),
    [(("nosuch",), 1, "There is no benchmark 'nosuch'; there are broken, quick."), (("--json", "quick"), 2, "--json")],
)
def test_refusals(scripts: Path, given: tuple[str, ...], code: int, says: str) -> None:
    assert says in call(*given, code=code).stderr


def test_without_the_repository_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(AsenError, match="come with the repository, not with an installed package"):
        verb.found(tmp_path / "benchmarks")


def test_each_benchmark_of_the_repository_says_what_it_measures() -> None:
    known = verb.found(verb.SCRIPTS)
    assert {"paths", "stages", "answer", "fidelity", "bulk", "protocol", "million"} <= set(known)
    assert all(said.endswith((".", "?")) or ". " in said for said in known.values()), known


@pytest.mark.parametrize("name", ["paths", "stages", "answer", "fidelity", "bulk"])
def test_help_of_a_script_costs_no_heavy_import(name: str) -> None:
    code = (
        f"import runpy, sys; sys.argv = ['{name}.py', '--help']\n"
        f"try:\n    runpy.run_path(r'{verb.SCRIPTS / name}.py', run_name='__main__')\n"
        "except SystemExit as end:\n    assert not end.code\n"
        "assert not {'torch', 'gradio', 'openvino', 'faiss'} & set(sys.modules), sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=120)
