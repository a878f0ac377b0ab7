"""Chromium for tests that look at pages: one way to find it, loud when it is missing."""

import os
import shutil
from collections.abc import Iterator

import pytest

MISSING = "CHROMIUM IS MISSING: the browser tests did not run"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def chromium_path() -> str | None:
    """The installed browser, or None."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


def require_chromium() -> str:
    """The browser's path; without one the test is skipped, and in CI it fails."""
    found = chromium_path()
    if found is not None:
        return found
    if os.environ.get("CI") == "true":
        pytest.fail(MISSING)
    pytest.skip(MISSING)


@pytest.fixture(scope="module")
def chromium() -> Iterator[object]:
    """A headless browser (a `playwright.sync_api.Browser`) for one module without async tests.

    While it runs, playwright's own event loop occupies the main thread.
    """
    from playwright.sync_api import sync_playwright

    path = require_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS, timeout=90_000)
        yield browser
        browser.close()
