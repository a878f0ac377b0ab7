"""The newest plausible readings: quality by age, estimates, the same state in any order (C14)."""

import random
from copy import deepcopy
from dataclasses import fields, replace
from datetime import datetime, timedelta

import numpy as np
import pandapower
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.feeder_control import build_control
from controller.feeder_state import USED_UNTIL, DeviceState, FeederState, Readings, snapshot, take_in
from controller.plausibility import Refusals
from devices.messages import SUBSTATION, DeviceStatus, Inbound, Reading, ReadingBatch
from grid_model.network import network_of
from grid_model.snapshot import Quality
from tests.builders import FEEDER, HOUSES, START, control, registry, site, small_network


def _state(
    *messages: Inbound, now: datetime = START, before: FeederState | None = None
) -> tuple[FeederState, Refusals]:
    refusals = Refusals()
    taken = take_in(
        before or FeederState(Readings.nothing(HOUSES)),
        control(),
        [m for m in messages if isinstance(m, Reading | ReadingBatch)],
        [m for m in messages if isinstance(m, DeviceStatus)],
        now=now,
        refusals=refusals,
    )
    return taken.state, refusals


def _after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("age_s", "quality", "p_kw"),
    [
        (0, Quality.MEASURED, 5.0),
        (15, Quality.MEASURED, 5.0),
        (16, Quality.STALE, 5.0),
        (150, Quality.STALE, 5.0),
    ],
)
def test_quality_follows_age(age_s: float, quality: Quality, p_kw: float) -> None:
    state, _ = _state(Reading(FEEDER, "M03", START, 5.0, 1.0))
    known = snapshot(state, control(), _after(age_s))
    assert known.quality[3] == quality
    assert (known.p_kw[3], known.q_kvar[3]) == (p_kw, 1.0)


def test_what_is_not_known_is_estimated_from_the_fresh_ones() -> None:
    """The network says 2 kW and 0.4 kvar of each house; the fresh meters show twice that."""
    messages = [Reading(FEEDER, f"M{n:02d}", START, 4.0) for n in range(10)]
    state, _ = _state(*messages, Reading(FEEDER, "M11", _after(-149), 9.0))
    known = snapshot(state, control(), _after(2))
    assert known.quality.tolist() == [Quality.MEASURED] * 10 + [Quality.ESTIMATED] * 10
    np.testing.assert_allclose(known.p_kw, 4.0)
    np.testing.assert_allclose(known.q_kvar, 0.8)


def test_without_any_reading_the_networks_own_values_stand() -> None:
    known = snapshot(FeederState(Readings.nothing(HOUSES)), control(), START)
    assert (known.quality == Quality.ESTIMATED).all()
    np.testing.assert_allclose(known.p_kw, 2.0)


def _meter_00(kwh: float, *, at: datetime, p_kw: float = 1.0) -> Reading:
    return Reading(FEEDER, "M00", at, p_kw, 0.0, energy_kwh=kwh)


def test_an_exchanged_meter_is_believed_once_the_old_register_is_forgotten() -> None:
    state, _ = _state(_meter_00(5000.0, at=START))
    state, refusals = _state(_meter_00(0.1, at=_after(10)), now=_after(10), before=state)
    assert "energy_back" in refusals.by_reason()
    cycle = control().site.cycle
    for look in range(int(USED_UNTIL * cycle.fresh_s / cycle.period_s)):
        state, _ = _state(now=_after(20 + look * cycle.period_s), before=state)
    state, refusals = _state(_meter_00(0.2, at=_after(180)), now=_after(180), before=state)
    assert refusals.by_reason() == {}
    assert state.readings.p_kw[0] == 1.0


@pytest.mark.parametrize("jump", [timedelta(days=-365), timedelta(hours=-1), timedelta(days=1)])
def test_a_register_that_goes_back_is_not_believed_because_a_clock_jumped(jump: timedelta) -> None:
    """The clock of the day says nothing of how long a meter was silent."""
    state, _ = _state(_meter_00(1005.0, at=START))
    for now in (START + jump, _after(10)):  # wrong, and right again
        state, refusals = _state(_meter_00(1000.0, at=now, p_kw=7.0), now=now, before=state)
        assert "energy_back" in refusals.by_reason()
        assert 7.0 not in state.readings.p_kw
    state, refusals = _state(_meter_00(1006.0, at=_after(20), p_kw=8.0), now=_after(20), before=state)
    assert refusals.by_reason() == {}
    assert state.readings.p_kw[0] == 8.0


def test_what_was_said_before_a_clock_was_put_right_is_older_by_its_register() -> None:
    """By its time it would be the newest: what was newer lay a year behind, and is too old now."""
    wrong = START - timedelta(days=365)
    state, _ = _state(_meter_00(1001.9, at=wrong), now=wrong)
    late = _meter_00(1001.8, at=_after(-5), p_kw=7.0)
    state, refusals = _state(late, now=_after(5), before=state)
    assert "energy_back" in refusals.by_reason()
    assert 7.0 not in state.readings.p_kw


def test_a_late_reading_still_shows_how_far_the_register_was() -> None:
    """A meter whose power comes in columns, without a register: that of the time before comes late."""
    batch = ReadingBatch(FEEDER, _after(10), ("M00",), (15.0,))
    state, _ = _state(batch, now=_after(10))
    state, refusals = _state(_meter_00(1000.3, at=START), now=_after(14), before=state)
    assert (refusals.by_reason(), state.readings.p_kw[0]) == ({}, 15.0)
    back, refusals = _state(_meter_00(995.3, at=_after(20), p_kw=3.0), now=_after(20), before=state)
    assert "energy_back" in refusals.by_reason()
    assert back.readings.p_kw[0] == 15.0


def test_readings_that_come_late_do_not_keep_an_old_register_alive() -> None:
    said = _meter_00(5000.0, at=START)
    state, _ = _state(said)
    cycle = control().site.cycle
    for look in range(1, int(USED_UNTIL * cycle.fresh_s / cycle.period_s) + 2):
        now = _after(look * cycle.period_s)
        state, _ = _state(_meter_00(0.1 + look, at=now), said, now=now, before=state)
    assert state.readings.energy_kwh[0] < 5000.0


def test_a_will_takes_a_device_offline_until_it_speaks_again() -> None:
    said = DeviceStatus(FEEDER, "EV00", START, True, 11.0)
    state, _ = _state(said)
    assert state.device_p_kw("EV00", _after(10), 30.0) == 11.0
    assert state.device_p_kw("EV00", _after(31), 30.0) is None
    state, _ = _state(DeviceStatus(FEEDER, "EV00", None, False), before=state)
    assert state.device_p_kw("EV00", _after(10), 30.0) is None
    state, _ = _state(said, before=state)
    assert state.device_p_kw("EV00", _after(10), 30.0) is None, "the same word again is no news"
    state, _ = _state(DeviceStatus(FEEDER, "EV00", _after(5), True, 7.0), before=state, now=_after(5))
    assert state.device_p_kw("EV00", _after(10), 30.0) == 7.0


def test_unknown_devices_and_impossible_words_are_refused() -> None:
    state, refusals = _state(
        DeviceStatus(FEEDER, "EV99", START, True, 1.0), DeviceStatus(FEEDER, "EV01", START, True, 1e6)
    )
    assert state.devices == {}
    assert sorted(refusals.by_reason()) == ["out_of_range", "unknown_device"]


messages = st.one_of(
    st.builds(
        lambda meter, second, p: Reading(
            FEEDER, f"M{meter:02d}", _after(second), p, energy_kwh=1000.0 + second
        ),
        st.integers(0, 4),
        st.integers(-120, 20),
        st.floats(-10, 40),
    ),
    st.builds(
        lambda second, p: ReadingBatch(FEEDER, _after(second), ("M00", "M01", "M02"), (p, p + 1, p + 2)),
        st.integers(-120, 20),
        st.floats(-10, 40),
    ),
    st.builds(
        lambda device, second, p: DeviceStatus(FEEDER, f"EV{device:02d}", _after(second), True, p),
        st.integers(0, 4),
        st.integers(-120, 20),
        st.floats(0, 11),
    ),
)


def _key(message: Inbound) -> tuple[object, ...]:
    """One meter says one thing at one time: the second word for the same key is left out of the example."""
    if isinstance(message, ReadingBatch):
        return tuple((meter, message.at) for meter in message.meters)
    return (
        (getattr(message, "meter", None) or getattr(message, "device", None), getattr(message, "at", None)),
    )


@settings(deadline=None)
@given(st.lists(messages, max_size=25), st.randoms(use_true_random=False))
def test_any_order_and_any_doubles_give_the_same_state(said: list[Inbound], chance: random.Random) -> None:
    seen: set[object] = set()
    distinct = []
    for message in said:
        keys = set(_key(message))
        if keys.isdisjoint(seen):
            distinct.append(message)
            seen |= keys
    shuffled = distinct + [message for message in distinct if chance.random() < 0.3]
    chance.shuffle(shuffled)
    one, _ = _state(*distinct)
    other, _ = _state(*shuffled)
    for column in fields(Readings):
        np.testing.assert_array_equal(
            getattr(one.readings, column.name), getattr(other.readings, column.name)
        )
    assert dict(one.devices) == dict(other.devices)


@settings(deadline=None)
@given(st.lists(messages, max_size=25), st.randoms(use_true_random=False))
def test_in_one_drain_or_in_many_the_newest_stand(said: list[Inbound], chance: random.Random) -> None:
    """Late readings change nothing, whichever cycle they come in (registers grow with time here)."""
    chance.shuffle(said)
    together: dict[str, DeviceState | None] = {}
    state, _ = _state(*said)
    piecewise = FeederState(Readings.nothing(HOUSES))
    for message in said:
        piecewise, _ = _state(message, before=piecewise)
    np.testing.assert_array_equal(state.readings.at_s[:5], piecewise.readings.at_s[:5])
    together |= dict(state.devices)
    assert {d: s.at for d, s in together.items() if s} == {d: s.at for d, s in piecewise.devices.items()}


def test_a_roof_full_of_panels_may_feed_in_more_than_a_house_can_take() -> None:
    net = deepcopy(small_network().net)
    pandapower.create_sgen(net, net.load.bus.iloc[3], p_mw=0.08, name="barn roof", in_service=False)
    network = network_of(net, "small", metered_generation=True)
    of = build_control(site(), site().feeder[0], network, registry())
    noon = [Reading(FEEDER, f"M{house:02d}", START, -75.0, 0.0) for house in (3, 4)]
    refusals = Refusals()
    taken = take_in(FeederState(Readings.nothing(HOUSES)), of, noon, (), now=START, refusals=refusals)
    assert taken.state.readings.p_kw[3] == -75.0
    assert np.isnan(taken.state.readings.p_kw[4])
    assert sum(refused.count for refused in refusals.by_reason().values()) == 1


def test_what_a_clock_that_was_ahead_let_in_is_forgotten_once_it_is_right() -> None:
    """Stamped a day ahead it would count as fresh for a day, and keep out everything that is true."""
    of, refusals = control(), Refusals()
    start, ahead = FeederState(Readings.nothing(HOUSES)), START + timedelta(days=1)

    def said(at: datetime, kw: float) -> list[Reading]:
        return [Reading(FEEDER, "M03", at, kw, 0.0), Reading(FEEDER, SUBSTATION, at, kw, 0.0)]

    def spoke(at: datetime) -> DeviceStatus:
        return DeviceStatus(FEEDER, "EV03", at, True, 1.0, None, None)

    wrong = take_in(start, of, said(ahead, 7.0), [spoke(ahead)], now=ahead, refusals=refusals).state
    assert wrong.substation is not None
    silent = take_in(wrong, of, [], [], now=START, refusals=refusals).state
    assert np.isnan(silent.readings.at_s).all()
    assert silent.fresh_substation(START, 15.0) is None
    assert silent.device_p_kw("EV03", START, 15.0) is None
    right = take_in(wrong, of, said(START, 4.0), [spoke(START)], now=START, refusals=refusals).state
    assert (right.readings.p_kw[3], right.substation) == (4.0, said(START, 4.0)[1])
    assert right.devices["EV03"].at == START


def test_a_device_whose_news_cannot_be_placed_in_time_has_a_power_that_is_not_known() -> None:
    """What it said before is not how it is now: its limit counts as one that holds it back."""
    of, refusals = control(), Refusals()
    idle = DeviceStatus(FEEDER, "EV03", START, True, 0.2, 4.2, "R1")
    busy = replace(idle, at=START + timedelta(seconds=45), p_kw=4.2)
    state = take_in(FeederState(Readings.nothing(HOUSES)), of, [], [idle], now=START, refusals=refusals).state
    state = take_in(state, of, [], [busy], now=START + timedelta(seconds=1), refusals=refusals).state
    assert state.device_p_kw("EV03", START + timedelta(seconds=1), 15.0) is None
    assert (state.devices["EV03"].online, state.devices["EV03"].limit_kw) == (True, 4.2)
    later = START + timedelta(seconds=2)
    state = take_in(state, of, [], [replace(busy, at=later)], now=later, refusals=refusals).state
    assert state.device_p_kw("EV03", later, 15.0) == 4.2


@pytest.mark.parametrize("p_kw", [float("inf"), float("-inf")])
def test_what_is_not_finite_is_not_known_however_it_came_in(p_kw: float) -> None:
    """Screening refuses it; past that it would make infinite, or no number, of all that nobody measured."""
    state, _ = _state(*(Reading(FEEDER, f"M{n:02d}", START, 4.0) for n in range(10)))
    readings = state.readings
    spoilt = readings.p_kw.copy()
    spoilt[3] = p_kw
    with np.errstate(all="raise"):
        known = snapshot(replace(state, readings=replace(readings, p_kw=spoilt)), control(), START)
    assert np.isfinite(known.p_kw).all()
    assert np.isfinite(known.q_kvar).all()
    assert known.quality[3] == Quality.ESTIMATED
    assert known.p_kw[3] == 4.0
