"""Before anything else is imported: see `gridward`. What commands leave set must not reach other tests.

No test may be red by luck: property tests try the same examples in every run, and no example has a deadline,
as none of them measures time. `--hypothesis-profile=explore` tries others.
"""

import gc
import os
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings

import gridward  # noqa: F401  # sets what must be set before NumPy is loaded
from tests.kept_networks import read_once

settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", settings.get_profile("explore"), derandomize=True, database=None)
settings.load_profile("same")

# Plain as the daemon's own: structlog's default prints the locals of all frames, which takes seconds here.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Modules and tests stay until the end, and most of what tests make goes by itself.

    To look through all of it as often as Python does by default takes an eighth of the whole run.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.set_threshold(10_000, 20, 20)
        gc.freeze()


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """A command sets the logs up for its own process, on the stderr that it is given."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture(scope="session", autouse=True)
def networks_read_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """See `tests.kept_networks`."""
    ours = tmp_path_factory.getbasetemp()
    with read_once((ours.parent if "PYTEST_XDIST_WORKER" in os.environ else ours) / "named-networks"):
        yield
