"""From a recipe and photos to a checkpoint."""

from asen_core.training.epoch import Effort
from asen_core.training.loop import run
from asen_core.training.pretrained import Begin
from asen_core.training.recipe import Recipe, load_recipe

__all__ = ["Begin", "Effort", "Recipe", "load_recipe", "run"]
