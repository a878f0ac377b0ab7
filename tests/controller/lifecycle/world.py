"""Street, wire, record, controllers and judge on one virtual loop: what the machine's rules act on."""

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest

from controller.books import Books
from controller.errors import BooksBroken
from controller.people import call_rules
from customers.consent_links import Choice
from simulations.faults.controllers import ShiftedClock
from simulations.virtual_time import VirtualLoop
from tests.controller.lifecycle import street as far_side
from tests.controller.lifecycle.controllers import PERIOD_S, Controller, Record
from tests.controller.lifecycle.judge import Broken, Judge
from tests.controller.lifecycle.street import Street
from tests.controller.lifecycle.wire import LANES, Wire

T = TypeVar("T")
START = datetime(2016, 1, 12, 17, 0, tzinfo=UTC)
CYCLES_TO_REST = 60
SHORTEST_CALL = timedelta(seconds=60)
"""an event of this street is over in five minutes"""


class World:
    """Time passes only where a method says so."""

    def __init__(self, *, agreed: bool = False) -> None:
        """`agreed`: the street has its programme."""
        self.agreed = agreed
        self._patch = pytest.MonkeyPatch()
        self._patch.setattr(call_rules, "SHORTEST", SHORTEST_CALL)
        self.loop = VirtualLoop()
        self.loop.set_exception_handler(lambda *_: None)  # those that died in the middle of something
        self.street = Street()
        self.wire = Wire(self.street, self.now)
        self.record = Record()
        self.judge = Judge(self.street, self.wire, agreed=agreed)
        self.wire.durable = self.durable
        self.clock = ShiftedClock(START)
        self.critical: frozenset[str] = frozenset()
        self.without: frozenset[str] = frozenset()
        self.controllers: list[Controller] = []
        self.shadow = Books()
        self.cycles = 0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.loop.time())

    def durable(self) -> int:
        """The journal's newest entry."""
        return self.record.newest()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    @property
    def current(self) -> Controller | None:
        """The one that started last, if it lives."""
        last = self.controllers[-1] if self.controllers else None
        return last if last is not None and last.lives else None

    @property
    def replaced(self) -> list[Controller]:
        """Those that live on though another has taken over."""
        return [c for c in self.controllers[:-1] if c.lives]

    def start(self) -> Controller:
        """A new process takes over, whether the old one is still there or not."""
        number = len(self.controllers)
        one = Controller(
            number,
            self.record,
            self.wire,
            self.clock,
            critical=self.critical,
            without=self.without,
            agreed=self.agreed,
        )
        who = one.who
        self.controllers.append(one)
        self.wire.hears.append(one.hear)
        self.judge.protected[number] = frozenset(
            name for name in far_side.CHARGERS if name not in who.device or who.is_protected(who.device[name])
        )
        self.run(one._guarded(one.daemon.start()))
        self.judge.epoch_of[number] = one.epoch
        if one.ended:
            self.controllers.pop()
            self.wire.hears.pop()
        return one

    def speak(self) -> None:
        """What the field says in one period."""
        now = self.now()
        batch = self.street.batch(now)
        for message in (
            *([] if batch is None else [batch]),
            *self.street.statuses(now),
            *self.street.ended(now),
        ):
            self.wire.say(message)

    def cycle(self, one: Controller, *, die_at: int = 0, freeze_at: int = 0, then: Any = None) -> None:
        """The field speaks, one controller looks and acts; `then` happens at the same time."""
        self.speak()
        began = self.now()
        in_charge = one is self.current and not self.record.down and self.record.hiccup is None

        whole = self.run(one.cycle(die_at=die_at, freeze_at=freeze_at, beside=then))
        self.cycles += 1
        self.check()
        if whole and in_charge and one is self.current:
            fine = all(weather == "fine" for weather in self.wire.weather.values())
            there = all(charger.online for charger in self.street.chargers.values())
            self.judge.after_good_cycle(began, calm=fine and there)
        else:
            self.judge.calm = 0

    def pass_time(self, seconds: float) -> None:
        self.run(asyncio.sleep(seconds))

    def answer(self, one: Controller, number: int, choice: Choice) -> Coroutine[Any, Any, None] | None:
        """A person answers one of the notices, the latest for 0; None when nobody was asked."""
        asked = [told.request for told in self.judge.requests.values() if told.resource == "person"]
        return None if not asked else one.answer(asked[-1 - number % len(asked)], choice)

    def check(self) -> None:
        """All rules that hold at every moment."""
        if self.judge.broken is not None:
            raise self.judge.broken
        rows = self.record.rows(self.judge.seq)
        self.judge.read(rows)
        self.judge.look_at_wire()
        self.judge.look_at_devices(self.now())
        self._replay(rows)
        for one in self.controllers:
            self.judge.look_at_what_was_noted(one.noted)
            if one.faults:
                raise self._broken(f"a cycle goes on whatever happens: {one.faults}")
            if one.daemon._started and one.failed_passes():
                raise self._broken("no pass fails")
            if one.ended and not one.ended.startswith(("Replaced", "StoreUnavailable", "JournalAhead")):
                raise self._broken(f"nobody ends for a fault of ours: {one.ended}")

    def _replay(self, rows: list[tuple[int, str]]) -> None:
        """The books of whoever is in charge are those that a replay gives, at any time."""
        if rows:
            try:
                self.shadow.apply_all(self.record.store.replay(self.shadow.seq))
            except BooksBroken as error:
                raise self._broken(f"the journal can always be replayed: {error}") from error
        one = self.current
        if one is None or one.frozen or not one.daemon._started or self.record.down:
            return
        if one.daemon._keeper._unwritten or one.daemon.books.seq != self.shadow.seq:
            return
        for books in (self.shadow, one.daemon.books):
            books.count_by_state(far_side.FEEDER)  # asking makes an empty sum where none is
        if one.daemon.books != self.shadow:
            raise self._broken("replay of the journal gives equal books")

    def _broken(self, rule: str) -> Broken:
        return self.judge.breaks(rule)

    def heal(self) -> None:
        """Everything works again, and nobody takes much."""
        self.record.down, self.record.hiccup = False, None
        for lane in LANES:
            self.wire.weather[lane] = "fine"
        self.street.meters_work = True
        self.street.charge(wants_kw=2.0, base_kw=1.0)
        for charger in self.street.chargers.values():
            charger.online, charger.mood = True, "obeys"

    def come_to_rest(self) -> None:
        """Within a bounded time everybody is free and every request is over."""
        self.heal()
        for one in self.controllers:
            if one.lives and one.frozen:
                self.run(one.thaw())
        for _ in range(CYCLES_TO_REST):
            one = self.current or self.start()  # as a supervisor would
            self.cycle(one)
            if not self.judge.at_rest() and one.daemon.books.open_event(far_side.FEEDER) is None:
                break
            self.pass_time(PERIOD_S)
        left = self.judge.at_rest()
        if left:
            raise self._broken(f"nobody is limited for ever: {left}")
        whole = Books()
        whole.apply_all(self.record.store.replay())
        whole.count_by_state(far_side.FEEDER)
        if self.current is not None and self.current.daemon.books != whole:
            raise self._broken("replay of the whole journal gives equal books")
        if sum(self.record.store.balances().values()) != 0:
            raise self._broken("the ledger sums to zero")

    def end(self) -> None:
        """All comes to rest, unless a rule was broken, and everything is put away."""
        try:
            if self.judge.broken is not None:
                raise self.judge.broken
            self.come_to_rest()
        finally:
            self.close()

    def close(self) -> None:
        for one in self.controllers:
            one.kill()
        self.run(asyncio.sleep(0))
        self.loop.close()
        self.record.store.close()
        self._patch.undo()
