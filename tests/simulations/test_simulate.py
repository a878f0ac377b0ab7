"""A few hours in a small village, from the draw to the report."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from grid_model.network import load_network
from simulations.scenario_file import parse_scenario
from simulations.simulate import Outcome, simulate

VILLAGE = """\
title = "A village <in winter>"
seed = 5
[network]
source = "pandapower:create_kerber_landnetz_freileitung_1"
[time]
start = "2016-01-12T16:30:00+00:00"
days = 0.16
[shares]
ev = 0.8
heat_pump = 0.2
critical = 0.08
[devices]
refuse = 0.08
vanish = 0.08
late = 0.08
[people]
share = 1.0
[weather]
shift_k = 6
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("village")


@pytest.fixture(scope="module")
def outcome(folder: Path) -> Outcome:
    return simulate(parse_scenario(VILLAGE), folder, "1.2.3", lambda: 4.56)


def test_control_lowers_the_peak_and_keeps_every_promise(outcome: Outcome) -> None:
    results = outcome.results
    before, after = results["uncontrolled"], results["controlled"]
    assert before["peak_loading_percent"] > 120
    assert after["peak_loading_percent"] < before["peak_loading_percent"] - 15
    assert after["minutes_over_limit"] < before["minutes_over_limit"]
    assert results["invariants"] == []
    assert outcome.broken == ()
    assert results["ledger_sum"] == 0
    assert results["min_limit_kw"]["ev_charger"] >= 4.2


def test_results_have_the_keys_of_the_design(outcome: Outcome, folder: Path) -> None:
    results: dict[str, Any] = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert results == outcome.results
    assert (results["wall_s"], results["seed"], results["version"]) == (4.56, 5, "1.2.3")
    for run in ("uncontrolled", "controlled"):
        assert {"peak_loading_percent", "minutes_over_limit", "energy_kwh"} <= results[run].keys()
    assert list(results["requests"]) == [
        "planned",
        "sent",
        "accepted",
        "active",
        "ended",
        "settled",
        "refused",
        "unanswered",
        "overridden",
        "failed",
    ]
    assert results["events"] >= 1
    assert sum(results["requests"].values()) == sum(results["requests_by_resource"].values()) > 5
    assert results["curtailed_kwh"] > 1
    assert results["credited_points"] > 100


def test_the_same_seed_gives_the_same_results_and_another_seed_others(
    outcome: Outcome, tmp_path: Path
) -> None:
    again = simulate(parse_scenario(VILLAGE), tmp_path / "again", "1.2.3", lambda: 9.9)
    assert again.results | {"wall_s": 4.56} == outcome.results
    other = simulate(
        parse_scenario(VILLAGE.replace("seed = 5", "seed = 6")), tmp_path / "other", "1.2.3", lambda: 9.9
    )
    assert other.results["uncontrolled"] != outcome.results["uncontrolled"]


def test_series_and_customers_agree_with_the_figures(outcome: Outcome, folder: Path) -> None:
    series = pd.read_parquet(folder / "series.parquet", engine="fastparquet")
    customers = pd.read_parquet(folder / "customers.parquet", engine="fastparquet")
    results = outcome.results
    for run in ("uncontrolled", "controlled"):
        rows = series[series["run"] == run]
        highest = rows[["transformer_loading_percent", "max_line_loading_percent"]].max(axis=None)
        assert highest == pytest.approx(results[run]["peak_loading_percent"], abs=0.01)
        assert rows["total_kw"].iloc[:-1].sum() / 60 == pytest.approx(results[run]["energy_kwh"], abs=0.1)
        assert customers[f"{run}_kwh"].sum() == pytest.approx(results[run]["energy_kwh"], abs=0.1)
    assert customers["points"].sum() == results["credited_points"]
    assert customers["reduced_kwh"].sum() == pytest.approx(results["curtailed_kwh"], abs=0.02)
    assert series.loc[series["run"] == "uncontrolled", "devices_limited"].max() == 0
    assert series.loc[series["run"] == "controlled", "devices_limited"].max() > 2


def test_the_report_stands_alone_and_escapes(outcome: Outcome, folder: Path) -> None:
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "A village &lt;in winter&gt;" in page
    assert "<in winter>" not in page.replace("\\u003c", "<").split("<script>")[0]
    head = page.split("<script>")[0]
    assert "http://" not in head
    assert "https://" not in head
    for figure in ("loading", "power", "voltage", "limits", "customers"):
        assert f'id="{figure}"' in page
        assert f'"{figure}":{{"data":[{{' in page
    assert f"{outcome.results['credited_points']:,} points" in page


def test_a_quiet_evening_needs_nothing(tmp_path: Path) -> None:
    quiet = VILLAGE.replace("ev = 0.8", "ev = 0.0").replace("heat_pump = 0.2", "heat_pump = 0.0")
    results = simulate(parse_scenario(quiet), tmp_path, "1.2.3", lambda: 0.0).results
    assert results["events"] == 0
    assert set(results["requests"].values()) == {0}
    assert results["answered_share"] is None
    assert results["min_limit_kw"] == {}
    assert results["controlled"] == results["uncontrolled"]
    assert "there was nothing to do" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_voltage_outside_its_band_is_something_to_do(tmp_path: Path) -> None:
    low = VILLAGE.replace("days = 0.16", "days = 0.02").replace("heat_pump = 0.2", "heat_pump = 0.0")
    low = low.replace("ev = 0.8", "ev = 0.0") + "[control.limits]\nmin_v_pu = 0.999\n"
    results = simulate(parse_scenario(low), tmp_path, "1.2.3", lambda: 0.0).results
    assert results["uncontrolled"]["minutes_over_limit"] == 0
    assert results["uncontrolled"]["minutes_voltage_outside"] == 29
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "there was nothing to do" not in page
    assert "outside its band for <b class='loud'>29 minutes</b>" in page


def test_a_network_that_cannot_carry_it_is_over_its_limit_and_told_so(tmp_path: Path) -> None:
    """Where no load flow finds a state there is no loading; that is the worst case, not the best."""
    text = VILLAGE.replace("days = 0.16", "days = 0.004") + '[profiles]\nfile = "mine.csv"\n'
    at = "2016-01-12T16:00:00+00:00", "2016-01-12T18:00:00+00:00"
    point = load_network("pandapower:create_kerber_landnetz_freileitung_1").service_points[0]
    rows = "".join(f"{one},{point},20000\n" for one in at)
    (tmp_path / "mine.csv").write_text(f"at,service_point,p_kw\n{rows}", encoding="utf-8")
    scenario = parse_scenario(text, folder=tmp_path)
    results = simulate(scenario, tmp_path, "1", lambda: 1.0).results
    before = results["uncontrolled"]
    assert (before["peak_loading_percent"], before["minutes_over_limit"]) == (None, 6.0)
    assert before["minutes_voltage_outside"] == before["minutes_not_converged"] == 6.0
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "no load flow finds a state for <b class='loud'>6 minutes</b>" in page
