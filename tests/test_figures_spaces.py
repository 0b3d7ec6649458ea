"""The figure of spaces: what a panel names and counts, how values are told apart, where photos find a place."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from test_figures import ONE, cloud, texts

from asen_core.draw.beside import places
from asen_core.draw.page import Paper
from asen_core.draw.scatter import HUES, scatter_pages


def test_a_panel_names_its_values_and_counts() -> None:
    (page,) = scatter_pages([cloud(60, 3, unlabelled=12)], ONE)
    assert texts(page) == ["Neckline", "60 garments", "V00", "16", "V01", "16", "V02", "16", "Not labelled", "12"]
    drawn = [c for c in page.axes.collections if len(c.get_offsets()) > 1]
    assert sum(len(c.get_offsets()) for c in drawn) == 60


@pytest.mark.parametrize(
    ("values", "marks", "other"), [(1, 1, None), (8, 1, None), (9, 2, None), (16, 2, None), (17, 2, 2), (55, 2, 40)]
)
def test_many_values_are_told_apart_by_mark_then_share_the_grey(values: int, marks: int, other: int | None) -> None:
    (page,) = scatter_pages([cloud(330, values)], ONE)
    keys = [c for c in page.axes.collections if len(c.get_offsets()) == 1]
    looks = {(tuple(c.get_facecolor()[0]), len(c.get_paths()[0].vertices)) for c in keys}
    assert len(keys) == len(looks) == min(values, 16)
    assert len({shape for _, shape in looks}) == marks
    assert (f"{other} other values" in texts(page)) == (other is not None)
    height = page.axes.get_ylim()[0]
    assert all(0 < t.get_position()[1] < height for t in page.axes.texts)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_tiny_clouds_have_a_panel(count: int) -> None:
    (page,) = scatter_pages([cloud(count, 2, picture=lambda i: np.zeros((3, 3, 3), np.uint8))], ONE)
    assert texts(page)[1] == ("1 garment" if count == 1 else f"{count} garments")


@pytest.mark.parametrize(
    ("panels", "paper", "columns", "pages"),
    [
        (1, Paper(), None, [1]),
        (8, Paper(), None, [8]),  # FashionAI's eight attributes fit on one page
        (9, Paper(), None, [8, 1]),
        (9, ONE, None, [9]),
        (3, Paper(8.5), None, [3]),
        (3, Paper(18, 6), 3, [3]),
    ],
)
def test_panels_go_side_by_side(panels: int, paper: Paper, columns: int | None, pages: list[int]) -> None:
    made = scatter_pages([cloud(20, 3)] * panels, paper, columns)
    assert [texts(p).count("Neckline") for p in made] == pages
    assert all(p.axes.get_ylim()[0] <= 24.01 or paper.height is None for p in made)


def test_photos_stand_beside_their_points_and_never_on_each_other() -> None:
    rng = np.random.default_rng(3)
    middles = np.array([[3, 3], [9, 3], [3, 9], [9, 9], [6, 6]])
    points = np.concatenate([m + rng.normal(0, 0.4, (80, 2)) for m in middles])
    numbers = np.repeat(np.arange(5), 80)
    found = places(points, numbers, 1.0, (0, 0, 12, 12))
    assert set(numbers[[i for i, _ in found]]) == set(range(5))
    at = np.array([m for _, m in found])
    away = np.abs(at[:, None] - at[None]).max(axis=2) + 9 * np.eye(len(at))
    assert away.min() >= 1.0
    assert ((at >= 0.5) & (at <= 11.5)).all()
    assert np.linalg.norm(at - points[[i for i, _ in found]], axis=1).max() <= 3
    hidden = [(np.abs(points - m).max(axis=1) < 0.5).sum() for m in at]
    assert max(hidden) <= 0.004 * len(points)
    assert places(points, numbers, 1.0, (0, 0, 12, 12)) == found
    assert places(points[:0], numbers[:0], 1.0, (0, 0, 12, 12)) == []


def test_colours_differ_for_every_kind_of_eye() -> None:
    # lightness alone tells most neighbours apart; Okabe and Ito's set is made for the rest
    def seen_by(matrix: np.ndarray) -> np.ndarray:
        return np.array([matrix @ to_rgb(h) for h in HUES])

    # Machado, Oliveira and Fernandes (2009), severity 1: protanopia and deuteranopia
    protan = np.array([[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]])
    deutan = np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]])
    for eye in (np.eye(3), protan, deutan):
        colours = seen_by(eye)
        away = np.linalg.norm(colours[:, None] - colours[None], axis=2) + 9 * np.eye(len(HUES))
        assert away.min() > 0.12
