"""Photos by git: a local repository in place of a public one, well-meaning and hostile; and the verb that indexes them."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import socket
import stat
import subprocess
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from tiny import tiny_checkpoint
from typer.testing import CliRunner

from asen_core.cli.bring import bring as verb
from asen_core.errors import DataError
from asen_core.gallery import Gallery
from asen_core.images.limits import Limits
from asen_core.indexing import bringing, git
from asen_core.indexing.datasets import KNOWN, photos, told_by_folders
from asen_core.indexing.scan import scan

MAIN = typer.Typer()
MAIN.command()(verb)


@pytest.fixture(autouse=True)
def _own_git(tmp_path, monkeypatch):
    """No settings of whoever runs the tests, and a name to commit with."""
    for name in [n for n in os.environ if n.startswith("GIT_")]:
        monkeypatch.delenv(name)
    config = tmp_path / "gitconfig"
    config.write_text("[user]\n\tname = T\n\temail = t@example.org\n[init]\n\tdefaultBranch = main\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    monkeypatch.delenv("ASEN_WATCHES", raising=False)


def jpeg(number: int) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(number).integers(0, 255, (6, 5, 3), np.uint8)
    Image.fromarray(pixels).resize((50, 60), Image.Resampling.NEAREST).save(file, "JPEG")
    return file.getvalue()


def run(folder: Path, *arguments: str, given: bytes = b"") -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, input=given, capture_output=True, check=True)
    return done.stdout.decode().strip()


def commit(folder: Path, files: dict[str, bytes | None]) -> str:
    """Files (None: removed) as one more commit; returns it."""
    folder.mkdir(exist_ok=True)
    if not (folder / ".git").exists():
        run(folder, "init", "-q")
    for name, content in files.items():
        place = folder / name
        if content is None:
            place.unlink()
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
    run(folder, "add", "-A")
    run(folder, "commit", "-q", "-m", "photos")
    return run(folder, "rev-parse", "HEAD")


FILES = {
    "train/dress/a.jpg": jpeg(1), "train/t-shirt/b.jpg": jpeg(2), "validation/dress/c.jpg": jpeg(3),
    "test/pants/d.JPG": jpeg(4), "README.md": b"# photos", "code/run.py": b"raise SystemExit", ".hidden.txt": b"",
}  # fmt: skip


@pytest.fixture
def home(tmp_path) -> Path:
    commit(tmp_path / "home", FILES)
    return tmp_path / "home"


def brought(folder: Path) -> dict[str, bytes]:
    """What was brought, by name; the note aside."""
    found = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert bringing.NOTE in found
    del found[bringing.NOTE]
    return found


def of_photos(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if name.lower().endswith(".jpg")}


@pytest.mark.parametrize("address", ["{}", "file://{}"])
def test_photos_come_alone_and_whole(tmp_path, home, address):
    steps = []
    found = bringing.bring(address.format(home), tmp_path / "p", lambda *step: steps.append(step))
    assert brought(tmp_path / "p") == of_photos(FILES)
    assert (found.photos, found.fetched, found.left_out) == (4, 4, {})
    assert found.commit == run(home, "rev-parse", "HEAD")
    assert steps[-1] == ("Writing photos", 4, 4)


def test_again_brings_only_what_changed(tmp_path, home):
    bringing.bring(str(home), tmp_path / "p")
    times = {p: p.stat().st_mtime_ns for p in (tmp_path / "p").rglob("*.jpg")}
    assert bringing.bring(str(home), tmp_path / "p").fetched == 0
    changed = {"train/dress/a.jpg": jpeg(9), "new/skirt/e.jpg": jpeg(10), "validation/dress/c.jpg": None}
    commit(home, changed)
    found = bringing.bring(str(home), tmp_path / "p")
    assert (found.photos, found.fetched) == (4, 2)
    wanted = {**of_photos(FILES), **changed}
    assert brought(tmp_path / "p") == {k: v for k, v in wanted.items() if v is not None}
    assert not (tmp_path / "p" / "validation").exists()
    kept = tmp_path / "p" / "train" / "t-shirt" / "b.jpg"
    assert kept.stat().st_mtime_ns == times[kept]


def test_a_file_that_becomes_a_folder_and_back(tmp_path, home):
    bringing.bring(str(home), tmp_path / "p")
    commit(home, {"train/dress/a.jpg": None})
    commit(home, {"train/dress/a.jpg/x.jpg": jpeg(5)})
    bringing.bring(str(home), tmp_path / "p")
    assert (tmp_path / "p" / "train" / "dress" / "a.jpg" / "x.jpg").is_file()
    shutil.rmtree(home / "train" / "dress" / "a.jpg")
    commit(home, {"train/dress/a.jpg": jpeg(1)})
    bringing.bring(str(home), tmp_path / "p")
    assert (tmp_path / "p" / "train" / "dress" / "a.jpg").read_bytes() == jpeg(1)


@pytest.mark.parametrize("damage", ["gone", "cut", "other"])
def test_damaged_photos_are_mended_although_nothing_is_new(tmp_path, home, damage):
    bringing.bring(str(home), tmp_path / "p")
    place = tmp_path / "p" / "train" / "dress" / "a.jpg"
    content = place.read_bytes()
    place.unlink() if damage == "gone" else place.write_bytes(content[:9] if damage == "cut" else content[::-1])
    assert bringing.bring(str(home), tmp_path / "p").fetched == 1
    assert brought(tmp_path / "p") == of_photos(FILES)


def test_stopped_half_way_it_goes_on(tmp_path, home, monkeypatch):
    bringing.bring(str(home), tmp_path / "p")
    commit(home, {f"more/{i}.jpg": jpeg(20 + i) for i in range(6)} | {"train/dress/a.jpg": None})
    whole = git.Git.contents

    def stopping(self, shas):
        for i, content in enumerate(whole(self, shas)):
            if i == 3:
                raise KeyboardInterrupt
            yield content

    monkeypatch.setattr(git.Git, "contents", stopping)
    with pytest.raises(KeyboardInterrupt):
        bringing.bring(str(home), tmp_path / "p")
    assert len(list((tmp_path / "p" / "more").glob("*.jpg"))) == 3
    monkeypatch.setattr(git.Git, "contents", whole)
    commit(home, {"more/1.jpg": None})  # written by the stopped run, and gone since
    found = bringing.bring(str(home), tmp_path / "p")
    assert found.photos == 8
    assert set(brought(tmp_path / "p")) == {p.name and p.relative_to(home).as_posix() for p in home.rglob("*.[jJ][pP][gG]")}


def test_what_a_killed_transfer_left_is_swept(tmp_path, home):
    half = tmp_path / "p" / bringing.TRANSPORT
    half.mkdir(parents=True)
    (half / "HEAD").write_text("half")
    (tmp_path / "p" / bringing.NOTE).write_text(json.dumps({"source": str(home), "commit": "", "files": {}}))
    assert bringing.bring(str(home), tmp_path / "p").fetched == 4
    assert not half.exists()


def test_a_hostile_repository_runs_nothing_and_writes_nothing_outside(tmp_path, home, monkeypatch):
    """Hooks on either side and in templates, filters, links, modules, names that climb, and pointers to large files."""
    marker, secret = tmp_path / "marker", tmp_path / "secret.jpg"
    secret.write_bytes(jpeg(0))
    run_me = f"#!/bin/sh\ntouch {marker}\n"
    for hooks in (home / ".git" / "hooks", tmp_path / "template" / "hooks"):
        hooks.mkdir(parents=True, exist_ok=True)
        for name in ("post-checkout", "reference-transaction", "post-merge", "pre-auto-gc", "post-update", "pre-receive"):
            (hooks / name).write_text(run_me)
            (hooks / name).chmod(0o755)
    with (tmp_path / "gitconfig").open("a") as file:
        file.write(f"[init]\n\ttemplateDir = {tmp_path / 'template'}\n")
        file.write(f'[filter "evil"]\n\tsmudge = touch {marker}\n\tclean = cat\n\trequired = true\n')
    for name, value in (("core.fsmonitor", f"touch {marker}"), ("uploadpack.packObjectsHook", f"touch {marker}")):
        run(home, "config", name, value)
    (home / "link.jpg").symlink_to(secret)
    (home / "folder").symlink_to(tmp_path)
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"
    run(home, "config", "core.fsmonitor", "false")
    commit(home, {"x.jpg": jpeg(7), "lfs.jpg": pointer, ".gitattributes": b"*.jpg filter=evil", "a:b.jpg": jpeg(1)})
    marker.unlink(missing_ok=True)  # the commit itself ran hooks
    blob = run(home, "hash-object", "-w", "--stdin", given=jpeg(8))
    inner = run(home, "mktree", given=f"100644 blob {blob}\tclimbed.jpg\n".encode())
    top = (
        run(home, "ls-tree", "HEAD")
        + f"\n040000 tree {inner}\t..\n040000 tree {inner}\t.git\n160000 commit {'1' * 40}\tmod.jpg\n"
    )
    tree = run(home, "mktree", "--missing", given=top.encode())
    run(home, "update-ref", "--no-deref", "HEAD", run(home, "commit-tree", tree, "-m", "evil"))
    marker.unlink(missing_ok=True)
    found = bringing.bring(str(home), tmp_path / "p")
    assert not marker.exists()
    assert brought(tmp_path / "p") == of_photos(FILES) | {"x.jpg": jpeg(7)}
    assert set(found.left_out) == {"link.jpg", "mod.jpg", "../climbed.jpg", ".git/climbed.jpg", "a:b.jpg", "lfs.jpg"}
    assert "link" in found.left_out["link.jpg"]
    assert "pointer" in found.left_out["lfs.jpg"]
    assert not any(tmp_path.glob("*climbed*"))
    assert not any(p.is_symlink() for p in (tmp_path / "p").rglob("*"))
    assert all(not p.stat().st_mode & stat.S_IXUSR for p in (tmp_path / "p").rglob("*.jpg"))
    assert bringing.bring(str(home), tmp_path / "p").left_out == found.left_out


def test_large_photos_are_left_out_and_large_repositories_refused(tmp_path, home, monkeypatch):
    size = len(FILES["train/dress/a.jpg"])
    commit(home, {"large.jpg": b"x" * (size + 5000)})
    monkeypatch.setattr(bringing, "LIMITS", Limits(bytes=size + 4000))
    found = bringing.bring(str(home), tmp_path / "p")
    assert list(found.left_out) == ["large.jpg"]
    with pytest.raises(DataError, match="holds more than"):
        bringing.bring(str(home), tmp_path / "q", most_bytes=1000)


def test_a_link_that_somebody_put_into_the_folder_is_not_followed(tmp_path, home):
    bringing.bring(str(home), tmp_path / "p")
    (tmp_path / "elsewhere").mkdir()
    shutil.rmtree(tmp_path / "p" / "train")
    (tmp_path / "p" / "train").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="leads out of"):
        bringing.bring(str(home), tmp_path / "p")
    assert not any((tmp_path / "elsewhere").iterdir())


def test_a_folder_of_somebody_else_is_left_alone(tmp_path, home):
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "thesis.txt").write_text("years")
    with pytest.raises(DataError, match="something else"):
        bringing.bring(str(home), tmp_path / "p")
    assert [p.name for p in (tmp_path / "p").iterdir()] == ["thesis.txt"]
    bringing.bring(str(home), tmp_path / "q")
    commit(tmp_path / "other", {"a.jpg": jpeg(1)})
    with pytest.raises(DataError, match="give another folder"):
        bringing.bring(str(tmp_path / "other"), tmp_path / "q")


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("", "no address"),
        ("--upload-pack=touch x", "no address"),
        ("ext::sh -c touch% x", "can't be fetched: only https"),
        ("http://example.org/x", "can't be fetched: only https"),
        ("git://example.org/x", "can't be fetched: only https"),
        ("https://me:secret@example.org/x", "credential"),
        ("https://token@example.org/x", "credential"),
        ("/nowhere/at/all", "no such repository"),
        ("https://127.0.0.1:9/x", "the network did not let it through"),
    ],
)
def test_addresses_that_are_refused_or_lead_nowhere(tmp_path, address, says):
    with pytest.raises(DataError, match=says):
        bringing.bring(address, tmp_path / "p")
    assert not (tmp_path / "p").exists()


def test_repositories_without_photos(tmp_path):
    commit(tmp_path / "texts", {"a.txt": b"x"})
    with pytest.raises(DataError, match="holds no photo"):
        bringing.bring(str(tmp_path / "texts"), tmp_path / "p")
    run(tmp_path, "init", "-q", "--bare", "empty")
    with pytest.raises(DataError, match="empty repository"):
        bringing.bring(str(tmp_path / "empty"), tmp_path / "q")


def test_without_git(tmp_path, monkeypatch):
    monkeypatch.setattr(git.shutil, "which", lambda name: None)
    with pytest.raises(DataError, match="git is not installed"):
        bringing.bring("https://example.org/x", tmp_path / "p")


def test_a_full_disk_is_said(tmp_path, home, monkeypatch):
    def full(self, content):
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(DataError, match="the disk is full; free some space"):
        bringing.bring(str(home), tmp_path / "p")


def test_who_does_not_answer_is_given_up(tmp_path, home, monkeypatch):
    monkeypatch.setattr(git, "QUIET", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as deaf, pytest.raises(DataError, match="did not answer"):
        bringing.bring(f"https://127.0.0.1:{deaf.getsockname()[1]}/x", tmp_path / "p")
    real = shutil.which("git")
    (tmp_path / "bin").mkdir()
    stub = tmp_path / "bin" / "git"
    stub.write_text(f'#!/bin/sh\ncase "$*" in *" fetch "*) exec sleep 60;; esac\nexec {real} "$@"\n')
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    with pytest.raises(DataError, match="did not answer"):
        bringing.bring(str(home), tmp_path / "q")
    monkeypatch.undo()


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["train/dress/a.jpg", "test/t-shirt/b.jpg"], [("dress", "train"), ("t_shirt", "test")]),
        (["Dress/a.jpg", "Long Sleeve/b.jpg"], [("dress", ""), ("long_sleeve", "")]),
        (["images/validation/pants/a.jpg", "images/train/hat/b.jpg"], [("trousers", "valid"), ("hat", "train")]),
        (["a.jpg", "b.jpg"], [("", ""), ("", "")]),
        (["dress/a.jpg", "dress/b.jpg"], [("", ""), ("", "")]),  # what all share says nothing
        (["dress/a.jpg", "b.jpg"], [("dress", ""), ("", "")]),
        (["dress/summer/a.jpg", "skirt/summer/b.jpg"], [("dress", ""), ("skirt", "")]),
        ([], []),
    ],
)
def test_labels_told_by_folders(names, labels):
    found = told_by_folders(names, {"pants": "trousers"})
    assert [(found[n].get("category", ""), found[n].get("split", "")) for n in names] == labels


def test_a_known_dataset_has_its_notes_and_labels(tmp_path, home):
    with photos("clothing-dataset-small", tmp_path / "p", str(home)) as found:
        rows = {row["image"]: row for row in csv.DictReader(found.labels.open(encoding="utf-8"))}
        assert found.notes["licence"] == "CC0 1.0"
        assert (found.notes["source"], found.notes["dataset"]) == (str(home), "clothing-dataset-small")
        assert found.notes["commit"] == run(home, "rev-parse", "HEAD")
    assert not found.labels.exists()
    assert rows["test/pants/d.JPG"] == {"image": "test/pants/d.JPG", "category": "trousers", "split": "test"}
    assert rows["train/t-shirt/b.jpg"]["category"] == "t_shirt"
    assert set(rows) == {file.name for file in scan(tmp_path / "p").files}


def test_a_label_file_of_the_dataset_counts_more_than_its_folders(tmp_path, home):
    commit(home, {"labels.csv": b"image,brand\ntrain/dress/a.jpg,acme\n"})
    with photos(str(home / ".git"), tmp_path / "p") as found:
        assert found.labels == tmp_path / "p" / "labels.csv"
        assert "licence" not in found.notes


def test_a_folder_is_taken_where_it_lies(tmp_path, home):
    with photos(str(home), tmp_path / "p") as found:
        assert (found.folder, found.brought) == (home, None)
        assert found.notes == {"source": str(home)}
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize("source", ["clothing-dataset-smal", "home/README.md"])
def test_sources_that_are_neither(tmp_path, home, source, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"clothing-dataset-small"), photos(source, tmp_path / "p"):
        pass


def test_known_datasets_are_said_honestly():
    for dataset in KNOWN.values():
        assert dataset.home.startswith("https://")
        assert all((dataset.licence, dataset.about, dataset.size))


def call(*arguments: object, code: int = 0):
    result = CliRunner().invoke(MAIN, [str(a) for a in arguments])
    assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
    return result


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("tiny"))


def test_the_verb_makes_a_gallery_with_filters_and_notes(tmp_path, home, checkpoint):
    commit(home, {"broken.jpg": b"no photo"})
    line = ("clothing-dataset-small", "--from", home, "--out", tmp_path / "real", "--checkpoint", checkpoint)
    said = call(*line)
    assert "4 garments in" in said.stdout
    assert "Licence: CC0 1.0" in said.stdout
    assert "Left out broken.jpg" in said.stderr
    gallery = Gallery.open(tmp_path / "real")
    assert gallery.facets()["category"] == {"dress": 2, "t_shirt": 1, "trousers": 1}
    assert gallery.facets()["split"] == {"train": 2, "test": 1, "valid": 1}
    assert {"source", "licence", "commit", "dataset"} <= set(gallery.manifest.built)
    commit(home, {"train/dress/e.jpg": jpeg(11)})
    found = json.loads(call(*line, "--json").stdout)
    assert (found["brought"]["fetched"], found["index"]["added"], found["index"]["items"]) == (1, 1, 5)
    assert found["notes"]["commit"] == Gallery.open(tmp_path / "real").manifest.built["commit"]


def test_the_verb_takes_a_folder_and_lists_names(tmp_path, home, checkpoint):
    shutil.rmtree(home / ".git")
    found = json.loads(call(home, "--out", tmp_path / "g", "--checkpoint", checkpoint, "--json").stdout)
    assert (found["brought"], found["index"]["items"]) == (None, 4)
    assert not (tmp_path / "g-photos").exists()
    assert "clothing-dataset-small" in call().stdout
    assert json.loads(call("--json").stdout)["clothing-dataset-small"]["licence"] == "CC0 1.0"
    assert "--out" in call("clothing-dataset-small", code=2).stderr


def test_what_is_brought_later_is_told_to_saved_searches(tmp_path, home, checkpoint):
    from asen_core.cli.watch import watch

    line = (home, "--out", tmp_path / "g", "--checkpoint", checkpoint, "--json")
    assert json.loads(call(*line).stdout)["watches"] == {}
    (tmp_path / "shirt.jpg").write_bytes(jpeg(50))
    add = ["add", tmp_path / "shirt.jpg", "neckline", "--name", "x", "--gallery", tmp_path / "g", "--checkpoint", checkpoint]
    assert CliRunner().invoke(watch, [str(a) for a in add]).exit_code == 0
    commit(home, {"the-same.jpg": jpeg(50)})
    said = call(*line)
    assert json.loads(said.stdout)["watches"] == {"x": 1}
    assert "Saved search x: 1 new" in said.stderr
