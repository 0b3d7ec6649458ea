"""Where vectors and items live: one small store interface, a directory format, a writer that resumes."""

from asen_core.gallery.assembly import Entry, assemble
from asen_core.gallery.gallery import Gallery
from asen_core.gallery.journal import Journal
from asen_core.gallery.lock import writing
from asen_core.gallery.manifest import Manifest
from asen_core.gallery.maps import Maps
from asen_core.gallery.store import GalleryStore
from asen_core.gallery.writer import GalleryWriter

__all__ = ["Entry", "Gallery", "GalleryStore", "GalleryWriter", "Journal", "Manifest", "Maps", "assemble", "writing"]
