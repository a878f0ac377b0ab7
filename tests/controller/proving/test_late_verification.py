"""Late readings count where no sample shows anything, and nowhere else."""

import math

import numpy as np
import pytest

from controller.proving.verification import Verified
from controller.stores.port import LateReading
from tests.controller.proving.verifying import reduced_kwh, verified
from tests.controller.record_builders import Sample, after, ended, samples

HOUR = 3600.0


def late(p_kw: float, times: list[float], meter: str = "M1") -> list[LateReading]:
    return [LateReading("dorf", meter, after(at_s), p_kw) for at_s in times]


def checked(shown: list[Sample], told: list[LateReading]) -> Verified:
    return verified(ended(), shown, late=told)


def gap() -> list[Sample]:
    """Rows every 5 s, none of which shows the meter from 300 to 600 s."""
    return samples([math.nan if 300 <= k * 5 < 600 else 5.2 for k in range(180)])


def test_a_gap_that_is_filled_counts_in_full() -> None:
    before, filled = checked(gap(), []), checked(gap(), late(8.6, [300, 360, 420, 480, 540]))
    assert reduced_kwh(before) == pytest.approx(6.8 * 600 / HOUR, rel=1e-6)
    assert before.measured_share == pytest.approx(120 / 180)
    # 8.6 kW is 3.4 kW less than the baseline of 12, for the 300 s of the gap
    assert reduced_kwh(filled) == pytest.approx((6.8 * 600 + 3.4 * 300) / HOUR, rel=1e-6)
    assert filled.measured_share == 1.0
    assert filled.intervals[0].measured_s == pytest.approx(900)


def test_what_the_samples_show_is_not_shown_again() -> None:
    whole = samples(5.2)
    assert checked(whole, late(0.0, [0, 60, 120, 600])) == checked(whole, [])


def test_a_late_reading_stands_no_longer_than_three_of_its_own() -> None:
    filled = checked(gap(), late(8.6, [300, 310, 320]))
    assert filled.intervals[0].measured_s == pytest.approx(600 + 20 + 30)
    assert filled.samples_measured == 120 + 10


def test_one_late_reading_alone_proves_no_time() -> None:
    assert checked(gap(), late(8.6, [300])) == checked(gap(), [])


def test_where_the_controller_itself_was_away_late_readings_prove_all() -> None:
    filled = checked([], late(5.2, [float(t) for t in range(0, 900, 60)]))
    assert reduced_kwh(filled) == pytest.approx(1.7)
    assert filled.measured_share == 1.0
    assert checked([], []).measured_share == 0.0


def test_other_meters_and_other_times_do_not_count() -> None:
    others = late(0.0, [300, 360, 420], meter="M2") + late(0.0, [-900, 950, 1000])
    assert checked(gap(), others) == checked(gap(), [])


def test_the_order_of_late_readings_does_not_matter() -> None:
    told = late(8.6, [300, 360, 420]) + late(5.2, [480, 540])
    shuffled = [told[k] for k in np.random.default_rng(3).permutation(len(told))]
    assert checked(gap(), told) == checked(gap(), shuffled)


def test_a_late_reading_from_before_it_was_active_proves_nothing_of_its_time() -> None:
    filled = checked([], late(0.0, [-30.0]) + late(12.0, [30.0 + 60 * n for n in range(15)]))
    assert reduced_kwh(filled) == 0.0
    assert filled.intervals[0].measured_s == pytest.approx(870)
