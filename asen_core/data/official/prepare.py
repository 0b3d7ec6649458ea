"""From the raw downloads of a benchmark to the authors' layout."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from asen_core.data.official.darn import labelled, read_addresses, read_labels_of
from asen_core.data.official.deepfashion import read_attributes, read_deepfashion
from asen_core.data.official.download import Place, Track, Tree, untracked, zip_members
from asen_core.data.official.facts import Facts, facts_of
from asen_core.data.official.fashionai import read_fashionai
from asen_core.data.official.listing import first_few
from asen_core.data.official.placing import DROPPED, MISSING, contents_of, in_place, place_photos, write_whole
from asen_core.data.official.plan import Plan, seeded_plan, split_plan
from asen_core.errors import DataError


@dataclass(frozen=True)
class Preparation:
    """What is to be prepared. photos: link, copy or none (they stay where they are, below the dataset's folder).

    split: folder with the authors' lists; None: a split with the seed. allow_missing: drop DARN's photos that aren't there.
    """

    dataset: str
    raw: Path
    out: Path
    split: Path | None = None
    photos: str = "link"
    seed: int = 0
    allow_missing: bool = False


@dataclass(frozen=True)
class Prepared:
    """What was written. unused: photos of the download without any label, or left out by the split."""

    root: Path
    origin: str
    photos: int
    new: int
    dropped: tuple[str, ...]
    unused: int = 0


def prepare(task: Preparation, track: Track = untracked) -> Prepared:
    """Read the download, place its photos and write lists and meta.json into out/<dataset>; lists come last.

    Raises: DataError where the download or the split can't be used; nothing is written then, unless photos can't be placed.
    """
    facts = facts_of(task.dataset)
    if task.photos not in ("link", "copy", "none"):
        raise DataError(f"photos are to be link, copy or none, not {task.photos!r}.")
    if task.allow_missing and facts.name != "DARN":
        raise DataError(f"Only DARN's photos may be missing; {facts.name} is complete or refused. Leave --allow-missing out.")
    root = task.out / facts.name
    plan, unused = _PLANS[facts.name](task, facts, root, track)
    if task.photos == "none":
        plan = in_place(plan, root)
    contents = contents_of(plan, root)
    new = 0 if task.photos == "none" else place_photos(plan, root, task.photos == "copy", track)
    write_whole(contents)
    for stale in {root / MISSING, root / DROPPED} - set(contents):
        stale.unlink(missing_ok=True)
    return Prepared(root, plan.origin.text, len(plan.places), new, plan.dropped, unused)


def _fashionai(task: Preparation, facts: Facts, root: Path, track: Track) -> tuple[Plan, int]:
    photos = read_fashionai(task.raw)
    if task.split is None:
        return seeded_plan(facts, facts.vocabulary, photos, task.seed), 0
    places = {p.name: p.place for p in photos}
    plan = split_plan(facts, task.split, photos, lambda image: places.get("/".join(image.split("/")[-2:])))
    plan = _complete(plan, f"{task.raw}; fetch all archives and give the folder that holds them all")
    return plan, len(photos) - len(plan.places)


def _deepfashion(task: Preparation, facts: Facts, root: Path, track: Track) -> tuple[Plan, int]:
    find = _finder((task.raw, task.raw / "Img", root))
    if task.split is not None:
        plan = split_plan(facts, task.split, (), find)
        return _complete(plan, f"{task.raw} or {root}; fetch img.zip and give the folder that holds it, or img/"), 0
    vocabulary, columns = read_attributes(task.raw)
    photos, unused = read_deepfashion(task.raw, columns, find, track)
    plan = seeded_plan(facts, vocabulary, photos, task.seed)
    return replace(plan, origin=replace(plan.origin, text=f"list_eval_partition, {plan.origin.text}")), unused


def _darn(task: Preparation, facts: Facts, root: Path, track: Track) -> tuple[Plan, int]:
    find = _finder((task.raw, root))
    addresses = read_addresses(task.raw)
    if task.split is not None:
        plan = split_plan(facts, task.split, (), find)
    else:
        labels = read_labels_of(task.raw)
        places = {name: place for name in labels if (place := find(name)) is not None}
        plan = seeded_plan(facts, facts.vocabulary, labelled(labels, places), task.seed)
        plan = replace(plan, dropped=tuple(name for name in labels if name not in places))
    if plan.dropped and (not task.allow_missing or not plan.places):
        _fetch_first(plan, addresses, root)
    return plan, 0


_PLANS: dict[str, Callable[[Preparation, Facts, Path, Track], tuple[Plan, int]]] = {
    "FashionAI": _fashionai,
    "DARN": _darn,
    "DeepFashion": _deepfashion,
}


def _complete(plan: Plan, where: str) -> Plan:
    if plan.dropped:
        total = len(plan.dropped) + len(plan.places)
        raise DataError(
            f"{len(plan.dropped):,} of {total:,} photos are not there ({first_few(plan.dropped)}); looked in {where}. "
            f"Nothing was written."
        )
    return plan


def _fetch_first(plan: Plan, addresses: dict[str, str], root: Path) -> None:
    """Write what a download tool needs for the missing photos. Raises: DataError that tells its command."""
    by_stem = {name.rsplit(".", 1)[0]: address for name, address in addresses.items()}
    known = {i: address for i in plan.dropped if (address := addresses.get(i) or by_stem.get(i.rsplit(".", 1)[0]))}
    path = root / MISSING
    write_whole({path: "".join(f"{address}\n  out={image}\n" for image, address in known.items())})
    unknown = len(plan.dropped) - len(known)
    nowhere = f"; {unknown:,} of them have no address in the list" if unknown else ""
    raise DataError(
        f"{len(plan.dropped):,} of {len(plan.dropped) + len(plan.places):,} photos are not there "
        f"({first_few(plan.dropped)}){nowhere}. Fetch them with `aria2c -i {path} -d {root} -j 8 --continue=true`, run this "
        f"again, and give --allow-missing for those that no longer answer."
    )


def _finder(bases: Iterable[Path]) -> Callable[[str], Place | None]:
    """Finds a listed photo below one of the folders, or in an img.zip there."""
    trees = [Tree(base) for base in bases]
    zips = [base.path / "img.zip" for base in trees if (base.path / "img.zip").is_file() and not (base.path / "img").is_dir()]
    trees += [Tree(path, "", zip_members(path)) for path in zips]
    return lambda image: next((place for tree in trees if (place := tree.place(image)) is not None), None)
