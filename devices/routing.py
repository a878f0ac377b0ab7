"""Sends commands and failsafes over the wire that their device is on, and heartbeats over all of them [6].

Knows channels, not protocols.
"""

import asyncio
from collections.abc import Iterable, Mapping

from devices.errors import CommandRejected, Unreachable
from devices.messages import Failsafe, Heartbeat, LimitCommand
from devices.ports import CommandChannel, FailsafeChannel, HeartbeatChannel

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

    async def arm(self, failsafe: Failsafe) -> None:
        """See `devices.ports.FailsafeChannel.arm`; CommandRejected where its wire has no word for it."""
        channel = self._claimed.get((failsafe.feeder, failsafe.device), self._default)
        if not isinstance(channel, FailsafeChannel):
            raise CommandRejected(f"device {failsafe.device!r}: its protocol knows no failsafe")
        await channel.arm(failsafe)


class AllHear:
    """A HeartbeatChannel of several: one that is lost holds up nobody else's."""

    def __init__(self, channels: Iterable[HeartbeatChannel]) -> None:
        self._channels = tuple(channels)

    async def beat(self, heartbeat: Heartbeat) -> None:
        """See `devices.ports.HeartbeatChannel.beat`; Unreachable when any of them is."""
        outcomes = await asyncio.gather(
            *(channel.beat(heartbeat) for channel in self._channels), return_exceptions=True
        )
        faults = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        for fault in faults:
            if not isinstance(fault, Unreachable):
                raise fault
        if faults:
            raise Unreachable("; ".join(str(fault) for fault in faults))


def claims(channels: Iterable[tuple[CommandChannel, Iterable[DeviceKey]]]) -> dict[DeviceKey, CommandChannel]:
    """Which channel has which device. ValueError when two claim the same one."""
    claimed: dict[DeviceKey, CommandChannel] = {}
    for channel, keys in channels:
        for key in keys:
            if claimed.setdefault(key, channel) is not channel:
                raise ValueError(f"device {key[1]!r} of feeder {key[0]!r} is claimed by two channels")
    return claimed
