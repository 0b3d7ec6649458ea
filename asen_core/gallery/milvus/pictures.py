"""Where the files of a gallery on Milvus lie for this machine: its pictures, and what is made beside them."""

from __future__ import annotations

import hashlib
import os
import urllib.request
from http.client import HTTPException
from pathlib import Path
from urllib.parse import quote

from asen_core.errors import GalleryError
from asen_core.gallery.manifest import IMAGES, PICTURE
from asen_core.gallery.milvus.address import Address
from asen_core.types import Item

WAIT, LARGEST = 20, 16 * 2**20
_WEB = ("http://", "https://")


class Files:
    """place: the folder of the gallery that was pushed, as this machine sees it (a shared disk), or the web address of one.

    directory: where maps, hashes and the like lie: that folder where the gallery has its order, else one in the user's cache.
    pictures: the folder below which pictures lie. From the web each is fetched once, into that cache.
    """

    def __init__(self, address: Address, place: str, version: int, ordered: bool) -> None:
        self._place, self._address, self._web = place.rstrip("/"), address, place.startswith(_WEB)
        own = hashlib.sha256(f"{address} {version}".encode()).hexdigest()[:16]
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "asen" / f"{address.name}-{own}"
        given = Path(place).absolute()
        self.directory = given if ordered and not self._web and os.path.isdir(given) else cache
        self.pictures = (cache if self._web else given) / IMAGES
        if self.directory == cache:
            cache.mkdir(parents=True, exist_ok=True)

    def picture(self, item: Item) -> Path:
        """The absolute path of an item's picture. Raises: GalleryError where it can't be fetched."""
        path = self.pictures.parent / item.image
        if self._web and not path.exists():
            self._fetch(item.image, path)
        return path

    def _fetch(self, image: str, path: Path) -> None:
        if not PICTURE.fullmatch(image):
            raise GalleryError(f"{self._address} names a picture {image[:80]!r}, which is no file of a gallery; push it again.")
        try:
            with urllib.request.urlopen(f"{self._place}/{quote(image)}", timeout=WAIT) as answer:  # http and https alone
                content = answer.read(LARGEST)
        except (OSError, HTTPException, ValueError) as reason:
            raise GalleryError(
                f"The picture {image} can't be fetched from where {self._address} says ({reason}); correct ?pictures=."
            ) from None
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        part.write_bytes(content)
        part.replace(path)
