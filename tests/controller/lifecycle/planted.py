"""Faults planted in the controller on purpose: what the machine must find, or its green means nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from controller import dispatch, hearing, planning, release, rounds, safety_gate
from controller.bookkeeping import Bookkeeper
from controller.books import Books
from controller.entries import RequestSettled
from controller.operators import Orders
from controller.people import call_rules
from controller.proving.settling import Settling
from controller.safety_gate import Passed
from devices.limit_holder import LimitHolder
from tests.controller.lifecycle import controllers, scenarios
from tests.controller.lifecycle.scenarios import Scenario


def no_end_in_the_command(patch: pytest.MonkeyPatch) -> None:
    """The command's end is a year away."""
    message = dispatch._message

    def endless(*args: Any) -> Any:
        told = message(*args)
        return told if args[1].releasing else replace(told, end=told.end + timedelta(days=365))

    patch.setattr(dispatch, "_message", endless)


def epoch_not_checked(patch: pytest.MonkeyPatch) -> None:
    """A device listens to controllers that were replaced: nothing but the test's own eyes is left."""

    def forgetful(self: LimitHolder, command: Any, now: datetime) -> Any:
        self.highest_epoch = 0
        return receive(self, command, now)

    receive = LimitHolder.receive
    patch.setattr(LimitHolder, "receive", forgetful)


def sent_before_it_is_noted(patch: pytest.MonkeyPatch) -> None:
    """What the record refused counts as written."""

    async def careless(self: Any, entries: Any, samples: Any = ()) -> bool:
        try:
            await self._keeper.write(entries, samples)
        except controllers.StoreUnavailable:
            self._keeper.apply_unwritten(entries)
            self._keeper.store_fault = None
        return True

    patch.setattr(rounds.Rounds, "_write", careless)


def id_used_twice(patch: pytest.MonkeyPatch) -> None:
    """A request planned anew gets the id of another."""
    patch.setattr(planning, "request_id", lambda event, number: f"{event}-R{(number + 1) // 2:03d}")
    patch.setattr(Books, "_planned", _planned_over(Books._planned))
    patch.setattr("controller.bookkeeping.Bookkeeper.fits", lambda *_: None)


def _planned_over(planned: Any) -> Any:
    def over(self: Books, entry: Any) -> None:
        self.requests.pop(entry.request, None)
        planned(self, entry)

    return over


def two_for_one_device(patch: pytest.MonkeyPatch) -> None:
    """Who is limited already is asked anew."""
    patch.setattr(Books, "held_by", lambda *_, **__: None)


def released_once_only(patch: pytest.MonkeyPatch) -> None:
    """A release that was sent counts as heard."""
    patch.setattr(dispatch, "unconfirmed", lambda record, memory, now: record.sent_sequence < record.sequence)
    patch.setattr(rounds, "unconfirmed", lambda record, memory, now: record.sent_sequence < record.sequence)
    patch.setattr(hearing._Hearing, "_still_holds", lambda *_: False)


def old_epoch_in_commands(patch: pytest.MonkeyPatch) -> None:
    """Commands go out under the epoch of the request's first controller."""
    message = dispatch._message
    patch.setattr(
        dispatch, "_message", lambda control, record, epoch: message(control, record, record.planned.epoch)
    )


def release_forgotten_at_start(patch: pytest.MonkeyPatch) -> None:
    """After a restart nobody knows that a release was still to be told."""
    replay = Bookkeeper._replay

    def forgetful(self: Bookkeeper) -> None:
        replay(self)
        self._freeing.clear()

    patch.setattr(Bookkeeper, "_replay", forgetful)


def orders_forgotten(patch: pytest.MonkeyPatch) -> None:
    """What an operator ordered does not last."""
    patch.setattr(Orders, "_acted", lambda self, entry: self)


def orders_forgotten_at_start(patch: pytest.MonkeyPatch) -> None:
    """After a restart nobody knows what operators ordered."""
    replay = Bookkeeper._replay

    def forgetful(self: Bookkeeper) -> None:
        replay(self)
        self.orders = Orders()

    patch.setattr(Bookkeeper, "_replay", forgetful)


def no_floor(patch: pytest.MonkeyPatch) -> None:
    """The gate lets everything pass, and plans go to nothing."""
    patch.setattr(safety_gate, "judge", lambda *_: Passed())
    given = planning.flexible_devices

    def bottomless(*args: Any) -> Iterator[Any]:
        for device in given(*args):
            yield replace(device, min_kw=0.0)

    patch.setattr(planning, "flexible_devices", bottomless)


def critical_not_read(patch: pytest.MonkeyPatch) -> None:
    """The mark of a critical customer is not looked at."""
    patch.setattr("customers.registry.Registry.is_protected", lambda *_: False)


def renewed_for_ever(patch: pytest.MonkeyPatch) -> None:
    """A request near its end is always renewed, whatever the programme says."""
    patch.setattr(safety_gate, "judge", lambda *_: Passed())
    patch.setattr(
        "controller.situation.Situation.latest_end",
        lambda self, now, spread_s=0.0, **_: now + timedelta(seconds=90 + spread_s),
    )
    patch.setattr(release, "_released", lambda *_: [])


def no_deadline(patch: pytest.MonkeyPatch) -> None:
    """Time moves no request."""
    patch.setattr(hearing, "due", lambda *_: None)


def replaced_goes_on(patch: pytest.MonkeyPatch) -> None:
    """Nobody looks whether another controller has taken over, and the devices do not either."""
    epoch_not_checked(patch)

    async def unchecked(*_: Any) -> None:
        return None

    patch.setattr("controller.bookkeeping.Bookkeeper.check_epoch", unchecked)


def settled_twice(patch: pytest.MonkeyPatch) -> None:
    """What was settled is written once more, and the books say nothing to it."""
    write, settled = Settling._write, Books._settled

    async def twice(self: Settling, told: Any) -> None:
        await write(self, told)
        again = [entry for _, entries in told for entry in entries if isinstance(entry, RequestSettled)]
        await self._keeper.write(again)

    def once(self: Books, entry: RequestSettled) -> None:
        record = self.requests.get(entry.request)
        if record is not None and record.settled is None:
            settled(self, entry)

    patch.setattr(Settling, "_write", twice)
    patch.setattr(Books, "_settled", once)


def no_not_heeded(patch: pytest.MonkeyPatch) -> None:
    """Who said no to a notice is limited all the same."""
    patch.setattr("controller.situation.Situation.opted_out", frozenset())


def longest_call_begins_anew(patch: pytest.MonkeyPatch) -> None:
    """Each request counts as a call of its own."""
    patch.setattr(call_rules, "_began", lambda *_: None)


PLANTED: dict[Callable[[pytest.MonkeyPatch], None], Scenario] = {
    no_end_in_the_command: scenarios.the_record_refuses,
    epoch_not_checked: scenarios.two_in_charge,
    sent_before_it_is_noted: scenarios.the_record_refuses,
    id_used_twice: scenarios.the_record_refuses,
    two_for_one_device: scenarios.the_record_refuses,
    old_epoch_in_commands: scenarios.two_in_charge,
    released_once_only: scenarios.a_release_is_lost,
    release_forgotten_at_start: scenarios.an_order_and_a_death,
    orders_forgotten: scenarios.an_order_and_a_death,
    orders_forgotten_at_start: scenarios.an_order_and_a_death,
    no_floor: scenarios.the_record_refuses,
    critical_not_read: scenarios.the_record_refuses,
    renewed_for_ever: scenarios.a_release_is_lost,
    no_deadline: scenarios.the_record_refuses,
    replaced_goes_on: scenarios.two_in_charge,
    settled_twice: scenarios.the_record_refuses,
    no_not_heeded: scenarios.people_answer,
    longest_call_begins_anew: scenarios.people_answer,
}
"""fault → the short evening that must show it"""


@contextmanager
def planted(fault: Any) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        fault(patch)
        yield
