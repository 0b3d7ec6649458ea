"""The real Milvus server for tests and benchmarks, alone in a network and process namespace, its files in a throw-away folder.

The server listens on every interface that it has, so it gets none but a loopback of its own. `running` opens one port of this
machine's loopback and starts this file as the first process of the namespace with that socket in hand: it starts the server and
carries each connection over. As the first process it takes all others with it when it ends, and it ends with its stdin, however
the tests end. No server is started where MILVUS_URI names a cluster. With ASEN_MILVUS_REQUIRED a machine that can't start one
fails the tests instead of skipping them.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

GIVEN, REQUIRED, READY, ENDING = "MILVUS_URI", "ASEN_MILVUS_REQUIRED", "ready", 20
SPACES = ("--net", "--pid", "--fork", "--kill-child=KILL", "--mount-proc")
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


class UnfitError(Exception):
    """Why the server can't be started on this machine."""


@dataclass(frozen=True)
class Server:
    """One that runs. uri: where clients reach it; folder, pid: its files and its first process, None for somebody's cluster."""

    uri: str
    folder: Path | None = None
    pid: int | None = None

    def address(self, name: str) -> str:
        """As `Gallery.open` takes it."""
        return "milvus://{}/{}".format(self.uri.partition("://")[2].rstrip("/"), name) + "?tls=1" * self.uri.startswith("https")

    def drop(self, prefix: str) -> None:
        """Remove all collections whose names begin so."""
        from pymilvus import MilvusClient

        client = MilvusClient(self.uri, token=os.environ.get("MILVUS_TOKEN", ""))
        for name in client.list_collections():
            if name.startswith(prefix):
                client.drop_collection(name)
        client.close()

    @property
    def memory(self) -> int:
        """Bytes (resident) of the server itself."""
        return sum(_resident(pid) for pid in _below(self.pid) if _name(pid) == "milvus") if self.pid else 0

    @property
    def disk(self) -> int:
        """Bytes that lie on disk: logs of what came in, segments, indexes and its own metadata."""
        files = (p for p in (self.folder / "data").rglob("*") if p.is_file()) if self.folder else ()
        return sum(p.stat().st_blocks * 512 for p in files)


@pytest.fixture(scope="session")
def milvus() -> Iterator[Server]:
    """One server for all tests of a session; skips where there can be none."""
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(running())
        except UnfitError as reason:
            if os.environ.get(REQUIRED):
                raise
            pytest.skip(str(reason))
        yield server


@contextlib.contextmanager
def running() -> Iterator[Server]:
    """A server with nothing stored, stopped and removed at the end; the one that MILVUS_URI names, where it is set.

    Raises: UnfitError where this machine has no namespaces or there is no server for it; RuntimeError where it does not start.
    """
    if given := os.environ.get(GIVEN):
        yield Server(given)
        return
    unshare = namespaces()
    if importlib.util.find_spec("milvus") is None:
        raise UnfitError(
            f"The Milvus server is not installed: pip install -r tests/requirements.txt (Linux x86_64), or set {GIVEN}."
        )
    folder = Path(tempfile.mkdtemp(prefix="milvus-"))
    try:
        with socket.create_server(("127.0.0.1", 0), backlog=64) as door, _guarded(unshare, door, folder) as guard:
            yield Server(f"http://127.0.0.1:{door.getsockname()[1]}", folder, guard.pid)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def namespaces() -> list[str]:
    """The command that starts another in namespaces of its own. Raises: UnfitError where this machine allows none."""
    found, said = shutil.which("unshare"), "there is no unshare command"
    for mapped in ([], ["--map-root-user"]) if found else ():
        command = [found, *mapped, *SPACES]
        tried = subprocess.run([*command, "true"], capture_output=True, text=True)
        if not tried.returncode:
            return command
        said = tried.stderr.strip()
    raise UnfitError(
        f"Milvus is tested in a network namespace, which this machine does not allow ({said}); run as root or set {GIVEN}."
    )


@contextlib.contextmanager
def _guarded(unshare: list[str], door: socket.socket, folder: Path) -> Iterator[subprocess.Popen[str]]:
    call = [*unshare, sys.executable, __file__, str(door.fileno()), str(folder)]
    log = folder / "guard.txt"
    with log.open("w") as errors:
        guard = subprocess.Popen(
            call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, pass_fds=[door.fileno()]
        )
    try:
        if guard.stdout.readline().strip() != READY:
            raise RuntimeError(f"Milvus did not start: {log.read_text()[-2000:]}")
        yield guard
    finally:
        guard.stdin.close()
        try:
            guard.wait(ENDING)
        except subprocess.TimeoutExpired:
            guard.kill()
            guard.wait(ENDING)
        guard.stdout.close()


def _below(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            yield child
            yield from _below(child)


def _name(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _inside(descriptor: int, folder: str) -> None:
    """The first process of the namespace: start the server, let connections through, end with stdin."""
    from milvus import MilvusServer, MilvusServerConfig

    _loopback()
    server = MilvusServer(MilvusServerConfig(), wait_for_started=True)
    server.set_base_dir(folder)
    server.start()
    door = socket.socket(fileno=descriptor)
    threading.Thread(target=_let_in, args=(door, server.listen_port), daemon=True).start()
    print(READY, flush=True)
    sys.stdin.read()
    server.server_proc.kill()
    shutil.rmtree(folder, ignore_errors=True)  # also where the tests were killed
    os._exit(0)  # the kernel ends the other processes of the namespace, at once


def _loopback() -> None:
    """What `ip link set lo up` does."""

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        flags = struct.unpack("16sh", fcntl.ioctl(s, SIOCGIFFLAGS, struct.pack("16sh", b"lo", 0)))[1]
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sh", b"lo", flags | IFF_UP))


def _let_in(door: socket.socket, port: int) -> None:
    while True:
        outer = door.accept()[0]
        inner = socket.create_connection(("127.0.0.1", port))
        for s in (outer, inner):
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for ends in ((outer, inner), (inner, outer)):
            threading.Thread(target=_carry, args=ends, daemon=True).start()


def _carry(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 18):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    _inside(int(sys.argv[1]), sys.argv[2])
