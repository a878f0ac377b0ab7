import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from controller.proving.verification import LOOK_BACK, Steps, sample_window
from tests.controller.proving.verifying import reduced_kwh
from tests.controller.proving.verifying import verified as checked
from tests.controller.record_builders import T0, after, ended, samples, with_limits

HOUR = 3600.0


def test_a_full_reduction_is_what_was_asked() -> None:
    verified = checked(ended(), samples(12.0 - 6.8))
    assert verified.asked_kwh == pytest.approx(6.8 / 4)
    assert reduced_kwh(verified) == pytest.approx(6.8 / 4, rel=1e-6)
    assert verified.measured_share == 1.0
    assert [interval.is_measured(0.8) for interval in verified.intervals] == [True]


@pytest.mark.parametrize(
    ("shown_kw", "reduced_kw"),
    [(12.0, 0.0), (15.0, 0.0), (9.0, 3.0), (5.2, 6.8), (0.0, 6.8)],
)
def test_never_below_zero_and_never_more_than_asked(shown_kw: float, reduced_kw: float) -> None:
    assert reduced_kwh(checked(ended(), samples(shown_kw))) == pytest.approx(reduced_kw / 4, abs=1e-6)


def test_a_person_is_asked_from_the_baseline_down() -> None:
    record = ended(resource="person", limit_kw=8.0, p_before_kw=12.0)
    assert reduced_kwh(checked(record, samples(6.0))) == pytest.approx(4.0 / 4)
    assert reduced_kwh(checked(record, samples(9.0))) == pytest.approx(3.0 / 4)


def test_only_the_active_time_counts() -> None:
    record = replace(ended(), active_at=after(300), ended_at=after(600))
    shown = samples(5.2, begin_s=-900, end_s=1800)
    verified = checked(record, shown)
    assert verified.asked_kwh == pytest.approx(6.8 / 12)
    assert reduced_kwh(verified) == pytest.approx(6.8 / 12, rel=1e-6)


def test_a_gap_proves_no_more_than_three_samples() -> None:
    before, behind = samples(5.2, end_s=300), samples(5.2, begin_s=600)
    verified = checked(ended(), before + behind)
    measured_s = sum(interval.measured_s for interval in verified.intervals)
    assert measured_s == pytest.approx(900 - 300 - 5 + 15)
    assert reduced_kwh(verified) == pytest.approx(6.8 * measured_s / HOUR, rel=1e-6)


def test_what_was_not_read_is_not_credited() -> None:
    half = [5.2 if k % 2 else math.nan for k in range(180)]
    verified = checked(ended(), samples(half))
    assert verified.measured_share == 0.5
    assert reduced_kwh(verified) == pytest.approx(6.8 / 8, rel=1e-6)
    assert [interval.is_measured(0.8) for interval in verified.intervals] == [False]


def test_one_sample_alone_proves_nothing() -> None:
    assert reduced_kwh(checked(ended(), samples(5.2, every_s=900))) == 0.0


def test_a_sample_from_before_it_was_active_proves_nothing_of_its_time() -> None:
    """Nothing was taken right before it, and as much as ever from then on."""
    record = replace(ended(), active_at=after(30))
    verified = checked(record, samples([0.0] + [12.0] * 14, every_s=60))
    assert reduced_kwh(verified) == 0.0
    assert sum(interval.measured_s for interval in verified.intervals) == pytest.approx(840)


def test_a_published_baseline_is_believed_for_all_of_its_time_and_for_no_other() -> None:
    """The live meter's holds for five minutes here."""
    whole = Steps(T0.timestamp(), 900.0, np.array([12.0]))
    assert reduced_kwh(checked(ended(), samples(5.2), baseline=whole, baseline_holds_s=300.0)) == (
        pytest.approx(6.8 / 4, rel=1e-6)
    )
    half = Steps(T0.timestamp(), 450.0, np.array([12.0]))
    verified = checked(ended(), samples(5.2), baseline=half)
    assert reduced_kwh(verified) == pytest.approx(6.8 / 8, rel=1e-6)
    assert sum(interval.measured_s for interval in verified.intervals) == pytest.approx(450)


def test_saving_and_catching_up_within_an_interval_is_no_reduction() -> None:
    wavering = [6.0] * 90 + [18.0] * 90
    assert reduced_kwh(checked(ended(), samples(wavering))) == 0.0


def test_intervals_follow_the_clock() -> None:
    record = replace(ended(end=after(1800)), active_at=after(600), ended_at=after(1200), end=after(1800))
    verified = checked(record, samples(5.2, begin_s=600, end_s=1200))
    assert [(i.start, i.active_s) for i in verified.intervals] == [(T0, 300.0), (after(900), 300.0)]


def test_a_changed_limit_counts_from_when_it_was_changed_and_a_sample_takes_the_higher() -> None:
    tightened = with_limits(ended(), (0, 8.0), (452, 4.2))
    verified = checked(tightened, samples(0.0))
    asked_kw_s = 3.0 * 455 + 6.8 * 445  # the sample from 450 to 455 s still counts by the higher limit
    assert reduced_kwh(verified) == pytest.approx(asked_kw_s / HOUR, rel=1e-6)
    assert verified.asked_kwh == pytest.approx((3.0 * 452 + 6.8 * 448) / HOUR)


def test_two_devices_at_one_meter_share_what_it_shows() -> None:
    one = ended()
    two = replace(ended(p_before_kw=7.6), active_at=after(450))
    shown = samples(12.0 - 4.0)
    first, second = checked(one, shown, (two,)), checked(two, shown, (one,))
    assert reduced_kwh(first) == pytest.approx((4.0 * 450 + 4.0 * 450 * 6.8 / 10.2) / HOUR, rel=1e-6)
    assert reduced_kwh(second) == pytest.approx(4.0 * 450 * 3.4 / 10.2 / HOUR, rel=1e-6)


def test_a_request_that_was_never_active_needs_no_samples() -> None:
    never = replace(ended(), active_at=None)
    assert sample_window(never) is None
    assert reduced_kwh(checked(never, samples(0.0))) == 0.0
    assert sample_window(ended()) == (T0 - LOOK_BACK, after(900))


@given(
    spans=st.lists(st.tuples(st.integers(0, 800), st.integers(1, 900)), min_size=1, max_size=4),
    before_kw=st.lists(st.floats(4.0, 15.0), min_size=4, max_size=4),
    seed=st.integers(0, 2**32 - 1),
)
@profile(max_examples=60, deadline=None)
def test_all_requests_at_a_meter_together_never_get_more_than_it_shows(
    spans: list[tuple[int, int]], before_kw: list[float], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    values = np.where(rng.random(180) < 0.1, math.nan, 12.0 + rng.normal(-3.0, 4.0, 180))
    shown = samples([float(value) for value in values])
    records = [
        replace(
            ended(number=number, service_point="load:1", p_before_kw=before_kw[number]),
            active_at=after(begin),
            ended_at=after(min(begin + length, 900)),
        )
        for number, (begin, length) in enumerate(spans)
    ]
    credited_kwh = 0.0
    for record in records:
        verified = checked(record, shown, tuple(other for other in records if other is not record))
        assert 0.0 <= reduced_kwh(verified) <= verified.asked_kwh + 1e-9
        assert reduced_kwh(verified) <= sum(i.measured_s for i in verified.intervals) * 15.0 / HOUR
        credited_kwh += reduced_kwh(verified)
    shown_kwh = float(np.nansum(np.maximum(12.0 - values, 0.0))) * 5.0 / HOUR
    assert credited_kwh <= shown_kwh + 1e-6


@given(seed=st.integers(0, 1000))
@profile(max_examples=20, deadline=None)
def test_the_order_of_samples_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shown = samples([float(kw) for kw in rng.uniform(0, 12, 180)])
    shuffled = [shown[k] for k in rng.permutation(180)]
    assert checked(ended(), shown) == checked(ended(), shuffled)


def test_a_relaxed_limit_counts_for_the_whole_sample_in_which_it_came() -> None:
    relaxed = with_limits(ended(), (0, 4.2), (452, 8.0))
    asked_kw_s = 6.8 * 450 + 3.0 * 450
    assert reduced_kwh(checked(relaxed, samples(0.0))) == pytest.approx(asked_kw_s / HOUR, rel=1e-6)


@pytest.mark.parametrize(("holds_s", "counts_s"), [(math.inf, 900), (900.0, 900), (300.0, 300), (0.001, 0)])
def test_a_baseline_is_believed_for_its_time_only(holds_s: float, counts_s: float) -> None:
    verified = checked(ended(), samples(5.2), baseline_holds_s=holds_s)
    assert verified.asked_kwh == pytest.approx(6.8 / 4)
    assert reduced_kwh(verified) == pytest.approx(6.8 * counts_s / HOUR, rel=1e-6, abs=1e-5)


@pytest.mark.parametrize(("ahead_s", "counts_s"), [(0, 300), (200, 300), (3600, 300)])
def test_a_baseline_is_believed_from_when_the_request_begins_however_early_it_was_told(
    ahead_s: float, counts_s: float
) -> None:
    told = ended(at=after(-ahead_s), resource="person", limit_kw=5.2)
    verified = checked(told, samples(5.2), baseline_holds_s=300.0)
    assert reduced_kwh(verified) == pytest.approx(6.8 * counts_s / HOUR, rel=1e-6)
