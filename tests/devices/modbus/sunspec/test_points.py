"""Registers of points to values and back, against SunSpec's own library where it has a say."""

import math
import struct

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sunspec2 import mb

from devices.errors import MalformedMessage
from devices.modbus.sunspec.model_data import Point, layouts
from devices.modbus.sunspec.points import Values, decode, encode, scaled

WHOLE = (
    "int16",
    "uint16",
    "enum16",
    "bitfield16",
    "sunssf",
    "int32",
    "uint32",
    "acc32",
    "bitfield32",
    "uint64",
)


def image_of(point: Point, data: bytes) -> dict[int, int]:
    return dict(enumerate(struct.unpack(f">{len(data) // 2}H", data), start=point.at))


@pytest.mark.parametrize("kind", [*WHOLE, "float32"])
def test_what_is_not_implemented_is_none_by_the_alliances_own_marks(kind: str) -> None:
    point = Point(at=7, type=kind)
    foreign = mb.create_unimpl_value(kind, len=point.registers)
    assert decode(point, image_of(point, foreign)) is None
    assert struct.pack(f">{point.registers}H", *encode(point, None)) == foreign


@pytest.mark.parametrize("kind", WHOLE)
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_whole_numbers_travel_as_the_alliances_library_sends_them(kind: str, data: st.DataObject) -> None:
    point = Point(at=2, type=kind)
    raw = data.draw(st.binary(min_size=2 * point.registers, max_size=2 * point.registers))
    foreign = mb.point_type_info[kind].data_to(raw)
    value = decode(point, image_of(point, raw))
    if mb.point_type_info[kind].is_impl(foreign):
        assert value == foreign
        assert struct.pack(f">{point.registers}H", *encode(point, value)) == raw
    else:
        assert value is None


@given(st.text(max_size=20))
@example("0 \x1b")
@settings(max_examples=30, deadline=None)
def test_any_name_is_read_as_one_printable_line(text: str) -> None:
    point = Point(at=2, type="string", size=16)
    data = text.encode()[:32].ljust(32, b"\0")
    value = decode(point, image_of(point, data))
    assert value is None or (value.isprintable() and value == value.strip() and value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [("int16", 40_000), ("uint16", 0xFFFF), ("uint16", -1), ("int32", -(2**31)), ("uint64", 2**64)],
)
def test_what_does_not_fit_is_never_sent(kind: str, value: int) -> None:
    with pytest.raises(ValueError, match=str(value)):
        encode(Point(at=2, type=kind), value)


def test_a_name_too_long_is_never_sent() -> None:
    with pytest.raises(ValueError, match="longer than 4"):
        encode(Point(at=2, type="string", size=2), "fives")


def test_infinity_is_malformed() -> None:
    point = Point(at=2, type="float32")
    with pytest.raises(MalformedMessage, match="infinite"):
        decode(point, image_of(point, struct.pack(">f", math.inf)))


@pytest.mark.parametrize(
    ("value", "scale", "result"), [(2301, -1, 230.1), (-5, 3, -5000.0), (7, 0, 7.0), (3, -10, 3e-10)]
)
def test_scales_make_no_noise(value: int, scale: int, result: float) -> None:
    assert scaled(value, scale) == result


@pytest.mark.parametrize("scale", [11, -11, None])
def test_a_scale_factor_that_cannot_be_is_malformed(scale: int | None) -> None:
    layout = layouts()[103]
    image = dict.fromkeys(range(52), 0)
    image |= {14: 1234, 15: encode(layout.points["W_SF"], scale)[0]}
    with pytest.raises(MalformedMessage, match="W_SF"):
        Values(layout, image).number("W")


def test_a_value_that_is_not_implemented_needs_no_scale_factor() -> None:
    layout = layouts()[103]
    assert Values(layout, {14: 0x8000, 15: 0x8000}).number("W") is None
