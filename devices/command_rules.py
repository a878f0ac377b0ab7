"""What is checked before a command goes out, for a wire that has neither sequence nor epoch [6]. Pure.

A charger, a Modbus unit or a VEN obeys whoever it is connected to, so what `devices/limit_holder.py` asks of
a device is kept here: nothing below its floor, no command of an epoch lower than the highest that was sent,
none of a sequence lower than the last of its request, none that bounds another direction than its request
did. The same sequence may go out again: it repeats itself, and has the same effect.
"""

import math

from devices.errors import CommandRejected
from devices.identifiers import id_fault
from devices.messages import Direction, LimitCommand

MAX_REMEMBERED = 50_000
"""Requests; the one that was commanded the longest ago is forgotten first."""


class CommandRules:
    """What has gone out so far, over all devices of one channel."""

    def __init__(self) -> None:
        self.highest_epoch = 0
        self._newest: dict[str, tuple[int, Direction]] = {}

    def admit(self, command: LimitCommand) -> None:
        """Note that this command goes out now; CommandRejected when it must not."""
        request = command.request
        if command.epoch < self.highest_epoch:
            raise CommandRejected(
                f"{request}: stale epoch {command.epoch}, epoch {self.highest_epoch} has commanded"
            )
        sequence, direction = self._newest.get(request, (command.sequence, command.direction))
        if command.sequence < sequence:
            raise CommandRejected(
                f"{request}: stale sequence {command.sequence}, {sequence} has gone out already"
            )
        if command.direction != direction:
            raise CommandRejected(f"{request}: bounds {command.direction}, and {direction} before")
        self.highest_epoch = command.epoch
        self._newest.pop(request, None)
        self._newest[request] = command.sequence, command.direction
        if len(self._newest) > MAX_REMEMBERED:
            del self._newest[next(iter(self._newest))]

    def is_newest(self, command: LimitCommand) -> bool:
        """Whether nothing later has gone out for its request, so that what is answered to it still counts."""
        return self._newest.get(command.request, (None,))[0] == command.sequence


def check_limit(command: LimitCommand, floor_kw: float) -> None:
    """The last check of a limit before the wire; CommandRejected when it must not go out.

    The floor is one of consumption: feed-in may be limited to nothing.
    """
    fault = id_fault(command.request)
    if fault is not None:
        raise CommandRejected(f"request id {command.request!r} {fault}")
    least_kw = floor_kw if command.direction == "consumption" else 0.0
    if not math.isfinite(command.limit_kw) or command.limit_kw < least_kw:
        raise CommandRejected(
            f"{command.request}: limit_kw is {command.limit_kw}, expected at least the floor of"
            f" {command.device}, {least_kw:g}"
        )
    for name, at in (("start", command.start), ("end", command.end)):
        if at.utcoffset() is None:
            raise CommandRejected(f"{command.request}: {name} has no time zone")
    if command.end <= command.start:
        raise CommandRejected(f"{command.request}: ends ({command.end}) before it starts ({command.start})")
