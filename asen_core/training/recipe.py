"""A recipe: everything that decides what a training run produces, read from a TOML file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from asen_core.config import PRESETS, FromDict, ModelConfig
from asen_core.errors import DataError

SHIPPED = Path(__file__).parent / "recipes"


@dataclass(frozen=True)
class Batch(FromDict):
    """Photos per step from each pool: garments with attribute labels (half of them drawn evenly over values), photos with
    marked regions, rendered garments, and all others (category and colour labels)."""

    labelled: int = 28
    marked: int = 12
    rendered: int = 16
    others: int = 8

    @property
    def size(self) -> int:
        return self.labelled + self.marked + self.rendered + self.others


@dataclass(frozen=True)
class Loss(FromDict):
    """Weights of the loss terms; `margin` is that of the cosine triplets (TIP 2021, equation 10)."""

    margin: float = 0.2
    triplet: float = 1.0
    reading: float = 0.5
    attention: float = 0.5
    foreground: float = 0.2
    local: float = 0.0
    joined: float = 0.0
    alignment: float = 0.0


@dataclass(frozen=True)
class Stage(FromDict):
    """One stage of training. Learning rates fall along a cosine to 2 % after `warmup` steps; `frozen` counts trunk layers."""

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
    average: float = 0.998
    loss: Loss = field(default_factory=Loss)
    batch: Batch = field(default_factory=Batch)


@dataclass(frozen=True)
class Recipe:
    """Model, data and stages of a run; `seed` decides every random draw."""

    name: str
    model: ModelConfig
    stages: tuple[Stage, ...]
    seed: int = 0
    rendered: int = 4000
    trunk_weights: str = ""
    text: str = ""


def load_recipe(name_or_path: str) -> Recipe:
    """A recipe from a TOML file, or a shipped one by name ("compact").

    Raises: DataError where the file is missing or a setting is unknown or of the wrong kind.
    """
    path = Path(name_or_path)
    if not path.suffix:
        path = SHIPPED / f"{name_or_path}.toml"
    try:
        text = path.read_text(encoding="utf-8")
        return _parse(path.stem, text)
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
    stages = tuple(_stage(s) for s in values.pop("stage"))
    if unknown := set(values) - {"seed", "rendered", "trunk_weights"}:
        raise ValueError(f"unknown setting {', '.join(sorted(unknown))}")
    return Recipe(name, config, stages, text=text, **values)


def _stage(values: dict[str, Any]) -> Stage:
    values = dict(values)
    loss, batch = Loss.from_dict(values.pop("loss", {})), Batch.from_dict(values.pop("batch", {}))
    return replace(Stage.from_dict(values), loss=loss, batch=batch)
