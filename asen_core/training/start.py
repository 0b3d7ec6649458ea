"""Going on from a trained checkpoint, and keeping a share of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import pad

from asen_core import checkpoint
from asen_core.errors import DataError
from asen_core.models import Model


def start_from(model: Model, directory: Path) -> str:
    """Fill a model with a checkpoint's weights and return the checkpoint's fingerprint.

    A convolution may have grown: a 1 x 1 kernel becomes the centre of a 3 x 3 one, which computes the same.

    Raises: CheckpointError where there is none; DataError where its vocabulary or another shape differs.
    """
    begun = checkpoint.load(directory)
    own, given = model.state_dict(), {k: _grown(v, model.state_dict().get(k)) for k, v in begun.model.state_dict().items()}
    shapes = [{k: v.shape for k, v in tensors.items()} for tensors in (own, given)]
    if dict(begun.model.vocabulary) != dict(model.vocabulary) or shapes[0] != shapes[1]:
        raise DataError(f"{directory} is a model of another make than the recipe's; start from one with its preset and values.")
    model.load_state_dict(given)
    return begun.fingerprint


def _grown(weight: Tensor, wanted: Tensor | None) -> Tensor:
    if wanted is None or weight.ndim != 4 or weight.shape[2:] != (1, 1) or wanted.shape[2:] != (3, 3):
        return weight
    return pad(weight, (1, 1, 1, 1))


@torch.no_grad()
def keep(model: Model, begun: Mapping[str, Tensor], share: float) -> None:
    """Draw the weights back towards those at the start: (1 - share) of the model's own, `share` of `begun`.

    Fine-tuned weights averaged with those they came from keep what they knew and generalise better (Wortsman et al.,
    "Robust fine-tuning of zero-shot models", CVPR 2022).
    """
    for name, p in model.named_parameters():
        p.lerp_(begun[name].to(p.device), share)
