"""The official protocols: retrieval on labelled photos, where the heat map points, real photos against a gallery."""

from asen_core.evaluation.cross import AgainstGallery, GalleryReport, evaluate_gallery
from asen_core.evaluation.localisation import (
    Localisation,
    LocalisationReport,
    evaluate_regions,
    photos_with_regions,
)
from asen_core.evaluation.passes import Measure, run
from asen_core.evaluation.retrieval import Report, Retrieval, evaluate

__all__ = [
    "AgainstGallery",
    "GalleryReport",
    "Localisation",
    "LocalisationReport",
    "Measure",
    "Report",
    "Retrieval",
    "evaluate",
    "evaluate_gallery",
    "evaluate_regions",
    "photos_with_regions",
    "run",
]
