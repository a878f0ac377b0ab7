"""Each command goes over the wire of its device, and over no other."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from devices.errors import CommandRejected, Unreachable
from devices.messages import Failsafe, Heartbeat, LimitCommand
from devices.routing import AllHear, CommandRouter, claims

NOW = datetime(2026, 1, 12, 18, tzinfo=UTC)
COMMAND = LimitCommand("f1", "ev1", "r1", 4.2, NOW, NOW + timedelta(minutes=15), 1, 1)


class Channel(list[LimitCommand]):
    """Remembers what it was given."""

    async def send(self, command: LimitCommand) -> None:
        self.append(command)


async def test_a_claimed_device_goes_over_its_channel_and_all_others_over_the_default() -> None:
    broker, chargers = Channel(), Channel()
    router = CommandRouter(broker, claims([(chargers, [("f1", "ev1")])]))
    elsewhere = replace(COMMAND, feeder="f2")
    for command in (COMMAND, elsewhere, replace(COMMAND, device="hp1")):
        await router.send(command)
    assert list(chargers) == [COMMAND]
    assert [(c.feeder, c.device) for c in broker] == [("f2", "ev1"), ("f1", "hp1")]


def test_a_device_that_two_channels_claim_is_told() -> None:
    with pytest.raises(ValueError, match="'ev1' of feeder 'f1' is claimed by two"):
        claims([(Channel(), [("f1", "ev1")]), (Channel(), [("f1", "ev1")])])


class ArmedChannel(Channel):
    """One whose wire has a word for the failsafe."""

    def __init__(self) -> None:
        super().__init__()
        self.armed: list[Failsafe] = []

    async def arm(self, failsafe: Failsafe) -> None:
        self.armed.append(failsafe)


async def test_a_failsafe_goes_where_its_device_is_and_never_somewhere_else() -> None:
    broker, chargers = ArmedChannel(), Channel()
    router = CommandRouter(broker, claims([(chargers, [("f1", "ev1")])]))
    failsafe = Failsafe("f1", "hp1", 4.2, 7200, 120, 1, 1, "signed")
    await router.arm(failsafe)
    with pytest.raises(CommandRejected, match="'ev1': its protocol knows no failsafe"):
        await router.arm(replace(failsafe, device="ev1"))
    assert broker.armed == [failsafe]


class Hears:
    """A wire for heartbeats, which may be lost."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.heard: list[int] = []
        self._fault = fault

    async def beat(self, heartbeat: Heartbeat) -> None:
        if self._fault is not None:
            raise self._fault
        self.heard.append(heartbeat.sequence)


@pytest.mark.parametrize(
    ("fault", "expected"), [(Unreachable("no link"), Unreachable), (RuntimeError("bug"), RuntimeError)]
)
async def test_a_lost_wire_keeps_no_heartbeat_from_the_others(
    fault: Exception, expected: type[Exception]
) -> None:
    lost, first, last = Hears(fault), Hears(), Hears()
    with pytest.raises(expected, match=str(fault)):
        await AllHear([first, lost, last]).beat(Heartbeat(NOW, 1, 7))
    assert first.heard == last.heard == [7]
    await AllHear([first]).beat(Heartbeat(NOW, 1, 8))
    assert first.heard == [7, 8]
