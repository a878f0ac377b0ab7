"""Any single fault in a network file is told by name, or changes nothing that pandapower would calculate."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandapower as pp
import pytest

from grid_model.errors import Finding, NetworkRejected
from grid_model.network import Network, load_network
from tests.grid_model.small_networks import street
from tests.grid_model.sources.corruption import TABLES, corrupted

CASES = 16


def whole_network() -> str:
    """A small network with something in every table, and coordinates; without the empty tables, which
    pandapower adds by itself, and which take most of its time."""
    net = street(4)
    twin = pp.create_bus(net, 0.4, name="twin", min_vm_pu=0.9, max_vm_pu=1.1)
    pp.create_switch(net, 5, twin, et="b")
    pp.create_switch(net, 2, 1, et="l")
    pp.create_load(net, twin, p_mw=0.003, name="behind the switch")
    pp.create_sgen(net, twin, p_mw=0.002, name="roof")
    net.trafo["tap_side"], net.trafo["tap_changer_type"] = "hv", "Ratio"
    net.trafo["tap_neutral"], net.trafo["tap_pos"], net.trafo["tap_step_percent"] = 0, 1, 2.5
    net.trafo["tap_min"], net.trafo["tap_max"] = -2, 2
    net.bus["geo"] = [
        json.dumps({"type": "Point", "coordinates": [9.5 + 0.001 * index, 51.3]}) for index in net.bus.index
    ]
    document = json.loads(str(pp.to_json(net)))
    document["_object"] = {
        key: value
        for key, value in document["_object"].items()
        if key in TABLES or not isinstance(value, dict) or "_module" not in value
    }
    document["_object"]["std_types"] = {"line": {}, "trafo": {}}
    return json.dumps(document)


def voltages(net: Any) -> dict[int, float] | None:
    """Voltages by bus, or None where the load flow does not converge. From a flat start: a line without
    reactance keeps pandapower from its usual one."""
    try:
        pp.runpp(net, numba=False, init="flat")
    except pp.LoadflowNotConverged:
        return None
    return {int(bus): float(v) for bus, v in net.res_bus.vm_pu.items()}


def check_one(text: str, path: Path, seed: int) -> str:
    """One fault drawn by `seed`: 'rejected' or 'same'; fails on all else."""
    broken, said = corrupted(text, np.random.default_rng(seed))
    path.write_text(broken, encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        findings, network = read(path)
        if network is None:
            assert any(finding.severity == "error" for finding in findings), said
            return "rejected"
        ours = voltages(network.net)
        theirs = voltages(pp.from_json_string(broken, convert=True))
    assert (ours is None) == (theirs is None), said
    if ours is not None and theirs is not None:
        assert ours.keys() == theirs.keys(), said
        np.testing.assert_allclose(list(ours.values()), list(theirs.values()), atol=1e-12, err_msg=said)
    return "same"


def read(path: Path) -> tuple[tuple[Finding, ...], Network | None]:
    try:
        network = load_network(str(path))
    except NetworkRejected as rejected:
        return rejected.findings, None
    return network.warnings, network


@pytest.fixture(scope="module")
def good() -> str:
    return whole_network()


@pytest.mark.parametrize("part", range(4))
def test_any_single_fault_is_told_or_does_not_matter(good: str, tmp_path: Path, part: int) -> None:
    seen = {check_one(good, tmp_path / "net.json", seed) for seed in range(part, CASES, 4)}
    assert seen == {"rejected", "same"}
