"""From photos to items: which photos are the same, which of them stand for others, and what a run has changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from asen_core.gallery import Entry
from asen_core.gallery.rows import Row
from asen_core.indexing.scan import File
from asen_core.review.suspects import spelled


def by_content(keys: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Content -> names of the photos that have it, both sorted by name. keys: name -> content."""
    groups: dict[str, list[str]] = {}
    for name in sorted(keys):
        groups.setdefault(keys[name], []).append(name)
    return {key: tuple(names) for key, names in groups.items()}


def entries(
    files: Sequence[File], keys: Mapping[str, str], labels: Mapping[str, Mapping[str, str]],
    alike: Sequence[Sequence[str]], fold: bool, unseen: Collection[str] = (),
) -> list[Entry]:  # fmt: skip
    """The items of a gallery, sorted by id.

    keys: photo's name -> content, of those that become items; alike: groups of contents that look the same. With `fold` photos
    of one content, and of one group, become one item: the first by name, with the labels of the others where it has none.
    unseen: contents of groups that were not looked at in this run or the last ones, which no item can be made of.
    """
    at = {file.name: file for file in files}
    order = sorted(keys, key=lambda name: (keys[name] in unseen, name))
    every = [_entry(at[name], keys[name], labels.get(name, {})) for name in order]
    if not fold:
        return every
    leader = {key: group[0] for group in alike for key in group}
    folded: dict[str, Entry] = {}
    for entry in every:
        group = leader.get(entry.key, entry.key)
        if group in folded:
            first = folded[group]
            like = {*first.like, entry.key} - {first.key}
            joined = {**entry.labels, **first.labels}
            folded[group] = replace(first, labels=joined, copies=(*first.copies, entry.id), like=tuple(sorted(like)))
        else:
            folded[group] = entry
    return sorted(folded.values(), key=lambda entry: entry.id)


def joined(
    near: Sequence[Sequence[str]], likes: Mapping[str, str], contents: Mapping[str, Sequence[str]]
) -> list[tuple[str, ...]]:
    """Groups of contents that look the same, each sorted by the first name.

    near: groups that were found now; likes: content -> the one that it was folded into before; contents: as of `by_content`.
    """
    groups = {key: held for group in near for held in [[*group]] for key in group}
    for key, leader in likes.items():
        group = groups.setdefault(leader, [leader])
        group.append(key)
        groups[key] = group
    found = {tuple(sorted(group, key=lambda k: contents[k][0])) for group in groups.values()}
    return sorted(found, key=lambda group: contents[group[0]][0])


def entry_of(row: Row) -> Entry:
    """A stored item as it was asked for."""
    return Entry(row.id, row.key, row.labels, row.path, row.size, row.mtime_ns, row.copies, like(row))


def like(row: Row) -> tuple[str, ...]:
    """Contents that were folded into an item since they look like it."""
    return tuple(row.facts.get("like", ()))


def changes(before: Sequence[Row], entries: Sequence[Entry], keys: Mapping[str, str]) -> dict[str, int]:
    """How many photos are added, changed, renamed, removed and kept, by their paths. keys: of all photos that items stand for.

    A path that was folded into another's item may have had other content than that: it counts as kept while it is there.
    """
    old: dict[str, str] = {spelled(row.path) if row.path else row.id: row.key for row in before}
    folded = {path for row in before for path in row.copies} - set(old)
    now = {name: keys[name] for entry in entries for name in (entry.id, *entry.copies)}
    kept = sum(name in folded or old.get(name) == key for name, key in now.items())
    changed = sum(name in old and old[name] != key for name, key in now.items())
    gone = Counter(key for name, key in old.items() if name not in now)
    fresh = Counter(key for name, key in now.items() if name not in old and name not in folded)
    renamed = (gone & fresh).total()
    removed = gone.total() + len(folded - set(now)) - renamed
    return {"added": fresh.total() - renamed, "changed": changed, "renamed": renamed, "removed": removed, "kept": kept}


def _entry(file: File, key: str, labels: Mapping[str, str]) -> Entry:
    return Entry(file.name, key, dict(labels), file.written or file.name, file.size, file.mtime_ns)
