"""Pure passes over the small feeder, one after another: no daemon, no store, no wire."""

from collections.abc import Iterable
from typing import TypeVar

from controller import settings
from controller.books import Books
from controller.cycle import Decisions, Surroundings, decide
from controller.entries import (
    Entry,
    RequestMoved,
    RequestSent,
)
from controller.feeder_control import FeederControl
from controller.hearing import hear
from controller.intake import Drained
from controller.memory import Memory, fresh_memory
from controller.operators import Orders
from devices.messages import DeviceStatus, Reading
from tests.builders import FEEDER, HOUSES, FakeClock, Field, site

PERIOD_S = 10.0


class Passes:
    """One pass after another on books that take every entry; no command reaches anybody unless told so."""

    def __init__(self, of: FeederControl, charging_kw: float = 11.0, base_kw: float = 4.0) -> None:
        self.clock = FakeClock()
        self.field, self.of, self.books = Field(self.clock), of, Books()
        self.memory: Memory = fresh_memory(of)
        self.v_pu: float | None = None
        self.orders, self.fleet_kw = Orders(), float("inf")
        for number, house in enumerate(self.field.houses):
            house.base_kw, house.ev_kw = base_kw, charging_kw if number < HOUSES - 4 else 0.0

    def step(self, statuses: bool = True) -> Decisions:
        """The field speaks, the pass decides, the books take it in."""
        now, said = self.clock.now(), self.field.messages()
        if self.v_pu is not None:
            said.append(self.field.substation_reading(v_pu=self.v_pu))
        drained = Drained(
            readings=tuple(m for m in said if isinstance(m, Reading)),
            statuses=tuple(m for m in said if isinstance(m, DeviceStatus) and statuses),
        )
        heard = hear(self.of, self.books, self.memory, drained, now)
        self.books.apply_all(heard.entries)
        around = Surroundings(now=now, epoch=0, orders=self.orders, fleet_budget_kw=self.fleet_kw)
        decided = decide(self.of, self.books, heard.memory, around)
        self.books.apply_all(decided.entries)
        self.memory = decided.memory
        self.clock.passed_s += PERIOD_S
        return decided

    def run(self, steps: int) -> list[Entry]:
        return [entry for _ in range(steps) for entry in self.step().entries]

    def obey(self) -> None:
        """Every request that is planned was sent, accepted and started, and its device takes what it may."""
        now = self.clock.now()
        for record in self.books.open_requests(FEEDER):
            if record.state == "planned":
                sent = RequestSent(at=now, request=record.request, sequence=record.sequence, attempt=1)
                states = ("sent", "accepted", "active") if record.resource == "device" else ("sent", "active")
                moves = [RequestMoved(at=now, request=record.request, state=s, reason="") for s in states]  # type: ignore[arg-type]
                self.books.apply_all([sent, *moves])
            if record.resource == "device":
                house = self.field.houses[int(record.planned.target[2:])]
                house.ev_kw = min(house.ev_kw, record.limit_kw)


E = TypeVar("E", bound=Entry)


def of_kind(entries: Iterable[Entry], kind: type[E]) -> list[E]:
    return [entry for entry in entries if isinstance(entry, kind)]


def calm_evening(**tables: object) -> settings.Site:
    return site(cycle=settings.Cycle(period_s=PERIOD_S), **tables)
