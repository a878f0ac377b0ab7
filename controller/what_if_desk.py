"""Answers what orders would do while the daemon runs. Part of the shell.

It looks at values of its own: the latest check, and a copy of the books. It thinks on the background thread,
so a cycle waits for none of it. At most `MOST_AT_ONCE` are looked at at a time; whoever comes then, or waits
longer than `DEADLINE_S`, is told to ask again, and so is who asks when the feeder was not looked at lately.
What has begun goes on to its end and keeps its place until then.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial

import structlog

from controller.bookkeeping import Offload
from controller.feeder_control import FeederControl
from controller.looked import Looked
from controller.order_effects import NotNow, ProposedOrder, WhatIf
from controller.what_if import what_if
from devices.ports import Clock

MOST_AT_ONCE = 4
MOST_OF_ORDERS = 4
"""places of orders that are drafted or confirmed: nobody who only tries things out takes them"""
DEADLINE_S = 5.0
OLDEST_CYCLES = 3
"""An answer on an older look than so many cycles is none."""
log = structlog.get_logger()


class WhatIfDesk:
    """Of one daemon."""

    def __init__(
        self,
        latest: Callable[[FeederControl], Looked | None],
        clock: Clock,
        background: Offload,
        *,
        most: int | None = None,
    ) -> None:
        """`latest`: the latest look at a feeder, on books of its own. `clock`: of whoever waits. `most` are
        looked at at a time; None: `MOST_AT_ONCE`.
        """
        self._latest, self._clock, self._background, self._most = latest, clock, background, most
        self._going: set[asyncio.Task[WhatIf]] = set()

    async def ask(self, control: FeederControl, orders: Sequence[ProposedOrder]) -> WhatIf:
        """See `LiveViews.what_if`."""
        most = MOST_AT_ONCE if self._most is None else self._most
        if len(self._going) >= most:
            raise NotNow(f"{most} are being looked at: ask again in a moment")
        looked = self._latest(control)
        if looked is None:
            raise NotNow(f"feeder {control.feeder!r} was not looked at yet: ask again after its first cycle")
        age, period_s = looked.situation.now - looked.at, control.site.cycle.period_s
        if age > timedelta(seconds=OLDEST_CYCLES * period_s):
            raise NotNow(
                f"the latest look at feeder {control.feeder!r} is {age.total_seconds():.0f} s old: ask again"
                " once it is looked at anew"
            )
        task = asyncio.create_task(self._think(looked, orders), name=f"what if {control.feeder}")
        self._going.add(task)
        task.add_done_callback(self._over)
        try:
            async with self._clock.timeout(DEADLINE_S):
                return await asyncio.shield(task)
        except TimeoutError:
            raise NotNow(f"no answer within {DEADLINE_S:g} s: ask again") from None

    async def _think(self, looked: Looked, orders: Sequence[ProposedOrder]) -> WhatIf:
        return await self._background(
            partial(what_if, looked.situation, looked.excluded, tuple(orders), looked.at)
        )

    def _over(self, task: asyncio.Task[WhatIf]) -> None:
        self._going.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, ValueError):
            log.error("what_if_failed", reason=f"{type(error).__name__}: {error}")
