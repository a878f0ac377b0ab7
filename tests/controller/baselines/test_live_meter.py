import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.baselines import meter_before
from tests.controller.record_builders import T0, samples


def test_the_mean_of_the_quarter_hour_before() -> None:
    shown = (
        samples(2.0, begin_s=-2000, end_s=-900) + samples(6.0, begin_s=-900, end_s=0) + samples(9.0, end_s=60)
    )
    baseline = meter_before(shown, 0, T0)
    assert baseline is not None
    assert baseline.p_kw == pytest.approx(6.0)
    assert baseline.samples == 180


def test_fewer_samples_are_used_as_they_are_and_gaps_are_left_out() -> None:
    shown = samples([3.0, math.nan, 5.0], begin_s=-15, end_s=0)
    baseline = meter_before(shown, 0, T0)
    assert baseline is not None
    assert (baseline.p_kw, baseline.samples) == (4.0, 2)


def test_without_a_fresh_sample_there_is_no_baseline() -> None:
    assert meter_before([], 0, T0) is None
    assert meter_before(samples(math.nan, begin_s=-60, end_s=0), 0, T0) is None
    assert meter_before(samples(5.0, begin_s=-2000, end_s=-900), 0, T0) is None


@given(values=st.lists(st.floats(0, 100, width=32), min_size=1, max_size=50), data=st.data())
def test_order_does_not_matter_and_the_result_lies_between(values: list[float], data: st.DataObject) -> None:
    shown = samples(values, begin_s=-5.0 * len(values), end_s=0)
    straight, shuffled = meter_before(shown, 0, T0), meter_before(data.draw(st.permutations(shown)), 0, T0)
    assert straight is not None
    assert shuffled is not None
    assert straight.p_kw == pytest.approx(shuffled.p_kw)
    assert min(values) - 1e-6 <= straight.p_kw <= max(values) + 1e-6
