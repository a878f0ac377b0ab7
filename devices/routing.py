"""Sends each command over the wire that its device hangs on [6]. Knows channels, not protocols."""

from collections.abc import Iterable, Mapping

from devices.messages import LimitCommand
from devices.ports import CommandChannel

DeviceKey = tuple[str, str]
"""(feeder, device)"""


class CommandRouter:
    """A CommandChannel of several: devices that no other channel claims are on `default`."""

    def __init__(self, default: CommandChannel, claimed: Mapping[DeviceKey, CommandChannel]) -> None:
        self._default = default
        self._claimed = dict(claimed)

    async def send(self, command: LimitCommand) -> None:
        """See `devices.ports.CommandChannel.send`."""
        channel = self._claimed.get((command.feeder, command.device), self._default)
        await channel.send(command)


def claims(channels: Iterable[tuple[CommandChannel, Iterable[DeviceKey]]]) -> dict[DeviceKey, CommandChannel]:
    """Which channel has which device. ValueError when two claim the same one."""
    claimed: dict[DeviceKey, CommandChannel] = {}
    for channel, keys in channels:
        for key in keys:
            if claimed.setdefault(key, channel) is not channel:
                raise ValueError(f"device {key[1]!r} of feeder {key[0]!r} is claimed by two channels")
    return claimed
