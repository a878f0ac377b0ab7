"""Sequence and epoch on our side, for a wire that has neither [6]. Pure.

A VEN obeys the VTN, so what `devices/limit_holder.py` asks of a device is kept here: a command of an epoch
lower than the highest that was sent never goes out, nor one of a sequence lower than the last of its
request, nor one that bounds another direction than its request did. The same sequence may go out again: it
repeats itself.
"""

from devices.errors import CommandRejected
from devices.messages import Direction, LimitCommand

MAX_REMEMBERED = 50_000
"""Requests; the one that was commanded the longest ago is forgotten first."""


class CommandOrder:
    """What has gone out so far, over all devices of one VTN."""

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
        """Whether nothing later has gone out for its request."""
        return self._newest.get(command.request, (None,))[0] == command.sequence
