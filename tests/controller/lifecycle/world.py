"""Street, wire, record, controllers and judge on one virtual loop: what the machine's rules act on."""

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from controller.books import Books
from controller.entries import NoticeAnswered
from controller.errors import BooksBroken
from simulations.virtual_time import VirtualLoop
from tests.controller.lifecycle import street as far_side
from tests.controller.lifecycle.controllers import PERIOD_S, Controller, Record, ShiftedClock
from tests.controller.lifecycle.judge import Broken, Judge
from tests.controller.lifecycle.street import Street
from tests.controller.lifecycle.wire import LANES, Wire

T = TypeVar("T")
START = datetime(2016, 1, 12, 17, 0, tzinfo=UTC)
CYCLES_TO_REST = 60


class World:
    """Time passes only where a method says so."""

    def __init__(self) -> None:
        self.loop = VirtualLoop()
        self.loop.set_exception_handler(lambda *_: None)  # those that died in the middle of something
        self.street = Street()
        self.wire = Wire(self.street, self.now)
        self.record = Record()
        self.judge = Judge(self.street, self.wire)
        self.clock = ShiftedClock(START)
        self.critical: frozenset[str] = frozenset()
        self.without: frozenset[str] = frozenset()
        self.controllers: list[Controller] = []
        self.shadow = Books()
        self.cycles = 0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.loop.time())

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
            number, self.record, self.wire, self.clock, critical=self.critical, without=self.without
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

        async def both() -> bool:
            whole, *_ = await asyncio.gather(
                one.cycle(die_at=die_at, freeze_at=freeze_at), *([] if then is None else [then])
            )
            return bool(whole)

        whole = self.run(both())
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

    def answer_notice(self, one: Controller, opted: str) -> None:
        """A person answers a notice, through whoever is in charge."""
        asked = [r for r in one.daemon.books.requests.values() if r.resource == "person"]
        if asked:
            entry = NoticeAnswered(at=self.now(), request=asked[-1].request, answer=opted, via="link")  # type: ignore[arg-type]
            self.run(one.write(entry))

    def check(self) -> None:
        """All rules that hold at every moment."""
        rows = self.record.rows(self.judge.seq)
        self.judge.read(rows)
        self.judge.look_at_wire()
        self.judge.look_at_devices(self.now())
        self._replay(rows)
        for one in self.controllers:
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
        self.judge.broken = True
        return Broken(rule)

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

    def close(self) -> None:
        for one in self.controllers:
            one.kill()
        self.run(asyncio.sleep(0))
        self.loop.close()
        self.record.store.close()
