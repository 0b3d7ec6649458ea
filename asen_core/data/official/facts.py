"""What is known about each published benchmark: its attributes, its sizes, and where each of its files is obtained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from asen_core.errors import DataError
from asen_core.types import Vocabulary
from asen_core.vocabularies import DARN, DEEPFASHION, FASHIONAI


@dataclass(frozen=True)
class Source:
    """Where something is obtained: what it is, the site, the address, and what stands in the way."""

    what: str
    site: str
    address: str
    access: str


@dataclass(frozen=True)
class Facts:
    """A benchmark. `values` counts the values per attribute; `named` tells whether their names are known without a meta.json.

    photos: split -> the photos that its lists use, where published. rows: list -> its lines, where published.
    one_label: every photo has exactly one label. path: where a prepared photo lies below the dataset's folder.
    """

    name: str
    vocabulary: Vocabulary
    named: bool
    one_label: bool
    path: str
    photos_from: tuple[Source, ...]
    lists_from: Source
    terms: str
    photos: Mapping[str, int] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, int]:
        return {attribute: len(values) for attribute, values in self.vocabulary.items()}


_LISTS = Source(
    "data.zip (11 MB), the authors' split: filenames_*, label_train, query_*, candidate_*, meta.json",
    "Google Drive, linked from the README of the released ASEN++ code",
    "https://github.com/Maryeon/asenpp",
    "no sign-in",
)


_FASHIONAI = Facts(
    name="FashionAI",
    vocabulary=FASHIONAI,
    named=True,
    one_label=True,
    path="{part}/Images/{name}",
    photos_from=(
        Source(
            "fashionAI_attributes_train1.zip (6 GB) and fashionAI_attributes_train2.zip (7 GB)",
            "Tianchi, FashionAI Global Challenge 2018 (attributes)",
            "https://tianchi.aliyun.com/competition/entrance/231671/introduction",
            "sign-in and acceptance of the terms needed",
        ),
    ),
    lists_from=_LISTS,
    terms="research use under the challenge's terms; the photos may not be passed on",
    photos={"valid": 18_000, "test": 18_000},
    rows={"query_valid": 3_600, "candidate_valid": 14_400, "query_test": 3_600, "candidate_test": 14_400},
)

_DARN = Facts(
    name="DARN",
    vocabulary=DARN,
    named=False,
    one_label=False,
    path="{name}",
    photos_from=(
        Source(
            "darn_url.txt, the addresses of the photos",
            "Google Drive, linked from the README of the released ASEN++ code, section DARN",
            "https://github.com/Maryeon/asenpp",
            "no sign-in",
        ),
        Source(
            "the photos themselves (the authors could still fetch 214,619)",
            "web shops, fetched by a download tool",
            "`data prepare DARN` writes its input and tells the command",
            "no sign-in; many addresses no longer answer",
        ),
    ),
    lists_from=_LISTS,
    terms="research use; the photos belong to the shops and customers that put them up",
)

_DEEPFASHION = Facts(
    name="DeepFashion",
    vocabulary=DEEPFASHION,
    named=False,
    one_label=False,
    path="{name}",
    photos_from=(
        Source(
            "img.zip (289,222 photos); without the authors' split also list_attr_cloth, list_attr_img and list_eval_partition",
            "Category and Attribute Prediction Benchmark, Multimedia Laboratory of the Chinese University of Hong Kong",
            "https://mmlab.ie.cuhk.edu.hk/projects/DeepFashion/AttributePrediction.html",
            "no sign-in",
        ),
    ),
    lists_from=_LISTS,
    terms="non-commercial research only; the photos may not be passed on",
)

DATASETS: Mapping[str, Facts] = MappingProxyType({f.name: f for f in (_FASHIONAI, _DARN, _DEEPFASHION)})


def facts_of(dataset: str) -> Facts:
    """The facts of a benchmark, whatever the case of its name. Raises: DataError where it isn't one of `DATASETS`."""
    for name, facts in DATASETS.items():
        if name.lower() == dataset.lower():
            return facts
    raise DataError(f"There is no dataset {dataset!r}; there are {', '.join(DATASETS)}.")
