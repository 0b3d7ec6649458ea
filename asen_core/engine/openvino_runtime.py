"""The network on a processor by OpenVINO: the reference's numbers in a quarter of the time, and without torch."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np

from asen_core import images
from asen_core.checkpoint import Checkpoint, Stored
from asen_core.engine.runtime import Looked
from asen_core.errors import CheckpointError, QueryError
from asen_core.graph import Network, offered, regions
from asen_core.types import Frame, Garment


class OpenVinoRuntime:
    """A `Runtime` for ASEN++ in float32."""

    name, notice, on_gpu = "openvino", "", False

    def __init__(self, checkpoint: Checkpoint | Stored) -> None:
        """Raises: QueryError where OpenVINO is missing or the network is of another method; CheckpointError."""
        self._config, self._attributes = checkpoint.config, len(checkpoint.vocabulary)
        if not offered(self._config):
            raise QueryError(f"The runtime openvino knows asen_pp only, not {self._config.method}; give the runtime torch.")
        try:
            self._network = Network(self._config, checkpoint.vocabulary, _tensors(checkpoint), _threads())
        except ImportError as reason:
            raise QueryError("The runtime openvino needs one more package; run: pip install openvino") from reason
        except ValueError as reason:
            _ = checkpoint.model  # names what is wrong with the tensors
            raise CheckpointError(f"The checkpoint doesn't hold the tensors that it should: {reason}") from reason
        self.value_dim = self._network.value_dim
        self.dim = self._config.global_dim + self._config.local_dim + self.value_dim

    def run(
        self, garments: Sequence[Garment], inputs: np.ndarray, frames: Sequence[Frame], wanted: Sequence[int],
        given: np.ndarray | None = None,
    ) -> Looked:  # fmt: skip
        """As `Runtime.run`."""
        chosen = list(wanted)
        if len(garments) * len(chosen) == 0:
            return self._nothing(len(garments), chosen)
        global_part, attention = (part[:, chosen] for part in self._network.look(inputs))
        boxes = regions(attention, [(g.width, g.height) for g in garments], frames, self._config)
        if given is not None:
            boxes = np.where(np.isnan(given), boxes, given)
        crops = self._cut(garments, boxes)
        local_part = self._network.zoom(crops, np.tile(np.array(chosen, np.int64), len(garments)))
        local_part = local_part.reshape(len(garments), len(chosen), -1)
        embedding, probabilities = self._network.joined(global_part, local_part, chosen)
        return Looked(embedding, attention, boxes, probabilities)

    def _cut(self, garments: Sequence[Garment], boxes: np.ndarray) -> np.ndarray:
        """(B * A, s, s, 3) float32; several attributes often look at the same region, which is then cut once."""
        size, fill, released = self._config.roi_size, self._config.fill, self._config.geometry == "released"
        crops = np.empty((*boxes.shape[:2], size, size, 3), np.float32)
        for garment, corners, into in zip(garments, boxes.tolist(), crops, strict=True):
            known: dict[tuple[float, ...], np.ndarray] = {}
            for row, corner in enumerate(map(tuple, corners)):
                if corner not in known:
                    known[corner] = images.cut(garment.pixels, corner, size, fill, released)
                into[row] = known[corner]
        return crops.reshape(-1, size, size, 3)

    def _nothing(self, photos: int, chosen: Sequence[int]) -> Looked:
        b, a, cells = photos, len(chosen), self._config.cells
        arrays = (np.zeros(shape, np.float32) for shape in ((b, a, self.dim), (b, a, cells, cells), (b, a, 4)))
        parts = (np.zeros((b, a, d), np.float32) for d in (self._config.global_dim, self._config.local_dim))
        _, probabilities = self._network.joined(*parts, chosen)
        return Looked(*arrays, probabilities)


def _tensors(checkpoint: Checkpoint | Stored) -> Mapping[str, np.ndarray]:
    if isinstance(checkpoint, Stored):
        return checkpoint.tensors
    return {name: tensor.numpy() for name, tensor in checkpoint.model.state_dict().items()}


def _threads() -> int:
    """As many as the process may use: OpenVINO itself counts the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
