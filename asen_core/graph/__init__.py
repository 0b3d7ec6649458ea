"""The networks once more, for a processor without torch: arrays in, arrays out. Nothing here opens a file or an image."""

from asen_core.graph.network import Network, offered
from asen_core.graph.roi import regions

__all__ = ["Network", "offered", "regions"]
