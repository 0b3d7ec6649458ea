"""Networks: tensors in, tensors out. Nothing here opens a file or an image."""

from asen_core.models.asen_pp import AsenPP, Output
from asen_core.models.build import Model, build_model, reads

__all__ = ["AsenPP", "Model", "Output", "build_model", "reads"]
