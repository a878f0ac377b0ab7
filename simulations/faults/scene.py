"""What all parts of a run share: options and draws, the true time, the judge, and whether faults are over."""

import asyncio
from datetime import UTC, datetime, timedelta

from simulations.faults import site
from simulations.faults.controllers import ShiftedClock
from simulations.faults.judge import Judge
from simulations.faults.options import Draws, Options

START = datetime(2016, 1, 12, 17, 0, tzinfo=UTC)


class Scene:
    """One run's, on the loop that runs."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.draws = Draws(options)
        self.loop = asyncio.get_running_loop()
        self._now = (0.0, START)
        self.clock = ShiftedClock(START)
        """of the controllers' machine"""
        registry = site.registry_of(options)
        self.judge = Judge(site.promised(options), registry, self.now, self.loop.time)
        self.healed = False
        """nothing may go wrong any more"""

    def now(self) -> datetime:
        """The true time."""
        at_s = self.loop.time()
        if at_s != self._now[0]:
            self._now = (at_s, START + timedelta(seconds=at_s))
        return self._now[1]

    def note(self, kind: str, what: str) -> None:
        """For the trace."""
        self.judge.notes(kind, "", what)
