"""What is accepted as a network, and what each fault is called."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandapower as pp
import pytest

from grid_model.connection import connection_limits_kw
from grid_model.errors import NetworkRejected
from grid_model.network import load_network
from tests.grid_model.small_networks import loaded, street


def test_tables_of_a_small_network() -> None:
    net = street(2)
    net.load.loc[1, "scaling"] = 0.5
    net.bus["max_vm_pu"] = [np.nan, 1.05, 1.1, 1.1]
    net.line["max_loading_percent"] = [80.0, np.nan]
    net.bus.loc[1, "geo"] = json.dumps({"coordinates": [11.3, 53.6], "type": "Point"})
    network = loaded(net)
    assert network.service_points == ("house 0", "house 1")
    assert network.load_ids == ("load:0", "load:1")
    assert network.buses.ids == ("bus:0", "bus:1", "bus:2", "bus:3")
    assert network.lines.names == ("cable 0", "cable 1")
    assert network.lines.from_bus.tolist() == [1, 2]
    assert network.lines.max_loading_percent.tolist() == [80.0, 100.0]
    assert network.transformers.from_bus.tolist() == [0]
    assert network.service_point_bus.tolist() == [2, 3]
    assert network.default_p_kw.tolist() == [5.0, 2.5]
    assert network.buses.max_v_pu[1] == 1.05
    assert np.isnan(network.buses.max_v_pu[0])
    assert network.buses.xy[1].tolist() == [11.3, 53.6]
    assert np.isnan(network.buses.xy[0]).all()
    assert network.service_point_index()["load:1"] == network.service_point_index()["house 1"] == 1


def test_a_file_of_pandapower(tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    pp.to_json(street(), str(path))
    network, same = load_network(str(path)), loaded(street())
    assert network.source == str(path)
    assert network.service_points == same.service_points
    assert network.lines.ids == same.lines.ids
    assert network.default_p_kw.tolist() == same.default_p_kw.tolist()


def test_shared_names_become_ids() -> None:
    net = street(4)
    net.load["name"] = ["twin", "twin", None, "load:0"]
    network = loaded(net)
    assert network.service_points == ("load:0", "load:1", "load:2", "load:3")
    assert network.ambiguous_names == {"twin"}
    assert "twin" not in network.service_point_index()
    assert any("'twin'" in str(warning) and "load:1" in str(warning) for warning in network.warnings)


def test_loads_out_of_service_are_no_service_points() -> None:
    net = street(3)
    net.load.loc[1, "in_service"] = False
    network = loaded(net)
    assert network.service_points == ("house 0", "house 2")
    assert network.load_ids == ("load:0", "load:2")
    assert any("out of service" in str(warning) for warning in network.warnings)


def no_grid(net: Any) -> None:
    net.ext_grid["in_service"] = False


def dark_bus(net: Any) -> None:
    pp.create_switch(net, 3, 1, et="l", closed=False)


def no_line_rating(net: Any) -> None:
    net.line.loc[1, "max_i_ka"] = np.nan
    net.line.loc[2, "max_i_ka"] = 0.0


def no_transformer_rating(net: Any) -> None:
    net.trafo.loc[0, "sn_mva"] = np.nan


def negative_impedance(net: Any) -> None:
    net.line.loc[1, "r_ohm_per_km"] = -0.1


def zero_impedance(net: Any) -> None:
    net.line.loc[1, ["r_ohm_per_km", "x_ohm_per_km"]] = 0.0


def no_length(net: Any) -> None:
    net.line.loc[1, "length_km"] = 0.0


def dangling(net: Any) -> None:
    net.load.loc[1, "bus"] = 99


def no_loads(net: Any) -> None:
    net.load = net.load.drop(net.load.index)


def load_nan(net: Any) -> None:
    net.load.loc[1, "p_mw"] = np.nan


def short_circuit_voltage(net: Any) -> None:
    net.trafo.loc[0, "vkr_percent"] = 9.0


def no_voltage(net: Any) -> None:
    net.bus.loc[3, "vn_kv"] = 0.0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (no_grid, ["no external grid"]),
        (dark_bus, ["bus 'bus 1' (bus:3)", "not connected"]),
        (no_line_rating, ["line 'cable 1' (line:1)", "line 'cable 2' (line:2)", "max_i_ka"]),
        (no_transformer_rating, ["transformer 'substation' (trafo:0)", "sn_mva"]),
        (negative_impedance, ["line 'cable 1' (line:1)", "negative impedance"]),
        (zero_impedance, ["line 'cable 1' (line:1)", "zero impedance"]),
        (no_length, ["line 'cable 1' (line:1)", "length_km"]),
        (dangling, ["load 'house 1' (load:1)", "bus 99"]),
        (no_loads, ["no load in service"]),
        (load_nan, ["load 'house 1' (load:1)", "p_mw is not a number"]),
        (short_circuit_voltage, ["transformer 'substation' (trafo:0)", "vkr_percent"]),
        (no_voltage, ["bus 'bus 1' (bus:3)", "vn_kv"]),
    ],
)
def test_faults_are_told_by_name(change: Callable[[Any], None], said: list[str]) -> None:
    net = street()
    change(net)
    with pytest.raises(NetworkRejected) as rejected:
        loaded(net)
    for words in said:
        assert words in str(rejected.value)


def test_all_faults_at_once() -> None:
    net = street()
    for change in (no_grid, no_line_rating, no_transformer_rating, negative_impedance):
        change(net)
    with pytest.raises(NetworkRejected) as rejected:
        loaded(net)
    errors = [finding for finding in rejected.value.findings if finding.severity == "error"]
    assert len(errors) == 5


def test_faults_of_what_is_out_of_service_do_not_count() -> None:
    net = street()
    spare = pp.create_line_from_parameters(net, 4, 5, 0.1, 0.3, 0.1, 0.0, max_i_ka=0.0)
    net.line.loc[spare, "in_service"] = False
    assert loaded(net).lines.ids[-1] == f"line:{spare}"


def test_dark_buses_without_loads_are_a_warning() -> None:
    net = street()
    pp.create_bus(net, 0.4, name="forgotten")
    assert any("'forgotten'" in str(warning) for warning in loaded(net).warnings)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("simbench:1-LV-semiurb4", "1-LV-semiurb4--0-sw"),
        ("simbench:", "not a SimBench code"),
        ("pandapower:create_kerber_dorfnet", "create_kerber_dorfnetz"),
        ("pandapower:pp", "not a network function"),
        ("pandapower:add_trafo_connection", "not a network function"),
        ("nowhere.json", "no such file"),
        ("", "cannot be read"),
    ],
)
def test_unknown_sources_say_what_was_expected(source: str, said: str) -> None:
    with pytest.raises(NetworkRejected) as rejected:
        load_network(source)
    assert said in str(rejected.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "malformed JSON"),
        ("{", "malformed JSON"),
        ("[" * 100_000, "malformed JSON"),
        ("[]", "no pandapower network"),
        ('{"a": 1}', "no pandapower network"),
        ('{"_module": "pandapower.auxiliary", "_class": "pandapowerNet", "_object": 3}', "pandapower"),
        ('{"_module": "pandapower.auxiliary", "_class": "pandapowerNet", "_object": {"bus": 3}}', ""),
    ],
)
def test_malformed_files(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "broken.json"
    path.write_text(text)
    with pytest.raises(NetworkRejected) as rejected:
        load_network(str(path))
    assert said in str(rejected.value)


def test_binary_file(tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(NetworkRejected, match="text file"):
        load_network(str(path))


@pytest.mark.parametrize("hidden", [False, True])
def test_a_file_cannot_name_code_to_load(tmp_path: Path, hidden: bool) -> None:
    path = tmp_path / "net.json"
    pp.to_json(street(), str(path))
    document = json.loads(path.read_text())
    call = {"_module": "os", "_class": "system", "_object": "true"}
    document["_object"]["extra"] = json.dumps([call]) if hidden else call
    path.write_text(json.dumps(document))
    with pytest.raises(NetworkRejected, match=r"os\.system"):
        load_network(str(path))


def test_random_networks_are_the_same_every_time() -> None:
    state = random.getstate()
    one = load_network("pandapower:kb_extrem_landnetz_kabel")
    random.seed(99)
    two = load_network("pandapower:kb_extrem_landnetz_kabel")
    random.setstate(state)
    assert one.net.line.std_type.tolist() == two.net.line.std_type.tolist()


def test_a_connection_carries_at_most_its_cable() -> None:
    net = street(2)
    twin = pp.create_bus(net, 0.4)
    pp.create_switch(net, 3, twin, et="b")
    pp.create_load(net, twin, p_mw=0.001)
    pp.create_load(net, 1, p_mw=0.001)
    limits = connection_limits_kw(loaded(net))
    cable = 1.2 * 100 * 0.4 * np.sqrt(3)
    np.testing.assert_allclose(limits, [cable, cable, 1.2 * 250, 1.2 * 250])
