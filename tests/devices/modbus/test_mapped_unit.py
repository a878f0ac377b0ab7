"""A mapped unit's dialogues with an emulated unit, without a wire: limits, ends, what is never written."""

from importlib import resources

import pytest
from pymodbus.constants import ExcCodes

from devices.errors import CommandRejected, MalformedMessage
from devices.modbus.dialogue import (
    GuardsWrites,
    HasFailsafe,
    HoldsFor,
    OneDirection,
    Read,
    Unit,
    UnitException,
    Write,
)
from devices.modbus.failsafe_unit import FailsafeUnit
from devices.modbus.mapped_unit import MappedUnit
from simulations.modbus_units import EmulatedUnit
from tests.devices.modbus.rig import CONTACTS, STATES, SWITCHED, WATT, StillClock, mapped, talk

AMPS_TEXT = (resources.files("devices.profiles") / "charger_generic_amps.toml").read_text(encoding="utf-8")
AMPS, PUMP = "charger_generic_amps", "heat_pump_generic_kw"


def pair(profile: str, **settings: float) -> tuple[MappedUnit, EmulatedUnit, StillClock]:
    clock = StillClock()
    ours = mapped(profile, **settings)
    return ours, EmulatedUnit(ours.profile, clock, rated_kw=settings.get("rated_kw")), clock


def test_it_is_a_unit_that_guards_its_writes() -> None:
    unit: Unit = mapped(AMPS)
    assert isinstance(unit, GuardsWrites)
    assert isinstance(unit, HoldsFor)
    assert isinstance(unit, OneDirection)


def test_what_it_measures_is_told_with_its_marks() -> None:
    ours, far, _ = pair(AMPS)
    far.update({"p_kw": 7.36, "v_l1_v": 230.1, "v_l2_v": 229.9, "v_l3_v": None, "energy_kwh": 12.5})
    state = talk(ours.poll(), far)
    assert (state.p_kw, state.energy_kwh, state.v_v) == (pytest.approx(7.36), 12.5, None)
    assert state.i_a == (0.0, 0.0, 0.0)
    assert (state.says_limit, state.limit_kw) == (True, None)


def test_values_that_the_unit_calls_invalid_are_not_used() -> None:
    ours, far, _ = pair(PUMP)
    far.store("holding", 0, 0x00FE)
    with pytest.raises(MalformedMessage, match="not valid"):
        talk(ours.poll(), far)


@pytest.mark.parametrize(
    ("profile", "held_kw"), [(AMPS, 6.1 * 0.69), (PUMP, 4.2), (STATES, 4.2), (WATT, 4.2)]
)
def test_a_limit_is_held_read_back_and_let_go_of(profile: str, held_kw: float) -> None:
    ours, far, clock = pair(profile)
    talk(ours.limit(4.2, "consumption", 900.0), far)
    assert far.limit_kw() == pytest.approx(held_kw)
    assert talk(ours.poll(), far).limit_kw == pytest.approx(held_kw)
    clock.forward(30.0)
    assert talk(ours.poll(), far).limit_kw == pytest.approx(held_kw)
    talk(ours.release(), far)
    assert far.limit_kw() is None
    assert talk(ours.poll(), far).limit_kw is None


@pytest.mark.parametrize(("profile", "lasts_s"), [(AMPS, 900), (WATT, 900), (PUMP, 60), (STATES, 60)])
def test_with_us_dead_it_ends_by_itself(profile: str, lasts_s: float) -> None:
    ours, far, clock = pair(profile)
    talk(ours.limit(4.2, "consumption", 900.5), far)
    clock.forward(lasts_s - 1)
    assert far.limit_kw() is not None
    clock.forward(1)
    assert far.limit_kw() is None
    assert talk(ours.poll(), far).limit_kw is None
    assert ours.held_s(900.5) == lasts_s


@pytest.mark.parametrize("profile", [PUMP, STATES])
def test_what_is_only_forgotten_late_takes_no_short_limit(profile: str) -> None:
    ours, far, _ = pair(profile)
    with pytest.raises(CommandRejected, match=r"forgets a limit only after 60 s, this one ends in 59\.0 s"):
        talk(ours.limit(4.2, "consumption", 59.0), far)
    assert far.written == []
    talk(ours.limit(4.2, "consumption", 60.0), far)


def test_the_end_is_written_and_read_before_the_limit() -> None:
    ours, far, _ = pair(AMPS)
    talk(ours.limit(4.2, "consumption", 900.9), far)
    assert far.written == [
        (("holding", 100), (900,)),
        (("holding", 101), (61,)),
        (("holding", 102), (1,)),
    ]


def test_a_unit_that_does_not_keep_the_end_gets_no_limit() -> None:
    dialogue = mapped(WATT).limit(4.2, "consumption", 900.0)
    assert next(dialogue) == Write(10, (900,))
    assert dialogue.send(()) == Read("holding", 10, 1)
    with pytest.raises(CommandRejected, match="does not keep the time"):
        dialogue.send((0,))


@pytest.mark.parametrize("fails_at", [0, 1, 2])
def test_interrupted_anywhere_no_limit_without_an_end_is_left(fails_at: int) -> None:
    ours, far, clock = pair(AMPS)
    dialogue = ours.limit(4.2, "consumption", 900.0)
    operation, writes = next(dialogue), 0
    while writes < fails_at:
        if isinstance(operation, Write):
            far.write(operation.table, operation.address, operation.values)
            operation, writes = dialogue.send(()), writes + 1
        else:
            operation = dialogue.send((900,))
    dialogue.close()
    clock.forward(900.0)
    assert far.limit_kw() is None


def test_the_units_no_is_passed_on() -> None:
    ours, far, _ = pair(WATT)
    far.refuse_writes = ExcCodes.ILLEGAL_VALUE
    with pytest.raises(UnitException):
        talk(ours.limit(4.2, "consumption", 900.0), far)


@pytest.mark.parametrize(
    ("profile", "limit_kw", "direction", "words"),
    [
        (STATES, 6.0, "consumption", r"its contacts know one limit only, expected 4\.2 kW, not 6"),
        (STATES, 3.0, "consumption", "know one limit only"),
        (CONTACTS, 4.2, "consumption", "know one limit only, expected 0 kW"),
        (WATT, float("nan"), "consumption", "nan kW is no limit"),
        (AMPS, 4.2, "production", "its map limits consumption, not production"),
        (AMPS, 4.0, "consumption", "expected 6 to 32 A"),
        ("meter_eastron_sdm630", 4.2, "consumption", "sets no limits"),
    ],
)
def test_what_a_map_cannot_do_is_rejected_unwritten(
    profile: str, limit_kw: float, direction: str, words: str
) -> None:
    ours, far, _ = pair(profile)
    with pytest.raises(CommandRejected, match=words):
        talk(ours.limit(limit_kw, direction, 900.0), far)  # type: ignore[arg-type]
    assert far.written == []


def test_a_state_may_stand_for_higher_limits_where_the_map_says_so() -> None:
    text = """
name = "states"
kind = "heat_pump"
table = "holding"
word_order = "high_first"
[limit]
hold = "revert_timer"
timer = { address = 9 }
[limit.sg_ready]
table = "holding"
addresses = [4, 7]
limit_state = [1, 0]
normal_state = [0, 0]
guaranteed_kw = 4.2
accepts_up_to_kw = 8.0
"""
    ours, far, _ = pair(text)
    talk(ours.limit(7.5, "consumption", 900.0), far)
    assert talk(ours.poll(), far).limit_kw == 4.2
    assert [place for place, _ in far.written] == [("holding", 9), ("holding", 4), ("holding", 7)]


def test_percent_is_of_the_rated_power() -> None:
    text = WATT.replace('unit = "W"', 'unit = "percent", scale = 0.01')
    ours, far, _ = pair(text, rated_kw=22.0)
    talk(ours.limit(4.2, "consumption", 900.0), far)
    assert talk(ours.poll(), far).limit_kw == pytest.approx(4.2, abs=0.0022)
    with pytest.raises(CommandRejected, match="not known"):
        talk(mapped(text).limit(4.2, "consumption", 900.0), far)


def test_percent_of_an_unknown_power_is_not_said_what_is_measured_is() -> None:
    """A row that is a meter only has no rated power."""
    text = WATT.replace('unit = "W"', 'unit = "percent", scale = 0.01')
    far = EmulatedUnit(mapped(text).profile, StillClock(), rated_kw=22.0)
    talk(mapped(text, rated_kw=22.0).limit(4.4, "consumption", 900.0), far)
    far.update({"p_kw": 3.5})
    state = talk(mapped(text).poll(), far)
    assert (state.p_kw, state.says_limit, state.limit_kw) == (3.5, False, None)


@pytest.mark.parametrize("bits", [0x7FC0, 0x7F80])
def test_a_limit_that_is_no_number_is_not_shown(bits: int) -> None:
    text = (
        SWITCHED.partition("read_back")[0] + 'read_back = { address = 20, encoding = "float32", unit = "kW" }'
    )
    ours, far, _ = pair(text)
    far.registers = lambda: {  # type: ignore[method-assign]
        ("input", 0): 0, ("input", 1): 0, ("holding", 20): bits, ("holding", 21): 0
    }  # fmt: skip
    with pytest.raises(MalformedMessage, match=r"limit is (nan|inf) at register 20"):
        talk(ours.poll(), far)


def test_what_a_failsafe_will_be_shown_as_is_known_before() -> None:
    whole = AMPS_TEXT.replace(
        'unit = "A", scale = 0.1, min = 6.0, max = 32.0 }\nduration', 'unit = "A" }\nduration'
    )
    ours, far, _ = pair(whole)
    assert isinstance(ours, FailsafeUnit)
    assert ours.armed_kw(4.2, 7200) == pytest.approx(4.83)
    talk(ours.arm(4.2, 7200), far)
    assert talk(ours.poll(), far).failsafe_kw == pytest.approx(4.83)
    with pytest.raises(CommandRejected, match="cannot last"):
        ours.armed_kw(4.2, 65536 * 60)


def test_the_failsafe_is_written_once_read_back_and_held_when_the_heartbeat_stays_away() -> None:
    ours, far, clock = pair(AMPS)
    assert isinstance(ours, HasFailsafe)
    talk(ours.arm(6.9, 7200), far)
    assert far.written == [(("holding", 111), (120,)), (("holding", 110), (100,))]
    talk(ours.arm(6.9, 7200), far)
    assert len(far.written) == 2
    state = talk(ours.poll(), far)
    assert (state.failsafe_kw, state.failsafe_s, ours.heartbeat_timeout_s) == (pytest.approx(6.9), 7200, 120)
    talk(ours.beat(), far)
    clock.forward(119.0)
    talk(ours.beat(), far)
    assert far.written[2:] == [(("holding", 112), (1,)), (("holding", 112), (2,))]
    clock.forward(119.0)
    assert far.limit_kw() is None
    clock.forward(1.0)
    assert far.limit_kw() == pytest.approx(6.9)
    clock.forward(7200.0)
    assert far.limit_kw() is None
    with pytest.raises(CommandRejected, match="expected 6 to 32 A"):
        talk(ours.arm(4.0, 7200), far)
    with pytest.raises(CommandRejected, match="cannot last"):
        talk(ours.arm(6.9, 65536 * 60), far)
    assert not isinstance(mapped(WATT), HasFailsafe)


@pytest.mark.parametrize(
    ("profile", "allowed", "forbidden"),
    [
        (AMPS, [100, 101, 102, 110, 111, 112], [0, 99, 103, 109, 113]),
        (PUMP, [40, 41], [0, 1, 39, 42]),
        ("rtu_generic", [], range(20)),
    ],
)
def test_only_what_the_map_names_may_be_written(
    profile: str, allowed: list[int], forbidden: list[int]
) -> None:
    unit = mapped(profile)
    assert all(unit.may_write(Write(address, (1,))) for address in allowed)
    assert not any(unit.may_write(Write(address, (1,))) for address in forbidden)
    assert not any(unit.may_write(Write(address, (1,), "coil")) for address in allowed)
    assert not unit.may_write(Write(102, (1, 1)))
    assert mapped(STATES).may_write(Write(0, (1, 0), "coil"))
