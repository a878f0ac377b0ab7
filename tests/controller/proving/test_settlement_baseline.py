"""A request settled by a published rule: worked examples, and what happens where the rule gives nothing."""

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from controller.baselines.programmes import (
    CONTROL_GROUP,
    HIGH_5_OF_10,
    METER_BEFORE,
    METER_BEFORE_AND_AFTER,
    PROGRAMMES,
    TEN_OF_TEN_ALL_DAYS,
)
from controller.proving.meter_readings import MeterReadings
from controller.proving.settlement import RuleBaseline, assess
from controller.proving.settlement_baseline import (
    LIVE_METER,
    Asked,
    MeterHistories,
    QuarterMeans,
    history_from,
    joined,
    look_back_days,
    quarter_means,
    ready_at,
    rule_baseline,
    told_baseline,
)
from controller.proving.verification import sample_window
from controller.requests import RequestRecord
from controller.settings import Rewards
from tests.controller.record_builders import T0, Sample, after, ended, samples

BERLIN = ZoneInfo("Europe/Berlin")
OPENED = T0 - timedelta(minutes=15)


def quarters(days: int, kw_of_day: dict[int, float], *, of_day: float = 4.0) -> QuarterMeans:
    """One meter for some days until 22:00 UTC of T0's: 1 kW, and 17 to 22 h UTC what its day (0 is T0's,
    counted back) says.
    """
    begin = datetime(T0.year, T0.month, T0.day, tzinfo=UTC) - timedelta(days=days)
    starts = [begin + timedelta(minutes=15 * n) for n in range(days * 96 + 88)]
    p_kw = [
        kw_of_day.get((T0.date() - at.date()).days, of_day) if 17 <= at.hour < 22 else 1.0 for at in starts
    ]
    return QuarterMeans(np.array([at.timestamp() for at in starts]), np.array([p_kw]))


def histories(means: QuarterMeans, **known: object) -> MeterHistories:
    return MeterHistories(means, UTC, **known)  # type: ignore[arg-type]


def told(record: RequestRecord, means: QuarterMeans, asked: Asked | None = None) -> RuleBaseline:
    return rule_baseline(record, TEN_OF_TEN_ALL_DAYS, histories(means), asked or Asked(0, OPENED))


def test_ten_of_ten_reckoned_on_paper() -> None:
    # Days 1 to 10 before took 4, ..., 13 kW: their mean is 8.5. Beside the event, from 17:45 - 4 h to
    # 17:45 - 1 h, every day took 1 kW, and so did the event's: the adjustment is nothing.
    found = told(ended(), quarters(14, {n: 3.0 + n for n in range(1, 15)}))
    assert found.steps is not None
    assert found.told.p_kw == (8.5,)
    assert found.told.baseline_kwh == pytest.approx(8.5 / 4)
    assert found.told.rule == "10 of 10 of all days"
    assert found.told.days == tuple(T0.date() - timedelta(days=n) for n in range(1, 11))
    assert found.told.adjustment is not None
    assert found.told.adjustment.startswith("additive: 0.0000 kW")


def test_days_on_which_the_meter_was_asked_are_left_out() -> None:
    spans = tuple((T0 - timedelta(days=n), T0 - timedelta(days=n, hours=-1)) for n in (1, 3))
    found = told(ended(), quarters(14, {n: 3.0 + n for n in range(1, 15)}), Asked(0, OPENED, spans))
    assert set(found.told.days) == {T0.date() - timedelta(days=n) for n in (2, 4, 5, 6, 7, 8, 9, 10, 11, 12)}
    assert found.told.p_kw == (10.4,)  # the mean of 5, 7, 8, ..., 15


def test_the_credit_is_what_the_rule_gives_and_never_more_than_asked() -> None:
    record, rewards = ended(), Rewards()
    window = sample_window(record)
    assert window is not None
    series = MeterReadings.of(samples(4.0, begin_s=-300)).series(0, window)
    low = told(record, quarters(14, {}, of_day=6.0))
    assert assess(record, (), series, rewards, low).reduced_wh == 500  # 6 - 4 kW for a quarter of an hour
    high = told(record, quarters(14, {}, of_day=60.0))
    assert assess(record, (), series, rewards, high).reduced_wh == 1700  # asked: 11 - 4.2 kW
    nothing = told(record, quarters(14, {}, of_day=3.0))
    assert assess(record, (), series, rewards, nothing).reduced_wh == 0
    assert assess(record, (), series, rewards, low).baseline == low.told


def test_the_hours_compared_are_those_since_the_event_opened() -> None:
    record = ended()
    found = rule_baseline(record, METER_BEFORE, histories(quarters(2, {0: 7.0})), Asked(0, OPENED))
    # the event opened at 17:45: the quarter before it, 17:30, took 7 kW
    assert found.told.p_kw == (7.0,)
    earlier = Asked(0, T0 - timedelta(hours=1))
    assert rule_baseline(record, METER_BEFORE, histories(quarters(2, {0: 7.0})), earlier).told.p_kw == (1.0,)


def test_too_little_history_is_handled_as_the_programme_says_and_told() -> None:
    found = told(ended(), quarters(3, {}, of_day=4.0))
    assert found.told.method == "meter before and after"
    assert any("too little history" in reason for reason in found.told.reasons)
    assert any("is not possible" in reason for reason in found.told.reasons)


def test_without_any_baseline_the_live_meter_counts_and_that_is_told() -> None:
    record = ended()
    for means in (quarters(0, {}), QuarterMeans(np.zeros(0), np.zeros((0, 0)))):
        found = rule_baseline(record, HIGH_5_OF_10, histories(means), Asked(0, OPENED))
        assert found.steps is None
        assert (found.told.rule, found.told.method) == ("high 5 of 10", LIVE_METER)
        assert found.told.baseline_kwh == 3.0  # 12 kW for a quarter of an hour
        assert "live meter" in found.told.reasons[-1]


def test_a_clock_change_within_the_event_leaves_it_to_the_live_meter() -> None:
    begin = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    record = replace(
        ended(at=begin, start=begin, end=begin + timedelta(hours=1)),
        active_at=begin, ended_at=begin + timedelta(hours=1),
    )  # fmt: skip
    found = rule_baseline(record, METER_BEFORE, MeterHistories(quarters(2, {}), BERLIN), Asked(0, begin))
    assert found.told.method == LIVE_METER
    assert "the clock was changed within the event" in found.told.reasons


def test_days_are_those_of_the_sites_clock_on_both_sides_of_a_clock_change() -> None:
    # 17:00 UTC is 19 h in summer and 18 h in winter: an event at 19 h of 30 March is compared with 19 h of
    # the winter days before, which is 18:00 UTC.
    begin = datetime(2026, 3, 14, tzinfo=UTC)
    starts = [begin + timedelta(minutes=15 * n) for n in range(16 * 96 + 80)]
    kw = [9.0 if at.astimezone(BERLIN).hour == 19 else 1.0 for at in starts]
    means = QuarterMeans(np.array([at.timestamp() for at in starts]), np.array([kw]))
    at = datetime(2026, 3, 30, 17, 0, tzinfo=UTC)
    record = replace(
        ended(at=at, start=at, end=at + timedelta(minutes=30)),
        active_at=at,
        ended_at=at + timedelta(minutes=30),
    )
    found = rule_baseline(record, TEN_OF_TEN_ALL_DAYS, MeterHistories(means, BERLIN), Asked(0, at))
    assert found.told.p_kw == (9.0, 9.0)


def test_what_the_journal_tells_of_a_baseline_gives_the_same_credit_again() -> None:
    rng = np.random.default_rng(5)
    record = replace(ended(end=after(2500)), active_at=after(130), ended_at=after(2500), end=after(2500))
    means = quarters(14, {})
    means = QuarterMeans(means.begin_s, means.p_kw + rng.normal(8.0, 2.0, means.p_kw.shape))
    found = told(record, means)
    assert found.steps is not None
    assert len(found.told.p_kw) == 3
    window = sample_window(record)
    assert window is not None
    series = MeterReadings.of(samples([float(kw) for kw in rng.uniform(2, 12, 500)], end_s=2500)).series(
        0, window
    )
    assert all(kw == round(kw, 4) for kw in found.steps.p_kw.tolist())  # as the journal tells them
    again = told_baseline(record, found.told)
    rewards = Rewards()
    assert assess(record, (), series, rewards, found) == assess(record, (), series, rewards, again)


def test_when_a_rule_can_be_applied() -> None:
    end = T0
    assert ready_at(METER_BEFORE, end) == end
    assert ready_at(METER_BEFORE_AND_AFTER, end) == end + timedelta(minutes=195)
    assert ready_at(HIGH_5_OF_10, end) == end + timedelta(minutes=255)


@pytest.mark.parametrize("rule", PROGRAMMES, ids=lambda rule: rule.name)
def test_every_rule_finds_what_it_looks_back_for(rule: object) -> None:
    since = history_from(rule, T0)  # type: ignore[arg-type]
    assert since <= T0 - timedelta(days=2)
    oldest = T0 - timedelta(days=look_back_days(rule))  # type: ignore[arg-type]
    assert since <= oldest.replace(hour=0), "with the hours before the event's on the oldest day"
    assert since.minute % 15 == 0


def test_a_control_group_is_those_nobody_asked() -> None:
    days, customers = 40, 160
    begin = datetime(T0.year, T0.month, T0.day, tzinfo=UTC) - timedelta(days=days)
    starts = [begin + timedelta(minutes=15 * n) for n in range(days * 96 + 96)]
    shape = np.array([3.0 if 17 <= at.hour < 22 else 1.0 for at in starts])
    rng = np.random.default_rng(1)
    p_kw = shape * rng.uniform(0.9, 1.1, (customers, 1)) * rng.uniform(0.98, 1.02, (customers, len(shape)))
    means = QuarterMeans(np.array([at.timestamp() for at in starts]), p_kw)
    asked = Asked(0, OPENED, not_asked=tuple(range(1, customers)))
    record = ended()
    found = rule_baseline(record, CONTROL_GROUP, histories(means), asked)
    assert found.told.method == "control group"
    assert found.told.p_kw[0] == pytest.approx(p_kw[0, -28], rel=0.05)


# --- quarters


def test_a_quarter_is_the_mean_of_what_was_read_where_enough_was() -> None:
    first = samples([2.0] * 60 + [4.0] * 60 + [6.0] * 60)
    second = samples([math.nan] * 90 + [5.0] * 90)
    shown = [
        Sample(one.at, np.array([one.p_kw[0], other.p_kw[0]], dtype=np.float32))
        for one, other in zip(first, second, strict=True)
    ]
    means = quarter_means(MeterReadings.of(shown), 0.8)
    assert means.begin_s.tolist() == [T0.timestamp()]
    assert means.p_kw[0].tolist() == [4.0]
    assert math.isnan(means.p_kw[1, 0])
    assert quarter_means(MeterReadings.of(shown), 0.5).p_kw[1, 0] == 5.0


def test_a_quarter_that_was_hardly_sampled_says_nothing() -> None:
    shown = samples(3.0, end_s=2700) + samples(3.0, begin_s=2700, end_s=2900)
    means = quarter_means(MeterReadings.of(shown), 0.8)
    assert means.p_kw[0].tolist() == [3.0] * 4
    assert means.usual()[0, :3].tolist() == [3.0, 3.0, 3.0]
    assert math.isnan(means.usual()[0, 3])
    both = joined([means, quarter_means(MeterReadings.of(samples(3.0, begin_s=3600, end_s=3700)), 0.8)])
    assert np.isnan(both.usual()[0]).tolist() == [False, False, False, True, True]


def test_no_samples_no_quarters() -> None:
    nothing = quarter_means(MeterReadings.of([]), 0.8)
    assert len(nothing.begin_s) == 0
    assert histories(joined([nothing])).of(0) is None
    one = quarter_means(MeterReadings.of(samples(3.0)), 0.8)
    assert joined([nothing, one]).p_kw.tolist() == [[3.0]]
    assert histories(one).of(7) is None


def test_holidays_are_told_to_the_rule() -> None:
    holiday = date(2026, 1, 6)
    history = histories(quarters(14, {}), holidays=frozenset({holiday})).of(0)
    assert history is not None
    assert history.kind_of(holiday).value == "Sunday or holiday"
