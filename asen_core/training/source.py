"""What a run learns from: the collections of the default vocabulary, or a published benchmark."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from asen_core.data.collection import collect
from asen_core.data.labels import Photo
from asen_core.data.official import (
    Listing,
    folder_of,
    photos_of,
    read_candidates,
    read_queries,
    read_train,
    read_vocabulary,
    remarks,
    require_apart,
    require_photos,
    require_whole,
    used_photos,
)
from asen_core.data.official.facts import facts_of
from asen_core.data.vocabulary import DEFAULT
from asen_core.errors import DataError
from asen_core.training.recipe import Recipe
from asen_core.training.validation import OfficialValidation, Validation
from asen_core.types import Vocabulary


@dataclass(frozen=True, eq=False)
class Source:
    """Photos to train on and what they are checked by; also (R, 3) int = photo, attribute and value index: labels beyond the
    first of an attribute.

    origin: whose lists of a benchmark these are, with what was dropped, for people; digest: of its training list; remarks: what
    should be said before training, a sentence each. All empty for the collections.
    """

    vocabulary: Vocabulary
    photos: list[Photo]
    validation: Validation
    also: np.ndarray
    origin: str = ""
    digest: str = ""
    remarks: tuple[str, ...] = ()


def vocabulary_of(recipe: Recipe, data: Path) -> Vocabulary:
    """The vocabulary that a recipe's model has."""
    if not recipe.dataset:
        return DEFAULT
    return read_vocabulary(facts_of(recipe.dataset), folder_of(data, recipe.dataset))


def open_source(recipe: Recipe, data: Path, device: torch.device) -> Source:
    """The training and valid photos below `data` for a recipe; nothing is trained on a part of a list.

    Raises: DataError where lists are absent, wrong or cut, photos of them are missing, photos of the valid or test lists (where
    there are any) stand in the training list, or a stage can't learn from them.
    """
    if not recipe.dataset:
        photos = collect(data, "train", recipe.only)
        return Source(DEFAULT, photos, Validation.of(data, device), np.zeros((0, 3), np.int32))
    train = read_train(data, recipe.dataset)
    valid = read_queries(data, recipe.dataset, "valid"), read_candidates(data, recipe.dataset, "valid")
    require_whole(train)
    require_whole(*valid)
    require_photos(train, *valid)
    for other in (valid, used_photos(data, recipe.dataset, "test")):
        require_apart(train, other)
    also = _beyond_the_first(train)
    if len(also) and any(s.sampling == "mixed" for s in recipe.stages):
        raise DataError(
            f"{len(np.unique(also[:, 0])):,} training photos of {train.dataset} have several values of one attribute, which "
            f'sampling = "mixed" can\'t teach; take a recipe whose stages have sampling = "triplets".'
        )
    validation = OfficialValidation.of_lists(*valid, recipe.seed, device)
    told = (*remarks(train), *remarks(*valid))
    return Source(train.vocabulary, photos_of(train), validation, also, str(train.origin), train.digest, told)


def _beyond_the_first(listing: Listing) -> np.ndarray:
    """Rows whose photo has an earlier one for the same attribute; the image index becomes the photo's place in `photos_of`."""
    _, first = np.unique(listing.rows[:, :2], axis=0, return_index=True)
    rows = np.delete(listing.rows, first, axis=0)
    rows[:, 0] = np.searchsorted(listing.used, rows[:, 0])
    return rows
