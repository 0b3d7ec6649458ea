"""The verb `push`: a gallery of this machine to Milvus, where a collection may outgrow one machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asen_core.cli.console import JsonOption, emit, say

if TYPE_CHECKING:
    from asen_core.gallery.milvus.push import Pushed


def push(
    address: Annotated[
        str,
        typer.Argument(metavar="ADDRESS", help="milvus://HOST:PORT/NAME; the port is 19530 if left out.", show_default=False),
    ],
    gallery: Annotated[
        Path | None, typer.Option("--gallery", help="Directory of the gallery. Default: the shipped one.", show_default=False)
    ] = None,
    pictures: Annotated[
        str, typer.Option("--pictures", help="Its folder as the readers see it (a shared disk), or the web address of it.")
    ] = "",
    replace: Annotated[
        bool, typer.Option("--replace", help="Write all of it again, also over a gallery of another checkpoint.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Bring a gallery to a Milvus server or cluster, for as many readers as you like.

    Every verb and the page then take the address where they take a directory.
    Only what changed since the last push is sent. Stopped at any time, the same
    line goes on. Vectors and labels go there; pictures stay where they are.

    A password goes into the environment as MILVUS_TOKEN=user:password (or into
    the address: milvus://user:password@host/name); ?tls=1 encrypts the line.

    [bold]Examples[/]

    [cyan]python -m asen_core push --gallery mine/ milvus://db.example.org/mine[/]

    [cyan]python -m asen_core search shirt.jpg neckline --gallery milvus://db.example.org/mine[/]
    """
    from asen_core.engine import SHIPPED_GALLERY
    from asen_core.gallery import Gallery
    from asen_core.gallery.milvus.address import Address
    from asen_core.gallery.milvus.push import push as bring

    where = Address.parse(address)
    opened = Gallery.open((gallery or SHIPPED_GALLERY).absolute())
    with _bar() as each:
        done = bring(opened.store, address, replace, pictures, each)
    if as_json:
        emit({"address": str(where), "gallery": str(opened.directory), **asdict(done)})
    else:
        say(_told(done, str(where)))


def _told(done: Pushed, where: str) -> str:
    sent = f"{done.written:,} written at {done.rows:,.0f} rows a second" if done.written else "none had changed"
    gone = f", {done.removed:,} removed" if done.removed else ""
    times = f"{done.seconds:.0f} s to compare and write, {done.indexing:.0f} s until the server had its index"
    return f"{done.items:,} garments are at {where}: {sent}, {done.kept:,} kept{gone} ({times})."


@contextmanager
def _bar() -> Iterator[Callable[[str, int, int], None]]:
    """A bar on stderr: what is done, how many of how many, and the time left."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task, doing = bar.add_task("Connecting", total=None), "Connecting"

        def each(now: str, done: int, total: int) -> None:
            nonlocal doing
            if now != doing:
                bar.reset(task, description=now)
                doing = now
            bar.update(task, description=now, completed=done, total=total)

        yield each
