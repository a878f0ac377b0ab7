"""A limit in kW as a unit's registers take it, and back [6]. Pure.

The value travels as it is. Where the unit's step does not allow that, it becomes the next higher one: never
less than what was asked for is left to the device. What cannot be said at all is CommandRejected.
"""

import math

import numpy as np

from devices.errors import CommandRejected, MalformedMessage
from devices.modbus.codec import FLOATS, Orders, bits_of, number_of, whole_range, words_of, words_of_bits
from devices.modbus.limit_map import PowerUnit, ReadBack, SetPoint, Timer
from devices.modbus.quantities import REGISTERS_OF

_ROUNDING = 1e-9
"""Relative; two values closer than this are the same, whatever floating point says."""


def kw_per_unit(point: SetPoint | ReadBack, rated_kw: float | None) -> float:
    """What one of the set-point's units is in kW. CommandRejected for percent of an unknown power."""
    unit: PowerUnit = point.unit
    if unit == "A":
        return point.phases * point.nominal_v / 1000
    if unit == "percent":
        if rated_kw is None:
            raise CommandRejected("it takes percent of its rated power, which is not known")
        return rated_kw / 100
    return 1.0 if unit == "kW" else 0.001


def limit_words(point: SetPoint, limit_kw: float, rated_kw: float | None, orders: Orders) -> tuple[int, ...]:
    """The registers for a limit. CommandRejected."""
    if not math.isfinite(limit_kw):
        raise CommandRejected(f"{limit_kw} kW is no limit")
    value = limit_kw / kw_per_unit(point, rated_kw)
    if point.step is not None:
        value = _up(value / point.step) * point.step
    raw = value / point.scale
    raw = _float_up(point, raw) if point.encoding in FLOATS else _whole_up(point, raw)
    said = raw * point.scale
    slack = abs(said) * 1e-6
    too_low = point.min is not None and said < point.min - slack
    if too_low or (point.max is not None and said > point.max + slack):
        raise CommandRejected(
            f"{limit_kw:g} kW is {said:g} {point.unit}, expected {_span(point)}: it knows no other limits"
        )
    words = words_of(raw, point.encoding, orders)
    if point.released is not None and bits_of(words, orders) == point.released:
        raise CommandRejected(f"{limit_kw:g} kW is what means no limit to this unit")
    return words


def released_words(point: SetPoint, orders: Orders) -> tuple[int, ...] | None:
    """The registers that mean "no limit", where there are some."""
    if point.released is None:
        return None
    return words_of_bits(point.released, REGISTERS_OF[point.encoding], orders)


def timer_words(timer: Timer, seconds: float, orders: Orders) -> tuple[int, ...]:
    """The registers for a time, whole steps downwards: the unit lets go a little early, never late.

    Never 0, which means "for ever" to many units: CommandRejected for less than a step.
    """
    steps = math.floor(held_s(timer, seconds) / timer.unit_s + _ROUNDING)
    if steps < 1:
        raise CommandRejected(f"{seconds:.1f} s is less than one step of its timer, {timer.unit_s:g} s")
    return words_of(steps, timer.encoding, orders)


def held_s(timer: Timer, seconds: float) -> float:
    """The whole steps of a time that the timer can hold."""
    most = whole_range(timer.encoding)[1] * timer.unit_s
    longest = min(seconds, most, math.inf if timer.max_s is None else timer.max_s)
    return math.floor(longest / timer.unit_s + _ROUNDING) * timer.unit_s


def read_limit_kw(
    read_back: ReadBack, words: tuple[int, ...], rated_kw: float | None, orders: Orders
) -> float | None:
    """What the unit says it holds, in kW; None: no limit. MalformedMessage for what is no number."""
    if bits_of(words, orders) in read_back.no_limit:
        return None
    return read_kw(read_back, words, rated_kw, orders)


def read_kw(
    point: SetPoint | ReadBack, words: tuple[int, ...], rated_kw: float | None, orders: Orders
) -> float:
    """What stands in a set-point's registers, in kW. MalformedMessage for NaN and infinity."""
    value_kw = number_of(words, point.encoding, orders) * point.scale * kw_per_unit(point, rated_kw)
    if not math.isfinite(value_kw):
        raise MalformedMessage("out_of_range", f"limit is {value_kw} at register {point.address}")
    return value_kw


def _up(value: float) -> int:
    return math.ceil(value - abs(value) * _ROUNDING)


def _whole_up(point: SetPoint, raw: float) -> int:
    """Up in kW, which is down in raw steps of a negative scale."""
    whole = _up(raw) if point.scale > 0 else -_up(-raw)
    low, high = whole_range(point.encoding)
    if not low <= whole <= high:
        raise CommandRejected(f"{whole} does not fit {point.encoding}")
    return whole


def _float_up(point: SetPoint, raw: float) -> float:
    """The float of this size that is not below, in kW."""
    if point.encoding == "float64":
        return raw
    if abs(raw) > float(np.finfo(np.float32).max):
        raise CommandRejected(f"{raw:g} does not fit float32")
    near = np.float32(raw)
    if (float(near) - raw) * point.scale >= 0:
        return float(near)
    return float(np.nextafter(near, np.float32(math.copysign(math.inf, point.scale))))


def _span(point: SetPoint) -> str:
    low = "any" if point.min is None else f"{point.min:g}"
    high = "any" if point.max is None else f"{point.max:g}"
    return f"{low} to {high} {point.unit}"
