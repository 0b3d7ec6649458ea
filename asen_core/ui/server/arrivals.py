"""Where uploads arrive: a folder of this process and user alone, under names that nobody can guess."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from typing import BinaryIO

from gradio import route_utils
from starlette.datastructures import FormData, Headers
from starlette.exceptions import HTTPException

from asen_core.ui.scratch import Scratch


class Arrival(route_utils.GradioUploadFile):
    """Gradio names an upload's folder by its content: the same photo of two visitors would be one file, for both to find,
    to move and to remove. This makes each upload one of its own.
    """

    def __init__(
        self, file: BinaryIO, *, size: int | None = None, filename: str | None = None, headers: Headers | None = None
    ) -> None:
        super().__init__(file, size=size, filename=filename, headers=headers)
        self.sha.update(secrets.token_bytes(32))


class Upload(route_utils.GradioMultiPartParser):
    """Leaves nothing of an upload that did not arrive whole, say since the disk is full: else it would stay full."""

    async def parse(self) -> FormData:
        """As Gradio's. Raises: HTTPException where there is no room."""
        try:
            return await super().parse()
        except BaseException as reason:
            for file in self._files_to_close_on_error:
                with suppress(OSError):
                    file.close()
                with suppress(OSError):
                    os.unlink(file.name)
            if isinstance(reason, OSError):
                raise HTTPException(507, "The server has no room for this file now; try again in a few minutes.") from None
            raise


def keep_apart() -> None:
    """Before the parts of the page are made. GRADIO_TEMP_DIR stays where it is set; Gradio's own is shared by all users."""
    route_utils.GradioUploadFile = Arrival
    route_utils.GradioMultiPartParser = Upload
    if "GRADIO_TEMP_DIR" not in os.environ:
        os.environ["GRADIO_TEMP_DIR"] = str(Scratch.open().root)
