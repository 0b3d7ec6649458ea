"""Whether lists are whole and apart: a list that was cut reads well, but leaves listed photos out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from asen_core.data.official.facts import facts_of
from asen_core.data.official.lines import counted
from asen_core.data.official.listing import Listing, first_few
from asen_core.data.official.origin import AUTHORS, GARMENTS, Origin
from asen_core.errors import DataError


def left_out(*listings: Listing) -> list[str]:
    """The photos of a split's filenames list that none of its lists uses: paths below the dataset's folder."""
    used = {i for listing in listings for i in listing.used.tolist()}
    return [image for i, image in enumerate(listings[0].images) if i not in used]


def require_whole(*listings: Listing) -> None:
    """See that a split's lists (train alone; queries and candidates) together use every photo of its filenames list.

    That is known where every photo has a label: in FashionAI, and in what was drawn or split here without dropping photos.
    Elsewhere `remarks` counts them.

    Raises: DataError where photos stand in no list or, having one label, in both, counted and the first few named; or where
    the filenames list has another length than the folder was made with.
    """
    first, origin = listings[0], listings[0].origin
    path = first.root / f"filenames_{first.split}.txt"
    made = origin.photos.get(first.split, len(first.images))
    if made != len(first.images):
        raise DataError(
            f"{path} names {counted(len(first.images), 'photo')}; it was made with {made:,}. {_remedy(first.root, origin)}"
        )
    one_label = facts_of(first.dataset).one_label
    names = _names(first.split)
    out = left_out(*listings) if one_label or _own(origin) else []
    if out:
        where = f"don't stand in {names[0]}" if len(names) == 1 else f"stand neither in {names[0]} nor in {names[1]}"
        raise DataError(
            f"{len(out):,} of the {len(first.images):,} photos that {path} names {where}: {first_few(out)}. Each has a label "
            f"there unless a list was cut or is another split's; nothing runs on a part. {_remedy(first.root, origin)}"
        )
    if one_label and (twice := _in_both(listings)):
        raise DataError(
            f"{counted(len(twice), 'photo')} of {path} both in {names[0]} and in {names[1]}: {first_few(twice)}. Each has one "
            f"label. {_remedy(first.root, origin)}"
        )


def remarks(*listings: Listing) -> tuple[str, ...]:
    """What a person should know of a split's lists beside their figures, a sentence each: photos in no list, other sizes."""
    return tuple(sentence for sentence in (unlisted(*listings), _other_size(listings[0])) if sentence)


def unlisted(*listings: Listing) -> str:
    """A sentence that counts the photos of a split that stand in no list; empty where there are none."""
    first, out = listings[0], left_out(*listings)
    if not out:
        return ""
    photos = f"{len(out):,} of the {len(first.images):,} photos that filenames_{first.split}.txt names"
    return f"{photos} stand in no list of {first.dataset} ({first_few(out)}); they are left out."


def _other_size(listing: Listing) -> str:
    published, photos = facts_of(listing.dataset).photos.get(listing.split), len(listing.images)
    if listing.origin.lists != AUTHORS or published in (None, photos):
        return ""
    return (
        f"filenames_{listing.split}.txt names {counted(photos, 'photo')}, the published list of {listing.dataset} "
        f"{published:,}: these are not the authors' lists, or not all of them."
    )


def require_apart(one: Listing | Sequence[Listing], other: Listing | Sequence[Listing]) -> None:
    """Raises: DataError where a photo is used by the lists of both splits: counted, the first few named."""
    ones, others = ([x] if isinstance(x, Listing) else list(x) for x in (one, other))
    if ones and others and (both := _shared(ones, others)):
        raise DataError(
            f"{counted(len(both), 'photo')} of {ones[0].dataset} in the lists of both {ones[0].split} and {others[0].split}: "
            f"{first_few(both)}. What is learnt must not be asked; {_remedy(ones[0].root, ones[0].origin, capital=False)}"
        )


def _shared(ones: list[Listing], others: list[Listing]) -> list[str]:
    """Photos of both: the same path; of FashionAI, whose splits have folders of their own, also the same file in another."""
    known = {_key(x.images[i]): (x, i) for x in ones for i in x.used}
    found = dict.fromkeys(
        x.images[i]
        for x in others
        for i in x.used
        if (place := known.get(_key(x.images[i]))) is not None and _same(place[0].path(place[1]), x.path(i))
    )
    return list(found)


def _key(image: str) -> str:
    _, folder, rest = image.partition("/Images/")
    return rest if folder else image


def _same(one: Path, other: Path) -> bool:
    """Whether two paths are one photo: the same path, or files with the same bytes."""
    try:
        return one == other or one.samefile(other) or one.read_bytes() == other.read_bytes() != b""
    except OSError:
        return False


def _in_both(listings: Sequence[Listing]) -> list[str]:
    if len(listings) < 2:
        return []
    one, two = (set(x.used.tolist()) for x in listings)
    return [listings[0].images[i] for i in sorted(one & two)]


def _own(origin: Origin) -> bool:
    return origin.lists != AUTHORS and not origin.dropped


def _names(split: str) -> tuple[str, ...]:
    return ("label_train.txt",) if split == "train" else (f"query_{split}.txt", f"candidate_{split}.txt")


def _remedy(root: Path, origin: Origin, capital: bool = True) -> str:
    # A drawn folder is left as it is while it has its regions.csv, so that the lists alone would not come back.
    again = {AUTHORS: "fetch the lists again", GARMENTS: f"delete {root} and draw it again"}
    made = again.get(origin.lists, f"delete the lists of {root} and make them again")
    return f"{made[0].upper() if capital else made[0]}{made[1:]}."
