"""A whole site whose clocks are ahead by a day, and are put right while people and devices are limited."""

from datetime import timedelta

import pytest

from simulations.faults.options import Options
from simulations.faults.world import World, running

AHEAD_FROM, RIGHT_FROM = 3, 9
"""periods"""


@pytest.mark.parametrize("lost_up", [0.0, 0.5])
@pytest.mark.parametrize("off", [timedelta(minutes=50), timedelta(days=1)])
def test_all_come_to_rest_within_the_bound(off: timedelta, lost_up: float) -> None:
    """Also where what devices say is lost, so that nobody hears that they are free."""
    options = Options(seed=4, period_s=300.0, cycles=14, lost_up=lost_up)
    with running(options) as (loop, _):

        async def course() -> World:
            world = World(options)

            def begin_period() -> None:
                period = world.periods
                if period in (AHEAD_FROM, RIGHT_FROM):
                    by = off if period == AHEAD_FROM else timedelta(0)
                    world.supervisor.set_clock(by)
                    world.field.set_clocks(by)
                world.field.begin_phase("severe" if period >= AHEAD_FROM else "calm")

            world._troubles.begin_period = begin_period  # type: ignore[method-assign]
            await world.run()
            return world

        world = loop.run_until_complete(course())
        true_now = world.scene.now()
        world.close()
    told = world.judge.story.requests.values()
    asked_ahead = {one.resource for one in told if one.at > true_now}
    assert asked_ahead == ({"device", "person"} if off > timedelta(hours=12) else set())
    assert world.judge.broken is None
