"""The network on a processor by OpenVINO: the reference's numbers in a quarter of the time, and without torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import numpy as np
from threadpoolctl import ThreadpoolController

from asen_core import images
from asen_core.checkpoint import Checkpoint, Stored
from asen_core.engine.runtime import Looked, cores
from asen_core.errors import CheckpointError, QueryError
from asen_core.graph import Network, offered, regions
from asen_core.types import Frame, Garment

AT_ONCE = 4
"""Photos per pass: what the network holds of more of them no longer fits into the processor's cache."""


class OpenVinoRuntime:
    """A `Runtime` for ASEN++ in float32."""

    name, notice, on_gpu = "openvino", "", False

    def __init__(self, checkpoint: Checkpoint | Stored) -> None:
        """Raises: QueryError where OpenVINO is missing or fails, or the network is of another method; CheckpointError."""
        self._config, self._attributes = checkpoint.config, len(checkpoint.vocabulary)
        if not offered(self._config):
            raise QueryError(f"The runtime openvino knows asen_pp only, not {self._config.method}; give the runtime torch.")
        try:
            self._network = Network(self._config, checkpoint.vocabulary, _tensors(checkpoint), cores())
        except (ImportError, OSError, RuntimeError) as reason:
            raise QueryError(_unusable(reason)) from reason
        except ValueError as reason:
            _ = checkpoint.model  # names what is wrong with the tensors
            raise CheckpointError(f"The checkpoint doesn't hold the tensors that it should: {reason}") from reason
        self._blas = ThreadpoolController()
        self._hands = ThreadPoolExecutor(cores(), thread_name_prefix="cut")
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
        with self._blas.limit(
            limits=1, user_api="blas"
        ):  # its threads spin after each product and would be in the network's way
            return self._whole(garments, inputs, frames, chosen, given)

    def _whole(
        self, garments: Sequence[Garment], inputs: np.ndarray, frames: Sequence[Frame], chosen: list[int],
        given: np.ndarray | None,
    ) -> Looked:  # fmt: skip
        slices = [slice(first, first + AT_ONCE) for first in range(0, len(garments), AT_ONCE)]
        parts = [self._part(garments[s], inputs[s], frames[s], chosen, given if given is None else given[s]) for s in slices]
        if len(parts) == 1:
            return parts[0]
        arrays = (np.concatenate([getattr(p, name) for p in parts]) for name in ("embedding", "attention", "boxes"))
        read = zip(*(p.probabilities for p in parts), strict=True)
        return Looked(*arrays, tuple(np.concatenate(rows) for rows in read))

    def _part(
        self, garments: Sequence[Garment], inputs: np.ndarray, frames: Sequence[Frame], chosen: list[int],
        given: np.ndarray | None,
    ) -> Looked:  # fmt: skip
        global_part, attention = (part[:, chosen] for part in self._network.look(inputs))
        boxes = regions(attention, [(g.width, g.height) for g in garments], frames, self._config)
        if given is not None:
            boxes = np.where(np.isnan(given), boxes, given)
        crops, of = self._cut(garments, boxes)
        local_part = self._network.zoom(crops, of, np.tile(np.array(chosen, np.int64), len(garments)))
        local_part = local_part.reshape(len(garments), len(chosen), -1)
        embedding, probabilities = self._network.joined(global_part, local_part, chosen)
        return Looked(embedding, attention, boxes, probabilities)

    def _cut(self, garments: Sequence[Garment], boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Crops (U, s, s, 3) float32, and which of them each box is, (B * A,) int64: attributes often share a region."""
        size, fill, released = self._config.roi_size, self._config.fill, self._config.geometry == "released"
        places: dict[tuple[float, ...], int] = {}
        rows = [(float(b), *corners) for b, row in enumerate(boxes.tolist()) for corners in row]
        of = np.array([places.setdefault(row, len(places)) for row in rows], np.int64)
        crops = np.empty((len(places), size, size, 3), np.float32)

        def fill_in(place: tuple[float, ...], into: int) -> None:
            crops[into] = images.cut(garments[int(place[0])].pixels, place[1:], size, fill, released)

        list(self._hands.map(fill_in, places, places.values()))
        return crops, of

    def _nothing(self, photos: int, chosen: Sequence[int]) -> Looked:
        b, a, cells = photos, len(chosen), self._config.cells
        arrays = (np.zeros(shape, np.float32) for shape in ((b, a, self.dim), (b, a, cells, cells), (b, a, 4)))
        parts = (np.zeros((b, a, d), np.float32) for d in (self._config.global_dim, self._config.local_dim))
        _, probabilities = self._network.joined(*parts, chosen)
        return Looked(*arrays, probabilities)


def _unusable(reason: Exception) -> str:
    if isinstance(reason, ImportError) and find_spec("openvino") is None:
        return "The runtime openvino needs one more package; run: pip install openvino"
    told = (str(reason).strip() or type(reason).__name__).splitlines()[0].rstrip(".")
    return f"The runtime openvino is installed but can't be used here ({told[:200]}); give the runtime torch."


def _tensors(checkpoint: Checkpoint | Stored) -> Mapping[str, np.ndarray]:
    if isinstance(checkpoint, Stored):
        return checkpoint.tensors
    return {name: tensor.numpy() for name, tensor in checkpoint.model.state_dict().items()}
