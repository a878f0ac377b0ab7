"""Profiles are data: each one of ours loads, and what is wrong with one is told all at once."""

from pathlib import Path

import pytest

from devices.errors import ProfileRejected
from devices.modbus.register_map import (
    MAX_REGISTERS_PER_READ,
    Block,
    Quantity,
    RegisterMap,
    blocks,
    built_in_profiles,
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
    assert {"rtu_generic", "rtu_scaled"} <= set(built_in_profiles())


@pytest.mark.parametrize("name", built_in_profiles())
def test_every_profile_loads_and_says_what_was_tried(name: str) -> None:
    profile = load_profile(name)
    assert profile.caveats
    assert sum(block.count for block in blocks(profile)) == sum(
        quantity.registers for quantity in profile.quantities.values()
    )


def test_a_sites_own_file_is_a_profile_too(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(GOOD, encoding="utf-8")
    assert load_profile(path).name == "test"


def test_adjacent_registers_are_read_in_one_go_and_gaps_are_not_bridged() -> None:
    assert blocks(parse_profile(GOOD, "x")) == (Block(0, 7), Block(17, 6))


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
            "Invalid enum value 'uint8'",
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


@pytest.mark.parametrize("name", ["rtu_nobody", "missing.toml"])
def test_a_missing_profile_names_those_that_are(name: str) -> None:
    with pytest.raises(ProfileRejected, match="rtu_generic"):
        load_profile(name)
