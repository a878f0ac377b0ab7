from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simulations.errors import ScenarioRejected
from simulations.metering import Metering
from simulations.record_reading import Record, of_feeder
from simulations.runner import run_uncontrolled_together
from simulations.setups import prepare, prepare_all
from simulations.simulate import simulate
from tests.simulations.small_field import scenario

STREET = "pandapower:create_kerber_landnetz_freileitung_1"


def two(**feeder: str) -> dict[str, object]:
    rows = [{"id": "A", "source": STREET} | feeder, {"id": "B", "source": STREET}]
    return {
        "network": {"source": "pandapower:create_cigre_network_mv", "feeder": "MV", "stations": True},
        "time": {"days": 4 / 1440},
        "feeder": rows,
    }


def test_what_a_feeder_takes_is_its_stations_load_and_its_voltage_comes_from_there() -> None:
    setups = prepare_all(scenario(**two(supplied_at="Load R3")))
    upper, lower, free = run_uncontrolled_together(setups)
    place = setups[0].network.service_point_index()["Load R3"]
    taken = lower.recording.p_kw.sum(axis=1) + lower.recording.losses_kw
    assert upper.recording.p_kw[:, place] == pytest.approx(taken, rel=0.02)
    assert not np.allclose(lower.recording.max_v_pu[1:], free.recording.max_v_pu[1:], atol=1e-4)
    assert not setups[0].population.registry.devices
    assert not any(c.takes_notices for c in setups[0].population.registry.customers)
    named = {c.customer for setup in setups for c in setup.population.registry.customers}
    assert len(named) == sum(len(setup.population.registry.customers) for setup in setups)
    assert "B-C-001" in named


def test_a_station_that_is_none_is_told() -> None:
    with pytest.raises(ScenarioRejected, match=r"feeder.0.supplied_at: 'Load 9' is not in the network"):
        prepare_all(scenario(**two(supplied_at="Load 9")))


def test_a_meter_s_name_says_whose_it_is_and_own_loads_are_of_the_first_feeder(tmp_path: Path) -> None:
    loads = tmp_path / "loads.csv"
    rows = [f"2016-01-12T{hour}:00Z,{{}},7" for hour in (16, 17)]
    loads.write_text(
        "\n".join(["at,service_point,p_kw", *rows]).format("Load R1", "Load R1"), encoding="utf-8"
    )
    of_a = tmp_path / "a.csv"
    of_a.write_text("\n".join(["at,service_point,p_kw", *rows]).format("load:0", "load:0"), encoding="utf-8")
    tables = two()
    feeders = tables["feeder"]
    assert isinstance(feeders, list)
    feeders[0]["profiles"] = {"file": str(of_a)}
    lies = [{"meters": ["M-002", "A-M-001"], "scale": 0.5}]
    upper, a, b = prepare_all(
        scenario(**tables, profiles={"file": str(loads)}, false_reading=lies)  # type: ignore[arg-type]
    )
    assert [setup.scenario.false_reading[0].meters for setup in (upper, a, b)] == [
        ("M-002",),
        ("A-M-001",),
        (),
    ]
    for setup in (upper, a, b):
        Metering(setup.population, setup.scenario)
    place = upper.network.service_point_index()["Load R1"]
    assert upper.base.at(600.0)[0][place] == 7
    assert (a.base.at(600.0)[0][0], b.base.own) == (7, None)


def test_what_knows_one_feeder_leaves_no_other_out() -> None:
    with pytest.raises(
        ScenarioRejected, match=r"feeder: expected the feeder of \[network\] only here, got A, B"
    ):
        prepare(scenario(**two()))


def test_nobody_lives_at_stations_where_they_are_alone_as_well() -> None:
    alone = two() | {"feeder": []}
    (setup,) = prepare_all(scenario(**alone))
    assert not setup.population.registry.devices
    assert not any(c.takes_notices or c.critical for c in setup.population.registry.customers)


def test_files_of_all_and_of_each(tmp_path: Path) -> None:
    results = simulate(scenario(**two(supplied_at="Load R3")), tmp_path, "1", lambda: 1.0).results
    assert list(results["feeders"]) == ["MV", "A", "B"]
    assert results["customers"] == sum(part["customers"] for part in results["feeders"].values())
    for state, count in results["feeders"]["A"]["requests"].items():
        assert results["requests"][state] >= count
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for feeder in ("MV", "A", "B"):
        assert f"href='{feeder}/report.html'" in page
        assert (tmp_path / feeder / "report.html").stat().st_size > 100_000
    assert results["controlled"]["energy_kwh"] == pytest.approx(
        sum(results["feeders"][feeder]["controlled"]["energy_kwh"] for feeder in ("MV", "B")), abs=0.01
    )
    assert results["invariants"] == []


def test_a_record_is_parted_without_losing_anything() -> None:
    entries = (
        {"entry": "controller_started", "at": "t"},
        {"entry": "request_planned", "request": "R1", "feeder": "A"},
        {"entry": "request_settled", "request": "R1"},
        {"entry": "ledger_posted", "request": "R1", "key": "k1"},
        {"entry": "event_opened", "feeder": "B"},
    )
    record = Record(entries, (("k1", "customer:1", "points", 5), ("k9", "nobody", "points", 1)))
    mine, other = of_feeder(record, "A"), of_feeder(record, "B", and_nobodys=True)
    assert [e["entry"] for e in mine.entries] == ["request_planned", "request_settled", "ledger_posted"]
    assert mine.postings == (("k1", "customer:1", "points", 5),)
    assert [e["entry"] for e in other.entries] == ["controller_started", "event_opened"]
    assert other.postings == (("k9", "nobody", "points", 1),)


def test_under_the_daemon_as_well_a_station_takes_at_a_step_what_its_feeder_takes_at_it(
    tmp_path: Path,
) -> None:
    """Heartbeats wake the links in another order than the clock does."""
    tables = two() | {"feeder": [{"id": "A", "source": STREET, "supplied_at": "Load R3"}]}
    time = {"start": "2016-01-12T16:07:00+00:00", "days": 30 / 1440, "step_s": 300}
    simulate(
        scenario(**tables | {"time": time}, shares={"ev": 0.0, "heat_pump": 0.0}), tmp_path, "1", lambda: 1.0
    )
    for feeder in ("MV", "A"):
        series = pd.read_parquet(tmp_path / feeder / "series.parquet")
        alone, controlled = (series[series["run"] == run] for run in ("uncontrolled", "controlled"))
        assert controlled["total_kw"].tolist() == alone["total_kw"].tolist()
