"""What is being told at this moment: it counts against limits as if it were taken. No I/O."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from devices.notices.words import Taken, WordKey


class UnderWay:
    """Tries of words, by customer."""

    def __init__(self) -> None:
        self._tries: dict[str, Counter[tuple[str, WordKey]]] = {}

    @contextmanager
    def trying(self, customer: str, word: WordKey, ways: Sequence[str]) -> Iterator[None]:
        """Within the block these ways are tried."""
        for way in ways:
            self.begin(customer, word, way)
        try:
            yield
        finally:
            for way in ways:
                self.end(customer, word, way)

    def begin(self, customer: str, word: WordKey, way: str) -> None:
        """Count one try."""
        self._tries.setdefault(customer, Counter())[way, word] += 1

    def end(self, customer: str, word: WordKey, way: str) -> None:
        """It came to its end."""
        tries = self._tries[customer]
        tries[way, word] -= 1
        if not tries[way, word]:
            del tries[way, word]
        if not tries:
            del self._tries[customer]

    def of(self, customer: str, at: datetime) -> tuple[Taken, ...]:
        """The tries of one customer, as if they were taken now."""
        return tuple(Taken(way, word, at) for way, word in self._tries.get(customer, ()))
