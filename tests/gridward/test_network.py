"""`gridward network`: findings of a network as text and JSON, and a conversion that is read back the same."""

import json
from pathlib import Path

import pandapower as pp
import pytest

from grid_model.network import load_network
from gridward.cli import main
from tests.grid_model.small_networks import street
from tests.grid_model.sources.cgmes_writer import write_cgmes
from tests.grid_model.three_phase.feeders import street as three_phase_street


def file_of(folder: Path, *, broken: bool = False) -> str:
    net = street(3)
    if broken:
        net.line.loc[1, "length_km"] = 0.0
        net.load.loc[0, "bus"] = 77
    pp.to_json(net, str(folder / "net.json"))
    return str(folder / "net.json")


def test_a_good_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["network", "inspect", file_of(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "bus 5, line 3, trafo 1, load 3, ext_grid 1" in told
    assert "1 buses at 20 kV, 4 buses at 0.4 kV" in told
    assert "0 errors, 0 warnings: can be used" in told


def test_all_faults_of_a_broken_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["network", "inspect", "--json", file_of(tmp_path, broken=True)]) == 2
    document = json.loads(capsys.readouterr().out)
    assert document["usable"] is False
    faults = {(one["table"], one["row"], one["field"]) for one in document["findings"]}
    assert {("line", "1", "length_km"), ("load", "0", "bus")} <= faults
    assert all(one["repair"] for one in document["findings"] if one["severity"] == "error")


def test_a_source_that_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["network", "convert", str(tmp_path / "net.p"), str(tmp_path / "out.json")]) == 2
    assert "no such file" in capsys.readouterr().out
    assert not (tmp_path / "out.json").exists()


def test_a_conversion_is_read_back_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net = street(3)
    net.trafo["tap_side"] = None
    source, out = write_cgmes(net, tmp_path / "cgmes"), tmp_path / "out.json"
    assert main(["network", "convert", str(source), str(out)]) == 0
    assert f"written: {out}" in capsys.readouterr().out
    ours, theirs = load_network(str(out)), load_network(str(source))
    assert ours.service_points == theirs.service_points
    assert ours.lines.names == theirs.lines.names
    assert ours.warnings == theirs.warnings


def test_a_place_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["network", "convert", file_of(tmp_path), str(tmp_path / "no" / "out.json")]) == 2
    assert "cannot write" in capsys.readouterr().err


def test_a_network_with_customers_on_phases(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net = three_phase_street(2)
    pp.to_json(net, str(tmp_path / "net.json"))
    assert main(["network", "inspect", str(tmp_path / "net.json")]) == 0
    told = capsys.readouterr().out
    assert "asymmetric_load 2" in told
    assert "its customers are on phases (asymmetric_load), so it is checked per phase only" in told
    assert "0 errors, 0 warnings: can be used" in told
    net.line.loc[0, "r0_ohm_per_km"] = float("nan")
    net.trafo["vector_group"] = "Dd"
    pp.to_json(net, str(tmp_path / "net.json"))
    assert main(["network", "inspect", str(tmp_path / "net.json")]) == 2
    told = capsys.readouterr().out
    assert "error: line: r0_ohm_per_km" in told
    assert "vector_group is 'Dd'" in told
