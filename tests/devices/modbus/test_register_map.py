"""Profiles are data: each one of ours loads, and what is wrong with one is told all at once."""

from pathlib import Path

import pytest

from devices.errors import ProfileRejected
from devices.modbus.quantities import MAX_REGISTERS_PER_READ, Flag, Quantity, RegisterMap
from devices.modbus.register_map import (
    Block,
    blocks,
    built_in_profiles,
    joined,
    load_profile,
    parse_profile,
)

GOOD = """
name = "test"
table = "holding"
word_order = "low_first"
[quantities]
p_kw = { address = 0, encoding = "int32", scale = 0.001 }
q_kvar = { address = 2, encoding = "int32", scale = 0.001 }
v_l1_v = { address = 4, encoding = "uint16", scale = 0.1 }
v_l2_v = { address = 5, encoding = "uint16", scale = 0.1 }
v_l3_v = { address = 6, encoding = "uint16", scale = 0.1 }
i_l1_a = { address = 17, encoding = "float32" }
i_l2_a = { address = 19, encoding = "float32" }
i_l3_a = { address = 21, encoding = "float32" }
"""


def test_there_are_profiles() -> None:
    kinds = {load_profile(name).kind for name in built_in_profiles()}
    assert kinds == {"rtu", "meter", "charger", "heat_pump"}


@pytest.mark.parametrize("name", built_in_profiles())
def test_every_profile_loads_and_says_what_was_tried(name: str) -> None:
    profile = load_profile(name)
    assert "ried on real hardware" in profile.caveats or "mulated unit only" in profile.caveats
    read = sum(block.count for block in blocks(profile))
    measured = sum(quantity.registers for quantity in profile.quantities.values())
    assert read == measured + (profile.valid is not None)


def test_a_sites_own_file_is_a_profile_too(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(GOOD, encoding="utf-8")
    assert load_profile(path).name == "test"


def test_adjacent_registers_are_read_in_one_go_and_gaps_are_not_bridged() -> None:
    assert blocks(parse_profile(GOOD, "x")) == (Block(0, 7, "holding"), Block(17, 6, "holding"))


def test_a_read_never_asks_for_more_than_the_protocol_allows() -> None:
    many = {f"q{n}": Quantity(address=2 * n, encoding="float32") for n in range(100)}
    long = RegisterMap(name="long", table="input", word_order="high_first", quantities=many)
    assert max(block.count for block in blocks(long)) <= MAX_REGISTERS_PER_READ
    assert sum(block.count for block in blocks(long)) == 200


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            'encoding = "uint16", scale = 0.1 }\nv_l2_v',
            'encoding = "uint8" }\nv_l2_v',
            "quantities.v_l1_v.encoding: expected one of 'float32', 'float64', 'int16', ",
        ),
        ("address = 21", "address = 70000", "<= 65535"),
        ("address = 21", "address = 65535", "i_l3_a.address: reaches beyond register 65535"),
        ("address = 21", "address = 20", "i_l3_a.address: register 20 is i_l2_a's"),
        ("scale = 0.001 }\nq_kvar", "scale = 0.0 }\nq_kvar", "p_kw.scale: is 0"),
        (
            'encoding = "float32" }\ni_l2_a',
            'encoding = "float32", min = 2, max = 1 }\ni_l2_a',
            "not below max",
        ),
        ("q_kvar", "q_kva", "q_kvar: missing; quantities.q_kva: unknown"),
        ('table = "holding"', 'table = "coil"', "table"),
        ('word_order = "low_first"', "", "word_order"),
        ("[quantities]", "[quantities", "own.toml: "),
    ],
)
def test_faults_are_named_with_file_and_field(old: str, new: str, words: str) -> None:
    assert old in GOOD
    with pytest.raises(ProfileRejected, match=r"own\.toml: ") as caught:
        parse_profile(GOOD.replace(old, new), "own.toml")
    assert words in str(caught.value)


def test_gaps_are_read_over_only_as_far_as_the_map_says() -> None:
    assert blocks(parse_profile(GOOD.replace("[quan", "bridge_gaps = 10\n[quan"), "x")) == (
        Block(0, 23, "holding"),
    )
    assert blocks(parse_profile(GOOD.replace("[quan", "max_read = 4\n[quan"), "x")) == (
        Block(0, 4, "holding"),
        Block(4, 3, "holding"),
        Block(17, 4, "holding"),
        Block(21, 2, "holding"),
    )
    assert joined([("coil", 0, 1), ("holding", 1, 1)], bridge=50) == (
        Block(0, 1, "coil"),
        Block(1, 1, "holding"),
    )


@pytest.mark.parametrize(
    ("flag", "register", "holds"),
    [
        (Flag(address=0), 1, True),
        (Flag(address=0), 2, False),
        (Flag(address=0, mask=0x0008), 0x00F8, True),
        (Flag(address=0, mask=0x0008), 0xFFF7, False),
        (Flag(address=0, mask=0x0F00, one_of=(3, 5)), 0x1501, True),
        (Flag(address=0, mask=0x0F00, one_of=(3, 5)), 0x1401, False),
    ],
)
def test_bits_and_words_of_a_status(flag: Flag, register: int, holds: bool) -> None:
    assert flag.holds(register) is holds


LIMITED = """
name = "test"
kind = "charger"
table = "input"
word_order = "high_first"
[limit]
hold = "revert_timer"
timer = { address = 1, unit_s = 60 }
setpoint = { address = 2, encoding = "uint32", unit = "W", released = 0xFFFFFFFF }
read_back = { address = 2, encoding = "uint32", unit = "W", no_limit = [0xFFFFFFFF] }
"""
FAILSAFE = """
[failsafe]
setpoint = { address = 20, encoding = "uint16", unit = "A" }
duration = { address = 21 }
heartbeat = { address = 22, within_s = 120 }
"""
ARMED = LIMITED + FAILSAFE
STATES = """
name = "test"
kind = "heat_pump"
table = "input"
word_order = "high_first"
[limit]
hold = "refresh"
forgets_after_s = 60.0
[limit.sg_ready]
addresses = [0, 1]
limit_state = [1, 0]
normal_state = [0, 0]
guaranteed_kw = 4.2
"""


@pytest.mark.parametrize(
    ("text", "old", "new", "words"),
    [
        (LIMITED, 'hold = "revert_timer"', "", "limit.hold: missing; expected revert_timer with limit.timer"),
        (LIMITED, "timer = { address = 1, unit_s = 60 }", "", "would keep a limit for ever"),
        (LIMITED, '"revert_timer"', '"refresh"', "limit.hold: refresh; expected"),
        (LIMITED, "address = 1, unit_s = 60", "address = 1, unit_s = 60, max_s = 30", "less than one step"),
        (LIMITED, "address = 1,", "address = 3,", "limit.setpoint.address: register 3 is limit.timer's"),
        (LIMITED, ", released = 0xFFFFFFFF", "", "limit.setpoint.released: expected the raw value"),
        (LIMITED, "0xFFFFFFFF", "0x1FFFFFFFF", "does not fit uint32"),
        (LIMITED, 'unit = "W"', 'unit = "W", min = 9, max = 2', "limit.setpoint: min 9.0 is not below max"),
        (LIMITED, "[limit]", "[limits]", "unknown field `limits`"),
        (
            LIMITED,
            "[limit]",
            "[quantities.p_kw]\naddress=0\nencoding='int64'\nnot_available=[-1]\n[limit]",
            ">= 0",
        ),
        (
            LIMITED,
            "table = ",
            "max_read = 1\nquantities.p_kw = {address = 0, encoding = 'int32'}\ntable = ",
            "max_read is 1",
        ),
        (LIMITED, "read_back =", "# read_back =", "quantities: expected something that is read"),
        (
            ARMED,
            "heartbeat = { address = 22",
            "heartbeat = { address = 3",
            "failsafe.heartbeat.address: register 3 is limit.setpoint's",
        ),
        (
            ARMED,
            "setpoint = { address = 20",
            "setpoint = { address = 1",
            "failsafe.setpoint.address: register 1 is limit.timer's",
        ),
        (
            STATES.replace("addresses", 'table = "holding"\naddresses') + FAILSAFE,
            "address = 22",
            "address = 1",
            "failsafe.heartbeat.address: register 1 is limit.sg_ready's",
        ),
        (STATES, "forgets_after_s = 60.0", "", "limit.hold: refresh; expected"),
        (STATES, "[0, 1]", "[1, 1]", "limit.sg_ready.addresses: expected two"),
        (STATES, "limit_state = [1, 0]", "limit_state = [0, 0]", "is the normal state as well"),
        (STATES, "limit_state = [1, 0]", "limit_state = [2, 0]", "a coil is 0 or 1"),
        (STATES, "4.2", "4.2\naccepts_up_to_kw = 3", "is below guaranteed_kw"),
        (
            STATES,
            "[limit.sg_ready]",
            "enable = { address = 7 }\n[limit.sg_ready]",
            "limit.enable: expected none",
        ),
    ],
)
def test_a_limit_needs_an_end_that_the_unit_holds(text: str, old: str, new: str, words: str) -> None:
    parse_profile(text, "own.toml")
    assert old in text
    with pytest.raises(ProfileRejected, match=r"own\.toml: ") as caught:
        parse_profile(text.replace(old, new, 1), "own.toml")
    assert words in str(caught.value)


@pytest.mark.parametrize("name", ["rtu_nobody", "missing.toml"])
def test_a_missing_profile_names_those_that_are(name: str) -> None:
    with pytest.raises(ProfileRejected, match="rtu_generic"):
        load_profile(name)
