"""Networks: tensors in, tensors out. Nothing here opens a file or an image."""

from asen_core.models.asen_pp import AsenPP, Output

__all__ = ["AsenPP", "Output"]
