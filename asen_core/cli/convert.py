"""The verb `convert`: a checkpoint of the authors' release becomes one of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from asen_core.cli.console import JsonOption, emit, say, tell
from asen_core.errors import CheckpointError


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
    of interest may move, and with them the local half of an embedding.

    [bold]Examples[/]

    [cyan]python -m asen_core convert model_best.pth.tar --out fashionai/[/]

    [cyan]python -m asen_core look skirt.jpg --checkpoint fashionai/[/]
    """
    import torch

    from asen_core import checkpoint

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise CheckpointError(f"{out} exists already; give a folder that is absent or empty.")
    loaded = checkpoint.load(file)
    checkpoint.save(out, loaded.model, loaded.provenance, loaded.figures, torch.float32 if float32 else torch.float16)
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
