"""What cannot be cleared is told once, and anew when it is another shortfall."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from controller.entries import EventShort
from controller.shortfalls import Shortfalls
from grid_model.violations import Violation
from tests.builders import START, control
from tests.controller.passes import Passes, calm_evening, of_kind

Seen = tuple[str, float, bool, bool]
"""element, value in percent, short, turns end"""


def line(element: str, value: float) -> Violation:
    return Violation(element=element, kind="line_overload", value=value, limit=100.0)


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        ([("line:1", 110, True, False)] * 3, [0]),
        ([("line:1", 110, True, False), ("line:2", 112, True, False), ("line:1", 111, True, False)], [0, 1]),
        ([("line:1", 110, True, False), ("line:1", 119, True, False), ("line:1", 121, True, False)], [0, 2]),
        ([("line:1", 110, False, False), ("line:1", 110, True, False)], [1]),
        ([("line:1", 110, False, True), ("line:2", 110, False, True), ("line:2", 110, True, True)], [0, 2]),
        ([("line:1", 110, True, False), ("line:1", 110, True, True), ("line:1", 110, True, True)], [0, 1]),
    ],
)
def test_which_is_told(seen: Sequence[Seen], told: Sequence[int]) -> None:
    shortfalls, news = Shortfalls().seen("E", None, START), []
    for number, (element, value, short, turns_end) in enumerate(seen):
        worst = line(element, value)
        if shortfalls.is_news(worst, short=short, turns_end=turns_end):
            news.append(number)
            shortfalls = shortfalls.with_told(worst, turns_end=turns_end)
    assert news == told


@pytest.mark.parametrize(("well_s", "is_news"), [(None, False), (50, False), (60, True)])
def test_what_comes_back_after_all_was_well_is_told_again(well_s: int | None, is_news: bool) -> None:
    worst = line("line:1", 110)
    told = Shortfalls("E").with_told(worst, turns_end=True)
    well_since: datetime | None = None if well_s is None else START - timedelta(seconds=well_s)
    again = told.seen("E", well_since, START)
    assert again.is_news(worst, short=True, turns_end=True) == is_news
    assert not again.is_news(worst, short=False, turns_end=True)
    assert again.seen("F", None, START).is_news(worst, short=True, turns_end=False)


def test_a_second_shortfall_in_the_same_event_is_told() -> None:
    passes = Passes(control(calm_evening()), base_kw=14.0)
    assert len(of_kind(passes.run(4), EventShort)) == 1
    event = passes.books.open_event("F1")
    passes.obey()
    for house in passes.field.houses:
        house.base_kw = 0.5
    assert not of_kind(passes.run(8), EventShort)
    for house in passes.field.houses:
        house.base_kw = 14.0
    (short,) = of_kind(passes.run(4), EventShort)
    assert event is not None
    assert short.event == event.event
