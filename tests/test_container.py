"""The container file and the front matter of a hosted Space: both start from the README's own line.

That the copied files suffice is tested in test_api.py, whose server runs in a folder that holds nothing else.
"""

import json
import re
import subprocess

from image import ROOT, STEPS, lay_out, sent, steps

README = (ROOT / "README.md").read_text(encoding="utf-8")
FRONT = dict(line.split(": ", 1) for line in README.split("---")[1].strip().splitlines())
(START,) = re.findall(r"```sh\n(python3 -m venv .*?)\n```", README)


def test_the_image_starts_as_the_readme_says() -> None:
    install, start = (line.replace(".venv/bin/", "") for line in START.split(" && ")[1:])
    assert install.removeprefix("pip install ") in steps("RUN")[0].rsplit("pip install", 1)[1]
    assert json.loads(steps("CMD")[-1]) == start.split()


def test_a_space_starts_from_the_same_files() -> None:
    assert f"python {FRONT['app_file']}" == START.rsplit(" && ", 1)[1].replace(".venv/bin/", "")
    assert FRONT["python_version"].strip('"').startswith(re.search(r"python:(\d+\.\d+)-slim", STEPS)[1] + ".")
    line = next(r for r in (ROOT / "requirements.txt").read_text().splitlines() if r.startswith("gradio"))
    least, below = re.match(r"gradio(?:\[\w+\])?>=([\d.]+),<([\d.]+)", line).groups()
    version = [int(part) for part in FRONT["sdk_version"].split(".")]
    assert [int(part) for part in least.split(".")] <= version < [int(part) for part in below.split(".")]


def test_what_is_copied_is_there_and_in_the_repository_and_let_through() -> None:
    copied = [source for line in steps("COPY") for source in line.split()[:-1]]
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    for source in copied:
        assert (ROOT / source).exists(), source
        assert any(name == source or name.startswith(source + "/") for name in listed), source
    assert sorted(copied) == sorted(sent())
    assert (ROOT / ".dockerignore").read_text().splitlines().count("*") == 1


def test_only_what_is_copied_is_laid_out(tmp_path) -> None:
    lay_out(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == set(sent())
    assert not list(tmp_path.rglob("__pycache__"))


def test_it_runs_as_nobody_special_and_can_be_asked_how_it_is() -> None:
    (user,) = steps("USER")
    assert user not in ("root", "0")
    assert STEPS.index(f"useradd --create-home --uid 1000 {user}") < STEPS.index(f"USER {user}") < STEPS.index("\nCMD")
    settings = dict(pair.split("=", 1) for line in steps("ENV") for pair in line.split())
    assert settings["GRADIO_SERVER_NAME"] == "0.0.0.0"
    assert steps("EXPOSE") == [settings["GRADIO_SERVER_PORT"]]
    asked = json.loads(re.search(r"CMD (\[.*\])$", steps("HEALTHCHECK")[0])[1])
    assert asked[0] == "python"
    assert f"http://127.0.0.1:{settings['GRADIO_SERVER_PORT']}/" in asked[2]
    compile(asked[2], "healthcheck", "exec")
