"""UCTE files beside pandapower's own converter, and their faults by line."""

from pathlib import Path

import numpy as np
import pandapower as pp
import pytest
from pandapower.converter.ucte import from_ucte

from grid_model.errors import NetworkRejected
from grid_model.network import load_network
from grid_model.network_sources import read_net


def node(code: str, kind: int, load_mw: float, volts: float | None = None) -> str:
    cells = [(0, f"{code:<8}"), (9, f"{code.strip():<12}"), (22, "0"), (24, str(kind))]
    cells += [(26, f"{volts:6.2f}")] if volts else []
    cells += [(33, f"{load_mw:7.2f}"), (41, f"{load_mw / 4:7.2f}")]
    cells += [(49, "   0.00"), (57, "   0.00")] if volts else []
    return row(cells)


def row(cells: list[tuple[int, str]]) -> str:
    line = [" "] * 128
    for begin, text in cells:
        line[begin : begin + len(text)] = text
    return "".join(line).rstrip()


def branch(one: str, other: str) -> str:
    ends = [(0, f"{one:<8}"), (9, f"{other:<8}"), (18, "1"), (20, "0")]
    return row([*ends, (22, "1.0000"), (29, "8.0000"), (36, "20.00000"), (45, "   800")])


FILE = "\n".join(
    [
        "##C 2007.05.01",
        "a line of three nodes",
        "##N",
        "##ZDE",
        node("DAAAAA1 ", 3, 0.0, 380.0),
        node("DBBBBB1 ", 0, 100.0),
        node("DCCCCC1 ", 0, 50.0),
        "##L",
        branch("DAAAAA1", "DBBBBB1"),
        branch("DBBBBB1", "DCCCCC1"),
        "##T",
        "##R",
        "##E",
        "",
    ]
)


def test_the_load_flow_is_that_of_pandapowers_converter(tmp_path: Path) -> None:
    path = tmp_path / "20070501_0030_FO2_DE0.uct"
    path.write_text(FILE)
    network, theirs = load_network(str(path)), from_ucte(str(path), slack_as_gen=False)
    pp.runpp(network.net, numba=False)
    pp.runpp(theirs, numba=False)
    np.testing.assert_allclose(network.net.res_bus.vm_pu, theirs.res_bus.vm_pu, atol=1e-12)
    assert network.net.res_bus.vm_pu.min() < 0.999
    assert [name.strip() for name in network.service_points] == ["DBBBBB1", "DCCCCC1"]


def test_all_faults_are_told_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "net.uct"
    text = FILE.replace(" 100.00", " 1OO.00").replace("8.0000", "8,0000", 1)
    path.write_text(text.replace("DCCCCC1  1", "DCCCCC2  1"))
    with pytest.raises(NetworkRejected) as rejected:
        read_net(str(path))
    told = [str(finding) for finding in rejected.value.findings]
    assert any("net.uct line 6, active load: is no number, found '1OO.00'" in one for one in told)
    assert any("net.uct line 9, reactance: is no number, found '8,0000'" in one for one in told)
    assert any("line 10, node: is not in section ##N" in one for one in told)


@pytest.mark.parametrize("text", ["", "nothing of the kind", "##X\nrow", "##N\n##L\nA B"])
def test_what_is_no_ucte_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "net.uct"
    path.write_text(text)
    with pytest.raises(NetworkRejected):
        read_net(str(path))
