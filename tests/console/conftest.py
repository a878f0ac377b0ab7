"""A page in Chromium to look at a served console."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import chromium

__all__ = ["chromium"]
expect.set_options(timeout=20_000)  # on a slow machine; what is there is seen at once


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """Of desktop size, in English, nobody signed in, not yet at any address."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(10_000)
    yield page
    context.close()
