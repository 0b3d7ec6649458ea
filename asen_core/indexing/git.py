"""Git as a means of transport and nothing else: no working tree, no hooks, filters, links, modules or prompts."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from asen_core.errors import DataError

QUIET = 120.0
"""Seconds without a word from the other side after which a transfer is given up."""
PROTOCOLS = ("https", "ssh", "file")
_SETTINGS = {
    "core.hooksPath": os.devnull, "core.fsmonitor": "false", "core.symlinks": "false", "gc.auto": "0",
    "maintenance.auto": "false", "fetch.unpackLimit": "1", "submodule.recurse": "false",
    "fetch.recurseSubmodules": "false", "http.lowSpeedLimit": "1000", "http.lowSpeedTime": "60", "protocol.allow": "never",
    **{f"protocol.{name}.allow": "always" for name in PROTOCOLS},
}  # fmt: skip
_HARMLESS = (
    "GIT_SSH",
    "GIT_SSL",
    "GIT_PROXY",
    "GIT_HTTP",
    "GIT_CURL",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_EXEC_PATH",
)
_PROGRESS = re.compile(rb"(Receiving objects|Unpacking objects|Resolving deltas):\s+\d+% \((\d+)/(\d+)\)")
_NETWORK = "could not resolve|failed to connect|connection (refused|timed out|reset)|network is unreachable|timed out"
_REFUSED = "does not exist|does not appear to be a git|could not read (username|from remote)|authentication|denied|publickey"
_REASONS = (
    ("no space left", "the disk is full; free some space, then start the same line again"),
    ("host key", "ssh does not know that machine; connect to it once with ssh, then start the same line again"),
    ("dubious ownership", "the repository belongs to another user; copy it, or name it in git's safe.directory"),
    ("transport '.*' not allowed", "only https, ssh and files are fetched from"),
    (f"not found|{_REFUSED}", "there is no such repository, or you may not read it; check the address"),
    (f"{_NETWORK}|unable to access|ssl|certificate",
     "the network did not let it through; check the connection (behind a proxy: HTTPS_PROXY), then start the same line again"),
)  # fmt: skip
"""What git says, as patterns, and what that means for people."""


@dataclass(frozen=True)
class Entry:
    """A file of a commit. mode: "100644" and "100755" for plain files, "120000" for links, "160000" for modules."""

    path: str
    mode: str
    sha: str
    size: int


class Git:
    """A repository without a working tree in a folder of ours, made when something is first fetched into it."""

    def __init__(self, folder: Path) -> None:
        """Raises: DataError where git is not installed."""
        self.folder = folder
        if (program := shutil.which("git")) is None:
            raise DataError(
                "git is not installed, and this dataset is fetched with it; install it (Debian and Ubuntu: apt install git), "
                "or give a folder of photos that you have already."
            )
        self._program = program

    def head(self, address: str) -> str:
        """The commit that an address stands at now. Raises: DataError."""
        listed = self._say(["ls-remote", "--", address, "HEAD"], address).split()
        if not listed:
            raise DataError(f"{address} is an empty repository; check the address.")
        return listed[0].decode()

    def fetch(self, address: str, each: Callable[[str, int, int], None], most_bytes: int) -> str:
        """Bring the latest commit, without its history; returns it. each: told (doing, done, total).

        Raises: DataError where it fails, stands still or grows over `most_bytes`.
        """
        if not (self.folder / "objects").is_dir():
            shutil.rmtree(self.folder, ignore_errors=True)
            self._say(["init", "--quiet", "--bare", "--template=", "--", str(self.folder)], address)
        _remove_halves(self.folder)
        command = ["fetch", "--depth=1", "--no-tags", "--no-recurse-submodules", "--progress", "--", address, "HEAD"]
        with tempfile.TemporaryFile() as said, _running(self._command(command), stderr=subprocess.PIPE) as process:
            _Watch(process, self.folder, most_bytes, address).follow(each, said)
            if process.wait():
                said.seek(0)
                raise _failed(address, said.read().decode(errors="replace"))
        return self._say(["rev-parse", "--verify", "FETCH_HEAD^{commit}"], address).decode().strip()

    def files(self, commit: str) -> list[Entry]:
        """All files of a commit."""
        found = []
        for line in self._say(["ls-tree", "-r", "-z", "-l", "--full-tree", commit], commit).split(b"\0")[:-1]:
            about, path = line.split(b"\t", 1)
            mode, _, sha, size = about.decode().split()
            found.append(Entry(os.fsdecode(path), mode, sha, 0 if size == "-" else int(size)))
        return found

    def contents(self, shas: Sequence[str]) -> Iterator[bytes]:
        """The contents of files, one by one, as they were committed. Raises: DataError where one is missing."""
        command = self._command(["cat-file", "--batch"])
        with _running(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            for sha in shas:
                process.stdin.write(sha.encode() + b"\n")
                process.stdin.flush()
                head = process.stdout.readline().split()
                if len(head) != 3:
                    raise DataError(f"The file {sha} did not arrive whole; start the same line again.")
                content = process.stdout.read(int(head[2]) + 1)
                if len(content) != int(head[2]) + 1:
                    raise DataError(f"The file {sha} did not arrive whole; start the same line again.")
                yield content[:-1]

    def _command(self, arguments: Sequence[str]) -> list[str]:
        settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        place = [] if arguments[0] in ("init", "ls-remote") else ["--git-dir", str(self.folder)]
        return [self._program, *settings, *place, *arguments]

    def _say(self, arguments: Sequence[str], about: str) -> bytes:
        try:
            done = subprocess.run(
                self._command(arguments), env=_environment(), cwd=Path.cwd().anchor, stdin=subprocess.DEVNULL,
                capture_output=True, timeout=QUIET,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise _silent(about) from None
        if done.returncode:
            raise _failed(about, done.stderr.decode(errors="replace"))
        return done.stdout


class _Watch:
    """Reads what a transfer says, and ends it where it stands still or grows too large."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, most_bytes: int, address: str) -> None:
        self._process, self._folder, self._most, self._address = process, folder, most_bytes, address
        self._heard, self._ended, self._why = time.monotonic(), threading.Event(), ""

    def follow(self, each: Callable[[str, int, int], None], said: object) -> None:
        """Until it ends. said: takes the words that are no progress. Raises: DataError."""
        guard = threading.Thread(target=self._guard, daemon=True)
        guard.start()
        try:
            self._read(each, said)
        finally:
            self._ended.set()
            guard.join()
        if not self._why and _bytes(self._folder) > self._most:
            self._why = "large"  # a quick one may be through before it was looked at
        if self._why == "silent":
            raise _silent(self._address)
        if self._why:
            raise DataError(
                f"{self._address} holds more than {self._most / 1e9:,.1f} GB, so it was given up; fetch it yourself with git, "
                "then give the folder."
            )

    def _read(self, each: Callable[[str, int, int], None], said: object) -> None:
        assert self._process.stderr
        left = b""
        while chunk := self._process.stderr.read1(4096):  # type: ignore[union-attr]
            self._heard = time.monotonic()
            *lines, left = re.split(rb"[\r\n]", left + chunk)
            for line in lines:
                if found := _PROGRESS.search(line):
                    each("Fetching" if found[1].startswith(b"Rec") else "Unpacking", int(found[2]), int(found[3]))
                else:
                    said.write(line + b"\n")  # type: ignore[attr-defined]

    def _guard(self) -> None:
        while not self._ended.wait(0.2):
            if time.monotonic() - self._heard > QUIET:
                self._why = "silent"
            elif _bytes(self._folder) > self._most:
                self._why = "large"
            if self._why:
                self._process.kill()
                return


def _running(command: Sequence[str], **pipes: int) -> subprocess.Popen[bytes]:
    return _Killed(command, env=_environment(), cwd=Path.cwd().anchor, **{"stdin": subprocess.DEVNULL, **pipes})


class _Killed(subprocess.Popen):  # type: ignore[type-arg]
    """A process that does not outlive its block."""

    def __exit__(self, *error: object) -> None:
        if error[0] is not None:
            self.kill()
        super().__exit__(*error)


def _environment() -> dict[str, str]:
    """Ours, without what would point git elsewhere, and so that it never asks nor smudges."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GIT_") or k.startswith(_HARMLESS)}
    quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_LFS_SKIP_SMUDGE": "1", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    return {"GIT_SSH_COMMAND": "ssh -oBatchMode=yes -oConnectTimeout=30", **kept, **quiet}


def _failed(about: str, said: str) -> DataError:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    reason = next((why for pattern, why in _REASONS if re.search(pattern, said, re.IGNORECASE)), "check the address")
    first = next((line for line in lines if line.startswith(("fatal:", "error:"))), lines[-1] if lines else "git said nothing")
    return DataError(f"{about} can't be fetched: {reason} (git: {first[:200]}).")


def _silent(about: str) -> DataError:
    return DataError(f"{about} did not answer for {QUIET:.0f} seconds; check the connection, then start the same line again.")


def _bytes(folder: Path) -> int:
    total = 0
    for path in (folder / "objects" / "pack").glob("*"):
        try:
            total += path.stat().st_size
        except OSError:
            continue
    return total


def _remove_halves(folder: Path) -> None:
    """What a killed transfer left: parts of packs, and locks that nobody holds."""
    for path in (*(folder / "objects" / "pack").glob("tmp_*"), *folder.glob("*.lock")):
        path.unlink(missing_ok=True)
