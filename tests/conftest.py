"""What the tests share: the browser, and the Milvus server."""

import shutil

import pytest
from milvus_server import milvus  # noqa: F401
from playwright import sync_api

ARGS = [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
]  # fmt: skip
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser():
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    with sync_api.sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=path, headless=True, args=ARGS)
        yield chromium
        chromium.close()
