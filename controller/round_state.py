"""What the rounds know of the feeders from one round to the next. Changed under the rounds' turn only; all of
it may be lost at any time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from controller.cycle import Decisions
from controller.hearing import Heard
from controller.memory import Memory
from controller.moments import Moment


class RoundState:
    """Of one daemon."""

    def __init__(self, feeders: Iterable[str]) -> None:
        self.memory: dict[str, Memory] = {}
        self.good: dict[str, bool] = dict.fromkeys(feeders, False)
        """whether the latest pass found the data good enough to act on"""
        self.looked: Moment | None = None
        """when the latest round that decided had looked: what it found good is so only while this holds"""
        self.faults: dict[str, int] = dict.fromkeys(self.good, 0)
        """passes that failed in a row"""
        self.latest: dict[str, Decisions] = {}
        """what the latest cycle that was shown decided"""

    def adopt_heard(self, heard: Mapping[str, Heard], *, noted: bool) -> None:
        """What came in counts; what devices answered only once it is durable."""
        for feeder, found in heard.items():
            known = found.memory.acknowledged if noted else self.memory[feeder].acknowledged
            self.memory[feeder] = replace(found.memory, acknowledged=known)

    def adopt(self, decided: Iterable[Decisions]) -> None:
        """What was decided is durable."""
        self.memory |= {found.sample.feeder: found.memory for found in decided}

    def adopt_alarms(self, decided: Iterable[Decisions]) -> None:
        """It is not. How long data are bad does not wait for the journal: only what it tells."""
        for found in decided:
            feeder = found.sample.feeder
            self.memory[feeder] = replace(self.memory[feeder], alarms=found.memory.alarms)

    def adopt_what_was_seen(self, decided: Iterable[Decisions]) -> None:
        """What the feeders showed is durable, and nobody else was moved."""
        for found in decided:
            before = self.memory[found.sample.feeder]
            self.memory[found.sample.feeder] = replace(
                found.memory,
                expectations=before.expectations,
                failsafes=before.failsafes,
                shortfalls=before.shortfalls,
            )
