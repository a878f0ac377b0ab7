"""What the judge takes a device to have been believed to take: only what a controller can have known."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from devices.messages import DeviceStatus, Reading
from simulations.faults import site
from simulations.faults.device_words import DeviceWords
from simulations.faults.ears import Ears
from simulations.faults.judged_network import JudgedNetwork
from simulations.faults.options import Options
from simulations.faults.site_settings import FEEDER

NOON = datetime(2016, 1, 12, 12, 0, tzinfo=UTC)
PROMISED = site.promised(Options(seed=0, period_s=60.0))
SKEW, FRESH = timedelta(seconds=PROMISED.skew_s), timedelta(seconds=PROMISED.fresh_s)
SECOND = timedelta(seconds=1)


@pytest.fixture
def words() -> DeviceWords:
    return DeviceWords(PROMISED)


def says(words: DeviceWords, at: datetime, kw: float | None, heard_at: datetime) -> None:
    status = DeviceStatus(FEEDER, "D3", at, online=True, p_kw=kw, limit_kw=None, request=None)
    words.hear(status, heard_at)


def test_the_latest_word_counts_and_one_that_comes_late_does_not(words: DeviceWords) -> None:
    says(words, NOON, 11.0, NOON + SECOND)
    says(words, NOON - FRESH / 2, 4.2, NOON + 2 * SECOND)
    assert words.device_kw("D3", NOON + 3 * SECOND) == {11.0}


def test_what_is_heard_after_a_decision_is_nothing_it_knew(words: DeviceWords) -> None:
    says(words, NOON, 11.0, NOON + SECOND)
    says(words, NOON + 8 * SECOND, 0.0, NOON + 9 * SECOND)
    assert words.device_kw("D3", NOON + 3 * SECOND) == {11.0}
    assert words.device_kw("D3", NOON + 9 * SECOND) == {0.0}


def test_a_word_ahead_of_the_clock_may_have_been_refused_or_looked_at_later(words: DeviceWords) -> None:
    says(words, NOON + SKEW + 9 * SECOND, 11.0, NOON)
    assert words.device_kw("D3", NOON) == {None}
    says(words, NOON - 9 * SECOND, 4.2, NOON + 10 * SECOND)
    assert words.device_kw("D3", NOON + 20 * SECOND) == {11.0, 4.2}


def test_nobody_is_held_to_what_is_old(words: DeviceWords) -> None:
    says(words, NOON, 11.0, NOON)
    assert words.device_kw("D3", NOON + 2 * FRESH) == {11.0}
    assert words.device_kw("D3", NOON + 2 * FRESH + SECOND) == {None}
    assert words.device_kw("D4", NOON) == {None}


def test_what_was_heard_by_a_clock_that_was_ahead_was_heard(words: DeviceWords) -> None:
    says(words, NOON, 11.0, NOON + timedelta(days=365))
    assert words.device_kw("D3", NOON) == {None}
    words.clock_jumps()
    assert words.device_kw("D3", NOON) == {11.0}


@pytest.mark.parametrize(("v_pu", "against"), [(1.0, 0), (0.9, 1), (1.1, 1), (1.74, 0), (0.1, 0)])
def test_a_voltage_that_no_network_has_says_nothing_of_this_one(v_pu: float, against: int) -> None:
    network = site.network()
    judged = JudgedNetwork(PROMISED, site.load_flow(), network, site.TAN_PHI)
    place, ears = len(network.service_points) - 1, Ears(PROMISED)
    volts = v_pu * float(network.buses.vn_kv[network.service_point_bus[place]]) * 1000 / 3**0.5
    said = Reading(FEEDER, f"M{place}", NOON, 1.0, energy_kwh=None, v_v=(volts, volts, volts))
    ears.hear(said, NOON + SECOND)
    assert judged.contradicted_by(ears, np.ones(len(network.service_points)), 0.05) == against
