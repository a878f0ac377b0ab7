from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from customers.errors import RegistryRejected
from customers.registry import Customer, Device, Registry
from customers.registry_files import load_registry

CUSTOMERS = "customer,service_point,meter,critical,notices\nC-1,load:0,M-1,false,yes\nC-2,load:1,M-2,TRUE,0\n"
DEVICES = "device,service_point,kind,p_kw,min_kw,critical\nev-1,load:0,ev_charger,11,4.2,false\n"


def read(folder: Path, customers: str = CUSTOMERS, devices: str = DEVICES) -> Registry:
    (folder / "customers.csv").write_text(customers, encoding="utf-8")
    (folder / "devices.csv").write_text(devices, encoding="utf-8")
    return load_registry(folder / "customers.csv", folder / "devices.csv")


def findings(folder: Path, customers: str = CUSTOMERS, devices: str = DEVICES) -> list[str]:
    """Without the folder."""
    with pytest.raises(RegistryRejected) as caught:
        read(folder, customers, devices)
    return [str(finding).removeprefix(f"{folder}/") for finding in caught.value.findings]


def devices_of(*rows: str, extra: str = "") -> str:
    return f"device,service_point,kind,p_kw,min_kw,critical{extra}\n" + "\n".join(rows) + "\n"


def test_both_files_as_values(tmp_path: Path) -> None:
    registry = read(tmp_path)
    assert registry.customers == (
        Customer("C-1", "load:0", "M-1", critical=False, takes_notices=True),
        Customer("C-2", "load:1", "M-2", critical=True, takes_notices=False),
    )
    assert registry.devices == (Device("ev-1", "load:0", "ev_charger", 11.0, 4.2),)


def test_optional_columns_any_order_spaces_and_a_byte_order_mark(tmp_path: Path) -> None:
    customers = (
        "\ufeffmeter , customer,language,service_point,notices,critical\n"
        "M-1, C-1 ,zh,LV1.101 Load 1,true,false\n\n"
    )
    devices = devices_of(
        "hp-1,LV1.101 Load 1,heat_pump,9,4.2,false,guard,4.2", extra=",on_contact_loss,failsafe_kw"
    )
    registry = read(tmp_path, customers, devices)
    assert registry.customers == (Customer("C-1", "LV1.101 Load 1", "M-1", False, True, "zh"),)
    assert registry.devices[0].on_contact_loss == "guard"
    assert registry.devices[0].failsafe_kw == 4.2


@pytest.mark.parametrize(
    ("row", "min_kw"),
    [
        ("d,load:0,ev_charger,11,,false", 4.2),
        ("d,load:0,heat_pump,9,,false", 4.2),
        ("d,load:0,ev_charger,3.7,,false", 3.7),
        ("d,load:0,boiler,3,,false", 0.0),
        ("d,load:0,ev_charger,11,6,false", 6.0),
    ],
)
def test_the_floor_where_none_is_given(tmp_path: Path, row: str, min_kw: float) -> None:
    assert read(tmp_path, devices=devices_of(row)).devices[0].min_kw == min_kw


def test_all_faults_of_both_files_are_told_at_once(tmp_path: Path) -> None:
    customers = (
        "customer,service_point,meter,critical,notices\n"
        "C-1,load:0,M-1,false,true\n"
        "C-1,load:0,M-1,false,true\n"
        "a/b,load:2,,perhaps,\n"
        "C-4,load:4,substation,false,false\n"
        "C-5,load:5\n"
    )
    devices = devices_of(
        "ev-1,load:0,rocket,11,4.2,false", "ev-2,load:0,ev_charger,3,4.2,false", "ev-2,load:0,boiler,nan,-1,"
    )
    assert findings(tmp_path, customers, devices) == [
        "customers.csv, row 3, customer: expected each only once, 'C-1' is in row 2 already",
        "customers.csv, row 3, service_point: expected each only once, 'load:0' is in row 2 already",
        "customers.csv, row 3, meter: expected each only once, 'M-1' is in row 2 already",
        "customers.csv, row 4, customer: expected at most 128 characters without / + # or a leading $, "
        "got 'a/b'",
        "customers.csv, row 4, meter: expected a text, it is empty",
        "customers.csv, row 4, critical: expected true or false, got 'perhaps'",
        "customers.csv, row 4, notices: expected true or false, got ''",
        "customers.csv, row 5, meter: expected another name, 'substation' is the feeder's own RTU",
        "customers.csv, row 6: expected 5 cells, got 2",
        "devices.csv, row 2, kind: expected one of ev_charger, heat_pump, battery, air_conditioner, "
        "boiler, pv_inverter, got 'rocket'",
        "devices.csv, row 3, min_kw: expected at most the rated p_kw of 3 kW, got 4.2",
        "devices.csv, row 4, p_kw: expected a power in kW above 0, got 'nan'",
        "devices.csv, row 4, critical: expected true or false, got ''",
    ]


@pytest.mark.parametrize(
    ("row", "finding"),
    [
        (
            "d,load:9,boiler,3,1,false,event,",
            "service_point: expected a customer's service point, 'load:9' is none",
        ),
        ("d,load:0,boiler,0,0,false,event,", "p_kw: expected a power in kW above 0, got '0'"),
        ("d,load:0,boiler,inf,0,false,event,", "p_kw: expected a power in kW above 0, got 'inf'"),
        ("d,load:0,boiler,3,1,false,never,", "on_contact_loss: expected one of event, guard, got 'never'"),
        (
            "d,load:0,boiler,3,1,false,guard,",
            "failsafe_kw: expected a power in kW, because on_contact_loss is guard; it is empty",
        ),
        (
            "d,load:0,boiler,3,1,false,guard,0.5",
            "failsafe_kw: expected at least the guaranteed min_kw of 1 kW, got 0.5",
        ),
        (
            "d,load:0,boiler,3,1,false,guard,3.5",
            "failsafe_kw: expected at most the rated p_kw of 3 kW, got 3.5",
        ),
        (
            "d,load:0,pv_inverter,3,1,false,guard,2",
            "on_contact_loss: expected event for a pv_inverter, because a failsafe bounds what is taken; "
            "got guard",
        ),
    ],
)
def test_one_faulty_device(tmp_path: Path, row: str, finding: str) -> None:
    devices = devices_of(row, extra=",on_contact_loss,failsafe_kw")
    assert findings(tmp_path, devices=devices) == [f"devices.csv, row 2, {finding}"]


def test_how_long_a_failsafe_holds_and_what_a_contract_allows(tmp_path: Path) -> None:
    extra = ",on_contact_loss,failsafe_kw,failsafe_s,nominal_kw"
    rows = ("a,load:0,boiler,3,1,false,guard,2,7200,2.5", "b,load:0,boiler,3,1,false,guard,2,,")
    told, silent = read(tmp_path, devices=devices_of(*rows, extra=extra)).devices
    assert (told.failsafe_s, told.nominal_kw) == (7200, 2.5)
    assert (silent.failsafe_s, silent.nominal_kw) == (None, None)  # never 0


@pytest.mark.parametrize(
    ("row", "finding"),
    [
        ("2.6,,2.5", "failsafe_kw: expected at most the nominal_kw of 2.5 kW, got 2.6"),
        ("3.1,,4", "failsafe_kw: expected at most the rated p_kw of 3 kW, got 3.1"),
        ("2,,0.5", "nominal_kw: expected at least the guaranteed min_kw of 1 kW, got 0.5"),
    ],
)
def test_a_contract_bounds_the_failsafe(tmp_path: Path, row: str, finding: str) -> None:
    extra = ",on_contact_loss,failsafe_kw,failsafe_s,nominal_kw"
    devices = devices_of(f"a,load:0,boiler,3,1,false,guard,{row}", extra=extra)
    assert findings(tmp_path, devices=devices) == [f"devices.csv, row 2, {finding}"]


@pytest.mark.parametrize("seconds", ["0", "59", "86401", "-7200", "7200.5", "2 h", "٧٢٠٠", "9" * 30])
def test_a_failsafe_that_lasts_no_time_or_for_ever_is_refused(tmp_path: Path, seconds: str) -> None:
    row = f"d,load:0,boiler,3,1,false,guard,2,{seconds}"
    devices = devices_of(row, extra=",on_contact_loss,failsafe_kw,failsafe_s")
    expected = f"failsafe_s: expected whole seconds from 60 to 86400, got {seconds!r}"
    assert findings(tmp_path, devices=devices) == [f"devices.csv, row 2, {expected}"]


def test_a_device_at_the_service_point_of_a_faulty_customer_is_not_told_twice(tmp_path: Path) -> None:
    customers = CUSTOMERS.replace("C-1,load:0,M-1,false,yes", "C-1,load:0,M-1,false,maybe")
    assert findings(tmp_path, customers) == [
        "customers.csv, row 2, notices: expected true or false, got 'maybe'"
    ]


def test_headers_are_told_with_what_was_meant(tmp_path: Path) -> None:
    found = findings(tmp_path, CUSTOMERS.replace("meter", "metre"), "")
    assert found[0].startswith("customers.csv, row 1, meter: expected this column; the header has customer, ")
    assert found[1].endswith("language, tags, did you mean meter?")
    assert "devices.csv, row 1, device: expected this column; the header has nothing" in found


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes(b"customer\nM\xfcller\n")
    with pytest.raises(RegistryRejected) as caught:
        load_registry(tmp_path / "latin.csv", tmp_path / "none.csv")
    latin, none = map(str, caught.value.findings)
    assert "latin.csv: expected a readable CSV file in UTF-8" in latin
    assert "none.csv: expected a readable CSV file in UTF-8" in none


@given(rows=st.text(alphabet='abC-1,load:0"\n\r true4.2event\x00ä', max_size=120))
@profile(max_examples=150, deadline=None)
def test_any_text_is_a_registry_or_the_one_named_error(
    tmp_path_factory: pytest.TempPathFactory, rows: str
) -> None:
    folder = tmp_path_factory.getbasetemp()
    with suppress(RegistryRejected):
        read(folder, CUSTOMERS.partition("\n")[0] + "\n" + rows, DEVICES.partition("\n")[0] + "\n" + rows)
