"""A recipe: everything that decides what a training run produces, read from a TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from asen_core.config import PRESETS, ModelConfig
from asen_core.data.official import facts_of
from asen_core.errors import DataError
from asen_core.models import reads
from asen_core.training.stages import Batch, Loss, Stage

SHIPPED = Path(__file__).parent / "recipes"


@dataclass(frozen=True)
class Recipe:
    """Model, data and stages of a run; `seed` decides every random draw. images: the budget that was asked for, if any.

    dataset: the benchmark that is learned, with its vocabulary; "" for the collections of the default vocabulary.
    only: the collections whose photos are trained on, () for all. rendered: garments that are drawn beside the photos.
    augment: whether photos are changed at random.
    trunk_weights: a file below the data folder, "torchvision" for its ImageNet weights, "" for random ones.

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
    dataset: str = ""
    augment: bool = True


def load_recipe(
    name_or_path: str, images: int | None = None, seed: int | None = None, only: Sequence[str] = (), dataset: str = "",
    rendered: int | None = None,
) -> Recipe:  # fmt: skip
    """A recipe from a TOML file, or a shipped one by name ("compact").

    images: stages are made shorter or longer alike, so that the run sees about so many photos; seed, dataset, rendered:
    instead of the recipe's; only: train on the photos of these collections alone.

    Raises: DataError where the file is missing, a setting is unknown or of the wrong kind, or `images` is too small.
    """
    path = Path(name_or_path)
    if not path.suffix:
        path = SHIPPED / f"{name_or_path}.toml"
    try:
        recipe = _parse(path)
        recipe = _of_dataset(recipe, dataset, rendered)
        return _changed(recipe, images, seed, only)
    except FileNotFoundError:
        shipped = ", ".join(sorted(p.stem for p in SHIPPED.glob("*.toml")))
        raise DataError(f"There is no recipe {name_or_path!r}; shipped: {shipped}; or give the path of a .toml file.") from None
    except (OSError, KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise DataError(f"The recipe {path} can't be read: {error}") from None


def _parse(path: Path) -> Recipe:
    text = path.read_text(encoding="utf-8")
    values: dict[str, Any] = tomllib.loads(text)
    if "extends" in values:
        # The other recipe's text comes along: two runs are the same where all that decides them is.
        below = _extended(path, str(values.pop("extends"))).read_text(encoding="utf-8")
        if deeper := tomllib.loads(below).get("extends"):
            raise ValueError(f"it extends a recipe that extends {deeper!r} itself; extend {deeper!r} directly")
        values, text = tomllib.loads(below) | values, f"{below}\n# extended by\n{text}"
    model = dict(values.pop("model"))
    preset = PRESETS[model.pop("preset")]
    config = replace(preset, **ModelConfig.from_dict({**preset.to_dict(), **model}).to_dict())
    stages = tuple(_stage(s) for s in values.pop("stage", ()))
    _check(config, stages)
    if unknown := set(values) - {"seed", "rendered", "trunk_weights", "keep_start", "dataset", "augment"}:
        raise ValueError(f"unknown setting {', '.join(sorted(unknown))}")
    if values.get("dataset"):
        values["dataset"] = facts_of(values["dataset"]).name
    return Recipe(path.stem, config, stages, text=text, **values)


def _extended(path: Path, name: str) -> Path:
    """The file of the recipe that another one builds upon: its neighbour, or a shipped one."""
    for folder in (path.parent, SHIPPED):
        if (found := folder / f"{name}.toml").is_file():
            return found
    raise ValueError(f"it extends {name!r}, which lies neither beside it nor among the shipped recipes")


def _stage(values: dict[str, Any]) -> Stage:
    values = dict(values)
    loss, batch = Loss.from_dict(values.pop("loss", {})), Batch.from_dict(values.pop("batch", {}))
    return replace(Stage.from_dict(values), loss=loss, batch=batch)


def _check(config: ModelConfig, stages: tuple[Stage, ...]) -> None:
    if not stages and config.method != "pooled":
        raise ValueError(f"the method {config.method} needs at least one [[stage]]")
    if any(s.sampling == "mixed" for s in stages) and not reads(config):
        raise ValueError('sampling = "mixed" teaches a value read-out, which this model lacks; set sampling = "triplets"')


def _of_dataset(recipe: Recipe, dataset: str, rendered: int | None) -> Recipe:
    """The recipe on another benchmark or with other drawings; a comment in its text says so.

    Without drawings their places in a batch go to the labelled photos, so that the run sees as many as it counts.
    """
    if dataset:
        name = facts_of(dataset).name
        recipe = replace(recipe, dataset=name, text=f"{recipe.text}\n# --dataset {name}\n")
    if rendered is not None:
        recipe = replace(recipe, rendered=rendered, text=f"{recipe.text}\n# --rendered {rendered}\n")
    if recipe.rendered == 0:
        recipe = replace(recipe, stages=tuple(replace(s, batch=_undrawn(s.batch)) for s in recipe.stages))
    return recipe


def _undrawn(batch: Batch) -> Batch:
    return replace(batch, labelled=batch.labelled + batch.rendered, rendered=0)


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
    if only and recipe.dataset:
        raise DataError(
            f"--only chooses among the collections of the default vocabulary, not in {recipe.dataset}; leave it out."
        )
    if only:
        names = tuple(sorted(set(only)))
        recipe = replace(recipe, only=names, text=f"{recipe.text}\n# --only {' '.join(names)}\n")
    return recipe


def _scaled(stage: Stage, factor: float) -> Stage:
    """About `factor` times as many steps, in epochs of about the same length; a shorter stage warms up shorter too.

    Rates that fall after so many epochs do so at the same shares of the stage.
    """
    steps = max(1, round(stage.epochs * stage.steps * factor))
    epochs = max(1, round(steps / stage.steps))
    each = max(1, round(steps / epochs))
    warmup = round(stage.warmup * min(1, factor))
    return replace(stage, epochs=epochs, steps=each, warmup=warmup, decay_every=stage.decay_every * epochs / stage.epochs)
