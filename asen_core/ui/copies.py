"""What is known of the same picture standing in a gallery more than once, in words."""

from __future__ import annotations

import numpy as np

from asen_core.errors import GalleryError
from asen_core.gallery import Gallery
from asen_core.indexing.duplicates import near
from asen_core.review import prints

COMPARED = 5_000
"""Up to so many garments the page looks for pictures that are nearly the same, which then takes a second or two."""


def said(gallery: Gallery) -> str:
    """Exact copies, and groups that look the same where the gallery is small; empty where no prints were kept."""
    try:
        printed = prints.read(gallery)
        exact = len(printed.sha256) - len(np.unique(printed.sha256, axis=0))
        groups = near(printed, [gallery.picture(item) for item in gallery.items]) if len(gallery) <= COMPARED else None
    except GalleryError:
        return ""
    what = "picture is an exact copy" if exact == 1 else "pictures are exact copies"
    told = [f"{exact:,} {what} of another"] if exact else []
    if groups is None:
        return told[0] if told else "no two pictures are exactly the same"
    alike = sum(len({printed.sha256[i].tobytes() for i in group}) > 1 for group in groups)
    told += [f"{alike:,} {'group' if alike == 1 else 'groups'} of pictures nearly the same"] if alike else []
    return ", ".join(told) or "no two pictures are the same, or nearly so"
