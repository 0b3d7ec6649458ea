"""What happens on each click, as plain functions (studio, visit, ask, data) -> visit: no Gradio in here, no hidden state.

`data` is what the browser sent along and is never trusted. All may raise the errors of asen_core.errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asen_core.errors import PhotoError, QueryError
from asen_core.ui.query import Query, ask_with, with_box, with_model_box
from asen_core.ui.studio import Answer, Ask, Studio, sample, search

if TYPE_CHECKING:
    from asen_core.ui.own import Own

UPLOAD_MEGABYTES, ARCHIVE_MEGABYTES = 20, 200
"""Of one photo, and of one zip of photos for a gallery."""
KEPT_SECONDS = 3 * 3600
REFUSALS = {
    "size": f"That file is larger than {UPLOAD_MEGABYTES} MB; save it smaller, then send it again.",
    "upload": f"The photo did not reach the server; check that it is at most {UPLOAD_MEGABYTES} MB, then try again.",
    "camera": "The browser gave no camera picture; allow the camera for this page, or upload a photo instead.",
    "paste": "The clipboard holds no picture that this page may read; copy one, then press Ctrl+V (or Cmd+V) here.",
}


@dataclass(frozen=True, eq=False)
class Visit:
    """What one visitor has on the table: a photo, its answer, the garment chosen from it (an id, or "").

    studio: around the gallery that this visit searches, None for everyone's; own: the gallery of the visitor's own photos.
    """

    query: Query | None = None
    answer: Answer | None = None
    chosen: str = ""
    studio: Studio | None = None
    own: Own | None = None


Data = Mapping[str, Any]
Step = Callable[[Studio, Visit, Ask, Data], Visit]


def photo_sent(studio: Studio, visit: Visit, ask: Ask, data: Data) -> Visit:
    """A photo was uploaded, pasted, dropped or taken. data: path, and `folder`, where uploads arrive (set by the page)."""
    return _begin(studio, visit, ask, uploaded(data.get("path"), Path(data["folder"])))


def sample_chosen(studio: Studio, visit: Visit, ask: Ask, data: Data) -> Visit:
    """A sample garment. data: index."""
    return _begin(studio, visit, ask, sample(studio, data.get("index")))


def search_on(studio: Studio, visit: Visit, ask: Ask, data: Data) -> Visit:
    """A garment of the gallery becomes what is asked with. data: id."""
    item = studio.engine.gallery.item(str(data.get("id", "")))
    return _begin(studio, visit, ask, studio.engine.gallery.picture(item), item.id)


def tile_chosen(studio: Studio, visit: Visit, ask: Ask, data: Data) -> Visit:
    """A garment of the grid: compared with the photo, or, where there is none yet, asked with. data: id."""
    if visit.query is None:
        return search_on(studio, visit, ask, data)
    return replace(visit, chosen=studio.engine.gallery.item(str(data.get("id", ""))).id)


def tile_compared(studio: Studio, visit: Visit, ask: Ask, data: Data) -> Visit:
    """A garment of the grid is compared with the photo; nothing is looked at. data: id. Raises: QueryError without a photo."""
    if visit.query is None:
        raise QueryError("There is no photo to compare this garment with; give one first.")
    return tile_chosen(studio, visit, ask, data)


def pair_closed(studio: Studio, visit: Visit, ask: Ask, data: Data) -> Visit:
    return replace(visit, chosen="")


def box_drawn(studio: Studio, visit: Visit, ask: Ask, data: Data) -> Visit:
    """The person drew a box. data: x0, y0, x1, y1 in fractions of the photo."""
    if visit.query is None:
        raise QueryError("There is no photo to draw on; give one first.")
    return asked_anew(studio, replace(visit, query=with_box(visit.query, studio.look, ask.attribute, data)), ask, {})


def box_reset(studio: Studio, visit: Visit, ask: Ask, data: Data) -> Visit:
    """Back to the model's box."""
    if visit.query is None:
        return visit
    return asked_anew(studio, replace(visit, query=with_model_box(visit.query, ask.attribute)), ask, {})


def asked_anew(studio: Studio, visit: Visit, ask: Ask, data: Data) -> Visit:
    """A control was changed: search again with what is known of the photo."""
    return visit if visit.query is None else replace(visit, answer=search(studio, visit.query, ask))


def photo_refused(studio: Studio, visit: Visit, ask: Ask, data: Data) -> Visit:
    """The browser could not send a photo. data: reason. Raises: PhotoError, always."""
    raise PhotoError(REFUSALS.get(str(data.get("reason")), REFUSALS["upload"]))


def uploaded(path: object, folder: Path, megabytes: int = UPLOAD_MEGABYTES) -> Path:
    """The file that a visitor has just sent. Raises: PhotoError for one outside of the upload folder, or too large."""
    if not isinstance(path, str) or not path or "\0" in path:
        raise PhotoError("No photo arrived; choose the file once more.")
    file = Path(path).resolve()
    if not file.is_relative_to(folder.resolve()) or not file.is_file():
        raise PhotoError("That photo is no longer on the server; send it once more.")
    if file.stat().st_size > megabytes * 2**20:
        raise PhotoError(f"{file.name} is larger than {megabytes} MB; save it smaller, then send it again.")
    return file


def gallery_chosen(studio: Studio, visit: Visit, ask: Ask) -> Visit:
    """Another gallery is searched from now on, with the photo that is there. studio: around that gallery; ask: as it offers."""
    query = replace(visit.query, item="") if visit.query else None
    return asked_anew(studio, replace(visit, query=query, answer=None, chosen="", studio=studio), ask, {})


def forget(studio: Studio, visit: Visit | None) -> None:
    """The visit ends: remove what was kept of a visitor's photos."""
    _forget_photo(studio, visit)
    if visit is not None and visit.own is not None:
        visit.own.remove()


def _forget_photo(studio: Studio, visit: Visit | None) -> None:
    if visit is not None and visit.query is not None:
        visit.query.forget(studio.scratch)


def _begin(studio: Studio, visit: Visit, ask: Ask, photo: Path, item: str = "") -> Visit:
    studio.scratch.sweep(KEPT_SECONDS)
    query = ask_with(photo, studio.look, studio.scratch, item, studio.longest)
    try:
        begun = asked_anew(studio, replace(visit, query=query, answer=None, chosen=""), ask, {})
        for pictures in (query.heats, query.crops):  # what is shown first: where there is no room, the photo before stays
            pictures[ask.attribute]
    except BaseException:
        query.forget(studio.scratch)
        raise
    _forget_photo(studio, visit)
    return begun
