"""What the verbs share: where output goes, how errors end a run, and options that mean the same everywhere."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.console import Console, RenderableType
from rich.text import Text
from typer.core import TyperGroup

from asen_core import files
from asen_core.errors import AsenError

if TYPE_CHECKING:
    import numpy as np

    from asen_core.indexing import Progress

T = TypeVar("T")


def _usable(device: str) -> str:
    """The device, if it works here. Raises: typer.BadParameter."""
    if device not in ("auto", "cpu"):
        import torch

        try:
            torch.zeros(1, device=device)
        except (RuntimeError, AssertionError) as error:
            reason = str(error).strip().splitlines()[0]
            raise typer.BadParameter(f"{device!r} can't be used here ({reason}); auto takes what there is.") from None
    return device


CheckpointOption = Annotated[
    Path | None,
    typer.Option(
        "--checkpoint",
        help="Directory of a trained model, or the authors' .pth.tar file. Default: the shipped one.",
        show_default=False,
    ),
]
GalleryOption = Annotated[
    str | None,
    typer.Option(
        "--gallery", help="Directory of a gallery, or milvus://HOST:PORT/NAME. Default: the shipped one.", show_default=False
    ),
]
DeviceOption = Annotated[
    str, typer.Option("--device", help="auto (a GPU where there is one), cpu, cuda or cuda:1.", callback=_usable)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs; everything else goes to stderr.")]


class VerbGroup(TyperGroup):
    """Turns our errors into one line on stderr and exit code 1; usage errors stay 2."""

    def invoke(self, ctx: Any) -> Any:
        """Run the verb. Raises: typer.Exit with the code."""
        try:
            return super().invoke(ctx)
        except AsenError as error:
            tell(f"Error: {' '.join(str(error).split())}")
            raise typer.Exit(1) from None
        except (OSError, sqlite3.Error) as error:
            if getattr(error, "errno", None) == errno.EPIPE:  # whoever read the output has gone
                raise
            where = getattr(error, "filename", None) or "A file"
            what = getattr(error, "strerror", None) or str(error)
            tell(f"Error: {where} can't be read or written ({what}); make room, or give a place that you may use.")
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            print("Stopped.", file=sys.stderr)
            raise typer.Exit(130) from None


class _Console(Console):
    """Shows strings as they are, be it in tables: what comes from outside is neither markup nor codes for the terminal."""

    def render_str(self, text: str, **how: Any) -> Text:
        return super().render_str(plain(text), **how)


def say(*lines: RenderableType) -> None:
    """Print for people on stdout; a string is shown as it stands, `marked` reads markup in one."""
    # Without a terminal there is no width to keep to: a pipe gets whole rows.
    console = _Console(width=None if sys.stdout.isatty() else 160, markup=False, emoji=False)
    for line in lines:
        console.print(line, soft_wrap=isinstance(line, str | Text))


def marked(text: str) -> Text:
    """A line with rich's markup; what comes from outside has to be escaped in it."""
    return Text.from_markup(plain(text), emoji=False)


def tell(line: str) -> None:
    """Print one line beside the result, on stderr."""
    print(plain(line), file=sys.stderr)


def plain(text: str) -> str:
    """Text on one line: a name from outside may hold line breaks, and codes that move a terminal's cursor or turn its words."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def emit(value: Any) -> None:
    """Print one JSON value on stdout."""
    print(json.dumps(value, indent=2, allow_nan=False))


def tracked(values: Iterable[T], total: int, doing: str, done: int = 0) -> Iterator[T]:
    """The values one by one, with a bar on stderr: how many of `total`, how many a second, and the time left."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[pace]}"))
    with Progress(*columns, TextColumn("time left"), TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task(doing, total=total, completed=done, pace="")
        for value in values:
            yield value
            speed = bar.tasks[0].speed
            bar.update(task, advance=1, pace=f"{speed:.1f} a second" if speed else "")


@contextmanager
def following() -> Iterator[Callable[[Progress], None]]:
    """A bar on stderr for runs that tell how far they are: what they do, how many a second, and the time left."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[pace]}"))
    with Bars(*columns, console=Console(stderr=True)) as bar:

        def each(now: Progress) -> None:
            task = bar.task_ids[0] if bar.task_ids else bar.add_task("", total=None, pace="")
            pace = f"{now.per_second:.1f} a second" if now.per_second and now.done < now.total else ""
            left = f", {_duration(now.seconds_left)} left" if pace and now.seconds_left is not None else ""
            bar.update(task, description=now.doing, total=now.total, completed=now.done, pace=pace + left)

        yield each


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


def write_picture(path: Path, pixels: np.ndarray) -> None:
    """Write (H, W, 3) uint8 pixels in the format that the file name asks for.

    Raises: AsenError where the format is unknown or the place can't be written.
    """
    from PIL import Image

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with files.whole(path, path.with_name(f".{path.name}.{os.getpid()}{path.suffix}")) as part:
            Image.fromarray(pixels).save(part)
    except (OSError, ValueError) as error:
        raise AsenError(
            f"{path} can't be written ({error}). Give a place you may write to and a name like sheet.png."
        ) from None
