"""ASEN++ on a processor without torch: the twin of `models.AsenPP`, float32, compiled by OpenVINO.

torch and torchvision take three seconds to import and half a gigabyte; what they compute here takes a quarter of the time.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np

from asen_core.config import ModelConfig
from asen_core.graph.branches import Branch
from asen_core.graph.layers import Node, constant, ops, runtime, whole
from asen_core.graph.trunks import TRUNKS
from asen_core.graph.weights import Weights
from asen_core.types import Vocabulary


def offered(config: ModelConfig) -> bool:
    """Whether such a network can be built here: ASEN++ alone, on trunks that are known."""
    trunks = ("global", config.global_trunk), ("local", config.local_trunk)
    return config.method == "asen_pp" and all(trunk in TRUNKS for trunk in trunks)


class Network:
    """Global branch, local branch and read-out. One call at a time: the caller holds a lock.

    Arrays that `look` and `zoom` give are overwritten by their next call.
    """

    def __init__(
        self, config: ModelConfig, vocabulary: Vocabulary, tensors: Mapping[str, np.ndarray], threads: int = 0
    ) -> None:  # fmt: skip
        """tensors: as in the checkpoint, floats of any width; threads: 0 for one per core.

        Raises: ImportError without OpenVINO; ValueError where a tensor is missing, unexpected or of another shape.
        """
        weights = Weights(tensors)
        self._config = config
        vectors = weights.take("attribute_vectors", len(vocabulary), config.attribute_dim)
        self._read = _ReadOut(config, vocabulary, weights)
        looking = _look(config, weights.under("global_branch."), vectors)
        zooming = _zoom(config, weights.under("local_branch."), vectors)
        weights.finish()
        settings: dict[str, object] = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        if threads:
            settings["INFERENCE_NUM_THREADS"] = threads
        core = runtime().Core()
        self._look, self._zoom = (core.compile_model(graph, "CPU", settings) for graph in (looking, zooming))
        self.value_dim = self._read.value_dim

    def look(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """inputs (B, S, S, 3) uint8 -> global embeddings (B, A, Dg), unit norm, and attention (B, A, h, w), sum 1."""
        found = self._look(inputs, share_inputs=True, share_outputs=True)
        return found[0], found[1]

    def zoom(self, crops: np.ndarray, of: np.ndarray, which: np.ndarray) -> np.ndarray:
        """Crops (U, s, s, 3) float32 in 0..255, of[p] under attribute which[p], (P,) int64 -> embeddings (P, Dl), unit norm."""
        return self._zoom([crops, of, which], share_inputs=True, share_outputs=True)[0]

    def joined(
        self, global_part: np.ndarray, local_part: np.ndarray, wanted: Sequence[int]
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:  # fmt: skip
        """Both parts (B, A, .) of wanted attributes -> embeddings (B, A, D), unit norm, and what is read (B, V) under each."""
        beta = self._config.beta
        looks = np.concatenate([math.sqrt(beta) * global_part, math.sqrt(1 - beta) * local_part], -1, dtype=np.float32)
        probabilities = self._read(looks, wanted)
        return self._read.with_values(looks, probabilities), probabilities


def _look(config: ModelConfig, w: Weights, vectors: np.ndarray) -> Node:
    photos = _photos(config.input_size, np.uint8)
    embedding, attention = Branch("global", config, w, vectors, _normalised(photos, config)).everywhere()
    return runtime().Model([embedding, attention], [photos], "look")


def _zoom(config: ModelConfig, w: Weights, vectors: np.ndarray) -> Node:
    crops = _photos(config.roi_size, np.float32)
    of, which = (ops().parameter([-1], np.int64, name) for name in ("of", "which"))
    embedding = Branch("local", config, w, vectors, _normalised(crops, config)).pairs(of, which)
    return runtime().Model([embedding], [crops, of, which], "zoom")


def _photos(size: int, dtype: type[np.generic]) -> Node:
    return ops().parameter([-1, size, size, 3], dtype, "photos")


def _normalised(photos: Node, config: ModelConfig) -> Node:
    """(B, S, S, 3) in 0..255 -> (B, 3, S, S) float32 as the trunk expects it."""
    o = ops()
    mean, std = (np.array(v, np.float32).reshape(1, 1, 1, 3) * 255 for v in (config.mean, config.std))
    scaled = o.divide(o.subtract(o.convert(photos, "f32"), constant(mean)), constant(std))
    return o.transpose(scaled, whole([0, 3, 1, 2]))


class _ReadOut:
    """Values by the nearest prototypes, and the share of the embedding that they have; as in `models.AsenPP`."""

    def __init__(self, config: ModelConfig, vocabulary: Vocabulary, w: Weights) -> None:
        self._share, self.value_dim = config.value_share, 0
        self._reads = config.reading_scale > 0
        if not self._reads:
            return
        counts = [len(values) for values in vocabulary.values()]
        ends = list(itertools.accumulate(counts, initial=0))
        self._of = [slice(a, b) for a, b in itertools.pairwise(ends)]
        beta, parts = config.beta, []
        for branch, share in (("global", beta), ("local", 1 - beta)):
            rows = w.take(f"{branch}_prototypes", ends[-1], getattr(config, f"{branch}_dim"))
            parts.append(math.sqrt(share) * rows / np.linalg.norm(rows, axis=-1, keepdims=True).clip(1e-12))
        self._prototypes = np.concatenate(parts, -1).astype(np.float32)
        self._scales = w.take("reading_scale", len(counts))
        self.value_dim = max(counts) if config.value_share else 0

    def __call__(self, looks: np.ndarray, wanted: Sequence[int]) -> tuple[np.ndarray, ...]:
        if not self._reads:
            return tuple(np.zeros((len(looks), 0), np.float32) for _ in wanted)
        rows = (self._scales[a] * looks[:, i] @ self._prototypes[self._of[a]].T for i, a in enumerate(wanted))
        return tuple(_softmax(row) for row in rows)

    def with_values(self, looks: np.ndarray, probabilities: Sequence[np.ndarray]) -> np.ndarray:
        if not self._share or not probabilities:
            return looks
        read = np.stack([np.pad(p, ((0, 0), (0, self.value_dim - p.shape[1]))) for p in probabilities], 1)
        rest = np.sqrt((1 - self._share * np.square(read).sum(-1, keepdims=True)).clip(0))
        return np.concatenate([rest * looks, math.sqrt(self._share) * read], -1, dtype=np.float32)


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)
