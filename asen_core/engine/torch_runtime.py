"""The network in torch: the float32 reference on a processor, and what a GPU runs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from asen_core.engine.runtime import Looked
from asen_core.errors import QueryError
from asen_core.models import Model
from asen_core.models.staged import unrounded
from asen_core.types import Frame, Garment


class TorchRuntime:
    """A `Runtime` around a model in eval mode, which it moves to the device."""

    name = "torch"
    notice = ""

    def __init__(self, model: Model, device: torch.device) -> None:
        self.model, self.device = model.to(device), device
        self.dim, self.value_dim = model.dim, model.value_dim
        self.on_gpu = device.type == "cuda"

    def run(
        self, garments: Sequence[Garment], inputs: np.ndarray, frames: Sequence[Frame], wanted: Sequence[int],
        given: np.ndarray | None = None,
    ) -> Looked:  # fmt: skip
        """As `Runtime.run`."""
        images = torch.from_numpy(inputs).permute(0, 3, 1, 2)
        sources = [_tensor(g.pixels) for g in garments]
        with torch.inference_mode(), unrounded():
            boxes = None if given is None else torch.from_numpy(given).to(self.device)
            out = self.model(images.to(self.device), [s.to(self.device) for s in sources], frames, boxes, list(wanted))
        embedding, attention, boxes = (t.float().cpu().numpy() for t in (out.embedding, out.attention, out.boxes))
        return Looked(embedding, attention, boxes, tuple(p.float().cpu().numpy() for p in out.probabilities))


def device_of(name: str) -> torch.device:
    """The device of that name; auto: a GPU where there is one. Raises: QueryError where it can't be used here."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise QueryError(f"The device {name!r} can't be used here ({reason}); give auto, cpu or cuda.") from None


def _tensor(pixels: np.ndarray) -> torch.Tensor:
    """(H, W, 3) uint8 -> (3, H, W), copied only where torch could not have the memory."""
    usable = pixels if pixels.flags.writeable and pixels.flags.c_contiguous else pixels.copy()
    return torch.from_numpy(usable).permute(2, 0, 1)
