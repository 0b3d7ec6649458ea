"""The verb `shard`: one part of a large collection looked at, beside others on other machines."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asen_core.cli.console import CheckpointOption, DeviceOption, JsonOption, emit, following, tell

if TYPE_CHECKING:
    from asen_core.indexing.shards import Shard


def shard(
    images: Annotated[Path, typer.Argument(help="Folder of photos, searched in all its subfolders.", show_default=False)],
    out: Annotated[
        Path, typer.Option("--out", help="Folder of the gallery to be, the same for all shards.", show_default=False)
    ],
    written: Annotated[
        str | None, typer.Option("--shard", help="Which part: 3/8. Default: as torchrun, SLURM or Kubernetes say.")
    ] = None,
    count: Annotated[
        int | None, typer.Option("--shards", min=1, help="Of how many, where only JOB_COMPLETION_INDEX is known.")
    ] = None,
    ray: Annotated[bool, typer.Option("--ray", help="Let a pool of Ray's actors look.")] = False,
    address: Annotated[
        str | None, typer.Option("--address", help="For --ray: the cluster, or auto. Default: this machine alone.")
    ] = None,
    actors: Annotated[
        int | None, typer.Option("--actors", min=1, help="For --ray: how many look. Default: one per core, or per GPU.")
    ] = None,
    checkpoint: CheckpointOption = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Look at one part of a large folder of photos, while other processes look at the others.

    Which photos belong to a part follows from their paths alone. Stopped at any time, the same line goes on where it was; a
    finished part is skipped. When all are through, `index` makes the gallery of them without looking again.

    [bold]Examples[/]

    [cyan]python -m asen_core shard photos/ --out mine --shard 3/8[/]

    [cyan]torchrun --nproc-per-node 4 -m asen_core shard photos/ --out mine[/]

    [cyan]python -m asen_core shard photos/ --out mine --ray --address auto[/]

    [cyan]python -m asen_core index photos/ --out mine[/]
    """
    if not ray and (address or actors):
        raise typer.BadParameter("--address and --actors belong to --ray.", param_hint="--ray")
    part = _part(written, count, ray)
    from asen_core.engine import Engine
    from asen_core.indexing.ray_data import Pool
    from asen_core.indexing.sharded import embed

    looking = Pool(address, actors, checkpoint and checkpoint.absolute()).looking() if ray else None
    engine = Engine.open(checkpoint, device="cpu" if ray else _device(device))
    with following() as each:
        done = embed(engine, images, out, part, each, looking=looking)
    if as_json:
        emit(done.to_json())
        return
    for name, reason in done.left_out.items():
        tell(f"Left out {name}: {reason}")
    name = str(part).capitalize()
    if done.before:
        tell(f"{name} is done: {done.photos:,} photos, none is new.")
    else:
        rest = "" if part.count == 1 else ", when the others are there"
        tell(f"{name}: {done.photos:,} photos, {done.looked:,} looked at now. Make the gallery with `index`{rest}.")


def _part(written: str | None, count: int | None, ray: bool) -> Shard:
    """Raises: typer.BadParameter where nothing says which shard this is, DataError where that makes no sense."""
    from asen_core.indexing.shards import Shard, of_environment

    if written is not None:
        if count is not None:
            raise typer.BadParameter("--shard 3/8 says of how many already.", param_hint="--shards")
        return Shard.written(written)
    if found := of_environment(os.environ, count):
        return found[0]
    if ray and count is None:
        return Shard(1, 1)
    raise typer.BadParameter(
        "Which part? Give --shard 3/8, or let torchrun, srun, a SLURM array or a Kubernetes Job start this.",
        param_hint="--shard",
    )


def _device(asked: str) -> str:
    import torch

    from asen_core.indexing.shards import device

    return device(asked, torch.cuda.device_count(), os.environ)
