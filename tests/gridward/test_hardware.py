"""HARDWARE.toml: rows of a site for the part of an emulated field that is real."""

from pathlib import Path

import pytest

from controller.errors import ConfigRejected
from controller.settings_file import load_site
from customers.registry import Customer, Device, Registry
from gridward.field_site import FieldSite, write_site
from gridward.hardware import check_hardware, load_hardware
from simulations.real_parts import RealParts
from simulations.scenario_file import load_scenario
from simulations.setups import prepare

SMALL = Path("simulations/scenarios/small.toml")
REGISTRY = Registry(
    customers=(
        Customer("C-1", "load:0", "M-1", critical=False, takes_notices=False),
        Customer("C-2", "load:1", "M-2", critical=False, takes_notices=False),
    ),
    devices=(Device("ev-1", "load:0", "ev_charger", 11.0, 4.2),),
)
WHOLE = """
mqtt_meters = ["M-2"]

[[charger]]
device = "ev-1"
charge_point = "CP-1"
password_file = "cp-1.key"

[[modbus]]
meter = "M-1"
host = "10.1.1.1"
profile = "meter_eastron_sdm630"
plain = true

[ocpp]
port = 9100
security_profile = 1
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "hardware.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_it_names_what_is_real_and_its_paths_are_its_own(tmp_path: Path) -> None:
    path = written(tmp_path, WHOLE)
    hardware = load_hardware(path)
    assert hardware.parts == RealParts(frozenset({"ev-1"}), frozenset({"M-1", "M-2"}))
    assert hardware.charger[0].password_file == tmp_path / "cp-1.key"
    check_hardware(path, hardware, REGISTRY)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[[charger]]\ndevice = "ev-1"\n', "line 1: charger[1].charge_point: expected a value"),
        ("mqtt_device = []\n", "mqtt_device: this key is not known; did you mean mqtt_devices?"),
        ("mqtt_meters = [3]\n", "line 1: mqtt_meters[1]: expected a text"),
        ("= 3", "expected TOML"),
    ],
)
def test_what_cannot_be_read_is_told_by_line_and_key(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigRejected) as refused:
        load_hardware(written(tmp_path, text))
    assert told in str(refused.value)
    assert "hardware.toml" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "at least one device or meter"),
        ('mqtt_devices = ["ev-9"]', "expected devices of the field, 'ev-9' is none"),
        ('mqtt_meters = ["M-9"]', "expected meters of the field, 'M-9' is none"),
        ('mqtt_meters = ["M-1"]', "ev-1 behind it simulated"),
        (
            '[[modbus]]\nsubstation = true\nhost = "h"\nprofile = "rtu_generic"\n',
            "expected a meter or device",
        ),
        (
            WHOLE.replace('mqtt_meters = ["M-2"]', 'mqtt_devices = ["ev-1"]\nmqtt_meters = ["M-1"]'),
            "expected each device once, 'ev-1' is named 2 times",
        ),
        (WHOLE.replace('["M-2"]', '["M-1"]'), "expected each meter once, 'M-1' is named 2 times"),
    ],
)
def test_what_the_field_does_not_have_is_told(tmp_path: Path, text: str, told: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigRejected) as refused:
        check_hardware(path, load_hardware(path), REGISTRY)
    assert told in str(refused.value)
    assert str(path) in str(refused.value)


def test_the_field_s_site_speaks_to_the_hardware(tmp_path: Path) -> None:
    setup = prepare(load_scenario(SMALL))
    device = setup.population.registry.devices[0]
    text = WHOLE.replace("ev-1", device.device).replace("password_file", "# password_file")
    hardware = load_hardware(written(tmp_path, text.replace("security_profile = 1", "security_profile = 0")))
    where = FieldSite("127.0.0.1", 1883, "127.0.0.1", 502, "rtu_generic", 8099, hardware)
    (feeder,) = load_site(write_site(tmp_path / "site", setup, where)).feeder
    assert [(row.device, row.charge_point) for row in feeder.charger] == [(device.device, "CP-1")]
    assert [(row.meter, row.host, row.plain) for row in feeder.modbus] == [("M-1", "10.1.1.1", True)]
    assert load_site(tmp_path / "site" / "site.toml").ocpp.port == 9100
