"""The protocols: retrieval, calibration and robustness on photos, where the heat map points, photos against a gallery."""

from asen_core.evaluation.calibration import Calibration, CalibrationReport, reliability_picture
from asen_core.evaluation.columns import Columns, ColumnsReport
from asen_core.evaluation.cross import AgainstGallery, GalleryReport, evaluate_gallery
from asen_core.evaluation.datasets import Datasets, DatasetsReport, sources
from asen_core.evaluation.localisation import (
    Localisation,
    LocalisationReport,
    evaluate_regions,
    photos_with_regions,
)
from asen_core.evaluation.passes import CopiesMeasure, Measure, Reporting, run
from asen_core.evaluation.retrieval import Retrieval, evaluate
from asen_core.evaluation.robustness import Robustness, RobustnessReport
from asen_core.evaluation.scoring import Report, Score, ValueScore

__all__ = [
    "AgainstGallery",
    "Calibration",
    "CalibrationReport",
    "Columns",
    "ColumnsReport",
    "CopiesMeasure",
    "Datasets",
    "DatasetsReport",
    "GalleryReport",
    "Localisation",
    "LocalisationReport",
    "Measure",
    "Report",
    "Reporting",
    "Retrieval",
    "Robustness",
    "RobustnessReport",
    "Score",
    "ValueScore",
    "evaluate",
    "evaluate_gallery",
    "evaluate_regions",
    "photos_with_regions",
    "reliability_picture",
    "run",
    "sources",
]
