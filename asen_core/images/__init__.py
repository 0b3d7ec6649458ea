"""Safe decoding and geometry: whatever a person gives becomes upright RGB pixels, or a sentence that says why not."""

from asen_core.images.backdrop import plain_background
from asen_core.images.cut import cut
from asen_core.images.load import LIMITS, Limits, load
from asen_core.images.place import centre_crop, lay, letterbox

__all__ = ["LIMITS", "Limits", "centre_crop", "cut", "lay", "letterbox", "load", "plain_background"]
