"""Where a run stands, on disk and in memory."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from asen_core import files
from asen_core.errors import DataError
from asen_core.models import Model
from asen_core.training.recipe import Recipe
from asen_core.training.stage import WeightAverage

STATE = "state.pt"
_TENSORS = ("model", "average")


@dataclass
class State:
    """Everything that the next step depends on. `step` counts the steps done of the epoch, `sums` its losses so far;
    draws: the state of the epoch's generator; scaler: that of the loss scaling of fp16; best: the stage's best epoch so far;
    data: digest of the training list that it learns from, empty for the collections.
    """

    model: Model
    average: WeightAverage
    stage: int = 0
    epoch: int = 0
    step: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    draws: Tensor | None = None
    optimizer: dict[str, Any] | None = None
    scaler: dict[str, Any] = field(default_factory=dict)
    best: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    epoch_seconds: float = 0.0
    images: int = 0
    started_from: str = ""
    data: str = ""
    begun: dict[str, Tensor] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)

    def save(self, path: Path, recipe: Recipe) -> None:
        """Write the state; a kill at any moment leaves this one or the one before."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in _TENSORS}
        values |= {"recipe": recipe.text, "model": self.model.state_dict(), "average": self.average.shadow}
        try:
            with files.whole(path, path.with_suffix(".part")) as part:
                torch.save(values, part)
                files.seal_archive(part)
        except (OSError, RuntimeError) as reason:  # the second is what torch makes of a full disk
            raise DataError(
                f"{path} can't be written ({str(reason).splitlines()[0][:120]}); make room, or make the folder writable, and "
                "start the same line again: it goes on from what was saved last."
            ) from reason

    def load(self, path: Path, recipe: Recipe) -> None:
        """Go on where a saved state stood. Raises: DataError where it is of another recipe or can't be read."""
        try:
            files.check_archive(path)
            values = torch.load(path, weights_only=True, map_location="cpu")
            if not isinstance(values, dict) or not {"recipe", "model", "average"} <= set(values):
                raise ValueError("it holds no training run")
        except MemoryError:
            raise
        except Exception as error:  # a damaged file may raise anything while it is decoded
            reason = (str(error) or "it is empty").splitlines()[0][:120]
            raise DataError(f"{path} can't be read ({reason}); give --fresh to start over.") from None
        if values["recipe"] != recipe.text:
            raise DataError(f"{path.parent} holds a run of another recipe; give another --out, or --fresh to start over.")
        self.model.load_state_dict(values["model"])
        device = next(self.model.parameters()).device
        self.average.shadow = {n: t.to(device) for n, t in values["average"].items()}
        for name in (f.name for f in fields(self) if f.name not in _TENSORS):
            # A state that an earlier version wrote lacks what that version didn't need.
            setattr(self, name, values.get(name, getattr(self, name)))
