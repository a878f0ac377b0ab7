"""What a unit measures: signs, marks, scale factors that change, and the reads it takes."""

import pytest

from devices.errors import MalformedMessage
from devices.modbus.dialogue import Read, UnitState
from devices.modbus.sunspec import SunSpecSettings, SunSpecUnit
from simulations.sunspec_image import SunSpecImage
from simulations.sunspec_units import Edition, VirtualBattery, VirtualInverter, VirtualMeter, VirtualUnit
from tests.devices.modbus.sunspec.talking import HandClock, answers_of, ask, talk


def meter_unit(**settings: object) -> SunSpecUnit:
    return SunSpecUnit(SunSpecSettings("meter", **settings))


@pytest.mark.parametrize(("edition", "base"), [("integers", 40000), ("floats", 0), ("der", 50000)])
def test_what_an_inverter_gives_is_negative(edition: Edition, base: int) -> None:
    inverter = VirtualInverter(HandClock(), 10.0, edition, base=base)
    inverter.available_kw = 6.9
    unit = SunSpecUnit(SunSpecSettings("inverter"))
    assert ask(unit.identify(), inverter) == "Gridward VirtualInverter, version 1.0, serial 0001"
    state, asked = talk(unit.poll(), answers_of(inverter))
    assert (state.p_kw, state.q_kvar) == (pytest.approx(-6.9), 0.0)
    assert state.v_v == pytest.approx((230.0,) * 3)
    assert state.i_a == pytest.approx((10.0,) * 3)
    assert (state.limit_kw, state.says_limit) == (None, True)
    assert len(asked) == 2  # all that is measured in one read, the limit in another


@pytest.mark.parametrize("floats", [False, True])
def test_a_meter_counts_as_its_settings_say(floats: bool) -> None:
    meter = VirtualMeter(HandClock(), floats=floats)
    meter.p_kw, meter.q_kvar, meter.imported_kwh = 3.2, 0.4, 1234.0
    model_id = 213 if floats else 203
    meter.image.put(model_id, "TotWhExp", 55_000.0)
    state = ask(meter_unit().poll(), meter)
    assert (state.p_kw, state.q_kvar) == pytest.approx((3.2, 0.4))
    assert state.energy_kwh == pytest.approx(1234.0)
    assert (state.limit_kw, state.says_limit) == (None, False)
    turned = ask(meter_unit(meter_positive="export", energy="export").poll(), meter)
    assert (turned.p_kw, turned.q_kvar) == pytest.approx((-3.2, -0.4))
    assert turned.energy_kwh == pytest.approx(55.0)


def test_a_meter_takes_one_read() -> None:
    unit, meter = meter_unit(), VirtualMeter(HandClock(), floats=True)
    ask(unit.identify(), meter)
    _, asked = talk(unit.poll(), answers_of(meter))
    assert asked == [Read("holding", 40070, 70)]


def test_a_battery_that_charges_is_positive() -> None:
    battery = VirtualBattery(HandClock())
    battery.wanted_kw = 5.0
    assert ask(SunSpecUnit(SunSpecSettings("battery")).poll(), battery).p_kw == pytest.approx(5.0)


def test_a_current_with_the_sign_of_its_power_is_a_magnitude() -> None:
    meter = VirtualUnit(SunSpecImage((1, 203)), HandClock())
    meter.image.put(203, "AphA", -12.5)
    assert ask(meter_unit().poll(), meter).i_a == (12.5,)


def test_what_is_not_implemented_is_none_never_zero() -> None:
    silent = VirtualUnit(SunSpecImage((1, 213)), HandClock())
    assert ask(meter_unit().poll(), silent) == UnitState()


def test_a_der_tells_what_it_took() -> None:
    der = VirtualInverter(HandClock(), 10.0, "der")
    der.image.put(701, "TotWhAbs", 7_000.0)
    der.image.put(701, "TotWhInj", 9_000.0)
    assert ask(SunSpecUnit(SunSpecSettings("inverter")).poll(), der).energy_kwh == 7.0
    assert ask(SunSpecUnit(SunSpecSettings("inverter", energy="export")).poll(), der).energy_kwh == 9.0


def test_a_scale_factor_that_changes_is_followed() -> None:
    meter = VirtualUnit(SunSpecImage((1, 203)), HandClock())
    unit = meter_unit()
    for scale, p_kw in ((0, 1.5), (1, 15.0), (-1, 0.15)):
        meter.image.put_raw(203, "W_SF", scale)
        meter.image.put_raw(203, "W", 1500)
        assert ask(unit.poll(), meter).p_kw == p_kw


def test_a_scale_factor_that_cannot_be_is_malformed() -> None:
    meter = VirtualMeter(HandClock())
    unit = meter_unit()
    ask(unit.identify(), meter)
    meter.image.put_raw(203, "W_SF", 11)
    meter.image.put_raw(203, "W", 0)
    meter.measure = lambda: None
    with pytest.raises(MalformedMessage, match="W_SF is 11"):
        ask(unit.poll(), meter)


def test_the_wanted_one_of_several_meters_is_read_under_its_own_name() -> None:
    both = VirtualUnit(SunSpecImage((1, 103, 1, 203, 1, 213)), HandClock())
    both.image.put(203, "W", 1000.0)
    both.image.put(213, "W", 2000.0)
    commons = [model for model in both.image.models if model.id == 1]
    for common, letter in zip(commons, "XYZ", strict=True):
        both.image.registers[common.address - 40000 + 2] = ord(letter) << 8
    for instance, name, p_kw in ((1, "Y", 1.0), (2, "Z", 2.0)):
        unit = meter_unit(instance=instance)
        assert ask(unit.identify(), both) == name
        assert ask(unit.poll(), both).p_kw == p_kw
    with pytest.raises(MalformedMessage, match=r"no meter \(number 3\) among models 1, 103, 1, 203, 1, 213"):
        ask(meter_unit(instance=3).identify(), both)


def test_registers_that_moved_are_not_read_as_what_they_were() -> None:
    """A poll after new firmware: refused, and found again by the next one."""
    old, new = VirtualMeter(HandClock()), VirtualUnit(SunSpecImage((1, 120, 203)), HandClock())
    new.image.put(203, "W", 4000.0)
    unit = meter_unit()
    ask(unit.identify(), old)
    with pytest.raises(MalformedMessage, match="model 203 at 40070 is not there any more: 120 26"):
        ask(unit.poll(), new)
    assert ask(unit.poll(), new).p_kw == 4.0


def test_a_model_of_another_edition_is_not_read() -> None:
    meter = VirtualMeter(HandClock())
    meter.image.registers[71] = 104
    meter.image.registers[70 + 2 + 104] = 0xFFFF
    unit = meter_unit()
    ask(unit.identify(), meter)
    with pytest.raises(MalformedMessage, match="model 203 at 40070 says length 104, expected 105"):
        ask(unit.poll(), meter)


def test_a_unit_without_a_name_is_malformed() -> None:
    nameless = VirtualMeter(HandClock())
    nameless.image.registers[2] = 64999
    with pytest.raises(MalformedMessage, match="no common model before model 203"):
        ask(meter_unit().identify(), nameless)


def test_an_exception_is_no_measurement() -> None:
    unit, meter = meter_unit(), VirtualMeter(HandClock())
    ask(unit.identify(), meter)
    meter.answers_with = 4
    with pytest.raises(MalformedMessage, match="exception 4"):
        ask(unit.poll(), meter)


def test_what_is_measured_counts_though_its_limit_cannot_be_read() -> None:
    inverter = VirtualInverter(HandClock())
    inverter.available_kw = 5.0
    unit = SunSpecUnit(SunSpecSettings("inverter"))
    inverter.image.put_raw(123, "WMaxLimPct_SF", None)
    state = ask(unit.poll(), inverter)
    assert (state.p_kw, state.says_limit, state.limit_kw) == (-5.0, False, None)
    # it is looked for again once, not at every poll
    ask(unit.poll(), inverter)
    _, asked = talk(unit.poll(), answers_of(inverter))
    assert len(asked) <= 3
    inverter.image.put_raw(123, "WMaxLimPct_SF", -2)
    assert ask(unit.poll(), inverter).says_limit
