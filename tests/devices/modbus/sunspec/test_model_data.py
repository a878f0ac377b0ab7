"""Our layouts against the definitions that SunSpec's own library ships."""

import pytest
from sunspec2 import device, mdef

from devices.errors import ProfileRejected
from devices.modbus.sunspec.model_data import HEADER, layouts, parse_layout

SAME_REGISTER_OTHER_NAME = {(201, f"PPVph{pair}"): f"PhVph{pair}" for pair in ("AB", "BC", "CA")}
GOOD = """
ids = [64000]
lengths = [3]
name = "A"
source = "ours"
[points]
W = { at = 2, type = "int16", sf = "W_SF" }
W_SF = { at = 3, type = "sunssf" }
WH = { at = 4, type = "uint16" }
"""


def walked(group: dict, first: int = 0, prefix: str = "") -> dict[str, tuple]:
    """Name → (at, type, registers, sf, writable) of every point but header and padding."""
    found = {}
    for point in group.get(mdef.POINTS, []):
        if point["type"] != "pad" and first + len(prefix) >= HEADER:
            writable = point.get("access") == "RW"
            found[prefix + point["name"]] = (first, point["type"], point["size"], point.get("sf"), writable)
        first += point["size"]
    for sub in group.get(mdef.GROUPS, []):
        inner = walked(sub, first, f"{sub['name']}_")
        found |= inner
        first = max(at + size for at, _, size, *_ in inner.values())
    return found


@pytest.mark.parametrize("model_id", sorted(layouts()))
def test_a_layout_is_as_the_alliance_defines_it(model_id: int) -> None:
    foreign = walked(device.get_model_def(model_id)["group"])
    foreign = {SAME_REGISTER_OTHER_NAME.get((model_id, name), name): rest for name, rest in foreign.items()}
    layout = layouts()[model_id]
    ours = {n: (p.at, p.type, p.registers, p.sf, p.writable) for n, p in layout.points.items()}
    assert ours == foreign
    last = max(at + size for at, _, size, *_ in foreign.values())
    assert HEADER + max(layout.lengths) - last in {0, 1}  # at most a pad register behind the last point


def test_all_models_of_the_issue_are_there() -> None:
    wanted = {1, *range(101, 104), *range(111, 114), *range(201, 205), *range(211, 215), 120, 121, 123, 124}
    assert set(layouts()) == wanted | {701, 702, 704}


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("at = 3", "at = 2", "W_SF.at: 2 is another point's"),
        ('sf = "W_SF"', 'sf = "WH"', "points.W.sf: WH is no point of type sunssf"),
        ("lengths = [3]", "lengths = [2]", "lengths: points reach to register 5"),
        ('type = "uint16"', 'type = "string"', "points.WH.size"),
        ('type = "uint16"', 'type = "uint17"', "uint17"),
        ("ids = [64000]", "", "ids"),
        ("[points]", "[points", "a.toml"),
    ],
)
def test_a_wrong_layout_is_told_by_field(before: str, after: str, told: str) -> None:
    assert parse_layout(GOOD, "a.toml").points["W"].registers == 1
    with pytest.raises(ProfileRejected, match=r"a\.toml") as rejected:
        parse_layout(GOOD.replace(before, after, 1), "a.toml")
    assert told in str(rejected.value)
