"""What is shipped: the checkpoint, the gallery and the samples, held to the promises that the README makes of them."""

from collections import Counter
from pathlib import Path

import pytest

from asen_core.data.labels import Photo, regions_of_masks
from asen_core.data.render import catalogue
from asen_core.data.vocabulary import DEFAULT
from asen_core.engine import SHIPPED_CHECKPOINT, SHIPPED_GALLERY, Engine
from asen_core.evaluation import Localisation, Retrieval

ROOT = Path(__file__).resolve().parents[1]
NEVER_DRAWN = {"underwear", "shoes", "bag", "hat", "accessory"}


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine.open(device="cpu")


def test_files_stay_small_enough_for_plain_git_and_a_space() -> None:
    sizes = {p: p.stat().st_size for folder in (SHIPPED_CHECKPOINT, SHIPPED_GALLERY) for p in folder.rglob("*") if p.is_file()}
    assert max(sizes.values()) < 10e6
    assert sum(size for p, size in sizes.items() if p.is_relative_to(SHIPPED_GALLERY)) < 40e6


def test_the_gallery_holds_every_value_that_can_be_drawn(engine: Engine) -> None:
    items = engine.gallery.items
    assert len(items) >= 1200
    for attribute, values in DEFAULT.items():
        counts = Counter(item.labels.get(attribute) for item in items)
        assert [v for v in values if v not in NEVER_DRAWN and counts[v] < 5] == [], attribute


def test_a_sample_finds_garments_of_its_value(engine: Engine) -> None:
    photo = ROOT / "assets" / "samples" / "2-solid-shirt.webp"
    views = engine.look(photo)
    for attribute, value in (("neckline", "collared"), ("closure", "buttons"), ("pattern", "solid"), ("top_length", "hip")):
        assert views[attribute].reading.value == value
        hits = engine.search(views[attribute], attribute, k=10)
        assert sum(h.item.labels[attribute] == value for h in hits) >= 8, attribute


@pytest.mark.slow
def test_on_new_drawings_the_heat_map_is_true_and_values_are_read(engine: Engine) -> None:
    """120 garments of a seed that neither training nor the gallery used; bounds lie well under what was measured."""
    retrieval, places = _measures(engine, 120)
    report, where = retrieval.report(), places.report()
    for attribute, place in where.places.items():
        assert place.pointing >= 0.85, attribute
        assert place.covered >= 0.8, attribute
    assert where.pointing >= 0.93
    read = {a: s.accuracy for a, s in report.scores.items()}
    assert sum(read.values()) / len(read) >= 0.85, read


def _measures(engine: Engine, count: int) -> tuple[Retrieval, Localisation]:
    photos, sizes, drawings = [], [], []
    for i, garment in enumerate(catalogue(count, seed=2026)):
        regions = regions_of_masks({n: m for n, m in garment.masks.items() if n != "collar"})
        photos.append(Photo(f"{i}", Path(f"{i}.png"), dict(garment.labels), regions))
        sizes.append((garment.pixels.shape[1], garment.pixels.shape[0]))
        drawings.append(garment.pixels)
    retrieval, places = Retrieval(engine.vocabulary, photos), Localisation(engine.vocabulary, photos, by_label=True)
    for photo, size, views in zip(photos, sizes, engine.views(drawings), strict=True):
        for measure in (retrieval, places):
            if photo.path in measure.photos:
                measure.add(photo, size, views)
    return retrieval, places
