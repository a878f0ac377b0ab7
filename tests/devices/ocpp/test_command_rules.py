"""What never goes out to a charger, whoever asks."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from devices.errors import CommandRejected
from devices.messages import LimitCommand
from devices.ocpp.command_rules import CommandRules

NOW = datetime(2026, 1, 12, 18, tzinfo=UTC)
LIMIT = LimitCommand("f1", "ev1", "r1", 5.0, NOW, NOW + timedelta(minutes=15), 1, 1)


def test_a_limit_on_what_is_fed_in_is_rejected_and_leaves_no_trace() -> None:
    """As a charging profile it would bound what is taken."""
    rules = CommandRules()
    with pytest.raises(CommandRejected, match="no limit on production"):
        rules.admit(replace(LIMIT, direction="production", epoch=9, sequence=9))
    rules.admit(LIMIT)
    assert rules.highest_epoch == 1
