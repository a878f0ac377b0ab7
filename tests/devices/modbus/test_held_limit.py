"""When a limit is written again, and whose it is: by steps of time."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.messages import Answer, LimitCommand
from devices.modbus.dialogue import UnitState
from devices.modbus.held_limit import HeldLimit
from tests.devices.modbus.rig import BEGIN


def after(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def asked(request: str = "r1", start_s: float = 0.0, end_s: float = 900.0) -> LimitCommand:
    return LimitCommand("f1", "d1", request, 4.2, BEGIN + after(start_s), BEGIN + after(end_s), 1, 1)


AT_S = 5000.0
"""BEGIN, by the monotonic clock"""


def said(limit_kw: float | None) -> UnitState:
    return UnitState(limit_kw=limit_kw, says_limit=True)


def test_a_unit_that_holds_all_of_it_is_left_alone_until_the_end() -> None:
    held = HeldLimit(5.0)
    held.accept(asked(), BEGIN, AT_S, 899.0)
    assert held.next_at_s(AT_S) == AT_S + 905.0
    assert [held.due(AT_S + s) for s in (0, 899, 900, 904, 905)] == [None, None, None, None, "end"]


def test_a_start_in_the_future_is_waited_for() -> None:
    held = HeldLimit(5.0)
    held.accept(asked(start_s=60.0), BEGIN, AT_S, None)
    assert held.next_at_s(AT_S) == AT_S + 60.0
    assert [held.due(AT_S + s) for s in (59, 60)] == [None, "write"]


@given(forgets_s=st.floats(5.0, 600.0), length_s=st.floats(5.0, 4000.0))
def test_writings_keep_it_up_to_the_end_and_never_beyond(forgets_s: float, length_s: float) -> None:
    """What the unit holds by itself never reaches past the end: with us dead it ends in time."""
    if length_s < forgets_s:
        return
    held, now_s, end_s = HeldLimit(5.0), AT_S, AT_S + length_s
    held.accept(asked(end_s=length_s), BEGIN, AT_S, forgets_s)
    until_s = now_s + forgets_s
    for _ in range(10_000):
        at_s = held.next_at_s(now_s)
        assert at_s is not None
        if held.due(at_s) != "write":
            break
        assert at_s <= until_s
        now_s, until_s = at_s, at_s + forgets_s
        held.written(now_s, forgets_s)
        assert end_s - now_s >= forgets_s - 1e-6
    assert end_s - 1.01 <= until_s <= end_s + 1e-3


def test_a_writing_may_be_lost_twice() -> None:
    held = HeldLimit(5.0)
    held.accept(asked(), BEGIN, AT_S, 60.0)
    assert held.next_at_s(AT_S) == AT_S + 20.0
    held.write_failed(AT_S + 20.0)
    assert held.next_at_s(AT_S + 20.0) == AT_S + 23.0


def test_after_a_lost_connection_it_is_written_only_while_it_is_to_be_held() -> None:
    held = HeldLimit(5.0)
    held.accept(asked(), BEGIN, AT_S, 899.0)
    held.write_again(AT_S + 100.0)
    assert held.due(AT_S + 100.0) == "write"
    assert held.due(AT_S + 900.0) is None
    later = HeldLimit(5.0)
    later.accept(asked(start_s=60.0), BEGIN, AT_S, None)
    later.write_again(AT_S + 10.0)
    assert later.due(AT_S + 10.0) is None


def test_the_latest_request_takes_the_place() -> None:
    held = HeldLimit(5.0)
    assert held.accept(asked(), BEGIN, AT_S, 899.0) is None
    assert held.accept(asked(end_s=1000.0), BEGIN, AT_S, 999.0) is None
    assert held.accept(asked("r2"), BEGIN, AT_S, 899.0) == Answer("f1", "d1", "r1", "ended", "replaced")
    assert not held.let_go("r1")
    assert held.let_go("r2")
    assert held.due(AT_S + 905.0) is None


@pytest.mark.parametrize(
    ("free_kw", "in_window_kw", "after_end_kw", "overstays"),
    [
        (None, 4.2, None, False),
        (None, 4.2, 4.2, True),
        (None, 4.83, 4.83, True),  # as the unit rounds it
        (None, 4.2, 6.0, False),  # somebody else's
        (4.2, 4.2, 4.2, False),  # what it always holds
        (11.0, 4.2, 4.2, True),
    ],
)
def test_who_keeps_a_limit_past_its_end(
    free_kw: float | None, in_window_kw: float, after_end_kw: float | None, overstays: bool
) -> None:
    held = HeldLimit(5.0)
    if free_kw is not None:
        held.said(said(free_kw), AT_S)
    held.accept(asked(), BEGIN, AT_S, 899.0)
    held.said(said(in_window_kw), AT_S + 10.0)
    assert held.request_shown(said(in_window_kw), AT_S + 10.0) == "r1"
    held.said(said(after_end_kw), AT_S + 905.0)
    assert held.overstays(said(after_end_kw)) is overstays
    assert held.request_shown(said(after_end_kw), AT_S + 905.0) is None
