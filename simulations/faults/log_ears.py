"""Listens to the controller's log while a run lasts: an exception that was caught and logged is a fault all
the same, and nothing else of the log is kept.
"""

import logging
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any

import structlog


class Ears:
    """What was logged with an exception."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def __call__(self, _: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
        """A structlog processor: keeps what is a fault, and lets nothing through."""
        if event.get("exc_info"):
            self.faults.append(f"{event['event']}: {sys.exc_info()[1]!r}")
        raise structlog.DropEvent


@contextmanager
def listening() -> Iterator[Ears]:
    """Until the end of the block."""
    before, ears = structlog.get_config(), Ears()
    structlog.configure(processors=[ears], wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    try:
        yield ears
    finally:
        structlog.configure(**before)
