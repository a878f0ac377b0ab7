"""A served console, and a page in Chromium to look at it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import chromium
from tests.console.live_console import LiveConsole

__all__ = ["chromium"]
expect.set_options(timeout=20_000)  # on a slow machine; what is there is seen at once


@pytest.fixture
def console() -> Iterator[LiveConsole]:
    console = LiveConsole()
    console.start()
    yield console
    console.stop()


@pytest.fixture
def page(chromium: Browser, console: LiveConsole) -> Iterator[Page]:
    """A page of desktop size, not yet at any address."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(30_000)
    yield page
    context.close()
