"""What the photos of a pair are to each other, by their edges and hashes, in sentences."""

from __future__ import annotations

from asen_core.review.compare import Comparison
from asen_core.review.copies import relation


def relations_of(found: Comparison) -> tuple[str, ...]:
    """A sentence for each thing found between the photos that are nearest under some feature; none where nothing was found."""
    sentences = []
    several = len(found.first.shots) > 1 or len(found.second.shots) > 1
    for i, j in sorted({f.shots for f in found.features.values()}):
        known = relation(found.first.shots[i].garment, found.second.shots[j].garment)
        where = f"Photo {i + 1} of the first design and photo {j + 1} of the second: " if several else ""
        sentences += [f"{where}{said}" for said in known.sentences()] if known else []
    return tuple(sentences)
