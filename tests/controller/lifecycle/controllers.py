"""Controllers that may die, freeze and be replaced at any await, on one record that may fail.

Each is the real daemon with all its parts; only the clock, the record's mood and the gate that every await
passes are ours.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, cast

from controller import settings
from controller.daemon import Daemon
from controller.entries import Entry, RequestSettled
from controller.errors import ControllerError, JournalAhead
from controller.feeder_control import FeederControl, build_control
from controller.people.people_desk import Noted
from controller.stores.port import FeederSample, OutcomeUnknown, Store, StoreUnavailable
from controller.stores.sqlite import IN_MEMORY, SqliteStore
from customers.consent_links import Choice
from devices.messages import CustomerNotice, LimitCommand
from simulations.faults.controllers import ShiftedClock
from simulations.faults.process import Crashed
from tests.controller.lifecycle import street
from tests.controller.lifecycle.street import FEEDER, SECRET
from tests.controller.lifecycle.wire import Wire

__all__ = ["RequestSettled"]
PERIOD_S = 10.0
SITE = settings.Site(
    name="test",
    feeder=(settings.Feeder(id=FEEDER, network="street", customers=Path("c.csv"), devices=Path("d.csv")),),
    cycle=settings.Cycle(period_s=PERIOD_S, fresh_s=25.0, estimate=False),
    events=settings.Events(persistence_checks=1, close_after_s=20.0, max_duration_s=300.0),
    look_ahead=settings.LookAhead(act_early=False, announce=False),
    requests=settings.Requests(
        duration_s=90.0, renew_before_s=30.0, answer_within_s=20.0, attempts=2, min_between_s=40.0
    ),
    safety=settings.Safety(release_share_per_minute=1.0),
    rewards=settings.Rewards(interval_s=60.0),
)


network_in_force: frozenset[str] = frozenset()
"""service points that the network file has not any more"""


@cache
def control_of(
    critical: frozenset[str],
    without: frozenset[str],
    no_point: frozenset[str],
    moved: tuple[str, ...],
    agreed: bool = False,
) -> FeederControl:
    """The feeder's fixed parts, as files and registry have them."""
    who = street.registry(critical, without, no_point, agreed=agreed)
    return build_control(SITE, SITE.feeder[0], street.network(no_point), who, street.load_flow(no_point))


class Record:
    """The one journal. It may be out of order for a while, fail once, or fail once after it has written."""

    def __init__(self) -> None:
        self.store = SqliteStore(IN_MEMORY, durable=False)
        self.down = False
        self.hiccup: str | None = None
        self._good_first = 0

    def fails(self, after: int, when: str) -> None:
        """One commit fails after so many more good ones, `before` or `after` it is durable."""
        self.hiccup, self._good_first = when, after

    def stumbles(self) -> str | None:
        """How this commit fails, once."""
        if self.hiccup is not None and self._good_first > 0:
            self._good_first -= 1
            return None
        hiccup, self.hiccup = self.hiccup, None
        return hiccup

    def rows(self, after: int) -> list[tuple[int, str]]:
        """What is durable, as text."""
        query = "SELECT seq, body FROM journal WHERE seq > ? ORDER BY seq"
        return self.store._connection.execute(query, (after,)).fetchall()

    def newest(self) -> int:
        """The number of the last entry that is durable."""
        (seq,) = self.store._connection.execute("SELECT coalesce(max(seq), 0) FROM journal").fetchone()
        return int(seq)

    def check(self) -> None:
        if self.down:
            raise StoreUnavailable("the disk is full")


class Handle:
    """`Store` as one process sees it: with the epoch that it was given."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._epoch: int | None = None
        self._in_doubt = False

    def commit(self, entries: Sequence[Entry], samples: Sequence[FeederSample] = ()) -> Sequence[int]:
        self._record.check()
        if self._in_doubt:
            raise JournalAhead("the entries of the commit in doubt are there")
        hiccup = self._record.stumbles()
        if hiccup == "before":
            raise StoreUnavailable("disk I/O error")
        self._record.store._own_epoch = self._epoch
        numbers = self._record.store.commit(entries, samples)
        if hiccup == "after":
            self._in_doubt = True
            raise OutcomeUnknown("the connection was lost before the store had answered")
        return numbers

    def take_over(self, holder: str) -> int:
        self._record.check()
        self._epoch = self._record.store.take_over(holder)
        return self._epoch

    def __getattr__(self, name: str) -> Any:
        """All that only reads."""
        self._record.check()
        return getattr(self._record.store, name)


class Controller:
    """One process."""

    def __init__(
        self,
        number: int,
        record: Record,
        wire: Wire,
        clock: ShiftedClock,
        *,
        critical: frozenset[str] = frozenset(),
        without: frozenset[str] = frozenset(),
        agreed: bool = False,
    ) -> None:
        control = control_of(critical, without, network_in_force, tuple(street.moved), agreed)
        self.number, self.who, self._wire = number, control.registry, wire
        self.dead, self.ended = False, ""
        """why it stopped by itself"""
        self.faults: list[str] = []
        self.noted: list[tuple[str, Choice]] = []
        """answers of people that were told that theirs counts: (request, answer)"""
        self._gates, self._die_at, self._freeze_at = 0, 0, 0
        self._frozen, self._may_go = asyncio.Event(), asyncio.Event()
        self._may_go.set()
        self._running: asyncio.Task[None] | None = None
        self.daemon = Daemon(
            SITE,
            [control],
            store=cast("Store", Handle(record)),
            sources=[],
            commands=self,
            notices=self,
            clock=clock,
            offload=self._offload,
            secret=SECRET,
        )

    @property
    def lives(self) -> bool:
        return not self.dead and not self.ended

    @property
    def frozen(self) -> bool:
        return not self._may_go.is_set()

    @property
    def epoch(self) -> int:
        return self.daemon._keeper.epoch

    def hear(self, message: Any) -> None:
        if self.lives:
            self.daemon.intake.deliver(message)

    async def cycle(
        self, *, die_at: int = 0, freeze_at: int = 0, beside: Coroutine[Any, Any, Any] | None = None
    ) -> bool:
        """One cycle; whether it came to its end. It dies or freezes at that await, counted from 1; so does
        what is done `beside` it.
        """
        self._gates, self._die_at, self._freeze_at = 0, die_at, freeze_at
        return await self._until_frozen(asyncio.create_task(self._both(beside)))

    async def _both(self, beside: Coroutine[Any, Any, Any] | None) -> None:
        others = () if beside is None else (beside,)
        await asyncio.gather(self._guarded(self.daemon.cycle()), *others)

    async def thaw(self, *, die_at: int = 0) -> bool:
        """Go on where it froze."""
        running, self._running = self._running, None
        self._gates, self._die_at, self._freeze_at = 0, die_at, 0
        self._frozen.clear()
        self._may_go.set()
        return running is not None and await self._until_frozen(running)

    async def answer(self, request: str, choice: Choice) -> None:
        """A person answers a notice; what they were told is in `noted`."""

        async def answering() -> None:
            with suppress(StoreUnavailable):  # told to the person
                outcome = await self.daemon.desks.people.answer(request, choice, "api")
                if isinstance(outcome, Noted):
                    self.noted.append((request, choice))

        await self._guarded(answering())

    async def operate(self, action: str, target: str | None) -> bool:
        """An operator's order; whether it was taken."""
        done: list[bool] = []

        async def order() -> None:
            with suppress(StoreUnavailable, ValueError):  # told to the operator
                limit_kw = 6.0 if action == "limit" else None
                await self.daemon.operate(FEEDER, action, target, "Ann", "drill", limit_kw=limit_kw)
                done.append(True)

        await self._guarded(order())
        return bool(done)

    def kill(self) -> None:
        """No goodbye: from here on nothing of it touches anything."""
        self.dead = True
        sending = self.daemon._dispatch._under_way.values()
        for task in [*sending, *([] if self._running is None else [self._running])]:
            task.cancel()
        self._running = None
        self._may_go.set()

    async def send(self, command: LimitCommand) -> None:
        await self._gate()
        self._wire.send(self.number, command)
        await self._gate()

    async def notify(self, notice: CustomerNotice) -> None:
        await self._gate()
        self._wire.notify(notice)
        await self._gate()

    async def _offload(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        await self._gate()
        result = function(*args, **kwargs)
        await self._gate()
        return result

    async def _gate(self) -> None:
        """Every await of the process that touches something comes by here."""
        self._alive()
        self._gates += 1
        if self._gates == self._die_at:
            self.kill()
        elif self._gates == self._freeze_at:
            self._may_go.clear()
            self._frozen.set()
        await asyncio.sleep(0)
        if not self._may_go.is_set():
            await self._may_go.wait()
        self._alive()

    def _alive(self) -> None:
        if self.dead:
            raise Crashed

    async def _guarded(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Crashed:
            self.dead = True
        except ControllerError as error:
            await self._ends(error)
        except StoreUnavailable as error:
            if self.daemon._started:
                self.faults.append(f"a cycle ended with {error!r}")
            else:
                await self._ends(error)
        except Exception as error:  # noqa: BLE001  the judge reads it
            self.faults.append(repr(error))

    async def _ends(self, error: Exception) -> None:
        """As `Daemon.run` does: what is under way is given up."""
        self.ended = f"{type(error).__name__}: {error}"
        await self.daemon._dispatch.stop()

    async def _until_frozen(self, running: asyncio.Task[None]) -> bool:
        frozen = asyncio.create_task(self._frozen.wait())
        await asyncio.wait({running, frozen}, return_when=asyncio.FIRST_COMPLETED)
        frozen.cancel()
        self._die_at = self._freeze_at = 0
        if running.done():
            self.dead |= running.cancelled()
        else:
            self._running = running
        return running.done() and self.lives and not self.frozen

    def failed_passes(self) -> float:
        return self.daemon.metrics.cycles.failures.labels(FEEDER)._value.get()
