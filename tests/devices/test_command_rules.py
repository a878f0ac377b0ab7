"""What never goes out to a device whose wire has neither sequence nor epoch, whoever asks."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from devices import command_rules
from devices.command_rules import CommandRules, check_limit
from devices.errors import CommandRejected
from devices.messages import LimitCommand

NOW = datetime(2026, 1, 12, 18, tzinfo=UTC)
LIMIT = LimitCommand("f1", "ev1", "r1", 5.0, NOW, NOW + timedelta(minutes=15), 3, 3)


def test_a_lower_epoch_sequence_or_another_direction_leaves_no_trace() -> None:
    rules = CommandRules()
    rules.admit(LIMIT)
    for wrong, words in (
        (replace(LIMIT, epoch=2, sequence=9), "stale epoch 2"),
        (replace(LIMIT, sequence=2), "stale sequence 2"),
        (replace(LIMIT, direction="production", epoch=9, sequence=9), "bounds production, and consumption"),
    ):
        with pytest.raises(CommandRejected, match=words):
            rules.admit(wrong)
    assert rules.highest_epoch == 3
    assert rules.is_newest(LIMIT)
    rules.admit(LIMIT)  # the same again repeats itself
    rules.admit(replace(LIMIT, sequence=4))
    assert not rules.is_newest(LIMIT)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_rules, "MAX_REMEMBERED", 2)
    rules = CommandRules()
    for request in ("r1", "r2", "r1", "r3"):
        rules.admit(replace(LIMIT, request=request))
    assert [rules.is_newest(replace(LIMIT, request=r)) for r in ("r1", "r2", "r3")] == [True, False, True]


def test_the_floor_is_one_of_consumption() -> None:
    check_limit(LIMIT, 5.0)
    check_limit(replace(LIMIT, limit_kw=0.0, direction="production"), 5.0)
    with pytest.raises(CommandRejected, match="at least the floor"):
        check_limit(replace(LIMIT, limit_kw=4.999), 5.0)
    with pytest.raises(CommandRejected, match="at least the floor"):
        check_limit(replace(LIMIT, limit_kw=-0.1, direction="production"), 5.0)
