"""Each command goes over the wire of its device, and over no other."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from devices.messages import LimitCommand
from devices.routing import CommandRouter, claims

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
