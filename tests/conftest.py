"""Before anything else is imported: see `gridward`. What commands leave set must not reach other tests."""

from collections.abc import Iterator

import pytest
import structlog

import gridward  # noqa: F401  # sets what must be set before NumPy is loaded


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """A command sets the logs up for its own process, on the stderr that it is given."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)
