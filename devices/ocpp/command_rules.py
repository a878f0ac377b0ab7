"""Sequence and epoch on our side, for a wire that has neither [6]. Pure.

A charger obeys whoever it is connected to, so what `devices/limit_holder.py` asks of a device is kept here:
a command of an epoch lower than the highest that was sent never goes out, nor one of a sequence lower than
the last of its request. The same sequence may go out again: it repeats itself, and has the same effect.
Nor does one on what is fed in: a charging profile bounds what a charger takes, and would be obeyed as that.
"""

from devices.errors import CommandRejected
from devices.messages import LimitCommand

MAX_REMEMBERED = 50_000
"""Requests; the one that was commanded the longest ago is forgotten first."""


class CommandRules:
    """What has gone out so far, over all chargers."""

    def __init__(self) -> None:
        self.highest_epoch = 0
        self._newest: dict[str, int] = {}

    def admit(self, command: LimitCommand) -> None:
        """Note that this command goes out now; CommandRejected when it must not."""
        if command.direction != "consumption":
            raise CommandRejected(f"{command.request}: a charger has no limit on {command.direction}")
        if command.epoch < self.highest_epoch:
            raise CommandRejected(
                f"{command.request}: stale epoch {command.epoch}, epoch {self.highest_epoch} has commanded"
            )
        newest = self._newest.get(command.request)
        if newest is not None and command.sequence < newest:
            raise CommandRejected(
                f"{command.request}: stale sequence {command.sequence}, {newest} has gone out already"
            )
        self.highest_epoch = command.epoch
        self._newest.pop(command.request, None)
        self._newest[command.request] = command.sequence
        if len(self._newest) > MAX_REMEMBERED:
            del self._newest[next(iter(self._newest))]

    def is_newest(self, command: LimitCommand) -> bool:
        """Whether nothing later has gone out for its request, so that what is answered to it still counts."""
        return self._newest.get(command.request) == command.sequence
