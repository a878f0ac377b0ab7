"""[6] When a round looked, and whether what it decided is still of now. Pure but for the clock that is given.

A process may stand still at any step: stopped by a signal, its virtual machine paused, the laptop asleep, a
machine without memory. What it had decided it would do afterwards, on readings of long ago (C7).
"""

from dataclasses import dataclass
from datetime import datetime

from devices.ports import Clock


@dataclass(frozen=True, slots=True)
class Moment:
    """When somebody looked at a feeder, by both clocks, and how long that counts."""

    at: datetime
    monotonic_s: float
    holds_s: float

    def is_past(self, clock: Clock) -> bool:
        """Whether more than `holds_s` have gone by since. The clock of the day counts as well: a machine's
        monotonic time stands while the machine sleeps. One that was put back says nothing.
        """
        by_day_s = (clock.now() - self.at).total_seconds()
        return max(clock.monotonic() - self.monotonic_s, by_day_s) > self.holds_s


def moment(clock: Clock, holds_s: float) -> Moment:
    """This one."""
    return Moment(clock.now(), clock.monotonic(), holds_s)
