"""From a recipe and photos to a checkpoint."""

from asen_core.training.loop import run
from asen_core.training.recipe import Recipe, load_recipe

__all__ = ["Recipe", "load_recipe", "run"]
