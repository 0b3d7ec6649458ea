"""ASEN++ in two stages of fixed shapes, with the cutting between them: made for a GPU, where the host waits for nothing."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from asen_core.models.asen_pp import AsenPP, Output
from asen_core.models.cutting import cut_all, sent
from asen_core.models.roi import placed_in_input, roi_boxes
from asen_core.types import Frame

Stage = Callable[..., tuple[Tensor, ...]]
"""Tensors with one batch size in, tensors with that batch size out."""


@dataclass(frozen=True)
class Numbers:
    """In which numbers each branch convolves, and how its tensors lie in memory; all else is float32.

    The regions come from a threshold on the global branch's attention: a rounding there moves a box by a pixel now and then,
    which shows in the embedding. In float16 that befell 6 of 288 views of drawn garments (cosine to float32 down to 0.989), so
    the global branch stays in float32; with the local one alone in float16 the least was 0.999996, in bfloat16 0.9987.
    """

    local: torch.dtype = torch.float16
    whole: torch.dtype = torch.float32
    channels_last: bool = True


QUICK = Numbers()


class Staged:
    """The same weights and numbers as an `AsenPP`, but for the rounding that `Numbers` allows and the cutting of crops at once.

    looking (B, 3, S, S) uint8 and places (B, 7) -> global part (B, A, Dg), attention (B, A, h, w), boxes (B, A, 4);
    zooming: global part (B, A, Dg) and crops (B, A, 3, s, s) -> embedding (B, A, D), probabilities (B, sum of V).
    Both always take all attributes and may be replaced, by what replays them from a captured graph.
    """

    def __init__(self, model: AsenPP, device: torch.device, numbers: Numbers = QUICK) -> None:
        if model.config.geometry == "released":
            raise ValueError("The authors' geometry is followed to the number, which needs AsenPP itself; it can't be staged.")
        self.numbers = numbers
        self.model = copy.deepcopy(model).eval().requires_grad_(False).to(device)
        _lowered(self.model.global_branch, numbers.whole, numbers.channels_last)
        _lowered(self.model.local_branch, numbers.local, numbers.channels_last)
        self.device = device
        self.looking: Stage = self.look
        self.zooming: Stage = self.zoom

    def look(self, images: Tensor, places: Tensor) -> tuple[Tensor, ...]:
        """The global branch, and where to zoom; `places` as of `places`."""
        x = self._laid(images, self.numbers.whole)
        with unrounded():
            global_part, attention = self.model.global_branch(x, self.model.attribute_vectors)
        boxes = roi_boxes(attention, places[:, 3:], self.model.config)
        boxes = (boxes - places[:, None, :2].repeat(1, 1, 2)) / places[:, None, 2:3]
        return global_part, attention, boxes

    def zoom(self, global_part: Tensor, crops: Tensor, chosen: Sequence[int] | None = None) -> tuple[Tensor, ...]:
        """The local branch, the joined embedding and what is read; chosen: the attributes that the A are of, None for all."""
        model, (b, a) = self.model, crops.shape[:2]
        vectors = model.attribute_vectors if chosen is None else torch.stack([model.attribute_vectors[i] for i in chosen])
        x = self._laid(crops.flatten(0, 1), self.numbers.local)
        local_part = model.local_branch.forward_pairs(x, vectors.repeat(b, 1)).reshape(b, a, -1)
        looks = model.joined(global_part, local_part)
        probabilities = model.read(looks, range(len(model.attributes)) if chosen is None else chosen)
        return model.with_values(looks, probabilities), torch.cat(probabilities, 1)

    def __call__(
        self, images: Tensor, sources: Sequence[Tensor], places: Tensor, boxes: Tensor | None = None,
        wanted: Sequence[int] | None = None,
    ) -> Output:  # fmt: skip
        """As `AsenPP.forward`, with `places` in place of the frames; B and A at least 1, everything on the device."""
        every = wanted is None or list(wanted) == list(range(len(self.model.attributes)))
        chosen = list(range(len(self.model.attributes))) if wanted is None else list(wanted)
        parts = self.looking(images, places)
        global_part, attention, own = parts if every else (torch.stack([p[:, i] for i in chosen], 1) for p in parts)
        used = own if boxes is None else torch.where(boxes.isnan(), own, boxes)
        config = self.model.config
        crops = cut_all(sources, used, config.roi_size, config.fill, self.numbers.local)
        embedding, read = self.zooming(global_part, crops) if every else self.zoom(global_part, crops, chosen)
        slices = self.model.value_slices
        widths = [slices[i].stop - slices[i].start if read.shape[1] else 0 for i in chosen]
        return Output(embedding, attention, used, read.split(widths, 1))

    def _laid(self, pixels: Tensor, numbers: torch.dtype) -> Tensor:
        """Pixels as a trunk expects them, in its own numbers and layout."""
        layout = torch.channels_last if self.numbers.channels_last else torch.contiguous_format
        return self.model.normalised(pixels).to(numbers, memory_format=layout)


def unrounded() -> AbstractContextManager[None]:
    """float32 in convolutions as it is; newer GPUs would round it to 10 bits (TF32)."""
    return torch.backends.cudnn.flags(enabled=torch.backends.cudnn.enabled, allow_tf32=False)


def places(sources: Sequence[Tensor], frames: Sequence[Frame], device: torch.device) -> Tensor:
    """(B, 7) float32 on the device: offset in x and y and scale of each frame, then the photo's rectangle within the input."""
    frame = torch.tensor([(f.dx, f.dy, f.scale) for f in frames], dtype=torch.float32).reshape(-1, 3)
    return sent(torch.cat([frame, placed_in_input(sources, frames)], 1), device)


def _lowered(branch: nn.Module, numbers: torch.dtype, channels_last: bool) -> None:
    """The trunk and the convolutions on it in other numbers; queries, gate and projection stay in float32."""
    layout = torch.channels_last if channels_last else torch.contiguous_format
    for part in (branch.trunk, branch.spatial_conv, branch.fine_conv):
        if part is not None:
            part.to(numbers, memory_format=layout)
