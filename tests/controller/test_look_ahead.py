"""Looking ahead: what is gathered, acting before the limit is broken, and what a restart learns again."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import cast
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from controller import settings
from controller.books import Books
from controller.entries import EventOpened, RequestPlanned
from controller.feeder_check import check
from controller.feeder_control import FeederControl
from controller.feeder_view import feeder_view
from controller.headroom import Headroom, headroom, watch
from controller.look_ahead import STEP, LookAhead, fresh, gather, look, slot, slot_start
from controller.look_ahead_history import chunks, relearn
from controller.memory import fresh_memory
from controller.requests import RequestRecord
from controller.stores.port import FeederSample
from grid_model.forecast.forecaster import Slot
from grid_model.forecast.seasonal import WEEKEND, WORKDAY
from tests.builders import FEEDER, HOUSES, START, control, site
from tests.controller.passes import Passes, calm_evening, of_kind

EARLY = settings.LookAhead(act_early=True)
ONES = np.ones(HOUSES)


# --- what is gathered


def _fed(of: FeederControl, minutes: int, kw: float) -> LookAhead:
    ahead = fresh(of)
    for minute in range(minutes):
        ahead = gather(ahead, of, START + timedelta(minutes=minute), kw * ONES, ONES)
    return ahead


def test_a_quarter_hour_is_learnt_when_it_is_over() -> None:
    of = control()
    assert _fed(of, 15, 3.0).known.steps == 0
    ahead = gather(_fed(of, 15, 3.0), of, START + STEP, 9 * ONES, ONES)
    assert ahead.known.steps == 1
    assert ahead.running is not None
    assert ahead.running.mean_kw.tolist() == (9 * ONES).tolist()


def test_the_first_guess_is_the_networks_own_power_times_the_meters_ratio() -> None:
    of = control()
    some = np.where(np.arange(HOUSES) < 5, 1.0, 0.0)
    known = gather(fresh(of), of, START, 3.0 * ONES, some).known
    np.testing.assert_allclose(known.seasonal.level[:-1], of.network.default_p_kw * 1.5)


def test_what_was_not_measured_is_not_learnt() -> None:
    of = control()
    first = np.where(np.arange(HOUSES) == 0, 1.0, 0.0)
    running = gather(fresh(of), of, START, ONES, first).running
    assert running is not None
    assert np.isnan(running.mean_kw).tolist() == [False] + [True] * (HOUSES - 1)


def test_a_gap_is_not_filled_and_old_times_are_left_out() -> None:
    of = control()
    ahead = gather(_fed(of, 15, 3.0), of, START + 40 * STEP, ONES, ONES)
    assert ahead.known.steps == 1
    assert np.isnan(ahead.known.persistence.deviations).all()
    assert gather(ahead, of, START + 38 * STEP, ONES, ONES) is ahead


def test_a_clock_that_was_years_ahead_stops_nothing() -> None:
    of = control()
    readings = fresh_memory(of)
    checked, _ = check(of, readings.state, readings.check, START)
    ahead = _fed(of, 97 * 15, 3.0)
    later = START + 97 * STEP
    ahead = look(gather(ahead, of, later, ONES, ONES), of, checked, later)
    for now in (later + timedelta(days=3650), later):
        ahead = look(gather(ahead, of, now, ONES, ONES), of, checked, now)
        assert ahead.running is not None
        assert ahead.running.start == slot_start(now)
        assert ahead.looked_at == now


@pytest.mark.parametrize(
    ("at", "zone", "expected"),
    [
        (datetime(2016, 1, 12, 17, 20, tzinfo=UTC), "UTC", Slot(WORKDAY, 69)),
        (datetime(2016, 1, 15, 23, 30, tzinfo=UTC), "Europe/Berlin", Slot(WEEKEND, 2)),
        (datetime(2016, 7, 12, 17, 0, tzinfo=UTC), "Europe/Berlin", Slot(WORKDAY, 76)),
    ],
)
def test_the_evening_is_the_one_of_those_who_live_there(at: datetime, zone: str, expected: Slot) -> None:
    of = control(site(look_ahead=settings.LookAhead(time_zone=zone)))
    assert slot(of, at) == expected
    assert slot(of, at.astimezone(ZoneInfo("Asia/Tokyo"))) == expected


# --- acting early


def _rising(look_ahead: settings.LookAhead, step_kw: float = 0.05, passes: int = 80) -> Passes:
    """Twenty houses that take more from pass to pass, up to just below the limit after 75 of them."""
    evening = Passes(control(calm_evening(look_ahead=look_ahead)), charging_kw=6.0, base_kw=2.0)
    for _ in range(passes):
        for house in evening.field.houses:
            house.base_kw += step_kw
        evening.step()
        if evening.books.open_event(FEEDER) is not None:
            break
    return evening


def test_an_event_opens_before_the_limit_is_broken() -> None:
    evening = _rising(EARLY, passes=140)
    event = evening.books.open_event(FEEDER)
    assert event is not None
    assert event.opened.expected
    assert event.opened.value > event.opened.limit
    assert evening.books.violations(FEEDER) == ()
    asked = evening.books.requests_of(event.event)
    assert asked, "devices were asked at once"
    assert all(record.planned.expected for record in asked)


def test_without_acting_early_it_opens_when_the_violation_persists() -> None:
    evening = _rising(settings.LookAhead(act_early=False), passes=140)
    event = evening.books.open_event(FEEDER)
    assert event is not None
    assert not event.opened.expected
    assert not any(record.planned.expected for record in evening.books.requests_of(event.event))
    assert len(evening.books.violations(FEEDER)) == 1


def test_without_room_an_event_opens_early_and_nobody_is_asked_before_somebody_has_come() -> None:
    """What is expected arms the event; the first loading above `act_above_share` is cut at the next look."""
    evening = _rising(settings.LookAhead(room_share=0.0, lead_s=300.0), passes=140)
    event = evening.books.open_event(FEEDER)
    assert event is not None
    assert event.opened.expected
    assert evening.books.requests_of(event.event) == ()
    rules, asked_at = evening.of.site.requests, 0.0
    while not asked_at:
        for house in evening.field.houses:
            house.base_kw += 0.05
        decided = evening.step()
        asked_at = decided.check.worst_ratio if of_kind(decided.entries, RequestPlanned) else 0.0
        assert bool(asked_at) == (decided.check.worst_ratio > rules.act_above_share)
    assert evening.books.violations(FEEDER) == ()
    assert not any(record.planned.expected for record in evening.books.requests_of(event.event))


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_limits_are_drawn_in_by_so_much_of_the_rise(share: float) -> None:
    of = control(calm_evening(look_ahead=settings.LookAhead(room_share=share)))
    allowed, lines = of.element_limits.line_percent, len(of.network.lines.ids)
    ahead = Headroom(of, np.full(lines, 10.0), np.full(len(of.network.transformers.ids), 10.0))
    np.testing.assert_allclose(allowed - ahead.limits.line_percent, 10 * share)
    np.testing.assert_allclose(ahead.room.line_rise, 10 * share)


def test_one_look_that_expects_it_is_not_enough() -> None:
    patient = _rising(settings.LookAhead(act_early=True, early_checks=6), passes=140)
    hasty = _rising(settings.LookAhead(act_early=True, early_checks=1), passes=140)
    assert patient.clock.passed_s == hasty.clock.passed_s + 50.0


def test_a_steady_feeder_leaves_no_room_and_opens_nothing() -> None:
    evening = Passes(control(calm_evening(look_ahead=EARLY)), charging_kw=6.0, base_kw=5.0)
    entries = evening.run(80)
    assert not of_kind(entries, EventOpened)
    assert not of_kind(entries, RequestPlanned)


def test_bad_data_break_the_trend_and_nobody_acts_early() -> None:
    of = control(calm_evening(look_ahead=EARLY))
    memory = fresh_memory(of)
    checked, _ = check(of, memory.state, memory.check, START)
    assert headroom(of, None) is None
    trend = watch(of, None, checked.result, START)
    assert trend is not None
    assert headroom(of, trend) is None, "nothing is known after one look"


# --- after a restart


def _sample(minute: int, kw: float, curtailed_kw: float = 0.0) -> FeederSample:
    return FeederSample(
        FEEDER,
        START + timedelta(minutes=minute),
        (kw * ONES).astype(np.float32),
        50.0,
        50.0,
        50.0,
        curtailed_kw,
    )


def test_the_samples_teach_what_the_cycles_taught() -> None:
    of = control()
    taught = relearn(fresh(of), of, Books(), [_sample(minute, 3.0) for minute in range(50)])
    seen = _fed(of, 50, 3.0)
    assert taught.known.steps == seen.known.steps == 3
    np.testing.assert_allclose(taught.known.seasonal.mean, seen.known.seasonal.mean)


def test_what_was_curtailed_is_put_back_where_it_was_taken() -> None:
    evening = Passes(control(calm_evening()))
    evening.run(3)
    evening.obey()
    limited = [r for r in evening.books.open_requests(FEEDER) if r.resource == "device"]
    assert limited
    at = evening.clock.now() - START
    sample = _sample(round(at.total_seconds() / 60) + 1, 4.0, curtailed_kw=12.0)
    running = relearn(fresh(evening.of), evening.of, evening.books, [sample]).running
    assert running is not None
    assert running.sum_kw.sum() == pytest.approx(4.0 * HOUSES + 12.0)
    places = {evening.of.place[r.planned.service_point] for r in limited}
    assert {n for n in range(HOUSES) if running.sum_kw[n] > 4.001} == places


def test_a_sample_curtailed_by_nobody_knows_whom_is_left_out() -> None:
    of = control()
    assert relearn(fresh(of), of, Books(), [_sample(0, 3.0, curtailed_kw=5.0)]).running is None


def test_the_past_comes_in_days_without_gaps() -> None:
    pieces = list(chunks(START, 2.5))
    assert [end - start for start, end in pieces] == [
        timedelta(days=1),
        timedelta(days=1),
        timedelta(hours=12),
    ]
    assert pieces[0][0] == START - timedelta(days=2.5)
    assert pieces[-1][1] == START
    assert all(before[1] == after[0] for before, after in itertools.pairwise(pieces))


class _Counted:
    """A request that counts how often somebody asks when it is in force."""

    def __init__(self, number: int, minutes: float) -> None:
        self.planned = SimpleNamespace(
            feeder=FEEDER,
            service_point=control().network.service_points[number % HOUSES],
            p_before_kw=11.0,
            direction="consumption",
        )
        self.limit_kw, self.ended_at, self.asked = 4.0, None, 0
        self._from = START + number * timedelta(minutes=minutes)
        self.end = self._from + timedelta(minutes=15)

    @property
    def active_at(self) -> datetime:
        """Since when it holds."""
        self.asked += 1
        return self._from


def test_weeks_of_samples_do_not_scan_all_requests_each_time() -> None:
    of, books = control(), Books()
    requests = [_Counted(number, minutes=3.0) for number in range(100)]
    books.requests.update((str(n), cast("RequestRecord", request)) for n, request in enumerate(requests))
    samples = [_sample(minute, 4.0, curtailed_kw=7.0) for minute in range(300)]
    relearn(fresh(of), of, books, samples)
    assert sum(request.asked for request in requests) <= 4 * len(requests)
    last = relearn(fresh(of), of, books, samples[-1:]).running
    assert last is not None
    at = samples[-1].at
    limited = {n % HOUSES for n, r in enumerate(requests) if START + n * timedelta(minutes=3) <= at < r.end}
    assert {int(n) for n in np.flatnonzero(last.sum_kw > 4.001)} == limited


# --- what people see of it


def test_the_view_tells_the_course_of_the_latest_look() -> None:
    evening = Passes(control(calm_evening()), charging_kw=0.0, base_kw=2.0)
    learnt = _fed(evening.of, 97 * 15, 2.0)
    evening.memory = replace(evening.memory, look_ahead=learnt)
    evening.clock.passed_s = timedelta(minutes=97 * 15).total_seconds()
    decided = evening.step()
    ahead = decided.memory.look_ahead
    assert ahead is not None
    assert ahead.course is not None
    forecast = feeder_view(evening.of, evening.books, decided, automatic=True).forecast
    assert [point.at for point in forecast] == [at + STEP / 2 for at in ahead.times]
    for point in forecast:
        assert point.transformer_low is not None
        assert point.transformer_percent is not None
        assert point.transformer_high is not None
        assert point.transformer_low < point.transformer_percent < point.transformer_high
    now = decided.check.result.transformer_loading_percent.max()
    assert forecast[0].transformer_percent == pytest.approx(now, rel=0.1)
