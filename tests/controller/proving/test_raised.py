"""Somebody who takes more in the hours before events is shown, and nobody who does not."""

from datetime import UTC, datetime, timedelta

import numpy as np

from controller.proving.raised import AskedMeter, Raised, asked_meters, raised
from controller.proving.settlement_baseline import MeterHistories, QuarterMeans
from controller.stores.port import Numbered
from tests.controller.record_builders import T0, after, opened, planned

FIRST = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
WEEKS, METERS = 8, 12
NAMES = {f"load:{n}": n for n in range(METERS)}
EVENTS = [FIRST + timedelta(days=7 * week + day, hours=17) for week in range(2, WEEKS) for day in (1, 3)]


def street(raises: dict[int, float], seed: int = 2) -> MeterHistories:
    """Eight weeks of quarters; `raises`: position → factor from 13:00 to 16:00 of the days with events."""
    quarters = WEEKS * 7 * 96
    begin_s = FIRST.timestamp() + 900.0 * np.arange(quarters)
    noise = np.random.default_rng(seed).lognormal(0.0, 0.15, (METERS, WEEKS * 7))
    p_kw = np.repeat(noise, 96, axis=1)
    for position, factor in raises.items():
        for event in EVENTS:
            last = int((event.timestamp() - FIRST.timestamp()) // 900) - 4
            p_kw[position, last - 12 : last] *= factor
    return MeterHistories(QuarterMeans(begin_s, p_kw.astype(np.float32)), UTC)


def asked(*positions: int) -> dict[str, AskedMeter]:
    spans = {f"E{n}": (event, event + timedelta(hours=1)) for n, event in enumerate(EVENTS)}
    return {f"load:{n}": AskedMeter(f"C-{n:03d}", f"load:{n}", dict(spans)) for n in positions}


def suspected(found: tuple[Raised, ...]) -> list[str]:
    return [one.customer for one in found if one.verdict.suspected]


def test_who_raises_is_shown_first_with_figures() -> None:
    found = raised(asked(0, 1, 2, 3), NAMES, street({2: 2.0}))
    assert suspected(found) == ["C-002"]
    assert found[0].customer == "C-002"
    assert len(found[0].verdict.events) == len(EVENTS)
    assert 0.8 < found[0].verdict.raise_share < 1.2


def test_nobody_is_shown_who_does_what_everybody_does() -> None:
    everybody = dict.fromkeys(range(METERS), 2.0)
    assert suspected(raised(asked(0, 1, 2, 3), NAMES, street(everybody))) == []


def test_who_was_asked_is_no_yardstick_for_others() -> None:
    """All of them take twice as much before events: among the peers they would hide it."""
    asked_of_all = raised(asked(*range(6)), NAMES, street(dict.fromkeys(range(6), 2.0)))
    assert len(suspected(asked_of_all)) == 6
    assert all(0.8 < one.verdict.raise_share < 1.2 for one in asked_of_all)


def test_with_few_neighbours_the_own_hours_earlier_that_day_are_the_yardstick() -> None:
    found = raised(asked(*range(METERS - 2)), NAMES, street({5: 2.0}))
    assert suspected(found) == ["C-005"]


def test_too_few_events_are_said_and_judge_nobody() -> None:
    meters = asked(0)
    meters["load:0"].spans = dict(list(meters["load:0"].spans.items())[:2])
    (one,) = raised(meters, NAMES, street({0: 3.0}))
    assert (one.verdict.suspected, one.verdict.p_value) == (False, None)
    assert "2 events" in one.verdict.reason


def test_a_meter_that_is_not_in_the_network_any_more_is_left_out() -> None:
    gone = {"load:99": AskedMeter("C-099", "load:99", dict(asked(0)["load:0"].spans))}
    assert raised(gone, NAMES, street({})) == ()


def test_of_each_event_the_first_word_and_the_last_end_count() -> None:
    told = [
        Numbered(1, opened()),
        Numbered(2, planned(1, at=after(60), end=after(600))),
        Numbered(3, planned(2, service_point="load:1", customer="C-001", at=T0, end=after(900))),
        Numbered(4, planned(3, feeder="vorstadt")),
    ]
    (meter,) = asked_meters(told, "dorf").values()
    assert (meter.customer, list(meter.spans.values())) == ("C-001", [(T0, after(900))])
