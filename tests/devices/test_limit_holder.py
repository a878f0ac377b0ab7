"""The device's side of a command: step tables, and what may never happen under any sequence of commands."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.limit_holder import LimitHolder
from devices.messages import Direction, LimitCommand
from devices.signing import device_key, sign

SECRET = bytes(range(32))
T0 = datetime(2026, 1, 12, 18, 0, tzinfo=UTC)
FLOOR_KW = 4.2


def minutes(value: float) -> datetime:
    return T0 + timedelta(minutes=value)


def command(
    request: str = "r1",
    *,
    limit_kw: float = 5.0,
    start: float = 0,
    end: float = 15,
    epoch: int = 1,
    sequence: int = 1,
    direction: Direction = "consumption",
) -> LimitCommand:
    bare = LimitCommand(
        "f1", "ev1", request, limit_kw, minutes(start), minutes(end), epoch, sequence, direction=direction
    )
    return sign(bare, SECRET)


@pytest.fixture
def holder() -> LimitHolder:
    return LimitHolder("ev1", device_key(SECRET, "ev1"), FLOOR_KW)


def said(holder: LimitHolder, given: LimitCommand, at: float) -> tuple[str, str | None] | None:
    answer = holder.receive(given, minutes(at))
    return None if answer is None else (answer.answer, answer.reason)


def test_holds_the_limit_until_its_end_and_tells_once(holder: LimitHolder) -> None:
    assert said(holder, command(), 0) == ("accepted", None)
    assert holder.limit_at(minutes(14.99)) == 5.0
    assert holder.expired(minutes(14.99)) is None
    assert holder.limit_at(minutes(15)) is None
    ended = holder.expired(minutes(15))
    assert ended is not None
    assert (ended.request, ended.answer, ended.reason) == ("r1", "ended", "end reached")
    assert holder.expired(minutes(16)) is None


def test_a_limit_of_later_waits_for_its_start(holder: LimitHolder) -> None:
    assert said(holder, command(start=0.9), 0) == ("accepted", None)
    assert holder.limit_at(minutes(0.8)) is None
    assert holder.limit_at(minutes(0.9)) == 5.0


def test_the_same_sequence_repeats_the_answer_and_changes_nothing(holder: LimitHolder) -> None:
    said(holder, command(), 0)
    assert said(holder, command(limit_kw=9.0), 1) == ("accepted", None)
    assert holder.limit_at(minutes(1)) == 5.0


def test_a_lower_sequence_is_ignored(holder: LimitHolder) -> None:
    said(holder, command(sequence=5), 0)
    assert said(holder, command(sequence=4, limit_kw=9.0), 1) is None
    assert holder.limit_at(minutes(1)) == 5.0


def test_a_higher_sequence_renews_and_changes(holder: LimitHolder) -> None:
    said(holder, command(), 0)
    assert said(holder, command(sequence=2, limit_kw=6.0, end=30), 10) == ("accepted", None)
    assert holder.limit_at(minutes(29)) == 6.0


def test_a_release_ends_it_and_its_captured_start_stays_void(holder: LimitHolder) -> None:
    start = command()
    said(holder, start, 0)
    assert said(holder, command(sequence=2, end=5), 5) == ("ended", "released")
    assert holder.limit_at(minutes(5)) is None
    assert said(holder, start, 6) is None
    assert holder.limit_at(minutes(6)) is None
    assert holder.expired(minutes(20)) is None


def test_a_release_after_the_own_end_is_still_ended(holder: LimitHolder) -> None:
    said(holder, command(), 0)
    assert holder.expired(minutes(15)) is not None
    assert said(holder, command(sequence=2, end=16), 16) == ("ended", "not held any more")


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (replace(command(), signature="00" * 32), "signature"),
        (replace(command(), limit_kw=9.0), "signature"),
        (sign(replace(command(), device="ev2"), SECRET), "signature"),
        (command(end=-1, start=-15), "expired"),
        (command(start=20, end=15), "window"),
        (command(limit_kw=4.19), "below floor"),
        (command(limit_kw=0.0), "below floor"),
        (command(limit_kw=-1.0), "not a limit"),
        (command(limit_kw=float("nan")), "not a limit"),
        (command(limit_kw=float("inf")), "not a limit"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refuses_and_holds_nothing(holder: LimitHolder, bad: LimitCommand, reason: str) -> None:
    assert said(holder, bad, 0) == ("refused", reason)
    assert holder.limit_at(minutes(0)) is None
    assert holder.held is None


def test_a_refused_change_leaves_what_is_held(holder: LimitHolder) -> None:
    said(holder, command(), 0)
    assert said(holder, command(sequence=2, limit_kw=1.0), 1) == ("refused", "below floor")
    assert holder.limit_at(minutes(1)) == 5.0


def test_an_older_controller_has_no_say(holder: LimitHolder) -> None:
    said(holder, command(epoch=7), 0)
    assert said(holder, command(request="r2", epoch=6), 1) == ("refused", "stale epoch")
    assert said(holder, command(epoch=6, sequence=2, end=1), 1) == ("refused", "stale epoch")
    assert holder.limit_at(minutes(1)) == 5.0


def test_a_forged_epoch_locks_nobody_out(holder: LimitHolder) -> None:
    said(holder, replace(command(), epoch=1 << 60), 0)
    assert said(holder, command(epoch=1), 0) == ("accepted", None)


def test_a_new_request_replaces_the_held_one_which_is_answered_ended(holder: LimitHolder) -> None:
    said(holder, command("r1", limit_kw=5.0, end=60), 0)
    assert said(holder, command("r2", limit_kw=6.0, end=15), 1) == ("accepted", None)
    assert holder.limit_at(minutes(1)) == 6.0
    ended = holder.expired(minutes(1))
    assert ended is not None
    assert (ended.request, ended.reason) == ("r1", "replaced")
    assert said(holder, command("r1", limit_kw=5.0, end=60), 2) == ("ended", "replaced")
    assert holder.limit_at(minutes(20)) is None


COMMANDS = st.builds(
    command,
    request=st.sampled_from(["r1", "r2", "r3"]),
    limit_kw=st.sampled_from([-1.0, 0.0, 4.19, 4.2, 5.0, 11.0, float("nan"), float("inf")]),
    start=st.integers(-5, 20),
    end=st.integers(-5, 40),
    epoch=st.integers(0, 3),
    sequence=st.integers(0, 4),
)


@given(st.lists(st.tuples(st.integers(0, 5), COMMANDS, st.booleans()), max_size=25))
def test_never_below_the_floor_never_past_the_end_never_for_a_stranger(
    steps: list[tuple[int, LimitCommand, bool]],
) -> None:
    holder = LimitHolder("ev1", device_key(SECRET, "ev1"), FLOOR_KW)
    now, ends = 0, dict[str, set[datetime]]()
    for wait, given_command, forged in steps:
        now += wait
        epoch_before = holder.highest_epoch
        sent = replace(given_command, signature="00" * 32) if forged else given_command
        answer = holder.receive(sent, minutes(now))
        if answer is not None and answer.answer == "accepted":
            assert not forged
            ends.setdefault(sent.request, set()).add(sent.end)
        assert holder.highest_epoch >= epoch_before
        limit = holder.limit_at(minutes(now))
        if limit is not None:
            assert limit >= FLOOR_KW
            assert holder.held is not None
            assert holder.held.end in ends[holder.held.request]
    later = minutes(now + 60)
    assert holder.limit_at(later) is None
    holder.expired(later)
    assert holder.held is None


# ---- what it feeds in


@pytest.fixture
def both() -> LimitHolder:
    """A battery: its feed-in can be limited, too."""
    return LimitHolder("ev1", device_key(SECRET, "ev1"), FLOOR_KW, ("consumption", "production"))


def test_a_direction_that_it_cannot_limit_is_refused_and_holds_nothing(holder: LimitHolder) -> None:
    assert said(holder, command(direction="production"), 0) == ("refused", "direction")
    assert holder.limit_at(minutes(1)) is None
    assert holder.limit_at(minutes(1), "production") is None


def test_each_direction_has_a_limit_of_its_own(both: LimitHolder) -> None:
    assert said(both, command("r1", limit_kw=5.0), 0) == ("accepted", None)
    assert said(both, command("r2", limit_kw=1.0, direction="production"), 0) == ("accepted", None)
    assert (both.limit_at(minutes(1)), both.limit_at(minutes(1), "production")) == (5.0, 1.0)
    assert both.expired(minutes(1)) is None  # neither replaced the other
    assert said(both, command("r2", end=1, sequence=2, direction="production"), 2) == ("ended", "released")
    assert (both.limit_at(minutes(2)), both.limit_at(minutes(2), "production")) == (5.0, None)


def test_the_floor_is_about_what_it_takes(both: LimitHolder) -> None:
    assert said(both, command(limit_kw=0.0, direction="production"), 0) == ("accepted", None)
    assert said(both, command("r2", limit_kw=0.0), 0) == ("refused", "below floor")
    assert both.limit_at(minutes(1)) is None


def test_a_request_keeps_its_direction(both: LimitHolder) -> None:
    said(both, command(limit_kw=5.0), 0)
    turned = command(limit_kw=5.0, sequence=2, direction="production")
    assert said(both, turned, 1) == ("refused", "direction")
    assert both.limit_at(minutes(1)) == 5.0


# ---- clocks and restarts


@pytest.mark.parametrize("jump", [-60.0, 60.0, 5_256_000.0])
def test_a_limit_lasts_as_long_as_it_was_told_whatever_the_clock_does(
    holder: LimitHolder, jump: float
) -> None:
    holder.receive(command(start=0.5, end=15), minutes(0), at_s=1000.0)
    assert holder.limit_at(minutes(jump), at_s=1029.9) is None
    assert holder.limit_at(minutes(jump), at_s=1030.0) == 5.0
    assert holder.limit_at(minutes(jump), at_s=1869.9) == 5.0
    assert holder.limit_at(minutes(jump), at_s=1870.0) is None


def test_a_clock_that_jumps_ahead_and_back_forgets_no_request(holder: LimitHolder) -> None:
    captured = command(end=600)
    holder.receive(captured, minutes(0), at_s=0.0)
    holder.receive(command(end=0, sequence=2), minutes(1), at_s=60.0)
    holder.receive(command("r9", end=999_999), minutes(900_000), at_s=61.0)
    answer = holder.receive(captured, minutes(2), at_s=120.0)
    assert answer is None
    assert holder.held is not None
    assert holder.held.request == "r9"


def test_what_is_kept_over_a_restart(holder: LimitHolder) -> None:
    holder.receive(command(epoch=3, end=15), minutes(0), at_s=500.0)
    holder.receive(command("r2", limit_kw=6.0, epoch=3, end=20), minutes(1), at_s=560.0)
    fresh = LimitHolder("ev1", device_key(SECRET, "ev1"), FLOOR_KW)
    fresh.restore(holder.kept(minutes(2), at_s=620.0), minutes(5), at_s=7.0)
    assert fresh.limit_at(minutes(5), at_s=7.0 + 15 * 60 - 0.1) == 6.0  # three minutes passed meanwhile
    assert fresh.limit_at(minutes(5), at_s=7.0 + 15 * 60) is None
    assert said(fresh, command(epoch=2), 6) == ("refused", "stale epoch")
    assert fresh.receive(command("r2", limit_kw=6.0, epoch=3, end=20), minutes(6), at_s=60.0) is not None
    assert fresh.receive(command(epoch=3, sequence=0), minutes(6), at_s=60.0) is None


# ---- a clock that is behind when a command comes


def started(holder: LimitHolder, behind_s: float, *, request: str = "r1") -> str | None:
    """A limit of a quarter of an hour that starts at second 1000, heard then by a clock that is behind."""
    answer = holder.receive(command(request), minutes(-behind_s / 60), at_s=1000.0)
    assert answer is not None
    return answer.reason


@pytest.mark.parametrize("behind_s", [61.0, 600.0, 1e9])
def test_by_a_clock_that_is_behind_no_limit_begins(holder: LimitHolder, behind_s: float) -> None:
    """C3: held by such a clock it would last for as long past its end."""
    assert started(holder, behind_s) == "clock"
    assert holder.held is None
    assert holder.limit_at(minutes(5), at_s=1300.0) is None


def test_once_the_clock_is_right_the_same_command_is_obeyed(holder: LimitHolder) -> None:
    assert started(holder, 600) == "clock"
    answer = holder.receive(command(), minutes(1), at_s=1060.0)
    assert answer is not None
    assert answer.answer == "accepted"
    assert holder.limit_at(minutes(15), at_s=1899.9) == 5.0
    assert holder.limit_at(minutes(15), at_s=1900.0) is None


@pytest.mark.parametrize("heals", [False, True])
def test_a_clock_a_little_behind_lengthens_no_limit(holder: LimitHolder, heals: bool) -> None:
    assert started(holder, 45) is None
    off = 0.0 if heals else -0.75
    assert holder.limit_at(minutes(14.9 + off), at_s=1894.0) == 5.0
    assert holder.limit_at(minutes(15 + off), at_s=1900.0) is None
    ended = holder.expired(minutes(15 + off), at_s=1900.0)
    assert ended is not None
    assert ended.reason == "end reached"


def test_a_change_by_a_clock_that_fell_behind_moves_the_end_as_far_as_it_says(holder: LimitHolder) -> None:
    assert started(holder, 0) is None
    renewal = holder.receive(command(sequence=2, start=-55, end=25), minutes(-50), at_s=1600.0)
    assert renewal is not None
    assert renewal.answer == "accepted"
    assert holder.limit_at(minutes(0), at_s=2499.9) == 5.0
    assert holder.limit_at(minutes(0), at_s=2500.1) is None


def test_a_release_by_a_clock_that_fell_behind_releases(holder: LimitHolder) -> None:
    assert started(holder, 0) is None
    release = holder.receive(command(sequence=2, end=5), minutes(-55), at_s=1300.0)
    assert release is not None
    assert (release.answer, release.reason) == ("ended", "released")
    assert holder.limit_at(minutes(-55), at_s=1300.0) is None
