"""A recipe: everything that decides what a training run produces, read from a TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from asen_core.config import PRESETS, FromDict, ModelConfig
from asen_core.errors import DataError
from asen_core.models import reads

SHIPPED = Path(__file__).parent / "recipes"


@dataclass(frozen=True)
class Batch(FromDict):
    """Photos per step from each pool: garments with attribute labels (half of them drawn evenly over values), photos with
    marked regions, rendered garments, street photos with crowd answers, photos with pseudo-labels, and all others
    (category and colour labels)."""

    labelled: int = 24
    marked: int = 10
    rendered: int = 14
    crowd: int = 10
    pseudo: int = 0
    others: int = 6

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

    Learning rates fall along a cosine to `floor` times their top after `warmup` steps; decays: where not 0, they fall in so
    many equal steps instead, each to `decay` of the one before.
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
    decays: int = 0
    decay: float = 0.9
    loss: Loss = field(default_factory=Loss)
    batch: Batch = field(default_factory=Batch)

    def __post_init__(self) -> None:
        if self.sampling not in ("mixed", "triplets"):
            raise ValueError(f"sampling must be mixed or triplets, got {self.sampling!r}")

    @property
    def photos(self) -> int:
        """Photos per step."""
        return 3 * self.triplets if self.sampling == "triplets" else self.batch.size

    @property
    def images(self) -> int:
        """Photos seen in the whole stage."""
        return self.epochs * self.steps * self.photos


@dataclass(frozen=True)
class Recipe:
    """Model, data and stages of a run; `seed` decides every random draw. images: the budget that was asked for, if any.

    only: the collections whose photos are trained on, () for all.

    keep_start: the share of the weights at the start that stays in the outcome (`training.start.keep`).
    """

    name: str
    model: ModelConfig
    stages: tuple[Stage, ...]
    seed: int = 0
    rendered: int = 4000
    trunk_weights: str = ""
    text: str = ""
    images: int | None = None
    only: tuple[str, ...] = ()
    keep_start: float = 0.0


def load_recipe(name_or_path: str, images: int | None = None, seed: int | None = None, only: Sequence[str] = ()) -> Recipe:
    """A recipe from a TOML file, or a shipped one by name ("compact").

    images: stages are made shorter or longer alike, so that the run sees about so many photos; seed: instead of the recipe's;
    only: train on the photos of these collections alone.

    Raises: DataError where the file is missing, a setting is unknown or of the wrong kind, or `images` is too small.
    """
    path = Path(name_or_path)
    if not path.suffix:
        path = SHIPPED / f"{name_or_path}.toml"
    try:
        text = path.read_text(encoding="utf-8")
        return _changed(_parse(path.stem, text), images, seed, only)
    except FileNotFoundError:
        shipped = ", ".join(sorted(p.stem for p in SHIPPED.glob("*.toml")))
        raise DataError(f"There is no recipe {name_or_path!r}; shipped: {shipped}; or give the path of a .toml file.") from None
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"The recipe {path} can't be read: {error}") from None


def _parse(name: str, text: str) -> Recipe:
    values: dict[str, Any] = tomllib.loads(text)
    model = dict(values.pop("model"))
    preset = PRESETS[model.pop("preset")]
    config = replace(preset, **ModelConfig.from_dict({**preset.to_dict(), **model}).to_dict())
    stages = tuple(_stage(s) for s in values.pop("stage", ()))
    _check(config, stages)
    if unknown := set(values) - {"seed", "rendered", "trunk_weights", "keep_start"}:
        raise ValueError(f"unknown setting {', '.join(sorted(unknown))}")
    return Recipe(name, config, stages, text=text, **values)


def _stage(values: dict[str, Any]) -> Stage:
    values = dict(values)
    loss, batch = Loss.from_dict(values.pop("loss", {})), Batch.from_dict(values.pop("batch", {}))
    return replace(Stage.from_dict(values), loss=loss, batch=batch)


def _check(config: ModelConfig, stages: tuple[Stage, ...]) -> None:
    if not stages and config.method != "pooled":
        raise ValueError(f"the method {config.method} needs at least one [[stage]]")
    if any(s.sampling == "mixed" for s in stages) and not reads(config):
        raise ValueError('sampling = "mixed" teaches a value read-out, which this model lacks; set sampling = "triplets"')


def _changed(recipe: Recipe, images: int | None, seed: int | None, only: Sequence[str]) -> Recipe:
    """The recipe with another budget, seed or photos; a comment in its text says so and tells its runs from the recipe's."""
    if images is not None:
        least, total = sum(s.photos for s in recipe.stages), sum(s.images for s in recipe.stages)
        if images < max(least, 1):
            raise DataError(f"{images} images are fewer than one batch of each stage ({least}); give more.")
        stages = tuple(_scaled(s, images / total) for s in recipe.stages)
        recipe = replace(recipe, images=images, stages=stages, text=f"{recipe.text}\n# --images {images}\n")
    if seed is not None:
        recipe = replace(recipe, seed=seed, text=f"{recipe.text}\n# --seed {seed}\n")
    if only:
        names = tuple(sorted(set(only)))
        recipe = replace(recipe, only=names, text=f"{recipe.text}\n# --only {' '.join(names)}\n")
    return recipe


def _scaled(stage: Stage, factor: float) -> Stage:
    """About `factor` times as many steps, in epochs of about the same length; a shorter stage warms up shorter too."""
    steps = max(1, round(stage.epochs * stage.steps * factor))
    epochs = max(1, round(steps / stage.steps))
    return replace(stage, epochs=epochs, steps=max(1, round(steps / epochs)), warmup=round(stage.warmup * min(1, factor)))
