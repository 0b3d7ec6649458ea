"""What a run says while it trains: a bar with speed and time left, or a line a minute where there is no terminal."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

from asen_core.training.recipe import Recipe
from asen_core.training.stages import Stage
from asen_core.training.state import State

_EVERY = 60.0


class _Said(ProgressColumn):
    """Speed and time left, where a task has them."""

    def render(self, task: Task) -> Text:
        return Text(str(task.fields.get("said", "")))


class Report:
    """Prints for people on a console; a quiet one prints nothing."""

    def __init__(self, console: Console, plan: Recipe) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Said())
        self.bar = Progress(*columns, console=console)
        self._plan, self._task = plan, TaskID(0)
        self._spoken, self._index = 0.0, 0

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:  # fmt: skip
        self.bar.stop()

    def stage(self, index: int, state: State) -> None:
        """A stage begins, or goes on where the state stands."""
        stage = self._plan.stages[index]
        done = state.epoch * stage.steps + state.step
        self._index, self._spoken = index, time.monotonic()
        self._task = self.bar.add_task(f"stage {stage.name}", total=stage.epochs * stage.steps, completed=done)

    def step(self, state: State, stage: Stage) -> None:
        """A step is done: `state.step` of the epoch `state.epoch`, which has taken `state.epoch_seconds` so far."""
        done = state.epoch * stage.steps + state.step
        speed = state.step * stage.photos / max(state.epoch_seconds, 1e-9)
        left = stage.images - done * stage.photos + sum(s.images for s in self._plan.stages[self._index + 1 :])
        said = f"{speed:.1f} photos/s, {duration(left / speed)} left"
        self.bar.update(self._task, completed=done, said=said)
        if not self.bar.console.is_terminal and time.monotonic() - self._spoken >= _EVERY:
            self._spoken = time.monotonic()
            self.line(
                f"stage {stage.name}, epoch {state.epoch + 1} of {stage.epochs}, step {state.step} of {stage.steps}: {said}"
            )

    def line(self, text: str) -> None:
        """Print one line above the bar."""
        self.bar.console.print(text, soft_wrap=True, highlight=False, markup=False)


def duration(seconds: float) -> str:
    """Hours and minutes, or minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"
