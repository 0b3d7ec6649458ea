"""The file of those who may log in, and the verb that writes it."""

from __future__ import annotations

import os
import select
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner

from asen_core import accounts
from asen_core.accounts import Accounts, hashed, matches, put, read, remove
from asen_core.cli import app
from asen_core.errors import AccountError

ROOT = Path(__file__).resolve().parents[1]
WORD = "correct horse"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    put(tmp_path / "users", "anna", WORD)
    return tmp_path / "users"


def test_a_password_is_kept_as_a_salted_key_and_nowhere_else(file: Path) -> None:
    text = file.read_text()
    assert text.startswith("anna:scrypt$32768$8$1$")
    assert WORD not in text
    assert hashed(WORD) != hashed(WORD)
    assert all(matches(WORD, hashed(WORD)) for _ in range(2))
    assert not matches(WORD + " ", hashed(WORD))
    assert not matches("", hashed(WORD))


def test_the_key_is_scrypts_own() -> None:
    """The second vector of RFC 7914, section 12, cut to 32 bytes."""
    known = bytes.fromhex("fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162")
    assert accounts._key("password", b"NaCl", 1024, 8, 16) == known


def test_letters_typed_in_two_ways_are_one_password() -> None:
    assert matches("un e\u0301tranger", hashed("un \u00e9tranger"))


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")
def test_only_its_owner_reads_the_file_and_nothing_is_left_beside_it(file: Path) -> None:
    put(file, "ben", WORD)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(read(file)) == ["anna", "ben"]
    assert {p.name for p in file.parent.iterdir()} <= {"users", "users.lock"}


def test_writers_at_the_same_time_lose_nobody(file: Path) -> None:
    writers = [threading.Thread(target=put, args=(file, f"user{i}", WORD)) for i in range(6)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(read(file)) == 7


def test_the_file_is_read_again_when_it_changes(file: Path) -> None:
    known = Accounts(file)
    first = known.check("anna", WORD)
    assert first
    assert known.check("anna", WORD + "!") is None
    assert known.check("nobody", WORD) is None
    put(file, "anna", "another password")
    assert known.check("anna", WORD) is None
    assert known.check("anna", "another password") != first
    remove(file, "anna")
    assert known.check("anna", "another password") is None
    file.unlink()
    with pytest.raises(AccountError, match="put the file back"):
        known.now()


@pytest.mark.parametrize(
    "text",
    [
        "anna", "anna:secret", ":" + hashed(WORD), "an na:" + hashed(WORD), f"anna:{hashed(WORD)}\nanna:{hashed(WORD)}",
        "anna:scrypt$1073741824$8$1$AAAA$AAAA", "anna:scrypt$3$8$1$AAAA$AAAA", "anna:scrypt$1$8$1$AAAA$AAAA",
        "anna:scrypt$32768$8$1$?$AAAA", "anna:bcrypt$32768$8$1$AAAA$AAAA", "anna:scrypt$32768$-8$1$AAAA$AAAA",
    ],
)  # fmt: skip
def test_lines_of_another_form_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "users").write_text("# who may come in\n\n" + text)
    with pytest.raises(AccountError, match=r"Line [34] of"):
        read(tmp_path / "users")


def test_a_file_that_is_absent_empty_or_no_text_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(AccountError, match="can't be read"):
        Accounts(tmp_path / "users")
    (tmp_path / "users").write_text("\n# nobody\n")
    with pytest.raises(AccountError, match="has no users yet; add one: python -m asen_core user add"):
        Accounts(tmp_path / "users")
    (tmp_path / "users").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(AccountError, match="can't be read"):
        Accounts(tmp_path / "users")


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\nb", "-a", "a" * 65, "ä", "../x"])
def test_names_that_are_none_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(AccountError, match="no name for a user"):
        put(tmp_path / "users", name, WORD)
    assert not (tmp_path / "users").exists()


@pytest.mark.parametrize("word", ["", "123456789", "x" * 201])
def test_passwords_too_short_or_too_long_are_refused(file: Path, word: str) -> None:
    with pytest.raises(AccountError, match="10 to 200"):
        put(file, "anna", word)
    assert matches(WORD, read(file)["anna"])


def called(*arguments: object, typed: str = "", code: int = 0) -> str:
    result = CliRunner().invoke(app, ["user", *map(str, arguments)], input=typed)
    assert result.exit_code == code, result.output
    return result.output


def test_the_verb_adds_lists_and_removes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "users"
    assert "anna can log in" in called("add", "anna", "--file", file, typed=WORD + "\n")
    monkeypatch.setenv("ASEN_USERS", str(file))
    assert "has another password" in called("add", "anna", typed="another password\n")
    assert matches("another password", read(file)["anna"])
    assert called("list") == "anna\n"
    assert called("list", "--json") == '[\n  "anna"\n]\n'
    assert "no user 'ben'; it has anna" in called("remove", "ben", code=1)
    called("remove", "anna")
    assert called("list") == "Nobody yet.\n"
    assert "10 to 200" in called("add", "ben", typed="short\n", code=1)


def read_until(line: int, wanted: bytes, shown: bytes) -> bytes:
    while wanted not in shown:
        assert select.select([line], [], [], 60)[0], shown
        shown += os.read(line, 1000)
    return shown


@pytest.mark.skipif(os.name == "nt", reason="Windows has other terminals")
@pytest.mark.parametrize(("again", "code"), [(WORD, 0), (WORD + "!", 1)])
def test_at_a_terminal_the_password_is_asked_for_twice_and_not_shown(tmp_path: Path, again: str, code: int) -> None:
    here, there = os.openpty()
    file = tmp_path / "users"
    line = [sys.executable, "-m", "asen_core", "user", "add", "anna", "--file", str(file)]
    verb = subprocess.Popen(line, stdin=there, stdout=there, stderr=there, cwd=ROOT, start_new_session=True)
    os.close(there)
    shown = b""
    for asked, typed in ((b"or more)", WORD), (b"Once more", again)):
        shown = read_until(here, asked + b": ", shown)
        os.write(here, typed.encode() + b"\n")
    shown = read_until(here, b"log in on pages" if code == 0 else b"nothing was changed", shown)
    os.close(here)
    assert verb.wait(timeout=60) == code
    assert WORD.encode() not in shown
    assert file.exists() is (code == 0)
