import json
from pathlib import Path

import pytest

from gridward.cli import main

SITE = """name = "Dorf"

[[feeder]]
id = "dorf"
network = "pandapower:create_kerber_landnetz_freileitung_1"
customers = "customers.csv"
devices = "devices.csv"
"""
CUSTOMERS = "customer,service_point,meter,critical,notices\nC-1,load:0,M-1,false,false\n"
DEVICES = "device,service_point,kind,p_kw,min_kw,critical\nev-1,load:0,ev_charger,11,4.2,false\n"


def site(folder: Path, text: str = SITE, customers: str = CUSTOMERS, devices: str = DEVICES) -> str:
    (folder / "site.toml").write_text(text)
    (folder / "customers.csv").write_text(customers)
    (folder / "devices.csv").write_text(devices)
    return str(folder / "site.toml")


def test_a_site_that_can_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "check", site(tmp_path)]) == 0
    assert capsys.readouterr().out.endswith("site.toml: fine\n")


def test_the_example_site_is_fine() -> None:
    example = Path(__file__).parents[2] / "config" / "sites" / "example" / "site.toml"
    assert main(["config", "check", str(example)]) == 0


def test_a_wrong_type_is_told_with_key_and_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = site(tmp_path, SITE + '[cycle]\nperiod_s = "five"\n')
    assert main(["config", "check", path]) == 2
    assert capsys.readouterr().err == f"{path}, line 9: cycle.period_s: expected a number, got 'five'\n"


def test_registry_and_network_are_told_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = SITE.replace("landnetz_freileitung_1", "landnetz_freileitung_9")
    path = site(tmp_path, text, devices=DEVICES.replace("11", "much"))
    assert main(["config", "check", "--json", path]) == 2
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert (document["fine"], captured.err) == (False, "")
    assert any("devices.csv, row 2, p_kw" in finding for finding in document["findings"])
    assert any("landnetz_freileitung_9" in finding for finding in document["findings"])


def test_a_service_point_that_the_network_lacks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = site(
        tmp_path,
        customers=CUSTOMERS.replace("load:0", "load:99"),
        devices=DEVICES.replace("load:0", "load:99"),
    )
    assert main(["config", "check", path]) == 2
    error = capsys.readouterr().err
    assert "'C-1'" in error
    assert "'ev-1'" in error
    assert "load:99" in error


def test_a_wrong_charging_station_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "stations.csv").write_text(
        "station,charge_point,connector,name,latitude,longitude,plug,power_kw,access\n"
        "market,cp1,1,Market,147,8,type2,22,public\n"
    )
    path = site(tmp_path, SITE + '[ocpp]\nstations = "stations.csv"\n')
    assert main(["config", "check", path]) == 2
    assert "stations.csv, row 2, latitude: expected degrees from -90 to 90" in capsys.readouterr().err
