"""A controller process: the daemon with all its parts, on ports that let every fault through.

Only the clock, the disk, the wire and the place where its tasks are stepped are ours. What it hears while it
stands still waits, as in a socket.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, ParamSpec, TypeVar, cast

from controller.daemon import Daemon
from controller.feeder_control import FeederControl
from controller.metrics import Metrics
from controller.people.people_desk import Noted
from controller.stores.port import Store, StoreUnavailable
from customers.consent_links import Choice
from devices.errors import Unreachable
from devices.messages import CustomerNotice, Direction, Failsafe, Heartbeat, Inbound, LimitCommand
from devices.ports import Deliver
from simulations.faults.broker import Broker, Down
from simulations.faults.disk import Disk, Handle, Written
from simulations.faults.options import Draws
from simulations.faults.process import Crashed, Process
from simulations.faults.site import SECRET
from simulations.faults.site_settings import FEEDER
from simulations.virtual_time import VirtualClock

_P = ParamSpec("_P")
_T = TypeVar("_T")
_HEARD_WHILE_STILL = 2000
MOST_UNHEARD = 60


class ShiftedClock(VirtualClock):
    """The controller's own clock, whose time of day may be wrong."""

    off = timedelta(0)

    def now(self) -> datetime:
        """By this clock."""
        return super().now() + self.off


@lru_cache(maxsize=1)
def _metrics() -> Metrics:
    """One for all: what is counted in them nobody reads here, and making them takes as long as a cycle."""
    return Metrics()


class Controller:
    """One process. `number`: the how-manieth of its run."""

    def __init__(
        self,
        number: int,
        control: FeederControl,
        *,
        disk: Disk,
        broker: Broker,
        clock: ShiftedClock,
        draws: Draws,
        period_s: float,
        sent: Callable[["Controller", Down], None],
        durable: Callable[["Controller", Written], None],
        heard: Callable[["Controller", Inbound], None],
        over: Callable[["Controller"], None],
    ) -> None:
        self.number, self.control = number, control
        self.process = Process(lambda _: self._end())
        self.error: BaseException | None = None
        """why it ended by itself"""
        self.ended = False
        self.noted: list[tuple[str, Choice]] = []
        """answers of people that were told that theirs counts"""
        self._broker, self._draws, self._period_s = broker, draws, period_s
        self._sent, self._heard, self._over = sent, heard, over
        self._deliver: Deliver | None = None
        self._lost: asyncio.Future[None] | None = None
        self._clock = clock
        self._waiting: list[Inbound] = []
        self._turn = 0
        handle = Handle(disk, self.process, draws, lambda _, written: durable(self, written))
        self.daemon = Daemon(
            control.site,
            [control],
            store=cast("Store", handle),
            sources=[self],
            commands=self,
            notices=self,
            failsafes=self,
            heartbeats=self,
            clock=clock,
            offload=self._offload,
            secret=SECRET,
            metrics=_metrics(),
        )

    @property
    def lives(self) -> bool:
        """Whether it runs, or stands still."""
        return not self.process.dead and not self.ended

    @property
    def epoch(self) -> int:
        """That it was given; 0 before."""
        return self.daemon._keeper.epoch

    @property
    def queues_are_empty(self) -> bool:
        """Whether it owes nobody anything: nothing unwritten, nothing under way, and no more unheard than the
        field says in two periods."""
        daemon = self.daemon
        return not (
            daemon._keeper._unwritten or daemon._dispatch._under_way or len(daemon.intake) > MOST_UNHEARD
        )

    def start(self) -> None:
        """Begin."""
        self.process.start(self._run(), f"controller {self.number}")

    def resume(self) -> None:
        """Go on after a pause, with what was heard meanwhile."""
        waiting, self._waiting = self._waiting, []
        self.process.resume()
        for message in waiting:
            self.hear(message)

    def hear(self, message: Inbound) -> None:
        """Something comes from the field."""
        if not self.lives or self._deliver is None:
            return
        if self.process.paused:
            self._waiting = [*self._waiting[-_HEARD_WHILE_STILL:], message]
            return
        self._heard(self, message)
        self._deliver(message)

    def loses_link(self) -> None:
        """The broker is away."""
        if self._lost is not None and not self._lost.done():
            self._lost.set_exception(Unreachable("the broker is away"))

    # --- what people do with it

    def operate(
        self,
        action: str,
        target: str | None,
        limit_kw: float | None,
        direction: Direction = "consumption",
    ) -> None:
        """An operator's order."""

        async def order() -> None:
            with suppress(StoreUnavailable, ValueError):  # told to the operator
                await self.daemon.operate(
                    FEEDER, action, target, "Ann", "drill", limit_kw=limit_kw, direction=direction
                )

        self.process.start(self._beside(order), f"order {action}")

    def answer(self, request: str, choice: Choice) -> None:
        """A person answers a notice; what they were told is in `noted`."""

        async def answering() -> None:
            with suppress(StoreUnavailable):  # told to the person
                outcome = await self.daemon.desks.people.answer(request, choice, "api")
                if isinstance(outcome, Noted):
                    self.noted.append((request, choice))

        self.process.start(self._beside(answering), f"answer {choice}")

    # --- its ports

    async def run(self, deliver: Deliver) -> None:
        """The source of telemetry."""
        self.process.alive()
        self._broker.connect(self)
        self._deliver = deliver
        self._lost = asyncio.get_running_loop().create_future()
        try:
            await self._lost
        finally:
            self._deliver = None
            self._broker.leave(self)

    async def send(self, command: LimitCommand) -> None:
        """To a device."""
        await self._down(command)

    async def arm(self, failsafe: Failsafe) -> None:
        """To a device of guard mode."""
        await self._down(failsafe)

    async def beat(self, heartbeat: Heartbeat) -> None:
        """To all devices."""
        await self._down(heartbeat)

    async def notify(self, notice: CustomerNotice) -> None:
        """To a person."""
        await self._down(notice)

    async def _down(self, message: Down) -> None:
        self.process.alive()
        self._broker.ask()
        self._sent(self, message)
        self._broker.send(message)
        await self._clock.sleep(0)

    async def _offload(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """What a thread would do is done here, before or after others had their turn."""
        self.process.alive()
        self._turn += 1
        if self._turn % 2:
            await self._clock.sleep(0)
        if getattr(function, "__name__", "") == "commit" and self._draws.strikes("disk_slow"):
            await self._clock.sleep(self._period_s / 2 * float(self._draws.of("disk_slow").random()))
        self.process.alive()
        result = function(*args, **kwargs)
        if not self._turn % 2:
            await self._clock.sleep(0)
        return result

    # --- its life

    async def _run(self) -> None:
        try:
            await self.daemon.run()
        except (Crashed, asyncio.CancelledError):
            raise
        except BaseException as error:  # noqa: BLE001  the judge reads it
            self.error = error
        self.ended = True
        self.process.kill()

    async def _beside(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await work()
        except Exception as error:  # noqa: BLE001  as the API would answer: the judge reads it
            if not self.process.dead:  # then it is what became of being unwound
                self.error = self.error or error

    def _end(self) -> None:
        self._broker.leave(self)
        self._over(self)
