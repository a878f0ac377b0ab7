"""Pauses in long work that another thread does, so that the loop's thread never waits long for its turn."""

import threading
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
_EVERY = 2_000
"""pieces between two pauses: some milliseconds of work"""
_PAUSE_S = 0.0005


class Stopped(Exception):
    """The program ends, and nobody waits for this work any more."""


class Pauses:
    """For work in a thread of its own: it lets the loop's thread run every so often, so that nothing there
    waits for it, and it ends when it is told to.
    """

    def __init__(self) -> None:
        self._over = threading.Event()

    def within(self, pieces: Iterable[T]) -> Iterator[T]:
        """The same pieces. Raises Stopped."""
        for number, piece in enumerate(pieces, 1):
            if number % _EVERY == 0 and self._over.wait(_PAUSE_S):
                raise Stopped
            yield piece

    def stop(self) -> None:
        """End what is under way, and what begins later."""
        self._over.set()
