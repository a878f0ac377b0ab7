"""Limits that a unit holds and ends by itself, and everything that must not be taken for one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.errors import CommandRejected, ProfileRejected
from devices.modbus.dialogue import Operation, Read, Registers, UnitException, Write
from devices.modbus.sunspec import SunSpecSettings, SunSpecUnit
from simulations.sunspec_units import Edition, VirtualBattery, VirtualInverter, VirtualMeter, VirtualUnit
from tests.devices.modbus.sunspec.talking import HandClock, answers_of, ask, talk

TIMER = {
    "integers": (123, "WMaxLimPct_RvrtTms"),
    "floats": (123, "WMaxLimPct_RvrtTms"),
    "der": (704, "WMaxLimPctRvrtTms"),
}
ENABLE = {"integers": (123, "WMaxLim_Ena"), "floats": (123, "WMaxLim_Ena"), "der": (704, "WMaxLimPctEna")}
EDITIONS: tuple[Edition, ...] = ("integers", "floats", "der")


def sunny(
    edition: Edition = "integers", rated_kw: float = 10.0
) -> tuple[HandClock, VirtualInverter, SunSpecUnit]:
    """An inverter that gives its rated power, and the unit that we talk to it by."""
    clock = HandClock()
    inverter = VirtualInverter(clock, rated_kw, edition)
    inverter.available_kw = rated_kw
    return clock, inverter, SunSpecUnit(SunSpecSettings("inverter"))


def written(unit: VirtualUnit) -> list[str]:
    """The names of the points that were written, in order."""
    names = []
    for address, words in unit.writes:
        points = unit.image.points_at(address, len(words))
        assert points is not None
        names += [name for _, name in points]
    return names


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_limit_ends_by_itself_with_nobody_there(edition: Edition) -> None:
    clock, inverter, unit = sunny(edition)
    ask(unit.limit(4.2, "production", 900.7), inverter)
    assert inverter.p_kw == pytest.approx(-4.2)
    state = ask(unit.poll(), inverter)
    assert (state.p_kw, state.limit_kw, state.says_limit) == (pytest.approx(-4.2), pytest.approx(4.2), True)
    clock.at_s += 899.9
    inverter.refresh()
    assert inverter.p_kw == pytest.approx(-4.2)
    clock.at_s += 0.1
    inverter.refresh()
    assert inverter.p_kw == -10.0
    state = ask(unit.poll(), inverter)
    assert (state.limit_kw, state.says_limit) == (None, True)


@pytest.mark.parametrize("edition", EDITIONS)
def test_the_end_is_written_before_the_limit_and_the_limit_before_its_mark(edition: Edition) -> None:
    _, inverter, unit = sunny(edition)
    ask(unit.limit(4.2, "production", 900.0), inverter)
    names = written(inverter)
    assert names[0] == TIMER[edition][1]
    assert names[-2:] == ["WMaxLimPct", ENABLE[edition][1]]
    assert names[1:-2] == (["WMaxLimPctEnaRvrt"] if edition == "der" else [])


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_renewal_starts_the_timer_anew(edition: Edition) -> None:
    clock, inverter, unit = sunny(edition)
    ask(unit.limit(4.2, "production", 60.0), inverter)
    clock.at_s += 50
    ask(unit.limit(6.0, "production", 60.0), inverter)
    clock.at_s += 59
    inverter.refresh()
    assert inverter.p_kw == pytest.approx(-6.0)
    clock.at_s += 1
    inverter.refresh()
    assert inverter.p_kw == -10.0


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_release_ends_it_at_once_and_only_what_is_held(edition: Edition) -> None:
    _, inverter, unit = sunny(edition)
    ask(unit.release(), inverter)
    assert inverter.writes == []
    ask(unit.limit(4.2, "production", 60.0), inverter)
    # another process, after a restart, releases it too
    ask(SunSpecUnit(SunSpecSettings("inverter")).release(), inverter)
    assert inverter.p_kw == -10.0
    assert ask(unit.poll(), inverter).limit_kw is None


@given(
    rated_kw=st.floats(0.5, 3000.0),
    limit_kw=st.floats(0.0, 4000.0),
    hold_s=st.floats(0.01, 28_800.0),
    percent_scale=st.sampled_from([-2, -1, 0, 1]),
    edition=st.sampled_from(["integers", "der"]),
)
@settings(max_examples=60, deadline=None)
def test_never_below_what_was_asked_nor_beyond_its_end(
    rated_kw: float, limit_kw: float, hold_s: float, percent_scale: int, edition: Edition
) -> None:
    clock = HandClock()
    inverter = VirtualInverter(clock, 10.0, edition)
    model_id = TIMER[edition][0]
    rating = (702, "WMax", "W_SF") if edition == "der" else (121, "WMax", "WMax_SF")
    inverter.image.put_raw(rating[0], rating[2], 2)
    inverter.image.put(rating[0], rating[1], rated_kw * 1000.0)
    said_kw = (inverter.image.get(rating[0], rating[1]) or 0.0) / 1000.0
    inverter.image.put_raw(model_id, "WMaxLimPct_SF", percent_scale)
    ask(SunSpecUnit(SunSpecSettings("inverter")).limit(limit_kw, "production", hold_s), inverter)
    held_kw = inverter.share("production") * said_kw
    assert held_kw >= min(limit_kw, said_kw) - 1e-6 * said_kw
    assert held_kw <= min(limit_kw, said_kw) + said_kw * 10**percent_scale / 100 + 1e-9
    clock.at_s += max(1.0, hold_s) + 1e-5
    inverter.refresh()
    assert inverter.share("production") == 1.0


def test_a_battery_charges_no_more_than_its_limit_until_the_end() -> None:
    clock = HandClock()
    battery = VirtualBattery(clock, charge_kw=8.0)
    battery.wanted_kw = 8.0
    battery.image.put_raw(124, "StorCtl_Mod", 2)  # somebody limits discharging: none of our business
    unit = SunSpecUnit(SunSpecSettings("battery"))
    ask(unit.limit(4.2, "consumption", 60.0), battery)
    assert written(battery) == ["InOutWRte_RvrtTms", "InWRte", "StorCtl_Mod"]
    assert battery.image.raw(124, "StorCtl_Mod") == 3
    state = ask(unit.poll(), battery)
    assert (state.p_kw, state.limit_kw) == (pytest.approx(4.2), pytest.approx(4.2))
    clock.at_s += 60
    assert ask(unit.poll(), battery).limit_kw is None
    assert battery.p_kw == 8.0
    ask(unit.limit(5.0, "consumption", 60.0), battery)
    ask(unit.release(), battery)
    assert battery.image.raw(124, "StorCtl_Mod") == 2


def test_a_battery_gives_no_more_than_its_limit() -> None:
    battery = VirtualBattery(HandClock(), rated_kw=10.0)
    battery.wanted_kw = -9.0
    unit = SunSpecUnit(SunSpecSettings("battery"))
    ask(unit.limit(3.0, "production", 60.0), battery)
    state = ask(unit.poll(), battery)
    assert (state.p_kw, state.limit_kw) == (pytest.approx(-3.0), pytest.approx(3.0))
    ask(unit.release(), battery)
    assert battery.p_kw == -9.0


@pytest.mark.parametrize(
    ("limit_kw", "hold_s"),
    [
        (-1.0, 60.0),
        (float("nan"), 60.0),
        (float("inf"), 60.0),
        (4.2, 0.0),
        (4.2, -5.0),
        (4.2, float("nan")),
        (4.2, float("inf")),
    ],
)
def test_what_is_no_limit_is_never_sent(limit_kw: float, hold_s: float) -> None:
    _, inverter, unit = sunny()
    with pytest.raises(CommandRejected, match="is no limit"):
        ask(unit.limit(limit_kw, "production", hold_s), inverter)
    assert inverter.writes == []


def test_roles_have_their_directions() -> None:
    _, inverter, unit = sunny()
    with pytest.raises(CommandRejected, match="as inverter, has no SunSpec model that limits consumption"):
        ask(unit.limit(4.2, "consumption", 60.0), inverter)
    for direction in ("production", "consumption"):
        with pytest.raises(CommandRejected, match="as meter"):
            ask(SunSpecUnit(SunSpecSettings("meter")).limit(4.2, direction, 60.0), VirtualMeter(HandClock()))
    ask(SunSpecUnit(SunSpecSettings("meter")).release(), VirtualMeter(HandClock()))
    assert inverter.writes == []


@pytest.mark.parametrize(
    ("edition", "names", "told"),
    [
        ("integers", ["WMaxLimPct_RvrtTms"], "WMaxLimPct_RvrtTms is not implemented"),
        ("integers", ["WMaxLim_Ena"], "WMaxLim_Ena is not implemented"),
        ("integers", ["WMaxLimPct"], "WMaxLimPct is not implemented"),
        ("integers", ["WMaxLimPct_SF"], "WMaxLimPct_SF is not implemented"),
        ("der", ["WMaxLimPctRvrtTms"], "WMaxLimPctRvrtTms is not implemented"),
        ("der", ["WMaxLimPctEnaRvrt", "WMaxLimPctRvrt"], "nothing says what comes after the end"),
    ],
)
def test_a_unit_that_cannot_keep_an_end_gets_no_limit(edition: Edition, names: list[str], told: str) -> None:
    _, inverter, unit = sunny(edition)
    for name in names:
        inverter.image.put_raw(TIMER[edition][0], name, None)
    with pytest.raises(CommandRejected, match=told):
        ask(unit.limit(4.2, "production", 60.0), inverter)
    assert inverter.writes == []


def test_a_der_that_can_only_say_the_value_after_the_end_is_told_all_of_it() -> None:
    _, inverter, unit = sunny("der")
    inverter.image.put_raw(704, "WMaxLimPctEnaRvrt", None)
    inverter.image.put(704, "WMaxLimPctRvrt", 30.0)
    ask(unit.limit(4.2, "production", 60.0), inverter)
    assert inverter.image.get(704, "WMaxLimPctRvrt") == 100.0


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("part", ["timer", "percent", "enable"])
def test_what_is_not_held_as_asked_is_taken_back_and_told(edition: Edition, part: str) -> None:
    """A unit that answers writes and forgets them: no limit stays, least of all one without its end."""
    _, inverter, unit = sunny(edition)
    deaf = {"timer": TIMER[edition][1], "percent": "WMaxLimPct", "enable": ENABLE[edition][1]}[part]
    inverter.deaf.add(deaf)
    with pytest.raises(CommandRejected, match=f"does not hold the limit as asked: .*{deaf} is"):
        ask(unit.limit(4.2, "production", 60.0), inverter)
    assert inverter.p_kw == -10.0
    assert ask(unit.poll(), inverter).limit_kw is None


def test_a_der_whose_timer_stands_still_gets_no_limit() -> None:
    _, inverter, unit = sunny("der")
    inverter._controls = list  # it takes all registers and starts no timer
    with pytest.raises(CommandRejected, match="WMaxLimPctRvrtRem is 0, the timer does not run"):
        ask(unit.limit(4.2, "production", 60.0), inverter)
    assert inverter.image.raw(704, "WMaxLimPctEna") == 0


def test_a_timer_that_counts_down_in_its_own_register_is_a_timer() -> None:
    _, inverter, unit = sunny()
    answer = answers_of(inverter)
    address = inverter.image.model(123).address + 7

    def counting(operation: Operation) -> Registers:
        answered = answer(operation)
        if isinstance(operation, Write) and operation.address == address + 2:
            inverter.image.put_raw(123, "WMaxLimPct_RvrtTms", 57)
        return answered

    talk(unit.limit(4.2, "production", 60.0), counting)
    inverter.image.put_raw(123, "WMaxLimPct_RvrtTms", 0)
    assert inverter.p_kw == pytest.approx(-4.2)


@pytest.mark.parametrize(("reads", "held"), [(2, True), (3, False)])
def test_a_unit_may_show_what_was_written_a_little_later(reads: int, held: bool) -> None:
    _, inverter, unit = sunny()
    ask(unit.identify(), inverter)
    answer, stale = answers_of(inverter), dict.fromkeys(range(reads))
    before = tuple(inverter.image.registers)

    def late(operation: Operation) -> Registers:
        if isinstance(operation, Read) and inverter.writes and stale:
            stale.popitem()
            first = operation.address - 40000
            return before[first : first + operation.count]
        return answer(operation)

    if held:
        talk(unit.limit(4.2, "production", 60.0), late)
        assert inverter.p_kw == pytest.approx(-4.2)
    else:
        with pytest.raises(CommandRejected, match="does not hold the limit as asked"):
            talk(unit.limit(4.2, "production", 60.0), late)
        assert inverter.p_kw == -10.0


@pytest.mark.parametrize("nth", [0, 1, 2])
def test_a_write_that_is_refused_leaves_no_limit_without_an_end(nth: int) -> None:
    clock, inverter, unit = sunny()
    answer, writes = answers_of(inverter), []

    def refusing(operation: Operation) -> Registers:
        if isinstance(operation, Write):
            writes.append(operation)
            if len(writes) == nth + 1:
                raise UnitException(3)
        return answer(operation)

    with pytest.raises(CommandRejected, match="exception 3 to a write"):
        talk(unit.limit(4.2, "production", 60.0), refusing)
    clock.at_s += 60
    inverter.refresh()
    assert inverter.p_kw == -10.0


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_link_that_breaks_anywhere_leaves_no_limit_without_an_end(edition: Edition) -> None:
    clock, inverter, unit = sunny(edition)
    _, whole = talk(unit.limit(4.2, "production", 60.0), answers_of(inverter))
    for operations in range(1, len(whole)):
        clock, inverter, unit = sunny(edition)
        answer = answers_of(inverter)
        dialogue = unit.limit(4.2, "production", 60.0)
        operation = next(dialogue)
        for _ in range(operations):
            operation = dialogue.send(answer(operation))
        dialogue.close()
        clock.at_s += 60
        inverter.refresh()
        assert inverter.p_kw == -10.0, operations


def test_what_a_broken_link_left_is_released() -> None:
    battery = VirtualBattery(HandClock())
    unit, answer = SunSpecUnit(SunSpecSettings("battery")), answers_of(battery)
    ask(unit.identify(), battery)
    dialogue = unit.limit(3.0, "production", 60.0)
    operation = next(dialogue)
    while battery.share("production") == 1.0:
        operation = dialogue.send(answer(operation))
    dialogue.close()
    ask(unit.release(), battery)
    assert battery.share("production") == 1.0


def test_the_rating_is_the_units_own_or_the_settings_or_there_is_no_limit() -> None:
    _, inverter, unit = sunny()
    inverter.image.put(121, "WMax", 8_000.0)
    ask(unit.limit(4.0, "production", 60.0), inverter)
    assert inverter.image.get(123, "WMaxLimPct") == 50.0
    inverter.image.put(121, "WMax", None)
    ask(unit.limit(4.0, "production", 60.0), inverter)
    assert inverter.image.get(123, "WMaxLimPct") == 40.0  # of WRtg in model 120
    inverter.image.put(120, "WRtg", 0.0)
    inverter.writes.clear()
    with pytest.raises(CommandRejected, match="percent of what"):
        ask(unit.limit(4.0, "production", 60.0), inverter)
    assert inverter.writes == []
    assert ask(unit.poll(), inverter).says_limit is False
    by_settings = SunSpecUnit(SunSpecSettings("inverter", rated_kw=16.0))
    ask(by_settings.limit(4.0, "production", 60.0), inverter)
    assert inverter.image.get(123, "WMaxLimPct") == 25.0


def test_a_rating_a_thousand_times_too_large_makes_no_limit_of_it() -> None:
    _, inverter, _ = sunny(rated_kw=10.0)
    inverter.image.put_raw(121, "WMax_SF", 4)
    unit = SunSpecUnit(SunSpecSettings("inverter", rated_kw=10.0))
    with pytest.raises(CommandRejected, match="No believable rating"):
        ask(unit.limit(4.2, "production", 60.0), inverter)
    assert inverter.writes == []


def test_the_longest_hold_is_the_units_and_said_before() -> None:
    _, inverter, unit = sunny()
    assert unit.held_s(100_000.0) == 28_800.0
    assert unit.held_s(899.9) == 899.0
    assert unit.held_s(0.2) == 1.0
    ask(unit.limit(4.2, "production", 100_000.0), inverter)
    assert inverter.image.raw(123, "WMaxLimPct_RvrtTms") == 28_800


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("instance", 0),
        ("rated_kw", 0.0),
        ("charge_kw", float("nan")),
        ("longest_hold_s", 65_535.0),
        ("longest_hold_s", 0.5),
    ],
)
def test_settings_that_cannot_be_are_told_by_name(name: str, value: float) -> None:
    with pytest.raises(ProfileRejected, match=f"SunSpec inverter: {name} is {value}, expected"):
        SunSpecSettings("inverter", **{name: value})


def test_nothing_but_the_points_of_its_limits_may_be_written() -> None:
    _, inverter, unit = sunny()
    assert not unit.may_write(Write(40187, (1,)))
    _, asked = talk(unit.limit(4.2, "production", 60.0), answers_of(inverter))
    _, released = talk(unit.release(), answers_of(inverter))
    for operation in [*asked, *released]:
        assert not isinstance(operation, Write) or unit.may_write(operation)
    at = inverter.image.model(123).address
    allowed = [register for register in range(0x10000) if unit.may_write(Write(register, (0,)))]
    assert [register - at for register in allowed] == [5, 7, 9]
    assert not unit.may_write(Write(at + 9, (0, 0)))
    assert not unit.may_write(Write(at + 9, (0,), table="coil"))


def test_the_seconds_left_of_a_der_are_not_written() -> None:
    _, inverter, unit = sunny("der")
    ask(unit.identify(), inverter)
    at = inverter.image.model(704).address
    allowed = [register - at for register in range(at, at + 67) if unit.may_write(Write(register, (0,)))]
    assert allowed == [14, 15, 16, 17, 18, 19]


def test_a_limit_above_the_rating_is_the_rating() -> None:
    _, inverter, unit = sunny()
    ask(unit.limit(25.0, "production", 60.0), inverter)
    assert inverter.image.get(123, "WMaxLimPct") == 100.0


def test_a_step_too_coarse_for_any_limit_is_none() -> None:
    _, inverter, unit = sunny()
    inverter.image.put_raw(123, "WMaxLimPct_SF", 3)
    inverter.image.put_raw(123, "WMaxLimPct", 0)
    with pytest.raises(CommandRejected, match="a step of WMaxLimPct is 1000 %"):
        ask(unit.limit(4.2, "production", 60.0), inverter)
    assert inverter.writes == []


def test_a_limit_that_does_not_go_off_is_told() -> None:
    _, inverter, unit = sunny()
    ask(unit.limit(4.2, "production", 60.0), inverter)
    inverter.deaf.add("WMaxLim_Ena")
    with pytest.raises(CommandRejected, match="WMaxLim_Ena does not go off"):
        ask(unit.release(), inverter)


def test_a_unit_that_does_not_say_whether_it_is_limited_is_not_taken_for_free() -> None:
    _, inverter, unit = sunny()
    inverter.image.put_raw(123, "WMaxLim_Ena", None)
    state = ask(unit.poll(), inverter)
    assert (state.limit_kw, state.says_limit) == (None, False)


def test_a_release_leaves_alone_what_is_not_ours() -> None:
    """Somebody limits what a hybrid feeds in; we limit how fast it charges."""
    battery = VirtualBattery(HandClock())
    battery.image.put(123, "WMaxLimPct", 70.0)
    battery.image.put_raw(123, "WMaxLim_Ena", 1)
    unit = SunSpecUnit(SunSpecSettings("battery"))
    ask(unit.limit(4.2, "consumption", 60.0), battery)
    ask(unit.release(), battery)
    ask(unit.limit(4.2, "consumption", 60.0), battery)
    # after a restart nobody knows what was used: the role's own direction
    restarted = SunSpecUnit(SunSpecSettings("battery"))
    assert ask(restarted.poll(), battery).limit_kw == pytest.approx(4.2)
    ask(restarted.release(), battery)
    assert battery.share("consumption") == 1.0
    assert battery.share("production") == pytest.approx(0.7)


def test_registers_that_moved_are_not_written() -> None:
    _, inverter, unit = sunny()
    ask(unit.identify(), inverter)
    _, other, _ = sunny("der")
    with pytest.raises(CommandRejected, match=r"not there any more|registers .* exception 2"):
        ask(unit.limit(4.2, "production", 60.0), other)
    assert other.writes == []
