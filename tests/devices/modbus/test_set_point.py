"""A limit in the registers' unit: as it is, else the next higher step, never a lower one."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from devices.errors import CommandRejected
from devices.modbus.codec import bits_of, number_of
from devices.modbus.limit_map import AnyEncoding, PowerUnit, SetPoint, Timer
from devices.modbus.quantities import RegisterMap
from devices.modbus.set_point import held_s, kw_per_unit, limit_words, timer_words

ORDERS = RegisterMap(name="o", table="input", word_order="high_first")
TURNED = RegisterMap(name="o", table="input", word_order="low_first", byte_order="low_first")


def point(unit: PowerUnit, encoding: AnyEncoding = "uint16", **more: object) -> SetPoint:
    return SetPoint(address=0, encoding=encoding, unit=unit, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("to", "limit_kw", "raw"),
    [
        (point("W"), 4.2, 4200),
        (point("W", scale=10.0), 4.2, 420),
        (point("W", scale=100.0), 4.25, 43),  # 4.3 kW: not less than was asked
        (point("kW", scale=0.1), 4.2, 42),
        (point("kW", "float32"), 4.25, 4.25),
        (point("A"), 4.2, 7),  # 4.83 kW, not the 6 A of 4.14 kW
        (point("A", scale=0.1), 4.2, 61),
        (point("A", scale=0.001, step=1.0), 4.2, 7000),
        (point("A", phases=1), 4.2, 19),  # 4.37 kW
        (point("percent", scale=0.1), 4.2, 382),  # of 11 kW: 4.202 kW
        (point("W", "int32", scale=-1.0), 4.2, -4200),
        (point("W", "int32", scale=-100.0), 4.25, -43),
    ],
)
def test_the_value_travels(to: SetPoint, limit_kw: float, raw: float) -> None:
    for orders in (ORDERS, TURNED):
        words = limit_words(to, limit_kw, 11.0, orders)
        assert number_of(words, to.encoding, orders) == raw


@pytest.mark.parametrize(
    ("to", "limit_kw", "words"),
    [
        (point("W", min=6000.0), 4.2, "4.2 kW is 4200 W, expected 6000 to any W"),
        (point("W", max=4000.0), 4.2, "expected any to 4000 W"),
        (point("W"), 70.0, "70000 does not fit uint16"),
        (point("percent"), 4.2, "rated power, which is not known"),
        (point("W", released=4200), 4.2, "means no limit"),
        (point("kW", "float32"), 1e300, "does not fit float32"),
    ],
)
def test_what_cannot_be_said_is_not_sent(to: SetPoint, limit_kw: float, words: str) -> None:
    with pytest.raises(CommandRejected, match=words):
        limit_words(to, limit_kw, None, ORDERS)


@given(
    limit_kw=st.floats(0.0, 60.0),
    unit=st.sampled_from(["kW", "W", "A", "percent"]),
    encoding=st.sampled_from(["uint16", "int32", "uint32", "float32", "float64"]),
    scale=st.sampled_from([0.001, 0.01, 0.1, 1.0, 10.0, -1.0]),
)
def test_never_below_what_was_asked_nor_a_step_above(
    limit_kw: float, unit: PowerUnit, encoding: AnyEncoding, scale: float
) -> None:
    to = point(unit, encoding, scale=scale)
    try:
        words = limit_words(to, limit_kw, 11.0, ORDERS)
    except CommandRejected:
        assume(False)
    step_kw = kw_per_unit(to, 11.0) * abs(scale)
    said_kw = number_of(words, encoding, ORDERS) * scale * kw_per_unit(to, 11.0)
    near = max(1e-12, limit_kw * 3e-9)
    assert said_kw >= limit_kw - near
    assert said_kw < limit_kw + (step_kw if "float" not in encoding else limit_kw * 1e-6) + near


@pytest.mark.parametrize(
    ("timer", "seconds", "steps"),
    [
        (Timer(address=0), 900.0, 900),
        (Timer(address=0), 899.99, 899),
        (Timer(address=0, unit_s=60.0), 930.0, 15),
        (Timer(address=0, max_s=600.0), 900.0, 600),
        (Timer(address=0), 1e9, 65535),
        (Timer(address=0, encoding="int16"), 1e9, 32767),
    ],
)
def test_a_time_is_rounded_down_to_what_the_timer_holds(timer: Timer, seconds: float, steps: int) -> None:
    assert bits_of(timer_words(timer, seconds, ORDERS), ORDERS) == steps
    assert held_s(timer, seconds) == steps * timer.unit_s <= seconds


@pytest.mark.parametrize("seconds", [0.0, 59.0, -5.0, 0.2])
def test_a_timer_is_never_set_to_nothing(seconds: float) -> None:
    with pytest.raises(CommandRejected, match="less than one step of its timer, 60 s"):
        timer_words(Timer(address=0, unit_s=60.0), seconds, ORDERS)
    assert math.isfinite(held_s(Timer(address=0), seconds))
