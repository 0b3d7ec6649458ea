"""The parts of a recipe: its stages, what a batch of one holds and what its losses weigh."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from asen_core.config import FromDict

OPTIMIZERS = ("adamw", "adam")
SAMPLINGS = ("mixed", "triplets")


@dataclass(frozen=True)
class Batch(FromDict):
    """Photos per step from each pool: garments with attribute labels (half of them drawn evenly over values), photos with
    marked regions, rendered garments, street photos with crowd answers, photos with pseudo-labels, and all others
    (category and colour labels).

    attributes: where not 0, the evenly drawn photos of a step come from so many attributes, drawn at random, with at least
    three photos of a value where there are as many: what is labelled for one attribute only would hardly meet its like.
    """

    labelled: int = 24
    marked: int = 10
    rendered: int = 14
    crowd: int = 10
    pseudo: int = 0
    others: int = 6
    attributes: int = 0

    @property
    def size(self) -> int:
        return self.labelled + self.marked + self.rendered + self.crowd + self.pseudo + self.others


@dataclass(frozen=True)
class Loss(FromDict):
    """Weights of the loss terms; `margin` is that of the cosine triplets (TIP 2021, equation 10).

    attributes: attribute -> how much its own losses weigh, 1 where it isn't named. The two norms are those of CSN: of its
    embeddings (L2) and of its masks (L1).
    """

    margin: float = 0.2
    triplet: float = 1.0
    reading: float = 0.5
    answers: float = 0.5
    attention: float = 0.5
    foreground: float = 0.2
    local: float = 0.0
    joined: float = 0.0
    alignment: float = 0.0
    attributes: Mapping[str, float] = field(default_factory=dict)
    embedding_norm: float = 0.0
    mask_norm: float = 0.0


@dataclass(frozen=True)
class Stage(FromDict):
    """One stage of training; `frozen` counts trunk layers.

    Learning rates fall along a cosine to `floor` times their top after `warmup` steps; decay_every: where not 0, they fall to
    `decay` times themselves after so many epochs instead.
    optimizer: "adamw", or "adam", whose weight decay is part of the gradient. clip: the longest gradient, 0 for any length.
    average: memory of the running average of the weights, which is what is evaluated and kept; 0: the weights themselves.
    batch_norms: whether they take and learn the batch's own statistics; else those of the pretrained trunk stay.
    validate: figures on the valid split are taken after so many epochs, and after the last. best: the outcome of the stage is
    the epoch with the highest MAP there, not the last.
    sampling: "mixed", batches of photos of which every triplet counts, or "triplets", that many of them drawn one by one.
    pseudo: how sure (0..1) the model must be at the start of the stage to label a photo that nobody labelled; 0: it never does.
    """

    name: str
    epochs: int
    steps: int = 200
    warmup: int = 100
    trunk_rate: float = 3e-4
    head_rate: float = 1e-3
    local_rate: float = 0.0
    local_head_rate: float = 0.0
    weight_decay: float = 1e-4
    frozen: int = 7
    local_frozen: int = 4
    pairs_per_photo: int = 0
    floor: float = 0.02
    average: float = 0.998
    pseudo: float = 0.0
    sampling: str = "mixed"
    triplets: int = 21
    decay: float = 0.9
    decay_every: float = 0.0
    optimizer: str = "adamw"
    clip: float = 5.0
    batch_norms: bool = False
    validate: int = 5
    best: bool = False
    loss: Loss = field(default_factory=Loss)
    batch: Batch = field(default_factory=Batch)

    def __post_init__(self) -> None:
        if min(self.epochs, self.steps) < 1:
            raise ValueError(f"epochs and steps must be at least 1, got {self.epochs} and {self.steps}")
        if self.sampling not in SAMPLINGS:
            raise ValueError(f"sampling must be mixed or triplets, got {self.sampling!r}")
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"optimizer must be adamw or adam, got {self.optimizer!r}")
        if self.batch_norms and self.average:
            raise ValueError("batch_norms = true learns statistics that no average of the weights has; set average = 0.0")
        if self.batch_norms and (self.frozen or self.local_frozen):
            raise ValueError("batch_norms = true moves the statistics of frozen layers; set frozen = 0 and local_frozen = 0")
        if self.validate < 1:
            raise ValueError(f"validate must be at least 1 epoch, got {self.validate}")

    @property
    def photos(self) -> int:
        """Photos per step."""
        return 3 * self.triplets if self.sampling == "triplets" else self.batch.size

    @property
    def local(self) -> bool:
        """Whether the stage trains anything of a local branch."""
        return max(self.loss.local, self.loss.joined, self.local_rate, self.local_head_rate) > 0

    @property
    def images(self) -> int:
        """Photos seen in the whole stage."""
        return self.epochs * self.steps * self.photos
