"""Which readings may be used: each rule by table, and by any numbers at all (C8)."""

import math
import random
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.plausibility import (
    OVER_BOUND,
    Refusals,
    Window,
    highest_register,
    screen,
    status_fault,
    substation_fault,
    to_columns,
)
from devices.messages import SUBSTATION, DeviceStatus, Reading, ReadingBatch
from tests.builders import START

BOUND_KW = 50.0
NOW_S = START.timestamp()
WINDOW = Window(NOW_S - 150, NOW_S + 30)


def _screened(
    readings: list[Reading | ReadingBatch], known_at_s: float = math.nan, known_kwh: float = math.nan
) -> tuple[dict[str, int], list[float], int]:
    """Reasons with counts, the powers that may be used, and how many were late; two meters A and B."""
    refusals = Refusals()
    columns, _ = to_columns(readings, {"A": 0, "B": 1}, refusals)
    screened = screen(
        columns,
        bound_kw=np.full(2, BOUND_KW),
        known_at_s=np.array([known_at_s, math.nan]),
        known_energy_kwh=np.array([known_kwh, math.nan]),
        window=WINDOW,
        refusals=refusals,
    )
    reasons = {reason: refused.count for reason, refused in refusals.by_reason().items()}
    return reasons, screened.columns.p_kw.tolist(), screened.late


def _reading(p_kw: float = 1.0, seconds: float = 0.0, meter: str = "A", **more: float) -> Reading:
    return Reading("F1", meter, START + timedelta(seconds=seconds), p_kw, **more)


@pytest.mark.parametrize(
    ("reading", "reason"),
    [
        (_reading(), None),
        (_reading(-20.0), None),
        (_reading(BOUND_KW * OVER_BOUND), None),
        (_reading(meter="C"), "unknown_meter"),
        (_reading(math.nan), "not_finite"),
        (_reading(math.inf), "not_finite"),
        (_reading(1.0, q_kvar=-math.inf), "not_finite"),
        (_reading(1.0, energy_kwh=math.inf), "not_finite"),
        (_reading(4000.0), "unit_slip"),
        (_reading(-61.0), "unit_slip"),
        (_reading(1e9), "out_of_range"),
        (_reading(1.0, q_kvar=61.0), "out_of_range"),
        (_reading(1.0, energy_kwh=1e9), "out_of_range"),
        (_reading(seconds=-150.0), None),
        (_reading(seconds=-150.5), "too_old"),
        (_reading(seconds=30.0), None),
        (_reading(seconds=30.5), "future"),
        (_reading(seconds=86400 * 3650), "future"),
    ],
)
def test_each_rule(reading: Reading, reason: str | None) -> None:
    reasons, used, _ = _screened([reading])
    assert reasons == ({} if reason is None else {reason: 1})
    assert used == ([reading.p_kw] if reason is None else [])


def test_a_late_or_doubled_reading_is_no_fault_and_changes_nothing() -> None:
    reasons, used, late = _screened([_reading(seconds=-5), _reading(seconds=0)], known_at_s=NOW_S)
    assert (reasons, used, late) == ({}, [], 2)


@pytest.mark.parametrize(
    ("registers", "known_kwh", "refused"),
    [
        ([10.0, 11.0, 12.0], 9.0, 0),
        ([10.0, 9.0, 9.5, 10.5], 9.0, 2),
        ([8.0], 9.0, 1),
        ([8.9995], 9.0, 0),
        ([8.0], math.nan, 0),
    ],
)
def test_a_register_never_goes_back(registers: list[float], known_kwh: float, refused: int) -> None:
    readings = [_reading(1.0, seconds, energy_kwh=kwh) for seconds, kwh in enumerate(registers)]
    readings += [_reading(2.0, 0.0, "B", energy_kwh=1.0)]
    reasons, used, _ = _screened(list(reversed(readings)), known_kwh=known_kwh)
    assert reasons == ({"energy_back": refused} if refused else {})
    assert len(used) == len(readings) - refused


def test_a_register_is_measured_by_late_readings_too() -> None:
    readings = [_reading(seconds=-10, energy_kwh=12.0), _reading(2.0, energy_kwh=11.0)]
    assert _screened(readings, known_at_s=NOW_S - 5, known_kwh=10.0) == ({"energy_back": 1}, [], 1)
    readings = [_reading(seconds=-10, energy_kwh=8.0), _reading(2.0, energy_kwh=11.0)]
    assert _screened(readings, known_at_s=NOW_S - 5, known_kwh=10.0) == ({}, [2.0], 1)
    readings = [_reading(seconds=-10, energy_kwh=8.0), _reading(2.0, energy_kwh=9.0)]
    assert _screened(readings, known_at_s=NOW_S - 5, known_kwh=10.0) == ({"energy_back": 1}, [], 1)


def test_the_highest_register_stays_where_a_lower_one_or_none_is_shown() -> None:
    readings = [_reading(seconds=n, energy_kwh=kwh) for n, kwh in enumerate((8.0, 12.0, 9.0))]
    columns, _ = to_columns(
        [*readings, _reading(seconds=9), _reading(meter="B")], {"A": 0, "B": 1}, Refusals()
    )
    assert highest_register(np.array([10.0, 3.0]), columns).tolist() == [12.0, 3.0]
    assert highest_register(np.array([20.0, math.nan]), columns).tolist()[0] == 20.0


def test_a_batch_is_judged_meter_by_meter() -> None:
    batch = ReadingBatch("F1", START, ("A", "B", "C"), (1.0, math.nan, 2.0))
    reasons, used, _ = _screened([batch])
    assert reasons == {"unknown_meter": 1, "not_finite": 1}
    assert used == [1.0]


any_number = st.floats(allow_nan=True, allow_infinity=True)


_POWERS = st.sampled_from([-2.0, 0.0, 1.0, 1.5, 7e4, math.nan])
_SECONDS = st.integers(-3, 3)
_SINGLE = st.builds(_reading, _POWERS, _SECONDS, st.sampled_from("ABC"), q_kvar=st.none() | _POWERS)


@st.composite
def _batches(draw: st.DrawFn) -> ReadingBatch:
    meters = tuple(draw(st.lists(st.sampled_from("ABCD"), unique=True)))
    column = st.tuples(*(_POWERS for _ in meters))
    at = START + timedelta(seconds=draw(_SECONDS))
    return ReadingBatch("F1", at, meters, draw(column), draw(st.none() | column))


def _one_by_one(message: Reading | ReadingBatch) -> list[Reading]:
    if isinstance(message, Reading):
        return [message]
    q_kvar = message.q_kvar or (None,) * len(message.meters)
    return [
        Reading("F1", meter, message.at, p, q)
        for meter, p, q in zip(message.meters, message.p_kw, q_kvar, strict=True)
    ]


@given(st.lists(_SINGLE | _batches(), max_size=8), st.randoms())
def test_batches_are_their_readings_in_whatever_order(
    messages: list[Reading | ReadingBatch], order: random.Random
) -> None:
    single = [reading for message in messages for reading in _one_by_one(message)]
    expected = _screened(list(single))
    assert _screened(messages) == expected
    order.shuffle(messages)
    assert _screened(messages) == expected


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("ABC"), any_number, any_number, any_number, st.integers(-400, 400)))
)
def test_whatever_comes_only_possible_values_are_used(
    rows: list[tuple[str, float, float, float, int]],
) -> None:
    readings = [
        Reading("F1", meter, START + timedelta(seconds=seconds), p, q_kvar=q, energy_kwh=kwh)
        for meter, p, q, kwh, seconds in rows
    ]
    refusals = Refusals()
    columns, _ = to_columns(readings, {"A": 0, "B": 1}, refusals)
    nan = np.full(2, math.nan)
    screened = screen(
        columns,
        bound_kw=np.full(2, BOUND_KW),
        known_at_s=nan,
        known_energy_kwh=nan,
        window=WINDOW,
        refusals=refusals,
    )
    used = screened.columns
    assert (np.abs(used.p_kw) <= OVER_BOUND * BOUND_KW).all()
    assert (np.abs(np.nan_to_num(used.q_kvar)) <= OVER_BOUND * BOUND_KW).all()
    assert ((used.at_s >= WINDOW.oldest_s) & (used.at_s <= WINDOW.newest_s)).all()
    refused = sum(one.count for one in refusals.by_reason().values())
    assert len(used.p_kw) + refused + screened.late == len(rows)


@pytest.mark.parametrize(
    ("p_kw", "v_v", "seconds", "fault"),
    [
        (100.0, (230.0, 231.0, 229.0), 0, None),
        (math.nan, None, 0, "not_finite"),
        (100.0, (230.0, math.inf, 229.0), 0, "not_finite"),
        (1300.0, None, 0, "out_of_range"),
        (100.0, (23.0, 230.0, 230.0), 0, "out_of_range"),
        (100.0, None, -151, "too_old"),
        (100.0, None, 31, "future"),
    ],
)
def test_the_substation(p_kw: float, v_v: tuple[float, ...] | None, seconds: int, fault: str | None) -> None:
    reading = Reading("F1", SUBSTATION, START + timedelta(seconds=seconds), p_kw, v_v=v_v)
    assert substation_fault(reading, 1000.0, 230.0, WINDOW) == fault


def test_a_substations_reactive_power_is_bounded_as_well() -> None:
    reading = Reading("F1", SUBSTATION, START, 100.0, 1300.0)
    assert substation_fault(reading, 1000.0, 230.0, WINDOW) == "out_of_range"
    assert substation_fault(replace(reading, q_kvar=-1100.0), 1000.0, 230.0, WINDOW) is None


@pytest.mark.parametrize(
    ("p_kw", "seconds", "fault"),
    [
        (11.0, 0, None),
        (None, -90_000, None),
        (math.nan, 0, "not_finite"),
        (14.0, 0, "out_of_range"),
        (-14.0, 0, "out_of_range"),
        (1.0, 31, "future"),
    ],
)
def test_a_devices_own_word(p_kw: float | None, seconds: int, fault: str | None) -> None:
    status = DeviceStatus("F1", "D1", START + timedelta(seconds=seconds), True, p_kw)
    assert status_fault(status, 11.0, WINDOW) == fault


@pytest.mark.parametrize("limit", ["limit_kw", "production_limit_kw"])
def test_a_device_cannot_hold_a_limit_that_is_no_number(limit: str) -> None:
    status = DeviceStatus("F1", "D1", START, True, 5.0)
    assert status_fault(replace(status, **{limit: 4.2}), 11.0, WINDOW) is None
    assert status_fault(replace(status, **{limit: math.nan}), 11.0, WINDOW) == "not_finite"
