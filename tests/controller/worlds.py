"""A daemon and its field on one clock, for tests of the whole loop. Both may die."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from controller import settings
from controller.daemon import Daemon
from controller.entries import Entry
from controller.stores.port import FeederSample, StoreUnavailable
from controller.stores.sqlite import IN_MEMORY, SqliteStore
from customers.registry import Registry
from devices.messages import LimitCommand
from devices.ports import TelemetrySource
from tests.builders import FEEDER, HOUSES, SECRET, Crash, FakeClock, Field, control, inline, registry, site

PERIOD_S = 10.0


E = TypeVar("E", bound=Entry)


class FailingStore(SqliteStore):
    """A real store that dies at its N-th commit, before or after that is durable, or is out of order."""

    def __init__(self) -> None:
        super().__init__(IN_MEMORY, durable=False)
        self.commits = 0
        self.die_at: tuple[int, str] | None = None
        self.dead = False
        self.broken = False

    def commit(self, entries: Sequence[Entry], samples: Sequence[FeederSample] = ()) -> Sequence[int]:
        if self.dead:
            raise Crash
        if self.broken:
            raise StoreUnavailable("disk full")
        self.commits += 1
        dies = self.die_at is not None and self.die_at[0] == self.commits
        if dies and self.die_at == (self.commits, "before"):
            self.dead = True
            raise Crash
        numbers = super().commit(entries, samples)
        if dies:
            self.dead = True
            raise Crash
        return numbers


@dataclass
class World:
    """A daemon and its field on one clock."""

    of: settings.Site
    notices: frozenset[int] = frozenset()
    critical: frozenset[int] = frozenset()
    clock: FakeClock = field(default_factory=FakeClock)
    store: FailingStore = field(default_factory=FailingStore)
    offload: Callable[..., Awaitable[Any]] = inline
    real_clock: FakeClock | None = None
    sources: Sequence[TelemetrySource] = ()
    who: Registry | None = None
    """None: a charger in most houses"""
    made_field: Callable[[FakeClock], Field] = Field

    def __post_init__(self) -> None:
        self.field = self.made_field(self.clock)
        self.field.on_send = self._count_send
        self.sends, self.die_at_send = 0, 0
        self.overloads: list[float] = []
        self.daemon = self.start()

    def start(self) -> Daemon:
        """A new process on the same record."""
        self.store.dead, self.store.die_at = False, None
        who = self.who or registry(critical=self.critical, notices=self.notices)
        return Daemon(
            self.of,
            [control(self.of, who)],
            store=self.store,
            sources=self.sources,
            commands=self.field,
            notices=self.field,
            clock=self.clock,
            wire_clock=self.real_clock,
            offload=self.offload,
            secret=SECRET,
        )

    async def tick(self, ticks: int = 1) -> None:
        for _ in range(ticks):
            self.field.speak(self.daemon.intake.deliver)
            await self.daemon.cycle()
            view = self.daemon.feeder_view(FEEDER)
            assert view is not None
            self.overloads.append(max((t.loading_percent for t in view.transformers), default=0.0))
            await self.clock.sleep(PERIOD_S)

    def entries(self, *kinds: type[E]) -> list[E]:
        return [n.entry for n in self.store.replay() if isinstance(n.entry, kinds)]

    def charge(self, kw: float = 11.0) -> None:
        for house in self.field.houses[: HOUSES - 4]:
            house.ev_kw = kw

    def _count_send(self, command: LimitCommand) -> None:
        self.sends += 1
        if self.sends == self.die_at_send:
            self.store.dead = True
        if self.store.dead:
            raise asyncio.CancelledError  # the process is gone: nobody learns how this sending ended


def evening(**tables: object) -> settings.Site:
    return site(cycle=settings.Cycle(period_s=PERIOD_S), **tables)
