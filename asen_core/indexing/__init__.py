"""Own catalogues: a folder of photos becomes a gallery, and stays up to date with it."""

from asen_core.indexing.report import Progress, Report, StoppedError
from asen_core.indexing.run import index

__all__ = ["Progress", "Report", "StoppedError", "index"]
