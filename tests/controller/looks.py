"""One look at the small feeder in the evening, for pure tests of what people may order. It never changes."""

import asyncio
from functools import cache

from controller.looked import Looked
from tests.builders import FEEDER
from tests.controller.worlds import World, evening

CRITICAL = 3
"""the house that must never be limited"""


@cache
def evening_looked_at() -> Looked:
    """Sixteen cars charge, the transformer is overloaded, nobody is limited yet."""

    async def look() -> Looked | None:
        world = World(evening(), critical=frozenset({CRITICAL}))
        world.charge()
        await world.tick(1)
        return world.daemon._rounds.looked(world.daemon._controls[FEEDER])

    found = asyncio.run(look())
    assert found is not None
    return found
