"""Drawn garments in the layouts of the published benchmarks, so that all that reads them can be tried without their photos."""

from asen_core.data.layout.laying import write_layout
from asen_core.data.layout.plan import Sizes

__all__ = ["Sizes", "write_layout"]
