"""Who may use a page with a login: one line per person in a file, `name:scrypt$N$r$p$salt$key`, and no password anywhere."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import secrets
import threading
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from asen_core.errors import AccountError

VARIABLE = "ASEN_USERS"
"""Names the file; where it is set, nothing is to be had from the page without a login."""
LEAST, MOST = 10, 200
"""Characters of a password."""
_COST = (2**15, 8, 1)
"""scrypt's N, r and p: 32 MB and a tenth of a second for each try."""
_DEAREST = (2**17, 8, 2)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
_DUMMY = "scrypt$32768$8$1$AAAAAAAAAAAAAAAAAAAAAA==$" + "A" * 43 + "="
"""Nobody's: names that are not in the file take as long as those that are."""


class Accounts:
    """The file as it now is: read again whenever it has changed. Safe to share between threads.

    Raises: AccountError where the file can't be read or has no users, when opened and at each later use.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._stamp: tuple[int, ...] = ()
        self._known: dict[str, str] = {}
        if not self.now():
            raise AccountError(f"{path} has no users yet; add one: python -m asen_core user add NAME --file {path}.")

    def now(self) -> Mapping[str, str]:
        """Name -> what is kept of its password."""
        with self._lock:
            stamp = _stamp(self.path)
            if stamp != self._stamp:
                self._known, self._stamp = read(self.path), stamp
            return self._known

    def check(self, name: str, password: str) -> str | None:
        """What is kept of the password where it is right, else None. Takes the same time for names that there are not."""
        kept = self.now().get(name)
        right = matches(password, kept or _DUMMY)
        return kept if kept and right else None


def hashed(password: str) -> str:
    """What is kept of a password, with a salt of its own. Raises: AccountError for one that is too short or too long."""
    if not LEAST <= len(password) <= MOST:
        raise AccountError(f"A password has {LEAST} to {MOST} characters, this one has {len(password)}; choose another one.")
    salt = secrets.token_bytes(16)
    parts = (*_COST, *(base64.b64encode(b).decode() for b in (salt, _key(password, salt, *_COST))))
    return "$".join(("scrypt", *map(str, parts)))


def matches(password: str, kept: str) -> bool:
    """Whether this is the password, compared in constant time."""
    cost, salt, key = _parts(kept)
    return len(password) <= MOST and hmac.compare_digest(_key(password, salt, *cost), key)


def read(path: Path) -> dict[str, str]:
    """Name -> what is kept. Raises: AccountError naming the line that has another form, or why the file can't be read."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise AccountError(f"The users in {path} can't be read ({error}); name a file that `user add` wrote.") from None
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, kept = line.strip().partition(":")
        try:
            _parts(kept)
        except ValueError:
            kept = ""
        if not kept or not _NAME.fullmatch(name) or name in found:
            raise AccountError(f"Line {number} of {path} is no user, or one twice; write the file with `user add`.")
        found[name] = kept
    return found


def put(path: Path, name: str, password: str) -> bool:
    """Add a user, or give one another password; returns whether the name is new. Raises: AccountError."""
    if not _NAME.fullmatch(name):
        raise AccountError(f"{name!r} is no name for a user; use letters, digits, and . _ - @ + after the first one.")
    kept = hashed(password)
    with _changed(path) as users:
        new = name not in users
        users[name] = kept
    return new


def remove(path: Path, name: str) -> None:
    """Take a user off the file. Raises: AccountError where there is none of that name."""
    with _changed(path) as users:
        if name not in users:
            raise AccountError(f"{path} has no user {name!r}; it has {', '.join(users) or 'none'}.")
        del users[name]


@contextmanager
def _changed(path: Path) -> Iterator[dict[str, str]]:
    """The users, written whole when the caller is through: readers see the old or the new file, nothing between."""
    try:
        with FileLock(path.with_name(path.name + ".lock"), timeout=10, mode=0o600):
            users = read(path) if path.exists() else {}
            yield users
            fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write("".join(f"{name}:{kept}\n" for name, kept in users.items()))
                file.flush()
                os.fsync(file.fileno())
            os.replace(fresh, path)
    except OSError as error:  # a lock that is held on is one, too
        raise AccountError(f"{path} can't be written ({error}); give a place where you may write.") from None


def _key(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    typed = unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
    return hashlib.scrypt(typed, salt=salt, n=n, r=r, p=p, maxmem=2**20 + 256 * n * r * p, dklen=32)


def _parts(kept: str) -> tuple[tuple[int, int, int], bytes, bytes]:
    """Raises: ValueError. A cost that would stop the server is refused like any other mistake."""
    kind, *numbers, salt, key = kept.split("$")
    n, r, p = map(int, numbers)
    fits = all(1 <= got <= most for got, most in zip((n, r, p), _DEAREST, strict=True))
    if kind != "scrypt" or not fits or n < 2 or n & (n - 1):
        raise ValueError(kept)
    return (n, r, p), base64.b64decode(salt, validate=True), base64.b64decode(key, validate=True)


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        state = path.stat()
    except OSError as error:
        raise AccountError(f"The users in {path} can't be read ({error}); put the file back.") from None
    return state.st_mtime_ns, state.st_size, state.st_ino
