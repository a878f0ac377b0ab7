"""Registers and values, against frames made by hand: word order, sign, scale, and what cannot be."""

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.errors import MalformedMessage
from devices.modbus.codec import decode, encode, state_of
from devices.modbus.dialogue import Table
from devices.modbus.quantities import REQUIRED_OF, Encoding, Quantity, RegisterMap
from devices.modbus.register_map import blocks, built_in_profiles, load_profile


def one(encoding: Encoding, order: str = "high_first", kind: str = "rtu", **more: object) -> RegisterMap:
    quantity = Quantity(address=10, encoding=encoding, **more)  # type: ignore[arg-type]
    words, _, byte = order.partition(" ")
    return RegisterMap(
        name="one",
        kind=kind,  # type: ignore[arg-type]
        table="input",
        word_order=words,  # type: ignore[arg-type]
        byte_order=byte or "high_first",  # type: ignore[arg-type]
        quantities={"p_kw": quantity},
    )


def inputs(*registers: int) -> dict[tuple[Table, int], int]:
    return {("input", address): register for address, register in enumerate(registers, start=10)}


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
        (one("int16", scale=0.1, offset=-40.0), [0x0191], 0.1),
        # the bytes of each register turned round as well: 0x01020304 is 16909060
        (one("uint32", "high_first low_first"), [0x0201, 0x0403], 16909060.0),
        (one("uint32", "low_first low_first"), [0x0403, 0x0201], 16909060.0),
        (one("uint64", scale=0.001), [0, 1, 0, 0], 4294967.296),
        (one("int64", "low_first"), [0xFFFE, 0xFFFF, 0xFFFF, 0xFFFF], -2.0),
        # 1.5 as IEEE 754 binary64 is 0x3FF8000000000000
        (one("float64"), [0x3FF8, 0, 0, 0], 1.5),
        (one("float64", "low_first"), [0, 0, 0, 0x3FF8], 1.5),
    ],
)
def test_hand_made_registers(profile: RegisterMap, registers: list[int], value: float) -> None:
    memory = inputs(*registers)
    assert decode(profile, memory)["p_kw"] == pytest.approx(value, rel=1e-12)
    assert encode(profile, {"p_kw": value}) == memory


@pytest.mark.parametrize(
    ("profile", "registers"),
    [
        (one("int16", kind="charger", not_available=(0x8000,)), [0x8000]),
        (one("uint32", "low_first", kind="charger", not_available=(0xFFFF0000,)), [0, 0xFFFF]),
        (one("float32", kind="charger", not_available=(0x7FC00000,)), [0x7FC0, 0]),
    ],
)
def test_a_makers_mark_is_not_a_value(profile: RegisterMap, registers: list[int]) -> None:
    assert decode(profile, inputs(*registers)) == {"p_kw": None}
    assert encode(profile, {"p_kw": None}) == inputs(*registers)
    assert state_of({"p_kw": None}).p_kw is None


def test_what_a_meter_must_measure_is_not_marked_away() -> None:
    with pytest.raises(MalformedMessage, match="p_kw: the unit marks it as not available") as caught:
        decode(one("int16", kind="meter", not_available=(0x8000,)), inputs(0x8000))
    assert caught.value.reason == "missing_field"


def test_phases_are_told_together_or_not_at_all() -> None:
    assert state_of({"v_l1_v": 230.0}).v_v == (230.0,)
    assert state_of({"v_l1_v": 230.0, "v_l2_v": 231.0, "v_l3_v": 229.0}).v_v == (230.0, 231.0, 229.0)
    assert state_of({"v_l1_v": 230.0, "v_l2_v": None, "v_l3_v": 229.0}).v_v is None
    assert state_of({}).i_a is None


def test_the_generic_profile_is_a_plain_big_endian_row_of_floats() -> None:
    row = (250.5, -3.25, 230.0, 231.0, 229.5, 360.0, 361.0, -359.0, 123456.0)
    words = struct.unpack(">18H", struct.pack(">9f", *row))
    state = state_of(
        decode(load_profile("rtu_generic"), {("input", n): word for n, word in enumerate(words)})
    )
    assert (state.p_kw, state.q_kvar, state.energy_kwh) == (250.5, -3.25, 123456.0)
    assert (state.v_v, state.i_a) == ((230.0, 231.0, 229.5), (360.0, 361.0, -359.0))


@pytest.mark.parametrize("raw", [math.nan, math.inf, -math.inf, 1e30, -11.0, 11.0])
def test_what_cannot_be_is_out_of_range(raw: float) -> None:
    high, low = struct.unpack(">2H", struct.pack(">f", raw))
    with pytest.raises(MalformedMessage) as caught:
        decode(one("float32", min=-10.0, max=10.0), inputs(high, low))
    assert caught.value.reason == "out_of_range"
    assert "p_kw" in caught.value.detail


def test_a_register_that_was_not_answered_is_missing() -> None:
    with pytest.raises(MalformedMessage) as caught:
        decode(one("float32"), inputs(0))
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
    places = [(b.table, b.address + n) for b in blocks(profile) for n in range(b.count)]
    words = data.draw(st.lists(st.integers(0, 0xFFFF), min_size=len(places), max_size=len(places)))
    try:
        values = decode(profile, dict(zip(places, words, strict=True)))
    except MalformedMessage:
        return
    for field, value in values.items():
        if value is None:
            assert profile.quantities[field].not_available
            assert field not in REQUIRED_OF[profile.kind]
            continue
        low, high = profile.quantities[field].min, profile.quantities[field].max
        assert low is None or value >= low
        assert high is None or value <= high
        assert math.isfinite(value)


@pytest.mark.parametrize("name", built_in_profiles())
@given(p_kw=st.floats(0, 40), v_v=st.floats(0, 400), energy_kwh=st.floats(0, 1e6))
def test_values_survive_within_a_step(name: str, p_kw: float, v_v: float, energy_kwh: float) -> None:
    profile = load_profile(name)
    given_values = {"p_kw": p_kw, "v_l2_v": v_v, "energy_kwh": energy_kwh}
    values = decode(profile, encode(profile, given_values))
    for field, within in (("p_kw", 0.001), ("v_l2_v", 0.051), ("energy_kwh", 0.063)):
        if field in values:
            assert values[field] == pytest.approx(given_values[field], abs=within)
    assert values.get("i_l3_a", 0.0) == 0
