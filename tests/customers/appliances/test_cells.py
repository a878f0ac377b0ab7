"""Powers, days and kinds as people write them; what can be read in two ways is not read."""

from datetime import UTC, date, datetime

import pytest

from customers.appliances.days import day_of, order_of
from customers.appliances.kinds import KINDS, kind_of, words_of_lists
from customers.appliances.powers import Fault, decimal_of, electric_kw, unit_in

TODAY = date(2026, 1, 31)


@pytest.mark.parametrize(
    ("cell", "kind", "unit", "kw"),
    [
        ("3.5 kW", "boiler", None, 3.5),
        ("3,5kW", "boiler", None, 3.5),
        (2200.0, "boiler", "w", 2.2),
        ("3,500 W", "boiler", None, 3.5),
        ("1.234,5 W", "boiler", None, 1.234),
        ("11", "ev_charger", "kw", 11.0),
        ("1.5匹", "air_conditioner", None, 1.103),
        ("大1匹", "air_conditioner", "w", 0.735),
        ("一匹", "air_conditioner", None, 0.735),
        ("12000 BTU/h", "air_conditioner", None, 1.099),
        ("9 kWth", "heat_pump", None, 3.0),
        ("2千瓦", "boiler", None, 2.0),
    ],
)
def test_powers(cell: str | float, kind: str, unit: str | None, kw: float) -> None:
    assert electric_kw(cell, kind, unit=unit) == pytest.approx(kw, abs=0.001)


def test_heat_is_divided_by_the_efficiency_and_horsepower_is_not() -> None:
    assert electric_kw("9 kW", "heat_pump", heat=True) == 3.0
    assert electric_kw("9 kW", "heat_pump", heat=True, efficiency={"heat_pump": 4.5}) == 2.0
    assert electric_kw("1匹", "air_conditioner", heat=True) == 0.735


@pytest.mark.parametrize(
    ("cell", "unit", "why"),
    [
        ("3500", None, "with its unit"),
        ("3,500", "kw", "one way"),
        ("3500", "kw", "0.05 to 350 kW"),
        ("3.5 mW", None, "W, kW, BTU/h"),
        ("-3 kW", None, "a power such as"),
        ("nan", "kw", "a power such as"),
        (float("inf"), "kw", "a number"),
    ],
)
def test_what_is_no_power(cell: str | float, unit: str | None, why: str) -> None:
    fault = electric_kw(cell, "boiler", unit=unit)
    assert isinstance(fault, Fault)
    assert why in fault.expected


def test_a_column_tells_its_decimal_mark() -> None:
    assert decimal_of(["3,500", "2,4"]) == ","
    assert decimal_of(["3.500", "2.4"]) == "."
    assert decimal_of(["3,5", "2.4"]) is None
    assert electric_kw("3,500", "boiler", unit="kw", decimal=",") == 3.5
    headers = ("功率(W)", "Leistung [kW]", "rated_kw", "kW", "Power", "P")
    assert [unit_in(header) for header in headers] == ["w", "kw", "kw", "kw", None, None]


@pytest.mark.parametrize(
    "cell",
    ["2024-05-31", "2024/5/31", "2024.5.31", "20240531", "2024年5月31日", "31.05.2024",
     "31.5.24", "31 May 2024",
     "May 31, 2024", "31. Mai 2024", "31/05/2024", "05/31/2024", "2024-05-31 00:00:00", date(2024, 5, 31),
     datetime(2024, 5, 31, 12, tzinfo=UTC)],
)  # fmt: skip
def test_days(cell: object) -> None:
    assert day_of(cell, TODAY) == date(2024, 5, 31)


@pytest.mark.parametrize(
    "cell", ["05/04/2024", "31.02.2024", "2027-01-01", "1950-01-01", "yesterday", "45123"]
)
def test_what_is_no_day(cell: str) -> None:
    assert isinstance(day_of(cell, TODAY), Fault)


def test_other_days_of_the_column_tell_what_comes_first() -> None:
    assert order_of(["05/04/2024", "13/04/2024", None]) == "DMY"
    assert order_of(["05/04/2024", "04/13/2024"]) == "MDY"
    assert order_of(["13/04/2024", "04/13/2024"]) is None
    assert day_of("05/04/2024", TODAY, "DMY") == date(2024, 4, 5)
    assert day_of("05/04/2024", TODAY, "MDY") == date(2024, 5, 4)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("Luft-Wasser-Wärmepumpe", "heat_pump"),
        ("空气能热水器", "heat_pump"),
        ("Inverter-Klimagerät", "air_conditioner"),
        ("变频空调", "air_conditioner"),
        ("AC", "air_conditioner"),
        ("Wallbox 11 kW", "ev_charger"),
        ("充电桩", "ev_charger"),
        ("Wärmepumpentrockner", "other"),
        ("Waschmaschine", "other"),
        ("燃气热水器", "other"),
        ("电热水器", "boiler"),
        ("PV-Wechselrichter", "pv_inverter"),
        ("Nachtspeicherheizung", "storage_heater"),
        ("heat_pump", "heat_pump"), ("Blechdose", None), ("", None),
    ],
)  # fmt: skip
def test_kinds(said: str, kind: str | None) -> None:
    assert kind_of(said) == kind


def test_words_of_a_list_count_first_and_all_words_mean_a_kind() -> None:
    assert kind_of("KFR35GW", {"KFR": "air_conditioner"}) is None, "a short word counts whole"
    assert kind_of("KFR-35GW", {"KFR": "air_conditioner"}) == "air_conditioner"
    assert kind_of("Waschmaschine", {"waschmaschine": "boiler"}) == "boiler"
    for one in words_of_lists()["appliance"]:
        assert one["kind"] in (*KINDS, "other")


def test_what_a_cell_says_is_no_part_of_what_was_expected() -> None:
    faults = [
        electric_kw("Canary", "boiler"),
        electric_kw("3 Canary", "boiler"),
        electric_kw("3", "boiler"),
        electric_kw("3,500 kW", "boiler"),
        electric_kw("999 kW", "boiler"),
        day_of("Canary", TODAY),
        day_of("05/04/2024", TODAY),
    ]
    for fault in faults:
        assert isinstance(fault, Fault)
        assert not any(word in fault.expected for word in ("Canary", "'3", "999", "05/04"))
        assert fault.got


def test_horsepower_in_the_header() -> None:
    assert (unit_in("匹数"), unit_in("匹"), unit_in("p")) == ("匹", "匹", None)


def test_a_day_as_a_number_of_eight_digits() -> None:
    assert day_of(20240531.0, TODAY) == date(2024, 5, 31)
    assert isinstance(day_of(45443.0, TODAY), Fault), "days since 1900, or since 1904"
