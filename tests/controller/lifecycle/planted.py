"""Faults planted in the controller on purpose: what the machine must find, or its green means nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from controller import dispatch, hearing, planning, release, rounds, safety_gate
from controller.books import Books
from controller.operators import Orders
from controller.requests import RequestRecord
from controller.safety_gate import Passed
from devices.limit_holder import LimitHolder
from tests.controller.lifecycle import controllers


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
    patch.setattr("controller.bookkeeping.Bookkeeper._replay", _replay_without_releases)


def _replay_without_releases(self: Any) -> None:
    for numbered in self._store.replay():
        self.books.apply(numbered)
        self.orders = self.orders.after(numbered.entry)


def orders_forgotten(patch: pytest.MonkeyPatch) -> None:
    """What an operator ordered does not last."""
    patch.setattr(Orders, "_acted", lambda self, entry: self)


def orders_forgotten_at_start(patch: pytest.MonkeyPatch) -> None:
    """After a restart nobody knows what operators ordered."""
    patch.setattr("controller.bookkeeping.Bookkeeper._replay", _replay_without_orders)


def _replay_without_orders(self: Any) -> None:
    for numbered in self._store.replay():
        self.books.apply(numbered)


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
    patch.setattr(release, "_winding_down", lambda *_: False)
    patch.setattr(
        "controller.situation.Situation.latest_end",
        lambda self, now, spread_s=0.0: now + timedelta(seconds=90 + spread_s),
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
    """A settled request is settled again."""
    patch.setattr(RequestRecord, "is_over", property(lambda self: False))
    patch.setattr("controller.bookkeeping.Bookkeeper.fits", lambda *_: None)
    patch.setattr(Books, "_settled", lambda *_: None)


PLANTED = (
    no_end_in_the_command,
    epoch_not_checked,
    sent_before_it_is_noted,
    id_used_twice,
    two_for_one_device,
    old_epoch_in_commands,
    released_once_only,
    release_forgotten_at_start,
    orders_forgotten,
    orders_forgotten_at_start,
    no_floor,
    critical_not_read,
    renewed_for_ever,
    no_deadline,
    replaced_goes_on,
    settled_twice,
)


@contextmanager
def planted(fault: Any) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        fault(patch)
        yield
