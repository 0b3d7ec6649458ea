"""The address of a gallery on Milvus, and connections to it whose errors say what to do and never a password."""

from __future__ import annotations

import contextlib
import logging
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from asen_core.errors import GalleryError

if TYPE_CHECKING:
    from pymilvus import MilvusClient

SCHEME, PORT, TOKEN = "milvus", 19530, "MILVUS_TOKEN"
LEVELS = ("Strong", "Session", "Bounded", "Eventually")
CONNECTING, ANSWERING = 10.0, 120.0
"""Seconds after which a server counts as out of reach."""
NEEDED = "pymilvus>=2.6,<4"
_NAME, _FORM = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}"), "milvus://host:19530/name"
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45}(?:%[A-Za-z0-9._-]+)?")
"""A name or number of a machine; what is put together wrongly, say a password without its @, is none."""


@dataclass(frozen=True)
class Address:
    """One gallery of one server. As text it has no password.

    database: "" for the server's default; token: "user:password" or an API key, "" for none; pictures: the folder or web
    address that replaces the one given when the gallery was pushed; consistency: of searches.
    """

    host: str
    name: str
    port: int = PORT
    database: str = ""
    token: str = field(default="", repr=False)
    tls: bool = False
    pictures: str = ""
    consistency: str = "Bounded"

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{SCHEME}://{host}:{self.port}/{self.database + '/' if self.database else ''}{self.name}"

    @property
    def uri(self) -> str:
        """As pymilvus takes it, without password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http{'s' if self.tls else ''}://{host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read milvus://[user:password@]host[:port]/[database/]name[?tls=1&pictures=...&token=...&consistency=...].

        Where it has no password and no token, the variable MILVUS_TOKEN of the environment is taken.
        Raises: GalleryError that says which part is wrong, without the password.
        """
        try:
            parts = urlsplit(text)
            host, port = parts.hostname or "", parts.port or PORT
        except ValueError:
            raise GalleryError(f"The host or port of this Milvus address can't be read; write {_FORM}.") from None
        database, _, name = parts.path.strip("/").rpartition("/")
        if parts.scheme != SCHEME or not host:
            raise GalleryError(f"A gallery on Milvus is addressed as {_FORM}; the scheme or the host is missing.")
        if not _HOST.fullmatch(host):
            raise GalleryError(f"The host of this Milvus address has characters that no host has; write {_FORM}.")
        if not _NAME.fullmatch(name) or (database and not _NAME.fullmatch(database)):
            raise GalleryError(
                f"{parts.path!r} names no gallery: write letters, digits and _, not starting with a digit, as in {_FORM}."
            )
        options = dict(parse_qsl(parts.query))
        if unknown := sorted(set(options) - {"tls", "pictures", "token", "consistency"}):
            raise GalleryError(f"The address has no option {unknown[0]!r}; there are tls, pictures, token and consistency.")
        level = options.get("consistency", "Bounded").capitalize()
        if level not in LEVELS:
            raise GalleryError(f"consistency is one of {', '.join(LEVELS)}, not {level!r}.")
        signed = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}" if parts.username else ""
        token = options.get("token") or signed or os.environ.get(TOKEN, "")
        tls = options.get("tls", "0").lower() in ("1", "true", "yes")
        return cls(host, name, port, database, token, tls, options.get("pictures", ""), level)


def connect(address: Address) -> MilvusClient:
    """A client of the server. Raises: GalleryError where pymilvus is missing, or the server out of reach or refusing."""
    try:
        from pymilvus import MilvusClient
    except ImportError as reason:
        raise GalleryError(f'Galleries on Milvus need pymilvus, which is missing; run: pip install "{NEEDED}"') from reason
    log = logging.getLogger("pymilvus")
    if log.level == logging.NOTSET:
        log.setLevel(logging.CRITICAL)  # it logs what it also raises
    with asking(address, "be reached"):
        return MilvusClient(address.uri, token=address.token, db_name=address.database, timeout=CONNECTING)


@contextlib.contextmanager
def asking(address: Address, what: str) -> Iterator[None]:
    """Turn errors of the server and of the line to it into ours, with the address and without its token."""
    from grpc import RpcError
    from pymilvus.exceptions import MilvusException

    try:
        yield
    except (MilvusException, RpcError, ValueError, TypeError) as reason:
        said = " ".join(str(getattr(reason, "message", "") or reason).split())
        for secret in filter(None, (address.token, address.token.partition(":")[2])):
            said = said.replace(secret, "***")
        raise GalleryError(
            f"{address} can't {what} ({said[:300]}); see that the server runs, that host, port, name and password are right, "
            "and try again."
        ) from None
