"""The verb `convert`: a checkpoint of the authors' release becomes one of ours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asen_core.cli.console import JsonOption, emit, say, tell
from asen_core.errors import CheckpointError

if TYPE_CHECKING:
    import torch

    from asen_core.checkpoint import Checkpoint


def convert(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A .pth.tar file of the authors' release of ASEN++.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder of the new checkpoint: absent or empty.", show_default=False)],
    float32: Annotated[bool, typer.Option("--float32/--float16", help="Exact, or half the size.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Write a checkpoint of the authors' release as a directory of ours.

    Nothing that the file may hold besides numbers is run; a tensor that is
    missing, unexpected or of another shape stops the conversion. With float32
    the new model gives the same embeddings bit for bit; with float16 regions
    of interest may move, and with them the local half of an embedding. Killed
    at any moment, the same line goes on.

    [bold]Examples[/]

    [cyan]python -m asen_core convert model_best.pth.tar --out fashionai/[/]

    [cyan]python -m asen_core look skirt.jpg --checkpoint fashionai/[/]
    """
    import torch

    from asen_core import checkpoint

    dtype = torch.float32 if float32 else torch.float16
    own = {checkpoint.WEIGHTS, checkpoint.CONFIG, checkpoint.PARTS}
    names = {path.name for path in out.iterdir()} if out.is_dir() else set()
    taken = f"{out} exists already; give a folder that is absent or empty."
    if (out.exists() and not out.is_dir()) or names - own:
        raise CheckpointError(taken)
    loaded = checkpoint.load(file)
    if checkpoint.WEIGHTS in names and not _is_there(out, loaded, dtype):
        raise CheckpointError(taken)
    if not {checkpoint.WEIGHTS, checkpoint.CONFIG} <= names or checkpoint.PARTS in names:
        checkpoint.save(out, loaded.model, loaded.provenance, loaded.figures, dtype)
    written = checkpoint.load(out)
    size = sum(path.stat().st_size for path in out.iterdir())
    if as_json:
        attributes = list(written.model.attributes)
        emit(
            {"out": str(out), "bytes": size, "attributes": attributes, **written.provenance, "fingerprint": written.fingerprint}
        )
        return
    for name, value in written.provenance.items():
        say(f"{name}: {value}")
    say(f"attributes: {', '.join(written.model.attributes)}")
    if written.provenance.get("stage") == 1:
        tell(f"The file has no local branch: this is stage 1, the global branch alone, {written.model.dim:,} numbers.")
    tell("A gallery that was built with the file itself has to be built again with this folder.")
    tell(f"{size / 1e6:.0f} MB in {out}, {'float32' if float32 else 'float16'}; galleries know it as {written.fingerprint}.")


def _is_there(out: Path, loaded: Checkpoint, dtype: torch.dtype) -> bool:
    """Whether a folder holds just this model, of a run that was killed after it was written."""
    from asen_core import checkpoint

    try:
        held = checkpoint.load(out)
    except CheckpointError:
        return False
    there, wanted = held.model.state_dict(), loaded.model.state_dict()
    same = held.provenance == loaded.provenance and there.keys() == wanted.keys()
    return same and all((tensor.to(dtype).to(tensor.dtype) == there[name]).all() for name, tensor in wanted.items())
