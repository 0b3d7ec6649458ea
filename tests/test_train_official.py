"""Learning from a benchmark's lists: which photos meet in a batch, labels that a crop makes untrue, several values."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from published import fashionai
from test_train_run import RECIPE
from tiny import CONFIG

from asen_core.data.labels import Photo
from asen_core.data.vocabulary import DEFAULT, FASHIONAI
from asen_core.engine import Engine
from asen_core.errors import DataError
from asen_core.training import Effort, load_recipe, loop, run
from asen_core.training.augment import Change, augment, kept_share
from asen_core.training.dataset import GarmentDataset, MixedBatches
from asen_core.training.report import Report
from asen_core.training.source import open_source, vocabulary_of
from asen_core.training.stages import Batch
from asen_core.training.triplets import TripletBatches
from asen_core.types import Box

WHOLE = Change((0, 0, 100, 200), flip=False, recoloured=False, rotated=False)


@pytest.mark.parametrize(
    ("box", "crop", "share"),
    [
        ((0.0, 0.0, 1.0, 1.0), WHOLE.crop, 1.0),
        ((0.0, 0.9, 1.0, 1.0), (0, 0, 100, 190), 0.5),
        ((0.0, 0.9, 1.0, 1.0), (0, 0, 100, 240), 1.0),
        ((0.0, 0.0, 0.5, 0.5), (25, 50, 100, 200), 0.25),
        ((0.0, 0.0, 0.25, 0.25), (50, 0, 100, 200), 0.0),
    ],
)
def test_what_a_crop_keeps_of_a_region_by_hand(box: tuple, crop: tuple, share: float) -> None:
    change = Change(crop, flip=True, recoloured=False, rotated=False)
    assert kept_share([box], (200, 100), change) == pytest.approx(share)
    mask = np.zeros((40, 20), bool)
    mask[round(box[1] * 40) : round(box[3] * 40), round(box[0] * 20) : round(box[2] * 20)] = True
    assert kept_share(mask, (200, 100, 3), change) == pytest.approx(share)


def test_no_region_is_never_cut() -> None:
    assert kept_share([], (200, 100), WHOLE) == kept_share(np.zeros((4, 4), bool), (200, 100), WHOLE) == 1.0


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    Image.new("RGB", (48, 64), (90, 20, 30)).save(tmp_path / "p.png")
    return tmp_path / "p.png"


EDGE = {"hem": (Box(0.0, 0.97, 1.0, 1.0),)}


@pytest.mark.parametrize(("attribute", "vocabulary"), [("skirt_length", FASHIONAI), ("bottom_length", DEFAULT)])
def test_a_hem_cut_off_has_no_length_where_that_would_be_a_value(picture: Path, attribute: str, vocabulary: dict) -> None:
    """FashionAI calls what a photo doesn't show Invisible; the default vocabulary has no such value and keeps the label."""
    value = vocabulary[attribute][1]
    dataset = GarmentDataset([Photo("p", picture, {attribute: value}, EDGE)], {}, vocabulary, CONFIG)
    column = list(vocabulary).index(attribute)
    found = Counter(int(dataset[0, seed].labels[0, column]) for seed in range(60))
    assert set(found) == ({-1, 1} if vocabulary == FASHIONAI else {1})
    assert found[1] > found[-1], "most crops keep it"
    whole = GarmentDataset([Photo("p", picture, {attribute: "Invisible"})], {}, FASHIONAI, CONFIG)
    assert {int(whole[0, seed].labels[0].max()) for seed in range(20)} == ({0} if attribute in FASHIONAI else {-1})


def test_photos_as_they_are(picture: Path) -> None:
    dataset = GarmentDataset([Photo("p", picture, {"skirt_length": "Knee Length"}, EDGE)], {}, FASHIONAI, CONFIG, changed=False)
    first, other = dataset[0, 1], dataset[0, 2]
    assert torch.equal(first.images, other.images)
    assert torch.equal(first.sources[0], torch.from_numpy(np.array(Image.open(picture))).permute(2, 0, 1))
    assert first.target[0, list(FASHIONAI).index("skirt_length"), -1].sum() == pytest.approx(1)


def test_marked_and_unmarked_photos_of_a_benchmark_are_turned_alike(picture: Path) -> None:
    """Were only the unmarked ones turned, a turned photo would tell that the attribute is invisible."""
    marked = Photo("m", picture, {"skirt_length": "Knee Length"}, EDGE)
    unmarked = Photo("u", picture, {"skirt_length": "Invisible"})
    for photos, turned in (([marked, unmarked], False), ([unmarked, unmarked], True)):
        dataset = GarmentDataset(photos, {}, FASHIONAI, CONFIG)
        pixels = np.asarray(Image.open(picture))
        changes = [dataset._augmented(pixels, photos[1], np.random.default_rng(s))[1] for s in range(40)]
        assert any(c.rotated for c in changes) == turned


def test_a_garment_that_leaves_the_photo_still_does_after_padding() -> None:
    """Sleeves and hems beyond the photo are invisible; plain bars would end them in the middle of it."""
    pixels = np.full((160, 120, 3), 250, np.uint8)
    pixels[60:, 30:90] = 10
    padded = 0
    for seed in range(30):
        out, change = augment(pixels, None, np.random.default_rng(seed), None, upright=True, extended=True)
        bar, change_too = augment(pixels, None, np.random.default_rng(seed), None, upright=True)
        assert (change, out.shape) == (change_too, bar.shape)
        middle = (30 + 90) // 2 - change.crop[0]
        middle = out.shape[1] - 1 - middle if change.flip else middle
        assert out[-1, middle].max() < 128
        if change.crop[3] > 160:
            padded += 1
            assert bar[-1, middle].min() > 128
    assert padded > 5


def _one_label_each(counts: dict[tuple[str, str], int]) -> GarmentDataset:
    photos = [
        Photo(f"{a}{v}{i}", Path("none"), {a: v}) for (a, v), n in counts.items() for i in range(n)
    ]  # fmt: skip
    return GarmentDataset(photos, {}, FASHIONAI, CONFIG)


def test_photos_of_one_label_meet_their_like() -> None:
    counts = {(a, v): 7 for a, values in FASHIONAI.items() for v in values}
    counts["neck_design", "Turtle Neck"] = 1
    dataset = _one_label_each(counts)
    batch = Batch(labelled=64, marked=0, rendered=0, crowd=0, others=0, attributes=2)
    batches = list(MixedBatches(dataset, batch, 40, (1,)))
    attributes = Counter()
    for tickets in batches:
        even = dataset.labels[[i for i, _ in tickets[32:]]]
        asked = [a for a in range(8) if (even[:, a] >= 0).any()]
        assert (len(tickets), len(asked)) == (64, 2)
        attributes.update(asked)
        for a in asked:
            drawn = Counter(even[even[:, a] >= 0, a].tolist())
            assert sum(drawn.values()) == 16
            assert min(drawn.values()) >= 3
            assert len(drawn) == 5
    assert min(attributes.values()) >= 4, "every attribute has its turn"
    assert batches == list(MixedBatches(dataset, batch, 40, (1,)))


def test_few_photos_and_few_attributes_still_fill_a_batch() -> None:
    dataset = _one_label_each({("neck_design", "Turtle Neck"): 1, ("neck_design", "Invisible"): 2})
    batch = Batch(labelled=9, marked=0, rendered=0, crowd=0, others=0, attributes=3)
    assert {len(b) for b in MixedBatches(dataset, batch, 5, (1,))} == {9}


def _deepfashion(data: Path, train: list[str]) -> Path:
    root = data / "DeepFashion"
    (root / "img").mkdir(parents=True)
    for split in ("train", "valid"):
        names = [f"img/{split}{i}.png" for i in range(6)]
        for i, name in enumerate(names):
            Image.new("RGB", (40, 60), (20 * i, 90, 40 * (i % 3))).save(root / name)
        (root / f"filenames_{split}.txt").write_text("\n".join(names) + "\n")
    (root / "label_train.txt").write_text("\n".join(train) + "\n")
    (root / "query_valid.txt").write_text("0 0 7\n1 4 2\n")
    (root / "candidate_valid.txt").write_text("2 0 7\n3 0 8\n4 4 2\n5 4 3\n")
    return data


SEVERAL = ["1 0 7 0 8 4 2", "2 0 7", "3 0 8", "4 0 9 4 2", "5 4 3"]


def test_a_photo_with_several_values_stands_under_each(tmp_path: Path) -> None:
    recipe = load_recipe("paper_deepfashion")
    source = open_source(recipe, _deepfashion(tmp_path, SEVERAL), torch.device("cpu"))
    dataset = GarmentDataset(source.photos, {}, source.vocabulary, CONFIG, also=source.also)
    assert source.also.tolist() == [[0, 0, 8]], "image 1 is the first photo that the list uses"
    assert [p.tolist() for p in dataset.by_value(0)] == [[0, 1], [0, 2], [3]]
    assert [p.tolist() for p in dataset.by_value(4)] == [[0, 3], [4]]
    assert dataset.by_value(1) == []
    drawn = {
        tuple(i for i, _ in tickets[3 * t : 3 * t + 2]) for tickets in TripletBatches(dataset, 4, 50, (1,)) for t in range(4)
    }
    assert drawn == {(0, 1), (1, 0), (0, 2), (2, 0), (0, 3), (3, 0)}
    with pytest.raises(DataError, match=r"1 training photos of DeepFashion have several values .*triplets"):
        open_source(replace(load_recipe("fashionai"), dataset="DeepFashion"), tmp_path, torch.device("cpu"))


def test_any_recipe_of_triplets_learns_any_benchmark(tmp_path: Path) -> None:
    data, recipe = _deepfashion(tmp_path, SEVERAL), load_recipe("asen_pp", dataset="DeepFashion", rendered=0)
    model = replace(recipe.model, global_trunk="tiny", local_trunk="tiny", input_size=64, roi_size=32)
    stages = tuple(replace(s, epochs=1, steps=1, triplets=2, frozen=0, local_frozen=0) for s in recipe.stages)
    plan = replace(recipe, model=model, stages=stages, trunk_weights="")
    engine = Engine.open(run(plan, data, tmp_path / "run", "cpu", effort=Effort(workers=0)), device="cpu")
    assert {a: len(v) for a, v in engine.vocabulary.items()} == {a: len(v) for a, v in vocabulary_of(plan, data).items()}
    assert set(engine.checkpoint.figures["valid"]["map"]) == {"texture-related", "style-related"}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The product's own recipe for FashionAI, on a tiny network, beside drawn garments."""
    data = fashionai(tmp_path_factory.mktemp("own"), 72)
    text = RECIPE.replace("rendered = 6", 'rendered = 6\ndataset = "FashionAI"').replace(
        "others = 0", "others = 0\nattributes = 2"
    )
    (data / "r.toml").write_text(text.replace("marked = 2", "marked = 0"))
    return data


def test_the_products_recipe_learns_fashionai(own: Path, tmp_path: Path) -> None:
    engine = Engine.open(run(str(own / "r.toml"), own, tmp_path / "run", "cpu"), device="cpu")
    made, figures = engine.checkpoint.provenance, engine.checkpoint.figures["valid"]
    assert (made["photos"], made["rendered"], made["dataset"]) == (36, 6, "FashionAI")
    assert set(figures["accuracy"]) == set(figures["map"]) == {"sleeve_length", "neckline_design"}
    assert set(figures["pointing"]) == set(figures["map"])
    reading = engine.look(next((own / "FashionAI").glob("valid/*/*/*.png")))["neckline_design"].reading
    assert reading.value in FASHIONAI["neckline_design"]


def test_a_run_of_mixed_batches_stopped_within_an_epoch_goes_on(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pairs and jitter are drawn while a step runs; their generator goes on where it stood."""
    effort = Effort("float32", save_minutes=0, workers=0)
    undisturbed, step, seen = run(str(own / "r.toml"), own, tmp_path / "a", "cpu", effort=effort), Report.step, []

    def stopped(report: Report, *args: object) -> None:
        seen.append(1)
        if len(seen) in (2, 8):
            raise KeyboardInterrupt
        step(report, *args)

    monkeypatch.setattr(loop.Report, "step", stopped)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            run(str(own / "r.toml"), own, tmp_path / "b", "cpu", effort=effort)
    resumed = run(str(own / "r.toml"), own, tmp_path / "b", "cpu", effort=effort)
    assert len(seen) == 4 + 4 + 2
    a, b = (Engine.open(p, device="cpu").fingerprint for p in (undisturbed, resumed))
    assert a == b, "the same weights to the last bit"
