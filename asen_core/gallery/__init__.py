"""Where vectors and items live: one small store interface, a directory format, a writer that resumes."""

from asen_core.gallery.gallery import Gallery
from asen_core.gallery.manifest import Manifest
from asen_core.gallery.maps import Maps
from asen_core.gallery.store import FaissStore, GalleryStore
from asen_core.gallery.writer import GalleryWriter

__all__ = ["FaissStore", "Gallery", "GalleryStore", "GalleryWriter", "Manifest", "Maps"]
