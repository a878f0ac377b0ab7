"""Where cars can charge: the file, its faults, and what is near."""

from pathlib import Path

import pytest

from customers.charging_station_files import load_stations
from customers.charging_stations import Place, distance_m, near
from customers.errors import RegistryRejected

HEADER = "station,charge_point,connector,name,latitude,longitude,plug,power_kw,access,address"
MARKET = "market,cp1,1,Market square,47.0000,8.0000,type2,22,public,Market 1"


def stations_file(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "stations.csv"
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return path


def test_a_station_has_all_its_plugs_in_order(tmp_path: Path) -> None:
    path = stations_file(
        tmp_path,
        MARKET.replace("cp1,1", "cp1,2"),
        "school,cp9,1,School,47.01,8.0,ccs2,150,private,",
        MARKET,
    )
    market, school = load_stations(path)
    assert market.place == Place("market", "Market square", 47.0, 8.0, "public", "Market 1")
    assert [(plug.charge_point, plug.connector) for plug in market.plugs] == [("cp1", 1), ("cp1", 2)]
    assert school.plugs[0].power_kw == 150.0


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (MARKET.replace("47.0000", "90.5"), "latitude: expected degrees from -90 to 90, got '90.5'"),
        (MARKET.replace("8.0000", "nan"), "longitude: expected degrees from -180 to 180, got 'nan'"),
        (MARKET.replace("cp1,1", "cp1,0"), "connector: expected a whole number from 1 to 64, got '0'"),
        (MARKET.replace("cp1,1", "cp1,²"), "connector: expected a whole number from 1 to 64, got '²'"),
        (MARKET.replace("type2", "typ2"), "plug: expected one of type2, ccs2"),
        (MARKET.replace("public", "all"), "access: expected one of public, customers, private, got 'all'"),
        (MARKET.replace(",22,", ",0,"), "power_kw: expected a power in kW above 0, got '0'"),
        (MARKET, "connector: expected each plug of a charger once, it is in row 2 already"),
        (
            MARKET.replace("cp1,1", "cp1,2").replace("47.0000", "47.0001"),
            "station: expected one name, position and access for it; row 2 has another",
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, row: str, fault: str) -> None:
    with pytest.raises(RegistryRejected) as rejected:
        load_stations(stations_file(tmp_path, MARKET, row))
    assert f"stations.csv, row 3, {fault}" in str(rejected.value)


def test_the_distance_is_that_of_the_sphere() -> None:
    place = Place("p", "P", 0.0, 0.0, "public")
    # a quarter of a great circle of the mean radius, and one degree of it
    assert distance_m(place, 90.0, 77.0) == pytest.approx(10_007_557.2, abs=0.5)
    assert distance_m(place, 0.0, 1.0) == pytest.approx(111_195.08, abs=0.01)
    assert distance_m(place, 0.0, 0.0) == 0.0


def test_near_ones_come_nearest_first(tmp_path: Path) -> None:
    rows = [
        MARKET.replace("market", f"s{i}").replace("cp1", f"cp{i}").replace("47.0000", f"47.0{i}00")
        for i in (3, 1, 2)
    ]
    found = list(near(load_stations(stations_file(tmp_path, *rows)), 47.0, 8.0, 3_000.0))
    assert [station.place.station for station, _ in found] == ["s1", "s2"]
    assert found[0][1] == pytest.approx(1111.95, abs=0.1)
