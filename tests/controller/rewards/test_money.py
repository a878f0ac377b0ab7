"""Amounts as people write them."""

import pytest

from controller.rewards.money import decimal, decimals_of, shown


@pytest.mark.parametrize(
    ("unit", "amount", "text"),
    [
        ("EUR-cent", 107, "1.07 EUR"),
        ("EUR-cent", -7, "-0.07 EUR"),
        ("EUR-cent", 0, "0.00 EUR"),
        ("JPY-yen", 107, "107 JPY"),
        ("KWD-fils", 1005, "1.005 KWD"),
        ("points", -12, "-12 points"),
        ("eur-cent", 107, "107 eur-cent"),
        ("EUR-cent", 10**20 + 1, "1000000000000000000.01 EUR"),  # more digits than a float holds
    ],
)
def test_shown(unit: str, amount: int, text: str) -> None:
    assert shown(unit, amount) == text


def test_signed() -> None:
    assert shown("EUR-cent", 31, signed=True) == "+0.31 EUR"
    assert shown("EUR-cent", -31, signed=True) == "-0.31 EUR"
    assert shown("points", 124, signed=True) == "+124 points"


def test_watt_hours_as_kwh() -> None:
    assert [decimal(wh, 3) for wh in (0, 8, 1246, -50)] == ["0.000", "0.008", "1.246", "-0.050"]


@pytest.mark.parametrize(
    ("unit", "decimals"), [("EUR-cent", 2), ("JPY-yen", 0), ("KWD-fils", 3), ("points", 0)]
)
def test_decimals_of_a_unit(unit: str, decimals: int) -> None:
    assert decimals_of(unit) == decimals
