from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from controller.stores.sqlite import SqliteStore
from grid_model.network_sources import read_net
from simulations.errors import ScenarioRejected
from simulations.reconfiguration import stages_of
from simulations.record_reading import read_record
from simulations.runner import run_controlled, run_uncontrolled
from simulations.scenario import Scenario
from simulations.setups import prepare
from tests.simulations.small_field import START, scenario

STREETS = "pandapower:create_kerber_landnetz_freileitung_1"
AT = START + timedelta(minutes=5)


def switched(**switching: object) -> Scenario:
    tie = {"name": "tie", "from_bus": "bus:8", "to_bus": "bus:14", "like": "line:0", "length_km": 0.02}
    row = {"at": AT, "open": ["line:7"], "close": ["tie"]} | switching
    return scenario(
        network={"source": STREETS, "tie": [tie]},
        time={"days": 12 / 1440},
        shares={"ev": 0.0, "heat_pump": 0.0},
        switching=[row],
    )


def test_stages_have_the_same_elements_and_other_flows() -> None:
    before, after = stages_of(switched())
    assert after.at == AT
    assert before.network.lines.ids == after.network.lines.ids
    assert before.network.service_points == after.network.service_points
    kw = np.full(len(before.network.service_points), 5.0)
    one, other = (stage.load_flow.solve(kw, 0 * kw) for stage in (before, after))
    assert one.converged
    assert other.converged
    assert np.nan_to_num(one.line_loading_percent[7]) > 0
    assert np.nan_to_num(other.line_loading_percent[7]) == 0
    assert np.nan_to_num(other.line_loading_percent[-1]) > 0 == np.nan_to_num(one.line_loading_percent[-1])


def test_a_tie_that_is_called_like_a_line_of_the_network_is_the_one_that_is_switched() -> None:
    tie = {"name": "line_1_1", "from_bus": "bus:8", "to_bus": "bus:14", "like": "line:0"}
    a_scenario = scenario(
        network={"source": STREETS, "tie": [tie]},
        switching=[{"at": AT, "open": ["line:7"], "close": ["line_1_1"]}],
    )
    assert "line_1_1" in list(read_net(STREETS).line.name)
    _, after = stages_of(a_scenario)
    kw = np.full(len(after.network.service_points), 5.0)
    assert np.nan_to_num(after.load_flow.solve(kw, 0 * kw).line_loading_percent[-1]) > 0


def test_a_switching_is_called_by_its_place_in_the_file() -> None:
    rows = [{"at": AT + timedelta(minutes=1), "open": ["line:99"]}, {"at": AT, "close": ["tie"]}]
    tie = {"name": "tie", "from_bus": "bus:8", "to_bus": "bus:14", "like": "line:0"}
    with pytest.raises(ScenarioRejected, match=r"switching.0: 'line:99' is not in the network"):
        stages_of(scenario(network={"source": STREETS, "tie": [tie]}, switching=rows))


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"close": []}, "switching.0: "),
        ({"open": ["line:99"]}, r"switching.0: 'line:99' is not in the network; expected such as switch:0"),
        ({"close": ["bridge"]}, r"'bridge' is not in the network; .*, tie"),
    ],
)
def test_a_switching_that_cannot_be_is_told(row: dict[str, object], told: str) -> None:
    with pytest.raises(ScenarioRejected, match=told):
        stages_of(switched(**row))


def test_the_truth_is_switched_and_the_controller_begins_anew_where_it_is_told(tmp_path: Path) -> None:
    for known in (True, False):
        setup = prepare(switched(known=known))
        path = tmp_path / f"{known}.sqlite3"
        store = SqliteStore(path, durable=False)
        try:
            run = run_controlled(setup, store, path, "1")
        finally:
            store.close()
        starts = [e["at"] for e in read_record(path).entries if e["entry"] == "controller_started"]
        assert len(starts) == 1 + known
        losses = run.recording.losses_kw
        assert not np.isclose(losses[4], losses[5], rtol=1e-3)
        assert losses == pytest.approx(run_uncontrolled(setup).recording.losses_kw)
