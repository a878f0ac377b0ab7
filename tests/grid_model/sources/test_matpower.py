"""MATPOWER cases, as text and as MATLAB data, beside pandapower's own reader; and their faults."""

import zlib
from pathlib import Path

import numpy as np
import pandapower as pp
import pytest
from pandapower.converter.matpower import from_mpc
from scipy.io import savemat

from grid_model.errors import NetworkRejected
from grid_model.network import load_network
from grid_model.network_sources import read_net
from grid_model.sources import matpower

CASE = """function mpc = small
%% a 20 kV feeder of three buses
mpc.version = '2';
mpc.baseMVA = 10;
mpc.bus = [ % bus_i type Pd Qd Gs Bs area Vm Va baseKV zone Vmax Vmin
    1 3 0    0    0 0 1 1 0 20 1 1.1 0.9;
    2 1 0.5  0.1  0 0 1 1 0 20 1 1.1 0.9;
    7 1 0.25 0.05 0 0 1 1 0 20 1 1.1 0.9;
];
mpc.gen = [
    1 0 0 10 -10 1.02 100 1 10 0 0 0 0 0 0 0 0 0 0 0 0;
];
mpc.branch = [
    1 2 0.02 0.03 0.001 5 5 5 0 0 1 -360 360;
    2 7 0.03 0.04 0.001 0 0 0 0 0 1 -360 360;
];
"""


def matrices() -> dict[str, object]:
    """The same case as MATLAB would hold it."""
    bus = [[1, 3, 0, 0], [2, 1, 0.5, 0.1], [7, 1, 0.25, 0.05]]
    rest = [0, 0, 1, 1, 0, 20, 1, 1.1, 0.9]
    branch = [[1, 2, 0.02, 0.03, 0.001, 5, 5, 5], [2, 7, 0.03, 0.04, 0.001, 0, 0, 0]]
    return {
        "version": "2",
        "baseMVA": 10.0,
        "bus": np.array([[*row, *rest] for row in bus], dtype=float),
        "gen": np.array([[1, 0, 0, 10, -10, 1.02, 100, 1, 10, 0, *[0] * 11]], dtype=float),
        "branch": np.array([[*row, 0, 0, 1, -360, 360] for row in branch], dtype=float),
    }


@pytest.mark.parametrize("name", ["small.m", "small.mat"])
def test_the_load_flow_is_that_of_pandapowers_reader(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith(".m"):
        path.write_text(CASE)
    else:
        savemat(path, {"mpc": matrices()}, do_compression=True)
    network, theirs = load_network(str(path)), from_mpc(str(path))
    pp.runpp(network.net, numba=False)
    pp.runpp(theirs, numba=False)
    np.testing.assert_allclose(network.net.res_bus.vm_pu, theirs.res_bus.vm_pu, atol=1e-12)
    assert network.service_points == ("bus 2", "bus 7")
    assert any("have no rating" in str(one) and "line:1" in str(one) for one in network.warnings)


def refused(path: Path) -> list[str]:
    with pytest.raises(NetworkRejected) as rejected:
        read_net(str(path))
    return [str(finding) for finding in rejected.value.findings]


def test_all_faults_are_told_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "small.m"
    path.write_text(CASE.replace("0.5  0.1", "half 0.1").replace("0.04 0.001", "0.04"))
    told = refused(path)
    assert any("line 7, mpc.bus" in one and "'half'" in one for one in told)
    assert any("line 15, mpc.branch: has 12 cells; expected 13" in one for one in told)


def test_numbers_of_buses_are_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "small.m"
    path.write_text(CASE.replace("2 7 0.03", "2 8 0.03").replace("    7 1 0.25", "    2 1 0.25"))
    told = refused(path)
    assert any("mpc.branch 2: is at bus 8, which does not exist" in one for one in told)
    assert any("mpc.bus 2: is the number of several buses" in one for one in told)


def test_a_case_that_computes_its_units_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "small.m"
    path.write_text(CASE + "mpc.bus(:, [3, 4]) = mpc.bus(:, [3, 4]) / 1e3;  % kW\n")
    assert any("changes its matrices in code" in one and "savecase" in one for one in refused(path))


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "failed"), (b"nonsense" * 40, "failed"), (b"%" * 200, "failed")],
)
def test_what_is_no_matlab_data(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "small.mat"
    path.write_bytes(content)
    assert any(said in one for one in refused(path))


def test_matlab_data_does_not_unpack_without_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matpower, "MOST_BYTES", 2**21)
    packed = zlib.compress(bytes(2**24))
    tag = (15).to_bytes(4, "little") + len(packed).to_bytes(4, "little")
    path = tmp_path / "bomb.mat"
    path.write_bytes(bytes(128) + tag + packed)
    assert any("unpacks to more than 2 MiB" in one for one in refused(path))


def test_numbers_may_be_written_as_root_and_quotient(tmp_path: Path) -> None:
    path = tmp_path / "small.m"
    text = (
        CASE.replace(" 20 1 1.1", " 20*sqrt(3)/sqrt(3) 1 1.1")
        .replace("5 5 5 0", "10/2 5 5 0")
        .replace("10 -10", "10 -20/2")
        .replace("MVA = 10", "MVA = 20/2")
    )
    path.write_text(text)
    plain = tmp_path / "plain.m"
    plain.write_text(CASE)
    computed, written = read_net(str(path)), read_net(str(plain))
    np.testing.assert_allclose(computed.bus["vn_kv"], written.bus["vn_kv"], rtol=1e-14)
    np.testing.assert_allclose(computed.line["max_i_ka"], written.line["max_i_ka"], rtol=1e-14)


@pytest.mark.parametrize(
    "cell", ["1/0", "20/sqrt(-3)", "sqrt(9", "20//2", "pi*2", "1/2/", "2*9e999", "--1", "20/1e-999", "1_000"]
)
def test_no_other_arithmetic_is_done(tmp_path: Path, cell: str) -> None:
    path = tmp_path / "small.m"
    path.write_text(CASE.replace("0.5  0.1", f"{cell} 0.1"))
    assert any("line 7, mpc.bus: has a cell that is no number" in one for one in refused(path))


def test_a_case_without_voltages_is_told_by_its_buses(tmp_path: Path) -> None:
    path = tmp_path / "small.m"
    path.write_text(CASE.replace(" 20 1 1.1", " 0 1 1.1", 1))
    (told,) = refused(path)
    assert "mpc.bus 1: has no base voltage (baseKV), found 0; expected kV above 0" in told
