"""Registers and values, against frames made by hand: word order, sign, scale, and what cannot be."""

import math
import struct
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.errors import MalformedMessage
from devices.messages import SUBSTATION
from devices.modbus.codec import decode, encode, to_reading
from devices.modbus.register_map import Encoding, Quantity, RegisterMap, built_in_profiles, load_profile


def one(encoding: Encoding, order: str = "high_first", **more: float) -> RegisterMap:
    quantity = Quantity(address=10, encoding=encoding, **more)
    return RegisterMap(name="one", table="input", word_order=order, quantities={"p_kw": quantity})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("profile", "registers", "value"),
    [
        # 123.456 as IEEE 754 binary32 is 0x42F6E979
        (one("float32"), [0x42F6, 0xE979], 123.45600128173828),
        (one("float32", "low_first"), [0xE979, 0x42F6], 123.45600128173828),
        (one("int16", scale=0.1), [0xFF9C], -10.0),
        (one("uint16", scale=0.1), [0xFF9C], 6543.6),
        (one("int32", scale=0.001), [0xFFFF, 0xFF38], -0.2),
        (one("int32", "low_first", scale=0.001), [0xFF38, 0xFFFF], -0.2),
        (one("uint32"), [0x0001, 0x0000], 65536.0),
        (one("uint32", "low_first"), [0x0000, 0x0001], 65536.0),
        (one("int16", scale=-1.0), [0x0005], -5.0),
    ],
)
def test_hand_made_registers(profile: RegisterMap, registers: list[int], value: float) -> None:
    by_address = dict(enumerate(registers, start=10))
    assert decode(profile, by_address)["p_kw"] == pytest.approx(value, rel=1e-12)
    assert encode(profile, {"p_kw": value}) == by_address


def test_the_generic_profile_is_a_plain_big_endian_row_of_floats() -> None:
    row = (250.5, -3.25, 230.0, 231.0, 229.5, 360.0, 361.0, -359.0, 123456.0)
    registers = dict(enumerate(struct.unpack(">18H", struct.pack(">9f", *row))))
    reading = to_reading(
        decode(load_profile("rtu_generic"), registers), "f1", datetime(2026, 1, 1, tzinfo=UTC)
    )
    assert (reading.feeder, reading.meter, reading.p_kw, reading.q_kvar) == ("f1", SUBSTATION, 250.5, -3.25)
    assert (reading.v_v, reading.i_a) == ((230.0, 231.0, 229.5), (360.0, 361.0, -359.0))
    assert reading.energy_kwh == 123456.0


def test_energy_that_is_not_measured_is_none() -> None:
    values = dict.fromkeys(
        ("p_kw", "q_kvar", "v_l1_v", "v_l2_v", "v_l3_v", "i_l1_a", "i_l2_a", "i_l3_a"), 1.0
    )
    assert to_reading(values, "f1", datetime(2026, 1, 1, tzinfo=UTC)).energy_kwh is None


@pytest.mark.parametrize("raw", [math.nan, math.inf, -math.inf, 1e30, -11.0, 11.0])
def test_what_cannot_be_is_out_of_range(raw: float) -> None:
    high, low = struct.unpack(">2H", struct.pack(">f", raw))
    with pytest.raises(MalformedMessage) as caught:
        decode(one("float32", min=-10.0, max=10.0), {10: high, 11: low})
    assert caught.value.reason == "out_of_range"
    assert "p_kw" in caught.value.detail


def test_a_register_that_was_not_answered_is_missing() -> None:
    with pytest.raises(MalformedMessage) as caught:
        decode(one("float32"), {10: 0})
    assert caught.value.reason == "missing_field"


@pytest.mark.parametrize(
    ("value", "registers"), [(1e9, [0x7FFF]), (-1e9, [0x8000]), (0.26, [3]), (-0.26, [0xFFFD])]
)
def test_encoding_rounds_to_a_step_and_stays_in_range(value: float, registers: list[int]) -> None:
    assert list(encode(one("int16", scale=0.1), {"p_kw": value}).values()) == registers


@pytest.mark.parametrize("name", built_in_profiles())
@given(data=st.data())
def test_any_registers_are_a_value_in_range_or_malformed(name: str, data: st.DataObject) -> None:
    profile = load_profile(name)
    words = data.draw(st.lists(st.integers(0, 0xFFFF), min_size=24, max_size=24))
    addresses = sorted(
        a for q in profile.quantities.values() for a in range(q.address, q.address + q.registers)
    )
    try:
        values = decode(profile, dict(zip(addresses, words, strict=False)))
    except MalformedMessage:
        return
    for field, value in values.items():
        low, high = profile.quantities[field].min, profile.quantities[field].max
        assert low is None or value >= low
        assert high is None or value <= high
        assert math.isfinite(value)


@pytest.mark.parametrize("name", built_in_profiles())
@given(p_kw=st.floats(-900, 900), v_v=st.floats(0, 400), energy_kwh=st.floats(0, 1e6))
def test_values_survive_within_a_step(name: str, p_kw: float, v_v: float, energy_kwh: float) -> None:
    profile = load_profile(name)
    values = decode(profile, encode(profile, {"p_kw": p_kw, "v_l2_v": v_v, "energy_kwh": energy_kwh}))
    assert values["p_kw"] == pytest.approx(p_kw, abs=0.001)
    assert values["v_l2_v"] == pytest.approx(v_v, abs=0.051)
    assert values["energy_kwh"] == pytest.approx(energy_kwh, abs=0.051)
    assert values["i_l3_a"] == 0
