"""SimBench CSV folders: what simbench wrote is read back the same; faults with file, line and field."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandapower as pp
import pytest
import simbench

from grid_model.errors import NetworkRejected
from grid_model.network import load_network
from grid_model.network_sources import read_net


@pytest.fixture(scope="module")
def net() -> Any:
    """A SimBench network with nothing but the first hour of the year's profiles."""
    net = read_net("simbench:1-LV-rural1--0-sw")
    net.profiles = {kind: table.iloc[:4] for kind, table in net.profiles.items()}
    return net


@pytest.fixture(scope="module")
def written(net: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its tables, as simbench writes them."""
    folder = tmp_path_factory.mktemp("simbench")
    simbench.pp2csv(net, str(folder))
    return folder


def test_what_simbench_wrote_is_read_back_the_same(net: Any, written: Path, tmp_path: Path) -> None:
    archive = shutil.make_archive(str(tmp_path / "tables"), "zip", written)
    for source in (written, Path(archive)):
        network = load_network(str(source))
        pp.runpp(net, numba=False)
        pp.runpp(network.net, numba=False)
        assert network.service_points == tuple(net.load["name"])
        ours = dict(zip(network.net.bus["name"], network.net.res_bus.vm_pu, strict=True))
        for name, v_pu in zip(net.bus["name"], net.res_bus.vm_pu, strict=True):
            if name in ours:
                np.testing.assert_allclose(ours[name], v_pu, atol=1e-7)
        assert sorted(network.net.res_line.loading_percent.round(3)) == sorted(
            net.res_line.loading_percent.round(3)
        )


def edited(written: Path, tmp_path: Path, changes: dict[str, tuple[str, str]]) -> Path:
    folder = Path(shutil.copytree(written, tmp_path / "broken"))
    for file, (old, new) in changes.items():
        text = (folder / file).read_text()
        assert old in text
        (folder / file).write_text(text.replace(old, new, 1))
    return folder


def test_all_faults_are_told_with_file_row_and_field(written: Path, tmp_path: Path) -> None:
    folder = edited(
        written,
        tmp_path,
        {
            "Load.csv": ("LV1.101 Load 2;LV1.101 Bus 8", "LV1.101 Load 1;LV1.101 Bus 88"),
            "Line.csv": ("length", "laenge"),
            "LineType.csv": ("id;", "id;"),
            "Node.csv": (";0.4;", ";0,4;"),
            "Transformer.csv": ("0.16 MVA", "9.16 MVA"),
        },
    )
    (folder / "ExternalNet.csv").unlink()
    with pytest.raises(NetworkRejected) as rejected:
        read_net(str(folder))
    told = [(one.file, one.field, str(one)) for one in rejected.value.findings]
    for file, field, words in (
        ("Load.csv", "id", "is already in row 2"),
        ("Load.csv", "node", "no id of Node.csv, found 'LV1.101 Bus 88'"),
        ("Line.csv", "length", "has no column 'length'"),
        ("Node.csv", "vmR", "found '0,4'"),
        ("Transformer.csv", "type", "type is not in TransformerType.csv"),
        ("ExternalNet.csv", None, "missing"),
    ):
        assert [one for one in told if one[:2] == (file, field) and words in one[2]], (file, field, told)


def test_a_row_of_another_width_and_a_broken_quote(written: Path, tmp_path: Path) -> None:
    folder = edited(
        written,
        tmp_path,
        {
            "Load.csv": ("\nLV1.101 Load 3;", "\nLV1.101 Load 3;;"),
            "Line.csv": ("\nLV1.101 Line", '\n"LV1.101'),
        },
    )
    with pytest.raises(NetworkRejected) as rejected:
        read_net(str(folder))
    told = str(rejected.value)
    assert "Load.csv row 4: has 9 cells; expected 8" in told
    assert "Line.csv row" in told


def test_lengths_voltages_and_half_a_branch_are_told_with_all_the_rest(written: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(written, tmp_path / "broken"))
    header, first, second, third, *others = (folder / "Line.csv").read_text().splitlines()
    columns = header.split(";")

    def other(row: str, column: str, cell: str) -> str:
        cells = row.split(";")
        cells[columns.index(column)] = cell
        return ";".join(cells)

    lost = dict(zip(columns, third.split(";"), strict=True))
    rows = [header, other(first, "length", "-0.1"), other(second, "length", "NULL"), *others]
    (folder / "Line.csv").write_text("\n".join(rows))
    nodes = (folder / "Node.csv").read_text()
    (folder / "Node.csv").write_text(nodes.replace(";0.4;", ";0;", 1))
    with pytest.raises(NetworkRejected) as rejected:
        read_net(str(folder))
    told = [(one.file, one.row, one.field) for one in rejected.value.findings]
    assert ("Line.csv", "2", "length") in told
    assert ("Line.csv", "3", "length") in told
    assert [one for one in told if one[0] == "Node.csv" and one[2] == "vmR"]
    said = str(rejected.value)
    for end in ("nodeA", "nodeB"):
        if "_" in lost[end]:  # auxiliary, as simbench names them
            assert f"({lost[end]!r}), type: is between a switch and no line" in said
    assert "is between a switch and no line" in said
