"""Runs one seed, or the same options once more, and says what came of it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from simulations.errors import StandStill
from simulations.faults.options import Options
from simulations.faults.promises import Broken
from simulations.faults.world import World, running


@dataclass(frozen=True)
class Outcome:
    """What one run came to."""

    options: Options
    promise: str | None
    """that was broken; None when all were kept"""
    what: str
    broken_in_period: int | None
    digest: str
    """of everything that happened: equal for equal options"""
    simulated_s: float
    cpu_s: float
    steps: int
    """after which the judge looked"""
    struck: Mapping[str, int]
    """faults that struck, by class"""
    counts: Mapping[str, int]
    """requests, entries, commands, starts ..."""
    latest: tuple[str, ...]
    """the last steps before it was broken, in words"""


def run(options: Options) -> Outcome:
    """One run from its begin to its rest. Raises RuntimeError for a fault of the simulation's own."""
    began = time.process_time()
    with running(options) as (loop, ears):

        async def course() -> World:
            world = World(options)
            await world.run()
            return world

        world = loop.run_until_complete(course())
        if ears.faults:
            world.judge.fault(ears.faults[0])
        simulated_s = loop.time()
        world.close()
    judge = world.judge
    broken = judge.broken
    requests = judge.story.requests.values()
    return Outcome(
        options=options,
        promise=None if broken is None else broken.promise,
        what="" if broken is None else broken.what,
        broken_in_period=None if broken is None else world.periods,
        digest=judge.digest,
        simulated_s=simulated_s,
        cpu_s=time.process_time() - began,
        steps=judge.steps,
        struck=dict(world.scene.draws.struck),
        counts={
            "entries": len(judge.story.bodies),
            "requests": len(requests),
            "feed-in": sum(t.direction == "production" for t in requests),
            "feed-in held": sum(t.direction == "production" and t.taken for t in requests),
            "settled": sum(t.settled for t in requests),
            "credits": sum(t.credits for t in requests),
            "events": len(judge.story.events),
            "controllers": len(world.supervisor.controllers),
            "periods": world.periods,
        },
        latest=tuple(judge.latest) if broken is not None else (),
    )


__all__ = ["Broken", "Outcome", "StandStill", "run"]
