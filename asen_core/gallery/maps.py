"""Maps: per attribute the gallery laid out in two dimensions, so that garments which are alike in it lie together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from asen_core import arrays, files
from asen_core.errors import AsenError, GalleryError
from asen_core.gallery.manifest import MANIFEST, MAPS, VECTORS, Manifest, superseded

UNFINISHED = "maps.partial"
METHOD, PERPLEXITY = "t-SNE", 30.0
_FEWEST = 5


@dataclass(frozen=True, eq=False)
class Maps:
    """points: attribute -> (N, 2) float32 in 0..1, x to the right and y down, in the order of the gallery's items."""

    points: Mapping[str, np.ndarray] = field(default_factory=dict)
    method: str = METHOD
    seed: int = 0


def lay_out(space: np.ndarray, seed: int = 0) -> np.ndarray:
    """(N, 2) float32 in 0..1: t-SNE (van der Maaten and Hinton, JMLR 2008) of unit vectors (N, D), one scale for x and y.

    On unit vectors the squared distance is 2 - 2 cos, so neighbours are those of the search. Starts from the two main axes
    and runs on one thread: the same vectors and seed give the same map. Fewer than 5 vectors lie as their main axes say.

    Raises: AsenError where scikit-learn is missing.
    """
    start = _main_axes(space)
    if len(space) < _FEWEST or not np.ptp(start):
        return _in_unit_square(start)
    try:
        from sklearn.manifold import TSNE
        from threadpoolctl import threadpool_limits
    except ImportError as reason:
        raise AsenError("Maps are made with scikit-learn, which is missing; install it: pip install scikit-learn") from reason
    # Copies of one garment start at one place, and forces along one line never leave it: noise far below the spread parts them.
    noise = np.random.default_rng(seed).normal(0, 1e-6, start.shape)
    start = (start / start[:, 0].std() * 1e-4 + noise).astype(np.float32)
    perplexity = min(PERPLEXITY, (len(space) - 1) / 3)
    with threadpool_limits(limits=1, user_api="openmp"):
        laid = TSNE(perplexity=perplexity, init=start, random_state=seed, n_jobs=1).fit_transform(space)
    return _in_unit_square(laid)


def write(directory: Path, manifest: Manifest, maps: Maps) -> None:
    """Put the maps beside the vectors that they were made of, at once. Raises: GalleryError where that can't be written."""
    names = tuple(maps.points)
    stacked = np.stack([maps.points[a] for a in names]) if names else np.zeros((0, manifest.count, 2), np.float32)
    made = {"method": maps.method, "seed": maps.seed, "vectors": manifest.sha256[VECTORS]}
    try:
        arrays = {"attributes": np.array(names, dtype=str), "points": stacked.astype(np.float32), **made}
        files.write_arrays(directory / MAPS, directory / UNFINISHED, arrays)
    except OSError as reason:
        raise GalleryError(f"The maps can't be written to {directory} ({reason}); make that folder writable.") from reason


def read(directory: Path, manifest: Manifest) -> Maps | None:
    """The maps of a gallery, None where it has none, or a newer one has taken its place.

    Raises: GalleryError where they are damaged or of other vectors.
    """
    path = directory / MAPS
    if not path.exists():
        return None
    try:
        files.check_archive(path)
        stored = arrays.load_archive(path)
        names = [str(name) for name in stored["attributes"]]
        points, vectors = stored["points"], str(stored["vectors"])
        maps = Maps(dict(zip(names, points, strict=True)), str(stored["method"]), int(stored["seed"]))
    except (OSError, ValueError, KeyError, TypeError) as reason:
        raise _unfit(directory, f"can't be read ({str(reason)[:120]})") from reason
    if vectors != manifest.sha256[VECTORS] and superseded(directory, manifest):
        return None
    if vectors != manifest.sha256[VECTORS] or not set(names) <= set(manifest.attributes):
        raise _unfit(directory, f"belongs to other vectors than those that {MANIFEST} names")
    if points.shape != (len(names), manifest.count, 2) or points.dtype != np.float32:
        raise _unfit(directory, f"holds {points.shape} {points.dtype}, expected ({len(names)}, {manifest.count}, 2) float32")
    if points.size and not (points.min() >= 0 and points.max() <= 1):  # not-a-number fails both
        raise _unfit(directory, "holds points outside of 0..1")
    return maps


def how_to_make(directory: Path) -> str:
    """The line that makes the maps of a gallery."""
    return f"python -m asen_core map --gallery {directory}"


def _unfit(directory: Path, what: str) -> GalleryError:
    return GalleryError(f"The maps can't be used: {directory / MAPS} {what}; make them anew: {how_to_make(directory)} --again")


def _main_axes(space: np.ndarray) -> np.ndarray:
    """(N, 2) float64: the vectors along their two directions of largest variance, with signs that don't depend on chance."""
    if len(space) < 2:
        return np.zeros((len(space), 2))
    centred = space.astype(np.float64) - space.mean(axis=0, dtype=np.float64)
    axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :2]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), range(axes.shape[1])])
    laid = centred @ axes
    laid[:, np.abs(laid).max(axis=0) < 1e-9] = 0
    return np.pad(laid, ((0, 0), (0, 2 - laid.shape[1])))


def _in_unit_square(points: np.ndarray) -> np.ndarray:
    """Shifted and scaled, the same for x and y, so that the longer side just fills 0..1 and the other is centred."""
    if not len(points):
        return np.zeros((0, 2), np.float32)
    low, high = points.min(axis=0), points.max(axis=0)
    side = max(float((high - low).max()), 1e-12)
    return np.clip((points - (low + high) / 2) / side + 0.5, 0, 1).astype(np.float32)
