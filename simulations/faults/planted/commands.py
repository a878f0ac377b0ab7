"""Planted bugs in commands on their way, and in what counts as said of them."""

from dataclasses import replace
from typing import Any

from msgspec import structs

from controller import (
    dispatch,
    hearing,
    release,
    requests,
)
from controller.bookkeeping import Bookkeeper
from devices.limit_holder import LimitHolder
from simulations.faults.planted.planting import BUSY, FLAWLESS, Set, bug
from simulations.faults.planted.wrong_ways import in_message


@bug(**FLAWLESS | {"delayed": 0.5, "doubled": 0.5, "controller_crash": 0.6, "operator": 0.6, "cycles": 20})
def stale_epoch_accepted(put: Set) -> None:
    """A device listens to a controller that was replaced."""
    receive = LimitHolder.receive

    def forgetful(self: Any, command: Any, now: Any, **named: Any) -> Any:
        self.highest_epoch = 0
        return receive(self, command, now, **named)

    put(LimitHolder, "receive", forgetful)


@bug(**BUSY, controller_crash=0.4)
def old_epoch_in_commands(put: Set) -> None:
    """Commands go out under the epoch of the request's first controller."""
    message = dispatch._message

    def old(control: Any, record: Any, epoch: int) -> Any:
        return message(control, record, record.planned.epoch)

    put(dispatch, "_message", old)


@bug(**BUSY)
def sequence_not_increased(put: Set) -> None:
    """A renewal goes out under the number of what it renews."""
    renewed = release._renewed

    def same_number(situation: Any, record: Any, end: Any) -> Any:
        entry = renewed(situation, record, end)
        return None if entry is None else structs.replace(entry, sequence=record.sequence)

    put(release, "_renewed", same_number)
    put(Bookkeeper, "fits", lambda *_: None)


@bug(**BUSY, doubled=0.5, delayed=0.3)
def replays_have_effect(put: Set) -> None:
    """A device obeys a command that it has seen before."""
    receive = LimitHolder.receive

    def forgetful(self: Any, command: Any, now: Any, **named: Any) -> Any:
        self._known.pop(command.request, None)
        return receive(self, command, now, **named)

    put(LimitHolder, "receive", forgetful)


@bug(**BUSY)
def sent_to_another(put: Set) -> None:
    """A command goes to the device after the one that it was planned for."""
    in_message(put, lambda told: replace(told, device=f"D{(int(told.device[1:]) + 1) % 9}"))


@bug(**BUSY)
def sent_is_accepted(put: Set) -> None:
    """A command that was sent counts as accepted."""
    due = requests.due

    def hopeful(record: Any, rules: Any, now: Any) -> Any:
        return (
            "accepted" if record.state == "sent" and record.resource == "device" else due(record, rules, now)
        )

    put(hearing, "due", hopeful)
    put(hearing, "_WHY", {**hearing._WHY, "accepted": "it was sent"})
