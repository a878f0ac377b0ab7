"""What becomes of messages on their way: lost, late, doubled, or stopped by an outage. Pure but for its dice.

Each message has its own draw, so messages overtake each other.
"""

import heapq
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import numpy as np

from simulations.draws import stream
from simulations.scenario import Scenario
from simulations.scenario_faults import Link, Outage


class Carriage:
    """The way between field and controller, both directions."""

    def __init__(self, link: Link, outages: Sequence[Outage], rng: np.random.Generator) -> None:
        self._link, self._rng = link, rng
        self._outages = [
            (one.of, one.number, one.begin.astimezone(UTC), one.end.astimezone(UTC)) for one in outages
        ]
        self._perfect = not (link.delay_s or link.loss or link.duplicate)

    def fates(self) -> tuple[float, ...]:
        """Seconds after which one message arrives, for each copy of it; none when it is lost."""
        if self._perfect:
            return (0.0,)
        if self._rng.random() < self._link.loss:
            return ()
        copies = 2 if self._rng.random() < self._link.duplicate else 1
        delays = self._rng.exponential(self._link.delay_s, copies) if self._link.delay_s else np.zeros(copies)
        return tuple(np.sort(delays + np.arange(copies)).tolist())

    def is_up(self, part: str, at: datetime, number: int = 1) -> bool:
        """Whether a part of the way is there."""
        return not any(
            of == part and begin <= at < end and (of != "concentrator" or which == number)
            for of, which, begin, end in self._outages
        )


class UnderWay:
    """Messages that were sent and have not arrived, by when they will."""

    def __init__(self) -> None:
        self._waiting: list[tuple[datetime, int, Callable[[], None]]] = []
        self._counted = 0

    @property
    def next_at(self) -> datetime | None:
        """When the next one arrives."""
        return self._waiting[0][0] if self._waiting else None

    def add(self, at: datetime, arrive: Callable[[], None]) -> None:
        """Call `arrive` then; of the same time, in the order in which they were sent."""
        self._counted += 1
        heapq.heappush(self._waiting, (at, self._counted, arrive))

    def arrive(self, now: datetime) -> None:
        """All whose time has come."""
        while self._waiting and self._waiting[0][0] <= now:
            heapq.heappop(self._waiting)[2]()


def carriage_of(scenario: Scenario) -> Carriage:
    """The way that a scenario describes."""
    return Carriage(scenario.link, scenario.outage, stream(scenario.seed, "link"))
