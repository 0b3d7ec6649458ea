"""Photos read and laid ahead of the network: the next batch is made ready while one is looked at."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np

from asen_core.config import ModelConfig
from asen_core.engine.processes import Laid, Readers, laid
from asen_core.engine.runtime import cores
from asen_core.types import Frame, Garment

__all__ = ["Batch", "batches", "laid", "readers", "together"]

MOST_READERS = 16


@dataclass(frozen=True)
class Batch:
    """Photos ready for `Runtime.run`: inputs (B, S, S, 3) uint8, laid as `frames` say."""

    garments: tuple[Garment, ...]
    inputs: np.ndarray
    frames: tuple[Frame, ...]


def batches(
    photos: Iterable[Any], config: ModelConfig, size: int, readers: int = 1, processes: bool = False
) -> Iterator[Batch]:  # fmt: skip
    """Photos in their order, `size` at a time; while one batch is used the next is read by so many threads, or processes.

    photos: as of `images.load`; the iterable is asked by the caller's thread, at most two batches ahead of what was used. What
    goes wrong with a photo, or with the iterable, is raised where its batch would come. All readers end with the generator.

    Raises: PhotoError, and what the iterable raises.
    """
    source, waiting, reading = iter(photos), deque(), Readers(config, processes)
    with closing(reading), ThreadPoolExecutor(readers, thread_name_prefix="reading") as pool:

        def read(photo: Any) -> Future[Laid]:
            return pool.submit(reading.laid, photo)

        try:
            while True:
                source = _asked(source, waiting, 2 * size, read)
                some = [waiting.popleft().result() for _ in range(min(size, len(waiting)))]
                if not some:
                    return
                source = _asked(source, waiting, size, read)
                yield together(some, config)
                del some
        finally:
            for future in waiting:
                future.cancel()


def together(read: Sequence[Laid], config: ModelConfig) -> Batch:
    """Photos that were read, as one batch; none gives an empty one."""
    if not read:
        return Batch((), np.zeros((0, config.input_size, config.input_size, 3), np.uint8), ())
    garments, inputs, frames = zip(*read, strict=True)
    return Batch(garments, np.stack(inputs), frames)


def readers(on_gpu: bool) -> int:
    """How many threads keep up: a GPU wants all processors, on a processor the network itself does."""
    return min(cores(), MOST_READERS) if on_gpu else 1


def _asked(
    source: Iterator[Any], waiting: deque[Future[Laid]], most: int, read: Callable[[Any], Future[Laid]]
) -> Iterator[Any]:  # fmt: skip
    """Have photos read until `most` are waiting; gives the iterator to go on with."""
    while len(waiting) < most:
        try:
            photo = next(source)
        except StopIteration:
            return iter(())
        except Exception as error:  # it has its place behind the photos that came before
            failed: Future[Laid] = Future()
            failed.set_exception(error)
            waiting.append(failed)
            return iter(())
        waiting.append(read(photo))
    return source
