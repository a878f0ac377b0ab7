"""One controller stops and another goes on, on one record and one field: in order, and with the old one still
there.
"""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from controller.daemon import Daemon
from controller.entries import LedgerPosted, RequestPlanned, RequestSettled
from controller.stores.port import StoreUnavailable
from controller.stores.sqlite import SqliteStore
from devices.messages import CustomerNotice, LimitCommand
from simulations.virtual_time import VirtualClock, run_virtual
from tests.builders import inline
from tests.controller.lifecycle.controllers import PERIOD_S, SITE, control_of
from tests.controller.lifecycle.runs import Quiet
from tests.controller.lifecycle.street import CHARGERS, SECRET, Street
from tests.controller.lifecycle.wire import Wire
from tests.controller.lifecycle.world import START, World


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with Quiet():
        yield


class Link:
    """One controller's end of the wire."""

    def __init__(self, wire: Wire, number: int) -> None:
        self._wire, self._number = wire, number

    async def send(self, command: LimitCommand) -> None:
        self._wire.send(self._number, command)

    async def notify(self, notice: CustomerNotice) -> None:
        self._wire.notify(notice)


class Evening:
    """A street that speaks every period, and controllers that run as they do in `gridward run`."""

    def __init__(self, path: Path) -> None:
        self.path, self.clock, self.street = path, VirtualClock(START), Street()
        self.wire = Wire(self.street, self.clock.now)
        self.street.charge(11.0, 3.0)

    async def speak(self) -> None:
        while True:
            now = self.clock.now()
            batch = self.street.batch(now)
            for message in (*([] if batch is None else [batch]), *self.street.statuses(now)):
                self.wire.say(message)
            for answer in self.street.ended(now):
                self.wire.say(answer)
            await self.clock.sleep(PERIOD_S)

    async def control(self, number: int, seconds: float) -> SqliteStore:
        """One process from its start to its SIGTERM; its store stays open for a look."""
        store = SqliteStore(self.path, durable=False)
        link = Link(self.wire, number)
        daemon = Daemon(
            SITE,
            [control_of(frozenset(), frozenset(), frozenset(), ())],
            store=store,
            sources=[],
            commands=link,
            notices=link,
            clock=self.clock,
            offload=inline,
            secret=SECRET,
        )
        for status in self.street.statuses(self.clock.now()):
            daemon.intake.deliver(status)  # retained by the broker
        self.wire.hears = [daemon.intake.deliver]
        running = asyncio.create_task(daemon.run())
        await self.clock.sleep(seconds)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        return store

    def held(self) -> dict[str, LimitCommand]:
        now = self.clock.now()
        found = {name: self.street.chargers[name].holder for name in CHARGERS}
        return {
            name: h.held for name, h in found.items() if h.held is not None and h.limit_at(now) is not None
        }


def test_what_one_controller_asked_the_next_one_goes_on_with(tmp_path: Path) -> None:
    """After a SIGTERM limits stay at the devices; the next one asks nobody anew, frees nobody, renews under
    its higher epoch, and frees and credits all in the end.
    """

    async def evening() -> None:
        one = Evening(tmp_path / "g.sqlite3")
        speaking = asyncio.create_task(one.speak())
        store = await one.control(1, 45.0)
        store.close()
        before, told = one.held(), len(one.wire.log)
        assert set(before) == {"EV0", "EV1", "EV2"}
        await one.clock.sleep(12.0)
        assert one.held() == before
        assert len(one.wire.log) == told

        store = await one.control(2, 65.0)
        after = one.held()
        assert {n: c.request for n, c in after.items()} == {n: c.request for n, c in before.items()}
        assert all(after[n].end > before[n].end for n in before)
        assert {c.epoch for c in after.values()} == {2}
        told_by_next = [passed for passed in one.wire.log if passed.sender == 2]
        assert all(passed.command.end > passed.at for passed in told_by_next)
        asked = [n.entry for n in store.replay() if isinstance(n.entry, RequestPlanned)]
        devices = [entry.target for entry in asked if entry.resource == "device"]
        assert sorted(devices) == ["EV0", "EV1", "EV2"]
        store.close()

        one.street.charge(2.0, 1.0)
        store = await one.control(3, 300.0)
        assert one.held() == {}
        settled = [n.entry.request for n in store.replay() if isinstance(n.entry, RequestSettled)]
        paid = [n.entry.request for n in store.replay() if isinstance(n.entry, LedgerPosted)]
        assert sorted(settled) == sorted(entry.request for entry in asked)
        assert len(paid) == len(set(paid)) > 0
        store.close()
        speaking.cancel()

    run_virtual(evening())


def test_a_second_controller_is_kept_out_while_the_first_one_lives(tmp_path: Path) -> None:
    first = SqliteStore(tmp_path / "g.sqlite3")
    with pytest.raises(StoreUnavailable, match="another"):
        SqliteStore(tmp_path / "g.sqlite3")
    first.close()
    SqliteStore(tmp_path / "g.sqlite3").close()


def test_what_a_replaced_controller_still_has_on_its_way_has_no_effect() -> None:
    """It was frozen, another took over; then its commands arrive, and it goes on itself."""
    world = World()
    old = world.start()
    world.street.charge(11.0, 3.0)
    for _ in range(3):
        world.cycle(old)
        world.pass_time(PERIOD_S)
    world.wire.weather["commands"] = "held"
    while not world.wire.waiting["commands"]:  # its renewals
        world.cycle(old)
        world.pass_time(PERIOD_S)
    late = world.wire.waiting["commands"]
    world.wire.weather["commands"] = "fine"
    new = world.start()
    for _ in range(4):
        world.cycle(new)
        world.pass_time(PERIOD_S)
    held = {c.name: c.holder.held for c in world.street.chargers.values()}
    assert {command.epoch for command in held.values() if command is not None} == {new.epoch}
    world.wire.let_through("commands", list(range(len(late))))
    assert {c.name: c.holder.held for c in world.street.chargers.values()} == held
    world.cycle(new)  # the devices said "refused, stale epoch" to the other one
    holding = {command.request for command in held.values() if command is not None}
    assert {world.judge.requests[request].state for request in holding} == {"active"}

    told = [passed for passed in world.wire.log if passed.sender == old.number]
    world.cycle(old)
    assert old.ended.startswith("Replaced")
    assert [passed for passed in world.wire.log if passed.sender == old.number] == told
    world.come_to_rest()
    world.close()
