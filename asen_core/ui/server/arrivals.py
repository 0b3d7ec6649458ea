"""Where uploads arrive: a folder of this process and user alone, under names that nobody can guess."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from gradio import route_utils
from gradio_client.utils import strip_invalid_filename_characters
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException

from asen_core.ui.scratch import Scratch


class Arrival(route_utils.GradioUploadFile):
    """Gradio names an upload's folder by its content: the same photo of two visitors would be one file, for both to find,
    to move and to remove. This makes each upload one of its own. The name ".." Gradio refuses when all are stored, and
    forgets them: such a file gets another name.
    """

    def __init__(
        self, file: BinaryIO, *, size: int | None = None, filename: str | None = None, headers: Headers | None = None
    ) -> None:
        left = strip_invalid_filename_characters(Path(filename or "").name).strip(". ")
        super().__init__(file, size=size, filename=filename if left else None, headers=headers)
        self.sha.update(secrets.token_bytes(32))


class Upload(route_utils.GradioMultiPartParser):
    """Leaves nothing of an upload that did not arrive whole, say since the disk is full: else it would stay full.

    Nor of parts that Gradio stores but doesn't hand on, so that nobody would tidy them: of other fields, or cut off.
    """

    async def parse(self) -> FormData:
        """The files of the field `files`. Raises: HTTPException where there is no room; MultiPartException (400)."""
        try:
            items = [item for item in (await super().parse()).multi_items() if item[0] == "files"]
            if not all(isinstance(file, UploadFile) for _, file in items):
                raise MultiPartException("A part of the field files is not a file; send it with a file name.")
        except BaseException as reason:
            self._forget()
            if isinstance(reason, OSError):
                raise HTTPException(507, "The server has no room for this file now; try again in a few minutes.") from None
            raise
        self._forget(but=[file.file for _, file in items])
        return FormData(items)

    def _forget(self, but: Sequence[object] = ()) -> None:
        for file in self._files_to_close_on_error:
            if any(file is kept for kept in but):
                continue
            with suppress(OSError):
                file.close()
            with suppress(OSError):
                os.unlink(file.name)


def keep_apart() -> None:
    """Before the parts of the page are made. GRADIO_TEMP_DIR stays where it is set; Gradio's own is shared by all users."""
    route_utils.GradioUploadFile = Arrival
    route_utils.GradioMultiPartParser = Upload
    if "GRADIO_TEMP_DIR" not in os.environ:
        os.environ["GRADIO_TEMP_DIR"] = str(Scratch.open().root)
