"""Street, broker, disk, controllers and judge on one simulated clock: one seed from its begin to its rest.

First the safety phase: faults strike as the options say, and nothing wrong may happen. Then the liveness
phase: they stop, everything is mended, nobody takes much, and within a stated bound all must be free, settled
and at rest.
"""

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from controller.errors import ControllerError
from controller.stores.port import StoreUnavailable
from simulations.errors import StandStill
from simulations.faults import resting, site
from simulations.faults.disk import Disk, MemoryDisk
from simulations.faults.field import Field
from simulations.faults.log_ears import Ears, listening
from simulations.faults.options import Options
from simulations.faults.process import Crashed, step_tasks
from simulations.faults.promises import Broken
from simulations.faults.scene import Scene
from simulations.faults.sqlite_disk import SqliteDisk
from simulations.faults.supervisor import Supervisor
from simulations.faults.troubles import Troubles
from simulations.virtual_time import VirtualLoop

CONTROLLER_LEAD_S = 1.0
"""It looks so long after the meters spoke."""
QUIET_PERIODS = 4
"""In half of the runs so many of the last ones begin with little load: releases then meet the faults."""
CALM_PERIODS = 4
"""After so many without faults a release has been told, once more where it was lost, and heard."""


class World:
    """One run."""

    def __init__(self, options: Options) -> None:
        self.scene = Scene(options)
        self.judge = self.scene.judge
        self.disk: Disk = SqliteDisk() if options.store == "sqlite" else MemoryDisk()
        self.field = Field(self.scene, self._answers)
        self.supervisor = Supervisor(self.scene, self.field.broker, self.disk)
        self.periods = 0
        self._troubles = Troubles(self.scene, self.field, self.supervisor)
        self._internal: list[str] = []

    async def run(self) -> None:
        """Both phases; what was broken is the judge's to say."""
        scene, rng = self.scene, self.scene.draws.of("phases")
        scene.loop.set_exception_handler(self._unheard)
        self.field.begin_phase(str(rng.choice(("busy", "severe", "mixed", "calm"))))
        scene.loop.call_later(CONTROLLER_LEAD_S, self.supervisor.start)
        cycles = scene.options.cycles
        quiet_from = cycles - QUIET_PERIODS if rng.random() < 0.5 else None
        for period in range(cycles):
            if period == quiet_from:
                self.field.begin_phase("calm")
            self._troubles.begin_period()
            await self._period()
            if self.judge.broken is not None:
                return
        await self._come_to_rest()

    async def _period(self) -> None:
        """The field speaks, and a period passes."""
        self.periods += 1
        self.field.speak(self.periods)
        await self.scene.clock.sleep(self.scene.options.period_s)

    async def _come_to_rest(self) -> None:
        self._heal()
        now, current = self.scene.now, self.supervisor.current
        promised = site.promised(self.scene.options)
        until = now() + timedelta(seconds=promised.rest_s)
        left, calm, in_charge = ["everything"], 0, current
        while left and now() < until and self.judge.broken is None:
            await self._period()
            current = self.supervisor.current
            calm = calm + 1 if current is in_charge is not None else 0
            left, in_charge = resting.left(self.judge.story, self.field.devices, current), current
            if calm >= CALM_PERIODS:
                self.judge.is_freed(self.field.devices.values())
        if left:
            self.judge.breaks(Broken("rest", f"after {promised.rest_s:.0f} s: {'; '.join(left[:8])}"))
        if self.judge.broken is None:
            assert current is not None
            resting.look_at_the_end(self.judge, self.disk, current)

    def _heal(self) -> None:
        """Everything works again, and nobody takes much."""
        self.scene.healed, self.scene.draws.on = True, False
        self.field.heal_wire()
        self.supervisor.set_clock(timedelta(0))
        self.field.begin_phase("calm")
        self.field.heal_devices()
        self.supervisor.heal()

    def _answers(self, request: str, answer: Any) -> None:
        """A person does."""
        self.supervisor.answers(request, answer)

    def _unheard(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What no task was waiting for. Of the dead it is no news; of ours it must not pass."""
        error = context.get("exception")
        if error is not None and not isinstance(
            error, Crashed | asyncio.CancelledError | ControllerError | StoreUnavailable
        ):
            self._internal.append(f"{context.get('message')}: {error!r}")

    def close(self) -> None:
        """Put everything away; raises RuntimeError for a fault of the simulation's own."""
        self.supervisor.close()
        self.disk.close()
        if self._internal:
            raise RuntimeError(f"seed {self.scene.options.seed}: {self._internal[0]}")


@contextmanager
def running(options: Options) -> Iterator[tuple[VirtualLoop, Ears]]:
    """A loop of its own, with nothing collected meanwhile: that costs more than all else."""
    collects = gc.isenabled()
    gc.disable()
    loop = VirtualLoop()
    step_tasks(loop)
    asyncio.set_event_loop(loop)
    try:
        with listening() as ears:
            yield loop, ears
    finally:
        asyncio.set_event_loop(None)
        loop.close()
        if collects:
            gc.enable()


__all__ = ["StandStill", "World", "running"]
