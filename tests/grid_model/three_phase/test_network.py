"""What is read of a network with phases, and what is said of a faulty one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandapower as pp
import pytest

from grid_model.errors import NetworkRejected
from grid_model.three_phase.load_flow import ThreePhaseLoadFlow
from grid_model.three_phase.network import load_three_phase_network, three_phase_network
from tests.grid_model.small_networks import street as balanced_street
from tests.grid_model.three_phase.conftest import Solved
from tests.grid_model.three_phase.feeders import customer, loaded, street


def rejected(net: Any, **options: Any) -> str:
    with pytest.raises(NetworkRejected) as caught:
        three_phase_network(net, "small", **options)
    return "\n".join(str(finding) for finding in caught.value.findings if finding.severity == "error")


def test_the_european_feeder(european: Solved) -> None:
    network, _ = european
    assert len(network.buses.ids) == 907
    assert len(network.service_points) == 55
    assert network.service_points[0] == "LOAD1"
    assert network.load_ids[0] == "asymmetric_load:0"
    assert (network.connected.sum(axis=1) == 1).all()
    assert network.default_p_kw[0, 0] == pytest.approx(0.574, abs=1e-3)
    assert not network.warnings


def test_customers_of_both_tables() -> None:
    net = street(2)
    net.asymmetric_load.loc[0, "scaling"] = 0.5
    pp.create_load(net, 3, p_mw=0.009, q_mvar=0.003, name="shop")
    customer(net, 3, (0.0, 0.0, 0.0))
    customer(net, 3, (1.0, 2.0, 0.0), type="delta", name="shop")
    network = loaded(net)
    assert network.service_points == (
        "house 0",
        "house 1",
        "asymmetric_load:2",
        "asymmetric_load:3",
        "load:0",
    )
    assert network.connected.tolist() == [
        [True, False, False],
        [False, True, False],
        [True, True, True],
        [True, True, False],
        [True, True, True],
    ]
    assert network.delta.tolist() == [False, False, False, True, False]
    np.testing.assert_allclose(network.default_p_kw[[0, 4]], [[3, 0, 0], [3, 3, 3]])
    np.testing.assert_allclose(network.default_q_kvar[4], [1, 1, 1])
    assert network.service_point_index()["house 1"] == network.service_point_index()["asymmetric_load:1"] == 1
    assert any("shop" in str(finding) for finding in network.warnings)
    np.testing.assert_allclose(network.spread(np.full(5, 6.0))[[0, 3, 4]], [[6, 0, 0], [3, 3, 0], [2, 2, 2]])


def test_customers_are_put_on_phases() -> None:
    net = street(2)
    pp.create_load(net, 3, p_mw=0.009, q_mvar=0.003, name="shop")
    network = loaded(net, phases={"load:0": "C", "house 0": "ab"})
    np.testing.assert_allclose(network.default_p_kw, [[3, 3, 0], [0, 6, 0], [0, 0, 9]])
    np.testing.assert_allclose(network.default_q_kvar[2], [0, 0, 3])
    assert network.connected.tolist() == [[True, True, False], [False, True, False], [False, False, True]]


def test_wrong_phases_are_all_named() -> None:
    net = street(2)
    customer(net, 3, (1.0, 0.0, 0.0), type="delta", name="pump")
    told = rejected(net, phases={"house 0": "d", "house 9": "a", "pump": "a", "house 1": "aa"})
    assert "'house 0': phase is 'd'; expected a, b, c" in told
    assert "'house 9': no customer" in told
    assert "'pump': is connected in delta" in told
    assert "'house 1': phase is 'aa'" in told


def test_missing_zero_sequence_is_an_error_that_names_it() -> None:
    told = rejected(balanced_street(3))
    for column in ("r0_ohm_per_km", "vk0_percent", "s_sc_max_mva", "vector_group"):
        assert column in told
    assert "'cable 0' (line:0)" in told
    assert "allow typical values" in told


def test_typical_values_on_request_with_a_warning() -> None:
    net = balanced_street(3)
    net.line["r0_ohm_per_km"] = [0.7, np.nan, np.nan]
    network = three_phase_network(net, "small", typical_zero_sequence=True, phases={"house 0": "a"})
    np.testing.assert_allclose(network.net.line.r0_ohm_per_km, [0.7, 1.28, 1.28])
    np.testing.assert_allclose(network.net.line.x0_ohm_per_km, 0.32)
    told = [str(finding) for finding in network.warnings]
    assert any("line" in text and "typical values assumed for 3" in text for text in told)
    assert any("Dyn assumed" in text for text in told)
    assert ThreePhaseLoadFlow(network).solve(network.default_p_kw, network.default_q_kvar).converged


def test_a_clock_number_is_the_shift_that_is_there() -> None:
    net = street(1)
    net.trafo["vector_group"] = "Dyn5"
    assert loaded(net).net.trafo.vector_group.tolist() == ["Dyn"]


def test_what_is_there_is_not_replaced() -> None:
    network = loaded(street(2), typical_zero_sequence=True)
    assert not network.warnings
    np.testing.assert_allclose(network.net.line.x0_ohm_per_km, 0.3)


def test_all_faults_at_once() -> None:
    net = street(3)
    net.trafo["vector_group"] = "Dd"
    net.line.loc[1, "max_i_ka"] = np.nan
    net.asymmetric_load.loc[0, "p_a_mw"] = np.inf
    net.asymmetric_load.loc[2, "bus"] = 99
    pp.create_gen(net, 3, p_mw=0.01)
    told = rejected(net)
    assert "vector_group is 'Dd'; expected one of Dyn, YNyn, Yzn" in told
    assert "line line:1: has no rating" in told
    assert "'house 0' (asymmetric_load:0): p_a_mw is not a number" in told
    assert "'house 2' (asymmetric_load:2): bus is 99" in told
    assert "'gen'" in told


def test_a_network_without_customers() -> None:
    net = street(0)
    told = rejected(net)
    assert "neither an asymmetric_load nor a load in service" in told
    assert told.count("\n") == 0


def test_metered_generation_is_switched_off() -> None:
    net = street(2)
    pp.create_sgen(net, 3, p_mw=0.02)
    assert not loaded(net, metered_generation=True).net.sgen.in_service.any()
    assert loaded(net).net.sgen.in_service.all()


def test_voltage_dependence_is_told() -> None:
    net = street(1)
    pp.create_load(net, 2, p_mw=0.002, const_z_p_percent=30.0)
    assert any("depend on voltage" in str(finding) for finding in loaded(net).warnings)


def test_a_source_that_does_not_exist() -> None:
    with pytest.raises(NetworkRejected, match="no_such_function"):
        load_three_phase_network("pandapower:no_such_function")


def whole_file() -> dict[str, Any]:
    """A pandapower file with customers of both tables, without the empty tables that pandapower adds."""
    net = street(2)
    pp.create_load(net, 3, 0.003, 0.001, name="shop")
    document: dict[str, Any] = json.loads(str(pp.to_json(net)))
    document["_object"] = {
        key: value
        for key, value in document["_object"].items()
        if not isinstance(value, dict) or "_module" not in value or len(net[key])
    }
    return document


def cell(table: str, column: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """Writes one cell of the first row; the name tells what."""

    def put(tables: dict[str, Any]) -> None:
        content = json.loads(tables[table]["_object"])
        content["data"][0][content["columns"].index(column)] = value
        tables[table]["_object"] = json.dumps(content)

    return put


def without(table: str, column: str) -> Callable[[dict[str, Any]], None]:
    """Takes a column out."""

    def drop(tables: dict[str, Any]) -> None:
        content = json.loads(tables[table]["_object"])
        place = content["columns"].index(column)
        content["columns"].pop(place)
        for row in content["data"]:
            row.pop(place)
        tables[table]["_object"] = json.dumps(content)

    return drop


def no_table(table: str) -> Callable[[dict[str, Any]], None]:
    """Puts a number in the place of a table."""
    return lambda tables: tables.update({table: 1.5})


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (cell("ext_grid", "r0x0_max", [1, 2]), "r0x0_max"),
        (cell("line", "r0_ohm_per_km", "much"), "line:0"),
        (cell("asymmetric_load", "bus", []), "asymmetric_load:0): bus"),
        (cell("asymmetric_load", "p_a_mw", "6 kW"), "asymmetric_load:0): p_a_mw"),
        (cell("load", "const_z_p_percent", {}), "load:0): const_z_p_percent"),
        (without("asymmetric_load", "q_b_mvar"), "'q_b_mvar'"),
        (without("load", "bus"), "'bus'"),
        (no_table("trafo"), "table 'trafo'"),
        (no_table("asymmetric_load"), "table 'asymmetric_load'"),
        (no_table("load"), "table 'load'"),
        (no_table("bus"), "table 'bus'"),
    ],
)
def test_a_broken_file_is_told_by_table_and_field(
    tmp_path: Path, fault: Callable[[dict[str, Any]], None], told: str
) -> None:
    document = whole_file()
    fault(document["_object"])
    (tmp_path / "net.json").write_text(json.dumps(document))
    with pytest.raises(NetworkRejected) as caught:
        load_three_phase_network(str(tmp_path / "net.json"))
    assert any(told in str(one) for one in caught.value.findings if one.severity == "error")
