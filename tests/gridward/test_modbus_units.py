"""A site's Modbus units from its settings, and everything that is wrong with them, named by row and key."""

from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from controller.errors import ConfigRejected
from controller.settings import Site
from controller.settings_file import load_site
from customers.registry import Customer, Device, Registry
from devices.messages import SUBSTATION
from devices.modbus.failsafe_unit import FailsafeUnit
from devices.modbus.mapped_unit import MappedUnit
from devices.modbus.settings import FieldUnit
from devices.modbus.sunspec.unit import SunSpecUnit
from gridward.modbus_units import modbus_field, modbus_units
from tests.devices.live import RealClock
from tests.devices.modbus.rig import STATES
from tests.devices.ocpp.certificates import Authority

DEVICES = (
    Device("ev-1", "load:0", "ev_charger", 11.0, 4.2),
    Device("ev-2", "load:1", "ev_charger", 11.0, 4.2, on_contact_loss="guard", failsafe_kw=4.2),
    Device("hp-1", "load:0", "heat_pump", 9.0, 4.2),
    Device("pv-1", "load:1", "pv_inverter", 10.0, 0.1),
)
STEP = 'unit = "A", scale = 0.1, min = 6.0, max = 32.0 }'
"""of the failsafe in the built-in map"""
REGISTRY = Registry((Customer("C-1", "load:0", "M-1"), Customer("C-2", "load:1", "M-2")), DEVICES)


class Control:
    """What is needed of a feeder."""

    def __init__(self, registry: Registry = REGISTRY) -> None:
        self.feeder, self.registry = "dorf", registry


def site(folder: Path, rows: str, more: str = "") -> Site:
    for name in ("customers.csv", "devices.csv"):
        (folder / name).write_text("")
    (folder / "site.toml").write_text(
        'name = "Dorf"\n[[feeder]]\nid = "dorf"\nnetwork = "pandapower:create_kerber_dorfnetz"\n'
        f'customers = "customers.csv"\ndevices = "devices.csv"\n{rows}\n{more}'
    )
    return load_site(folder / "site.toml")


def row(**keys: Any) -> str:
    table = {"host": "192.0.2.9", "profile": "charger_generic_amps", "plain": True} | keys
    given = "\n".join(f"{key} = {msgspec.json.encode(value).decode()}" for key, value in table.items())
    return f"[[feeder.modbus]]\n{given}\n"


def units(site: Site, control: Any = None) -> tuple[FieldUnit, ...]:
    return modbus_units(site, [control or Control()])


def findings(site: Site, control: Any = None) -> list[str]:
    with pytest.raises(ConfigRejected) as caught:
        units(site, control)
    return caught.value.findings


def test_a_site_without_units_has_no_driver(tmp_path: Path) -> None:
    clock: Any = RealClock()
    assert modbus_field(site(tmp_path, ""), [Control()], clock, np.random.default_rng(1), clock) is None  # type: ignore[list-item]


def test_every_kind_of_row_is_a_unit(tmp_path: Path) -> None:
    rows = (
        '[feeder.rtu]\nhost = "192.0.2.1"\n'
        + row(device="ev-1", unit=1)
        + row(device="ev-2", unit=2, meter="M-2")
        + row(host="192.0.2.7", device="pv-1", profile="sunspec", period_s=2.0)
        + row(host="192.0.2.8", meter="M-1", profile="meter_eastron_sdm630", port=1502)
    )
    built = units(site(tmp_path, rows))
    assert [(u.source, u.meter, u.device, u.period_s, u.limits) for u in built] == [
        ("modbus://192.0.2.1:502/1", SUBSTATION, None, 5.0, "consumption"),
        ("modbus://192.0.2.9:502/1", None, "ev-1", 5.0, "consumption"),
        ("modbus://192.0.2.9:502/2", "M-2", "ev-2", 5.0, "consumption"),
        ("modbus://192.0.2.7:502/1", None, "pv-1", 2.0, "production"),
        ("modbus://192.0.2.8:1502/1", "M-1", None, 5.0, "consumption"),
    ]
    assert [type(u.speech) for u in built] == [
        MappedUnit,
        FailsafeUnit,
        FailsafeUnit,
        SunSpecUnit,
        MappedUnit,
    ]
    assert [u.floor_kw for u in built[1:4]] == [4.2, 4.2, 0.1]
    clock: Any = RealClock()
    field = modbus_field(site(tmp_path, rows), [Control()], clock, np.random.default_rng(1), clock)  # type: ignore[list-item]
    assert field is not None
    assert field.devices == {("dorf", "ev-1"), ("dorf", "ev-2"), ("dorf", "pv-1")}
    assert len(field.links) == 4


def test_with_certificates_links_are_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "site")
    authority.issue("gridward")
    tls = '[modbus]\nca_file = "site.pem"\ncertificate_file = "gridward.crt"\nkey_file = "gridward.key"\n'
    (unit,) = units(site(tmp_path, row(device="ev-1", plain=False, server_name="ev-1.example"), tls))
    assert (unit.source, unit.link.server_name) == ("modbuss://192.0.2.9:802/1", "ev-1.example")
    assert unit.link.tls is not None
    other = Authority(tmp_path, "other").issue("gridward")
    (tmp_path / "gridward.crt").write_bytes(other.certificate.read_bytes())
    (tmp_path / "gridward.key").write_text("none")
    (told,) = findings(site(tmp_path, row(device="ev-1", plain=False), tls))
    assert told.startswith("modbus.certificate_file: expected PEM files that fit each other: ")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (row(), "feeder[1].modbus[1]: expected substation = true, meter or device"),
        (row(device="ev-9"), "feeder[1].modbus[1].device: expected a device of feeder 'dorf', got 'ev-9'"),
        (row(meter="M-9"), "feeder[1].modbus[1].meter: expected a meter of feeder 'dorf', got 'M-9'"),
        (row(meter="M-1", substation=True), "feeder[1].modbus[1].meter: expected none beside substation"),
        (
            row(device="ev-1", profile="nobody"),
            "feeder[1].modbus[1].profile: nobody: no such profile; expected a .toml file or one of:"
            " charger_generic_amps, heat_pump_generic_kw, heat_pump_sg_ready, meter_eastron_sdm630,"
            " rtu_generic, rtu_janitza_umg604, rtu_scaled",
        ),
        (
            row(device="ev-1", profile="meter_eastron_sdm630"),
            "feeder[1].modbus[1].profile: expected a [limit] for 'ev-1' in it; got meter_eastron_sdm630",
        ),
        (
            row(device="ev-2", profile="heat_pump_generic_kw"),
            "feeder[1].modbus[1].profile: expected one with a [failsafe], because 'ev-2' has"
            " on_contact_loss guard; got heat_pump_generic_kw",
        ),
        (
            row(device="ev-1", profile="sunspec"),
            "feeder[1].modbus[1].profile: sunspec: expected a pv_inverter or battery, 'ev-1' is ev_charger",
        ),
        (
            row(device="ev-1") + row(meter="M-1"),
            "feeder[1].modbus[2].unit: expected each once, it is feeder[1].modbus[1] already",
        ),
        (
            row(device="ev-1") + row(device="ev-1", unit=2),
            "feeder[1].modbus[2].device: expected each once, it is feeder[1].modbus[1] already",
        ),
        (
            '[feeder.rtu]\nhost = "192.0.2.1"\n' + row(substation=True, profile="rtu_generic"),
            "feeder[1].modbus[1].substation: expected each once, it is feeder[1].rtu already",
        ),
        (
            row(device="ev-1") + row(device="hp-1", unit=2, server_name="x"),
            "feeder[1].modbus[2].server_name: expected as in feeder[1].modbus[1], with which it shares a"
            " connection",
        ),
        (
            row(device="ev-1", plain=False),
            "feeder[1].modbus[1].plain: expected true in a closed network, or modbus.ca_file,"
            " modbus.certificate_file, modbus.key_file",
        ),
        (
            row(device="ev-1")
            + '[[feeder.charger]]\ncharge_point = "cp"\ndevice = "ev-1"\n[modbus]\nca_file = "no.pem"\n',
            "feeder[1].modbus[1].device: 'ev-1' is a [[feeder.charger]] already",
        ),
        (
            row(device="ev-1") + '[modbus]\nca_file = "customers.csv"\n',
            "modbus.ca_file: expected certificate_file and key_file beside it",
        ),
    ],
)
def test_what_is_wrong_is_named_by_row_and_key(tmp_path: Path, rows: str, expected: str) -> None:
    assert expected in findings(site(tmp_path, rows))


def test_contacts_that_guarantee_nothing_are_for_no_device_with_a_floor(tmp_path: Path) -> None:
    (told,) = findings(site(tmp_path, row(device="hp-1", profile="heat_pump_sg_ready")))
    assert "leaves 0 kW, expected no less than the floor of 'hp-1', 4.2: in a copy of the map" in told
    (tmp_path / "own.toml").write_text(STATES)
    own = row(device="hp-1", profile=str(tmp_path / "own.toml"))
    assert len(units(site(tmp_path, own))) == 1
    devices = tuple(replace(d, min_kw=5.0) for d in DEVICES)
    (told,) = findings(site(tmp_path, own), Control(Registry(REGISTRY.customers, devices)))
    assert "leaves 4.2 kW, expected no less than the floor of 'hp-1', 5" in told


@pytest.mark.parametrize("kind", ["pv_inverter", "battery"])
def test_a_device_without_a_floor_does_not_stop_the_start(tmp_path: Path, kind: str) -> None:
    control: Any = Control(Registry(REGISTRY.customers, (Device("x-1", "load:1", kind, 10.0, 0.0),)))
    rows, clock = site(tmp_path, row(device="x-1", profile="sunspec")), RealClock()
    built = modbus_field(rows, [control], clock, np.random.default_rng(1), clock)
    assert built is not None
    assert built.stations[0].place.floor_kw == 0.0


def test_what_the_driver_would_not_start_with_is_a_finding(tmp_path: Path) -> None:
    registry = Registry((Customer("C-1", "load:0", "M/1"),), ())
    (told,) = findings(site(tmp_path, row(meter="M/1", profile="meter_eastron_sdm630")), Control(registry))
    assert told.startswith("feeder.modbus: modbus://192.0.2.9:502/1: meter ")


def test_the_longest_timer_is_the_units(tmp_path: Path) -> None:
    rows = row(device="pv-1", profile="sunspec", longest_hold_s=900)
    (unit,) = units(site(tmp_path, rows))
    assert isinstance(unit.speech, SunSpecUnit)
    assert unit.speech.held_s(3600.0) == 900.0
    with pytest.raises(ConfigRejected, match="longest_hold_s"):
        site(tmp_path, row(device="pv-1", profile="sunspec", longest_hold_s=65535))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (STEP, 'unit = "A" }', None),  # 7 A are 4.83 kW
        (
            STEP,
            'unit = "A", scale = 2.0 }',
            "its next step is 5.52 kW, expected that as failsafe_kw of 'ev-2'",
        ),
        (STEP, 'unit = "A", min = 10.0 }', "the failsafe of 'ev-2' cannot be told to it: "),
        ("within_s = 120", "within_s = 5", "its heartbeat is within 5 s, expected at least "),
    ],
)
def test_a_failsafe_that_would_never_be_confirmed_is_a_finding(
    tmp_path: Path, old: str, new: str, told: str | None
) -> None:
    text = (resources.files("devices.profiles") / "charger_generic_amps.toml").read_text(encoding="utf-8")
    limit, failsafe = text.split("[failsafe]")
    assert old in failsafe
    (tmp_path / "own.toml").write_text(limit + "[failsafe]" + failsafe.replace(old, new))
    rows = site(tmp_path, row(device="ev-2", profile=str(tmp_path / "own.toml")))
    if told is None:
        assert len(units(rows)) == 1
    else:
        (finding,) = findings(rows)
        assert told in finding
