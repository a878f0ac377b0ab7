"""What is told of an overload before it is there: early, once, and withdrawn when it will not come."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from controller.announcements import AnnouncerState, Told, announce
from controller.books import Books
from controller.entries import ExpectationEnded, OverloadExpected
from controller.feeder_check import Check, check
from controller.look_ahead import STEP, fresh
from controller.memory import fresh_memory
from grid_model.forecast.forecaster import HORIZONS
from grid_model.forecast.outlook import Outlook
from grid_model.violations import ViolationKind
from tests.builders import FEEDER, HOUSES, START, control
from tests.controller.passes import of_kind

ONES = np.ones(HOUSES)
TIMES = tuple(START + h * STEP for h in HORIZONS)
EVERY = timedelta(minutes=5)


def _outlook(
    probability: float,
    element: str = "trafo:0",
    kind: ViolationKind = "transformer_overload",
    value: float = 108.0,
    first: int = 3,
) -> Outlook:
    most = np.zeros(len(HORIZONS))
    most[first:] = probability
    return Outlook(element, kind, 100.0, most, np.full(len(HORIZONS), value))


def _checked(each_kw: float) -> Check:
    of, readings = control(), fresh_memory(control()).state
    full = replace(readings.readings, at_s=START.timestamp() * ONES, p_kw=each_kw * ONES)
    return check(of, replace(readings, readings=full), fresh_memory(of).check, START)[0]


class Desk:
    """One look after another, and what each of them tells."""

    def __init__(self, each_kw: float = 1.0) -> None:
        self.of, self.books, self.state = control(), Books(), AnnouncerState()
        self.checked, self.now = _checked(each_kw), START - EVERY
        self.told: list[Told] = []

    def look(self, *found: Outlook, from_: datetime = START, after: timedelta = EVERY) -> tuple[Told, ...]:
        """At the next time, with the horizons beginning at `from_`."""
        self.now += after
        times = tuple(at - START + from_ for at in TIMES)
        ahead = replace(fresh(self.of), looked_at=self.now, outlooks=found, times=times)
        self.state, told = announce(
            self.state, self.of, self.books, ahead=ahead, check=self.checked, now=self.now
        )
        _, again = announce(self.state, self.of, self.books, ahead=ahead, check=self.checked, now=self.now)
        assert not of_kind(again, OverloadExpected), "a look is judged once"
        self.books.apply_all(told)
        self.told += told
        return told

    @property
    def expected(self) -> list[OverloadExpected]:
        """All that was announced."""
        return of_kind(self.told, OverloadExpected)


def _words(told: Iterable[Told]) -> str:
    names = {OverloadExpected: "expected", ExpectationEnded: "ended"}
    return " ".join(names[type(entry)] for entry in told)


def _told(probabilities: list[float], each_kw: float = 1.0) -> list[str]:
    desk = Desk(each_kw)
    return [_words(desk.look(*([_outlook(p)] if p else []))) for p in probabilities]


@pytest.mark.parametrize(
    ("looks", "told"),
    [
        ([0.9, 0.9, 0.9], ["", "expected", ""]),
        ([0.9, 0.7, 0.9, 0.9], ["", "", "", "expected"]),
        ([0.9, 0.9, 0.6, 0.6, 0.6], ["", "expected", "", "", ""]),
        ([0.9, 0.9, 0.3, 0.6, 0.3, 0.0], ["", "expected", "", "", "", "ended"]),
        ([0.5, 0.5, 0.0], ["", "", ""]),
    ],
)
def test_told_and_withdrawn_without_flapping(looks: list[float], told: list[str]) -> None:
    assert _told(looks) == told


def test_it_says_when_how_high_and_how_sure() -> None:
    desk = Desk()
    desk.look(_outlook(0.9))
    desk.look(_outlook(0.9))
    (entry,) = desk.expected
    assert (entry.element, entry.value, entry.limit, entry.probability) == ("trafo:0", 108.0, 100.0, 0.9)
    assert entry.expected_at == TIMES[3]


def _announcements_at(moved_by_minutes: Iterable[float], after: timedelta = EVERY) -> list[datetime]:
    """The times announced when the expected one moves so."""
    desk = Desk()
    for moved in moved_by_minutes:
        desk.look(_outlook(0.9), from_=START + timedelta(minutes=moved), after=after)
    return [entry.expected_at for entry in desk.expected]


def test_a_time_that_jumps_to_and_fro_is_told_once() -> None:
    first = TIMES[3] + timedelta(hours=5)
    jumps = [300 + moved for moved in (0, 0, 60, 15, 45, -15, 60, 0, 30, -45, 60, 45, 0, 60, -30) * 2]
    assert _announcements_at(jumps) == [first]


def test_an_hour_earlier_is_told_again_an_hour_later_is_not() -> None:
    half_hour = timedelta(minutes=30)
    assert _announcements_at([300, 300, 300, 360, 360], half_hour) == [TIMES[3] + timedelta(minutes=300)]
    earlier = _announcements_at([300, 300, 300, 240, 240, 240], half_hour)
    assert earlier == [TIMES[3] + timedelta(minutes=moved) for moved in (300, 240)]


def test_one_look_that_says_earlier_is_not_enough() -> None:
    jumps = [300, 300, 300, 300, 180, 300, 300, 180, 300, 300]
    assert len(_announcements_at(jumps, timedelta(minutes=30))) == 1


def test_at_most_once_an_hour() -> None:
    fifteen = timedelta(minutes=15)
    moved = [320 - 20 * step for step in range(14)]  # two hours sooner with every hour that passes
    desk = Desk()
    said = []
    for minutes in moved:
        told = desk.look(_outlook(0.9), from_=START + timedelta(minutes=minutes), after=fifteen)
        said += [desk.now for _ in of_kind(told, OverloadExpected)]
    assert len(said) >= 3
    assert min(np.diff(said)) >= timedelta(hours=1)


def test_what_was_withdrawn_is_announced_again_after_an_hour_only() -> None:
    desk = Desk()
    for probability in (0.9, 0.9, 0.0, 0.0, *[0.9] * 12):
        desk.look(*([_outlook(probability)] if probability else []))
    assert [entry.at - START for entry in desk.expected] == [EVERY, EVERY + timedelta(hours=1)]


def test_a_clock_that_was_ahead_silences_nothing() -> None:
    desk = Desk()
    desk.now += timedelta(days=3650)
    for after in (EVERY, EVERY):
        desk.look(_outlook(0.9), from_=desk.now, after=after)
    desk.look(after=timedelta(days=-3650))
    desk.look()
    desk.look(_outlook(0.9))
    assert _words(desk.look(_outlook(0.9))) == "expected"


def test_what_is_overdue_and_still_expected_is_told_with_its_new_time() -> None:
    desk = Desk()
    for step in range(20):
        desk.look(_outlook(0.9), from_=START + step * STEP, after=STEP)
    first, second = (entry.expected_at for entry in desk.expected[:2])
    assert second - first >= timedelta(hours=1)
    assert desk.expected[1].at - first >= timedelta(hours=1)


def test_of_each_kind_the_most_probable_element_is_told() -> None:
    buses = [_outlook(0.8 + n / 100, f"bus:{n}", "undervoltage", 0.89) for n in range(10)]
    desk = Desk()
    for _ in range(4):
        desk.look(*buses, _outlook(0.85), _outlook(0.88, "line:2", "line_overload"))
    assert [(entry.kind, entry.element) for entry in desk.expected] == [
        ("undervoltage", "bus:9"),
        ("line_overload", "line:2"),
        ("transformer_overload", "trafo:0"),
    ]


def test_among_equally_probable_ones_the_first_then_the_worst_is_told() -> None:
    desk = Desk()
    lines = [
        _outlook(1.0, "line:0", "line_overload", 140.0, first=5),
        _outlook(1.0, "line:1", "line_overload", 105.0),
        _outlook(1.0, "line:2", "line_overload", 120.0),
    ]
    desk.look(*lines)
    desk.look(*lines)
    assert [entry.element for entry in desk.expected] == ["line:2"]


def test_another_element_of_a_kind_is_told_when_it_is_an_hour_sooner() -> None:
    desk = Desk()
    late = _outlook(0.95, "line:0", "line_overload", first=7)
    for found in ([late], [late], *[[late, _outlook(0.9, "line:1", "line_overload", first=7)]] * 3):
        desk.look(*found, after=timedelta(minutes=20))
    assert [entry.element for entry in desk.expected] == ["line:0"]
    for _ in range(3):
        desk.look(late, _outlook(0.9, "line:1", "line_overload", first=0), after=timedelta(minutes=20))
    assert [entry.element for entry in desk.expected] == ["line:0", "line:1"]


def test_no_more_than_three_stand_on_a_feeder() -> None:
    desk = Desk()
    kinds: tuple[ViolationKind, ...] = (
        "line_overload",
        "transformer_overload",
        "undervoltage",
        "overvoltage",
    )
    found = [_outlook(0.99 - n / 100, f"e:{n}", kind) for n, kind in enumerate(kinds)]
    for _ in range(30):
        desk.look(*found, from_=START + timedelta(hours=6))
    assert [entry.kind for entry in desk.expected] == list(kinds[:3])


def test_what_is_there_already_is_not_announced() -> None:
    assert _told([0.9, 0.9, 0.9], each_kw=16.0) == ["", "", ""]


def test_what_was_announced_came() -> None:
    desk = Desk()
    desk.look(_outlook(0.9))
    desk.look(_outlook(0.9))
    _, told = announce(
        AnnouncerState(), desk.of, desk.books, ahead=fresh(desk.of), check=_checked(16.0), now=START
    )
    assert [t.outcome for t in told if isinstance(t, ExpectationEnded)] == ["came"]
    desk.books.apply_all(told)
    assert desk.books.expected(FEEDER) == ()
