"""The protocols: published benchmarks, retrieval, calibration and robustness on photos, where the heat map points, in-shop."""

from asen_core.evaluation.calibration import Calibration, CalibrationReport, reliability_picture
from asen_core.evaluation.columns import Columns, ColumnsReport
from asen_core.evaluation.cross import AgainstGallery, GalleryReport, evaluate_gallery
from asen_core.evaluation.datasets import Datasets, DatasetsReport, sources
from asen_core.evaluation.inshop import InShopRetrieval, inshop_figures
from asen_core.evaluation.inshop_report import InShopReport
from asen_core.evaluation.localisation import (
    Localisation,
    LocalisationReport,
    evaluate_regions,
    photos_with_regions,
)
from asen_core.evaluation.official import OfficialReport, evaluate_official
from asen_core.evaluation.passes import CopiesMeasure, Measure, Reporting, run
from asen_core.evaluation.published import RESULTS, Published
from asen_core.evaluation.retrieval import Retrieval, evaluate
from asen_core.evaluation.robustness import Robustness, RobustnessReport
from asen_core.evaluation.scoring import Report, Score, ValueScore

__all__ = [
    "RESULTS",
    "AgainstGallery",
    "Calibration",
    "CalibrationReport",
    "Columns",
    "ColumnsReport",
    "CopiesMeasure",
    "Datasets",
    "DatasetsReport",
    "GalleryReport",
    "InShopReport",
    "InShopRetrieval",
    "Localisation",
    "LocalisationReport",
    "Measure",
    "OfficialReport",
    "Published",
    "Report",
    "Reporting",
    "Retrieval",
    "Robustness",
    "RobustnessReport",
    "Score",
    "ValueScore",
    "evaluate",
    "evaluate_gallery",
    "evaluate_official",
    "evaluate_regions",
    "inshop_figures",
    "photos_with_regions",
    "reliability_picture",
    "run",
    "sources",
]
