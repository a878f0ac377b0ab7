"""What a clock that was ahead has told, once it is right again: nobody stays limited, in the books or by
their device, until that clock's future comes.
"""

from datetime import datetime, timedelta

import pytest

from controller.books import Books
from controller.dispatch import due_sends, gatekeeper_for_sending
from controller.entries import EmergencyStopped, Entry, RequestChanged, RequestSent, RequestState
from controller.hearing import hear
from controller.intake import Drained
from controller.memory import Memory, fresh_memory
from controller.operators import free
from controller.orders.stopping import lets_go
from controller.requests import RequestRecord, settlement_due
from devices.messages import Answer, LimitCommand
from tests.builders import FEEDER, START, control
from tests.controller.record_builders import moved, opened, planned

CONTROL = control()
AHEAD = timedelta(days=1)
WINDOW = timedelta(minutes=15)
PASS = timedelta(seconds=10)
EVENT = f"E-{FEEDER}-1"
RIGHT = START + timedelta(minutes=2)
"""From here on the clock is right again."""
WAY: dict[RequestState, tuple[RequestState, ...]] = {
    "planned": (),
    "sent": ("sent",),
    "accepted": ("sent", "accepted"),
    "active": ("sent", "accepted", "active"),
    "unanswered": ("sent", "unanswered"),
    "refused": ("sent", "refused"),
    "ended": ("sent", "accepted", "active", "ended"),
}


class Passes:
    """The first half of each pass, with what it decides in the books."""

    def __init__(self, *entries: Entry) -> None:
        self.books, self.memory = Books(), fresh_memory(CONTROL)
        self.books.apply(opened(EVENT, FEEDER, at=START + AHEAD))
        self.books.apply_all(entries)
        self.now = RIGHT

    @property
    def record(self) -> RequestRecord:
        return self.books.requests[f"{EVENT}-R001"]

    def until(self, then: datetime, *answers: Answer) -> list[Entry]:
        told: list[Entry] = []
        while self.now < then:
            heard = hear(CONTROL, self.books, self.memory, Drained(answers=answers), self.now)
            self.books.apply_all(heard.entries)
            self.memory: Memory = heard.memory
            told += heard.entries
            self.now += PASS
        return told


def told_ahead(state: RequestState, resource: str = "device", at: datetime = START + AHEAD) -> Passes:
    entry = planned(
        request=f"{EVENT}-R001", event=EVENT, feeder=FEEDER, resource=resource, target="EV00",
        at=at, start=at, end=at + WINDOW,
    )  # fmt: skip
    steps = [moved(entry.request, step, at) for step in WAY[state]]
    sent = [RequestSent(at=at, request=entry.request, sequence=1, attempt=1)] if steps else []
    return Passes(entry, *sent, *steps)


def releases(entries: list[Entry]) -> list[RequestChanged]:
    return [entry for entry in entries if isinstance(entry, RequestChanged) and entry.reason == "released"]


@pytest.mark.parametrize("state", ["sent", "accepted", "active", "unanswered"])
def test_what_a_clock_told_that_was_ahead_is_over_when_its_device_is_free(state: RequestState) -> None:
    """The device counts down what was left; for so long it may hold the limit, and then it is told."""
    passes = told_ahead(state)
    early = passes.until(RIGHT + WINDOW - PASS)
    assert not releases(early)
    assert passes.record.is_open == (state != "unanswered")
    (release,) = releases(passes.until(RIGHT + WINDOW + 2 * PASS))
    assert release.end == release.at
    confirmed = Answer(FEEDER, "EV00", passes.record.request, "ended", "not held any more")
    passes.books.apply(RequestSent(at=passes.now, request=confirmed.request, sequence=2, attempt=1))
    passes.until(passes.now + 2 * PASS, confirmed)
    assert not passes.record.is_open
    assert settlement_due(passes.record, CONTROL.site.requests, passes.now + WINDOW)


def test_a_release_that_nobody_confirms_is_over_after_the_same_time_once_more() -> None:
    passes = told_ahead("active")
    passes.until(RIGHT + 2 * WINDOW - PASS)
    assert passes.record.is_open
    passes.until(RIGHT + 2 * WINDOW + 4 * PASS)
    assert not passes.record.is_open


@pytest.mark.parametrize("state", ["sent", "active"])
def test_a_person_is_told_that_it_is_over(state: RequestState) -> None:
    """They were told a time of tomorrow."""
    passes = told_ahead(state, "person") if state == "sent" else told_ahead("sent", "person")
    if state == "active":
        passes.books.apply(moved(passes.record.request, "active", START + AHEAD))
    assert len(releases(passes.until(RIGHT + WINDOW + 4 * PASS))) == 1
    assert not passes.record.is_open
    assert passes.record.releasing


def test_what_did_not_go_out_does_not_go_out_any_more() -> None:
    passes = told_ahead("planned")
    passes.until(RIGHT + 3 * PASS)
    assert not passes.record.is_open


@pytest.mark.parametrize("state", ["refused", "ended"])
def test_what_was_over_is_settled(state: RequestState) -> None:
    passes = told_ahead(state)
    passes.until(RIGHT + PASS)
    assert settlement_due(passes.record, CONTROL.site.requests, passes.now)


def test_a_change_by_a_clock_that_was_ahead_ends_too_and_its_device_is_told_until_it_says_so() -> None:
    """Its device has a right start to count from, and holds what it was told until tomorrow."""
    passes = told_ahead("active", at=START)
    ahead = START + AHEAD
    passes.books.apply(
        RequestChanged(
            at=ahead, request=passes.record.request, limit_kw=4.2, end=ahead + WINDOW, epoch=1, sequence=2,
            reason="tightened",
        )
    )  # fmt: skip
    assert len(releases(passes.until(RIGHT + 3 * WINDOW))) == 1
    assert passes.record.is_open
    passes.books.apply(RequestSent(at=passes.now, request=passes.record.request, sequence=3, attempt=1))
    passes.until(passes.now + 2 * PASS, Answer(FEEDER, "EV00", passes.record.request, "ended", "released"))
    assert not passes.record.is_open


def let_go_ahead() -> Passes:
    """Limited by a right clock, and released by one that was ahead."""
    passes = told_ahead("active", at=START)
    ahead = START + AHEAD
    passes.books.apply(RequestSent(at=START, request=passes.record.request, sequence=1, attempt=1))
    passes.books.apply_all(free([passes.record], 1, ahead, "overridden", "release_all by Ann"))
    return passes


def test_a_release_by_a_clock_that_was_ahead_is_told_again() -> None:
    """It ended the limit where that ended by itself: still ahead, by the clock of now."""
    passes = let_go_ahead()
    assert passes.record.end == START + WINDOW
    (again,) = releases(passes.until(RIGHT + 3 * PASS))
    assert (again.end, again.sequence) == (RIGHT, 3)
    assert passes.record.state == "overridden"


def test_a_release_limits_nobody_once_more_when_the_clock_is_right() -> None:
    """Also where it is settled, and so can be told in the journal no more."""
    passes = let_go_ahead()
    gatekeeper = gatekeeper_for_sending(CONTROL, passes.books, epoch=1, good=False, now=RIGHT)
    record = passes.record
    (sending,) = due_sends(
        CONTROL, passes.books, passes.memory, to_release={record.request: record}, gatekeeper=gatekeeper,
        may_limit=False, may_try=lambda _: True,
    )  # fmt: skip
    assert isinstance(sending.message, LimitCommand)
    assert sending.message.end == RIGHT


@pytest.mark.parametrize("steps_back_s", [5, 45])
def test_a_small_step_back_ends_nothing_before_its_time(steps_back_s: int) -> None:
    passes = told_ahead("active", at=RIGHT + timedelta(seconds=steps_back_s))
    passes.until(RIGHT + WINDOW)
    assert passes.record.is_open
    assert not passes.record.releasing


def test_a_clock_that_was_put_back_for_a_while_ends_nothing() -> None:
    """And once it is right again all goes on as it was told."""
    passes = told_ahead("active")
    passes.until(RIGHT + WINDOW / 2)
    passes.now = START + AHEAD + PASS
    passes.until(START + AHEAD + WINDOW - PASS)
    assert passes.record.is_open
    assert not passes.record.releasing
    passes.until(START + AHEAD + WINDOW + 2 * PASS)
    assert not passes.record.is_open


def test_a_stop_of_a_clock_that_was_ahead_lets_everybody_go() -> None:
    stop = EmergencyStopped(
        at=START + AHEAD, stop="S-1", who="Ann", why="a fire", manner="staggered", feeders=(FEEDER,)
    )
    assert lets_go(stop, CONTROL.site, RIGHT)
    assert not lets_go(stop, CONTROL.site, START + AHEAD - timedelta(seconds=5))
    assert lets_go(stop, CONTROL.site, START + AHEAD + timedelta(hours=1))
