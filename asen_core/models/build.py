"""From settings to a network."""

from __future__ import annotations

from collections.abc import Callable

from asen_core.config import ModelConfig
from asen_core.models.asen import Asen, UnreadAsenPP
from asen_core.models.asen_pp import AsenPP
from asen_core.models.csn import Csn
from asen_core.models.general import General, Pooled
from asen_core.models.single import SingleLook
from asen_core.types import Vocabulary

Model = AsenPP | SingleLook
"""Every network offers `look`, `forward`, `attributes`, `vocabulary`, `config`, `dim`, `value_dim` and `value_slices`."""


def _asen_pp(config: ModelConfig, vocabulary: Vocabulary) -> Model:
    return AsenPP(config, vocabulary) if config.reading_scale else UnreadAsenPP(config, vocabulary)


_METHODS: dict[str, Callable[[ModelConfig, Vocabulary], Model]] = {
    "asen_pp": _asen_pp, "asen": Asen, "csn": Csn, "general": General, "pooled": Pooled,
}  # fmt: skip


def build_model(config: ModelConfig, vocabulary: Vocabulary) -> Model:
    """The network that `config.method` names, with random weights from torch's global generator; seed it before.

    A `reading_scale` of 0 makes ASEN++ without a value read-out. Raises: ValueError for an unknown trunk, for
    `attention_stride` other than 16 where the method has coarse cells only, and for a share of values that are not read.
    """
    if config.method == "asen" and config.attention_stride != 16:
        raise ValueError(f"asen has attention cells of 16 pixels, got attention_stride {config.attention_stride}.")
    if config.value_share and not reads(config):
        raise ValueError(f"value_share {config.value_share} needs a read-out: method asen_pp and reading_scale over 0.")
    return _METHODS[config.method](config, vocabulary)


def reads(config: ModelConfig) -> bool:
    """Whether such a network reads values (`Output.probabilities` are not empty)."""
    return config.method == "asen_pp" and config.reading_scale > 0
