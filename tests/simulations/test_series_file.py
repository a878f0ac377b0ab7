from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from grid_model.network import Network, load_network
from simulations.errors import ScenarioRejected
from simulations.own_profiles import with_own_profiles
from simulations.scenario_file import load_scenario
from simulations.series_file import read_weather
from simulations.weather import outdoors_of
from tests.simulations.small_field import flat_load, scenario
from tests.simulations.test_scenario_file import LEAST

START = datetime(2016, 1, 12, tzinfo=UTC)
LOADS = """\
at,service_point,p_kw
2016-01-12T00:00:00Z,load:0,1.0
2016-01-12T12:00:00Z,load:0,3.0
2016-01-13T00:00:00Z,load:0,1.0
2016-01-13T02:00:00+01:00,load:1,-2.0
2016-01-11T00:00:00Z,load:1,-2.0
"""


@pytest.fixture(scope="module")
def network() -> Network:
    return load_network("pandapower:create_kerber_landnetz_freileitung_1", metered_generation=True)


def own(network: Network, path: Path, text: str) -> np.ndarray:
    """P and Q, by minute."""
    path.write_text(text, encoding="utf-8")
    a_scenario = scenario(time={"start": START}, profiles={"file": str(path)})
    base = with_own_profiles(flat_load(len(network.service_points), quarters=98), network, a_scenario)
    assert "keep the network's profile" in base.warnings[-1]
    return np.swapaxes([base.at(60.0 * minute) for minute in range(24 * 60 + 1)], 0, 1)


def test_loads_of_ones_own_take_the_place_of_profiles(network: Network, tmp_path: Path) -> None:
    p_kw, q_kvar = own(network, tmp_path / "loads.csv", LOADS)
    assert p_kw[[0, 360, 720, 1440], 0].tolist() == [1, 2, 3, 1]
    assert np.all(p_kw[:, 1] == -2)
    assert np.all(p_kw[:, 2] == 1)
    assert q_kvar[720, 0] == pytest.approx(3 * np.tan(np.arccos(0.97)))
    with_q = "\n".join(f"{line},{'q_kvar' if n == 0 else 0.5}" for n, line in enumerate(LOADS.splitlines()))
    assert own(network, tmp_path / "loads.csv", with_q)[1, 720, 0] == 0.5


def test_loads_of_ones_own_are_as_fine_as_they_were_measured(network: Network, tmp_path: Path) -> None:
    """A kettle between two quarter-hours."""
    times = {"00:00": 0, "00:05": 0, "00:06": 3, "00:08": 3, "00:09": 0, "23:59": 0}
    rows = [f"2016-01-12T{clock}Z,load:0,{kw}" for clock, kw in times.items()]
    text = "\n".join(["at,service_point,p_kw", *rows, "2016-01-13T00:00Z,load:0,0"])
    p_kw, _ = own(network, tmp_path / "loads.csv", text)
    assert p_kw[4:11, 0].tolist() == [0, 0, 3, 3, 3, 0, 0]


@pytest.mark.parametrize("decimal", [".", ","])
def test_a_file_with_semicolons_is_told_what_separates_fields(
    network: Network, tmp_path: Path, decimal: str
) -> None:
    text = LOADS.replace(",", ";").replace(".", decimal)
    with pytest.raises(ScenarioRejected, match=r"row 1: expected commas between fields, got semicolons"):
        own(network, tmp_path / "loads.csv", text)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("3.0", "three", "row 3, p_kw: expected a number, got 'three'"),
        ("load:0,3.0", "load:0,", "row 3, p_kw: expected a number, got nothing"),
        ("2016-01-12T12:00:00Z", "noon", "row 3, at: expected a time in ISO 8601 with a zone, got 'noon'"),
        ("2016-01-12T12:00:00Z", "2016-01-12T12:00:00", "row 3, at: expected a time in ISO 8601 with a zone"),
        ("load:0,3.0", "load:0,3.0,4.0", "row 3: expected 3 fields, as row 1 has, got 4"),
        ("load:0,1.0\n", "load:0,1.0,,\n", "row 2: expected 3 fields, as row 1 has, got 5"),
        ("p_kw", "p_w", "row 1: expected the column p_kw, it is missing"),
        ("p_kw", "p_w", "row 1: no such column 'p_w'; expected at, service_point, p_kw, q_kvar"),
        ("load:1", "house 9", "service_point: 'house 9' is not in the network"),
        (
            "2016-01-12T00:00:00Z,load:0",
            "2016-01-12T00:01:00Z,load:0",
            "service_point of 'load:0': begins at",
        ),
        (
            "2016-01-13T00:00:00Z",
            "2016-01-12T23:00:00Z",
            "'load:0': ends at 2016-01-12T23:00:00+00:00, expected",
        ),
        (
            "2016-01-12T12:00:00Z",
            "2016-01-12T00:00:00Z",
            "row 3, at: 2016-01-12T00:00:00Z stands there twice",
        ),
    ],
)
def test_a_wrong_file_is_told_by_row_and_column(
    network: Network, tmp_path: Path, before: str, after: str, told: str
) -> None:
    assert before in LOADS
    with pytest.raises(ScenarioRejected) as caught:
        own(network, tmp_path / "loads.csv", LOADS.replace(before, after))
    assert any(told in finding for finding in caught.value.findings), caught.value.findings
    assert all(str(tmp_path / "loads.csv") in finding for finding in caught.value.findings)


def test_a_load_that_no_controller_would_believe_is_told(network: Network, tmp_path: Path) -> None:
    """3 x 63 A carry 43.5 kW, and a fifth more for a while."""
    text = LOADS.replace("-2.0", "-52.1").replace("3.0", "52.3")
    (tmp_path / "loads.csv").write_text(text, encoding="utf-8")
    a_scenario = scenario(time={"start": START}, profiles={"file": str(tmp_path / "loads.csv")})
    base = with_own_profiles(flat_load(len(network.service_points), quarters=98), network, a_scenario)
    assert [one for one in base.warnings if "believes" in one] == [
        f"{tmp_path / 'loads.csv'}: load:0 takes up to 52.3 kW, of which the controller believes 52.2 kW at "
        "most: it refuses such readings; expected less, or more power of that load in the network"
    ]


def test_a_service_point_by_its_name_and_by_its_number_is_one(tmp_path: Path) -> None:
    named = load_network("pandapower:create_cigre_network_mv", metered_generation=True)
    told = "service_point: 'Load R1', 'load:0' are one and the same"
    with pytest.raises(ScenarioRejected, match=told):
        own(named, tmp_path / "loads.csv", LOADS.replace("load:1", "Load R1"))


def test_measured_weather_takes_the_place_of_formulas(tmp_path: Path) -> None:
    (tmp_path / "weather.csv").write_text(
        "at,outdoor_c,sun_w_per_m2\n2016-01-12T00:00Z,-5,0\n2016-01-13T00:00Z,-7,240\n", encoding="utf-8"
    )
    (tmp_path / "s.toml").write_text(LEAST + '[weather]\nfile = "weather.csv"\n', encoding="utf-8")
    seen = outdoors_of(load_scenario(tmp_path / "s.toml"))
    noon = START + timedelta(hours=12)
    assert (seen.outdoor_c(noon), seen.sun_w_per_m2(noon)) == (-6, 120)
    (tmp_path / "weather.csv").write_text("at,outdoor_c\n2016-01-12T00:00Z,-5\n", encoding="utf-8")
    with pytest.raises(ScenarioRejected, match=r"weather.csv, outdoor_c: ends at .*expected at or after"):
        outdoors_of(load_scenario(tmp_path / "s.toml"))
    (tmp_path / "weather.csv").unlink()
    with pytest.raises(ScenarioRejected, match=r"weather.csv: expected a readable CSV file"):
        outdoors_of(load_scenario(tmp_path / "s.toml"))


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("293.15,0", "row 3, outdoor_c: expected -60 to 60 °C, got 293.15"),
        ("-273,0", "row 3, outdoor_c: expected -60 to 60 °C, got -273"),
        ("20,1501", "row 3, sun_w_per_m2: expected -20 to 1500 W/m², got 1501"),
        ("20,-21", "row 3, sun_w_per_m2: expected -20 to 1500 W/m², got -21"),
    ],
)
def test_weather_that_is_none_on_earth_is_told_by_row_and_column(tmp_path: Path, row: str, told: str) -> None:
    """Kelvins, kilojoules, or W/m² with a sign turned round."""
    path = tmp_path / "weather.csv"
    path.write_text(
        f"at,outdoor_c,sun_w_per_m2\n2016-01-12T00:00Z,-60,-20\n2016-01-12T12:00Z,{row}\n"
        "2016-01-13T00:00Z,60,1500\n",
        encoding="utf-8",
    )
    with pytest.raises(ScenarioRejected) as caught:
        read_weather(path, START, START.timestamp() + 86400)
    assert caught.value.findings == (f"{path}, {told}",)


def test_what_a_pyranometer_shows_below_zero_at_night_is_no_sun(tmp_path: Path) -> None:
    path = tmp_path / "weather.csv"
    path.write_text(
        "at,outdoor_c,sun_w_per_m2\n2016-01-12T00:00Z,5,-4\n2016-01-13T00:00Z,5,-4\n", encoding="utf-8"
    )
    _, sun_w_per_m2 = read_weather(path, START, START.timestamp() + 86400)
    assert sun_w_per_m2 is not None
    assert sun_w_per_m2(START) == 0


def test_a_network_of_ones_own_is_seen_from_the_scenario_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    (tmp_path / "s.toml").write_text(
        '[network]\nsource = "nets/street.json"\n[time]\nstart = "2016-01-12T00:00:00+00:00"\n'
        '[[feeder]]\nid = "F2"\nsource = "pandapower:create_kerber_dorfnetz"\n',
        encoding="utf-8",
    )
    scenario = load_scenario(tmp_path / "s.toml")
    assert scenario.network.source == str(tmp_path / "nets" / "street.json")
    assert scenario.feeder[0].source == "pandapower:create_kerber_dorfnetz"
