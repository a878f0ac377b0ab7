"""CGMES exports: the same load flow as the network they were written from, and every fault with its line."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandapower as pp
import pytest

from grid_model.errors import NetworkRejected
from grid_model.network import load_network
from grid_model.network_sources import read_net
from tests.grid_model.small_networks import street
from tests.grid_model.sources.cgmes_writer import write_cgmes, zipped


def model() -> Any:
    """A street with a tap off neutral, a phase shift, a switch, and names as they are in real exports."""
    net = street(4)
    net.trafo["tap_side"], net.trafo["tap_changer_type"] = "hv", "Ratio"
    net.trafo["tap_neutral"], net.trafo["tap_pos"], net.trafo["tap_step_percent"] = 0, -1, 2.5
    net.trafo["tap_min"], net.trafo["tap_max"], net.trafo["shift_degree"] = -2, 2, 150.0
    twin = pp.create_bus(net, 0.4, name="behind the fuse")
    pp.create_switch(net, 5, twin, et="b")
    pp.create_load(net, twin, 0.002, 0.0005, name="workshop")
    spare = pp.create_line_from_parameters(net, 2, 4, 0.1, 0.3, 0.1, 0.0, max_i_ka=0.1, name="spare")
    net.line.loc[spare, "in_service"] = False
    net.load.loc[1, "name"], net.load.loc[2, "name"], net.load.loc[3, "name"] = "flat", "flat", None
    net.line.loc[2, "max_i_ka"] = np.nan
    return net


@pytest.mark.parametrize(
    ("version", "nodes", "switch"), [("2.4.15", False, "Breaker"), ("3.0", True, "Fuse")]
)
def test_the_load_flow_is_that_of_the_network(tmp_path: Path, version: str, nodes: bool, switch: str) -> None:
    net = model()
    folder = write_cgmes(net, tmp_path / "export", version, nodes=nodes, switch=switch)
    source = zipped(folder, tmp_path / "export.zip", each=nodes)
    network = load_network(str(source))
    pp.runpp(net, numba=False)
    pp.runpp(network.net, numba=False)
    ours, theirs = network.net, net
    place = [list(ours.bus["name"]).index(name) for name in theirs.bus["name"]]
    np.testing.assert_allclose(ours.res_bus.vm_pu.to_numpy()[place], theirs.res_bus.vm_pu, atol=1e-12)
    np.testing.assert_allclose(ours.res_bus.va_degree.to_numpy()[place], theirs.res_bus.va_degree, atol=1e-9)
    rated = np.isfinite(theirs.line.max_i_ka) & theirs.line.in_service
    np.testing.assert_allclose(
        ours.res_line.loading_percent[rated], theirs.res_line.loading_percent[rated], atol=1e-9
    )
    assert network.service_points == ("house 0", "load1", "load2", "load3", "workshop")
    assert network.buses.xy[1].tolist() == [9.501, 51.3]
    told = "; ".join(map(str, network.warnings))
    assert "named by their id (mRID) instead: flat" in told
    assert "have no rating" in told
    assert "'cable 2' (line:2)" in told
    assert not ours.line.in_service[list(ours.line["name"]).index("spare")]


def faults(folder: Path) -> list[str]:
    with pytest.raises(NetworkRejected) as rejected:
        read_net(str(folder))
    return [str(finding) for finding in rejected.value.findings]


def changed(folder: Path, profile: str, pattern: str, becomes: str) -> None:
    path = folder / f"net_{profile}.xml"
    text, count = re.subn(pattern, becomes, path.read_text(), count=1, flags=re.DOTALL)
    assert count == 1, pattern
    path.write_text(text)


def test_all_faults_of_an_export_are_told_with_file_line_and_field(tmp_path: Path) -> None:
    folder = write_cgmes(model(), tmp_path)
    changed(folder, "EQ", r"<cim:ACLineSegment.r>[^<]*", "<cim:ACLineSegment.r>a lot")
    changed(folder, "EQ", r"<cim:Terminal rdf:ID=\"_t2_switch0\">.*?</cim:Terminal>", "")
    changed(folder, "EQ", r"<cim:PowerTransformerEnd.ratedS>[^<]*</cim:PowerTransformerEnd.ratedS>", "")
    changed(folder, "EQ", r'rdf:ID="_load1"', 'rdf:ID="_load0"')
    changed(folder, "SSH", r"<cim:Switch.open>false", "<cim:Switch.open>perhaps")
    changed(folder, "TP", r'TopologicalNode rdf:resource="#_tn1"', 'TopologicalNode rdf:resource="#_tn99"')
    told = faults(folder)
    for file, words in (
        ("net_EQ.xml", ("ACLineSegment 'cable 0'", "r is not a number", "'a lot'")),
        ("net_EQ.xml", ("Breaker 'switch 0'", "has 1 terminals; expected 2")),
        ("net_EQ.xml", ("PowerTransformerEnd", "has no ratedS")),
        ("net_EQ.xml", ("has the rdf:ID of EnergyConsumer 'house 0'",)),
        ("net_SSH.xml", ("open is not true or false", "'perhaps'")),
        ("net_TP.xml", ("TopologicalNode refers to an object that no file has", "'_tn99'")),
    ):
        matching = [one for one in told if one.startswith(file) and all(word in one for word in words)]
        assert matching, (file, words, told)
        assert re.match(rf"{file} line \d+", matching[0])


@pytest.mark.parametrize(
    ("lost", "said"), [("EQ", "no EQ profile"), ("SSH", "no SSH profile"), ("TP", "no TP profile")]
)
def test_a_lost_profile_is_told(tmp_path: Path, lost: str, said: str) -> None:
    folder = write_cgmes(model(), tmp_path)
    (folder / f"net_{lost}.xml").unlink()
    assert any(said in one for one in faults(folder))


def test_an_unknown_version_is_told(tmp_path: Path) -> None:
    folder = write_cgmes(model(), tmp_path)
    for path in folder.iterdir():
        path.write_text(path.read_text().replace("2013/CIM-schema-cim16#", "2010/CIM-schema-cim15#"))
    assert any("no known CIM version" in one and "cim15" in one for one in faults(folder))


def test_without_lxml_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise ImportError("lxml")

    monkeypatch.setattr("grid_model.sources.cgmes._cim", missing)
    assert any("gridward[cgmes]" in one for one in faults(write_cgmes(model(), tmp_path)))


BOUNDARY = (
    '<rdf:RDF xmlns:cim="http://iec.ch/TC57/2013/CIM-schema-cim16#" '
    'xmlns:md="http://iec.ch/TC57/61970-552/ModelDescription/1#" '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><md:FullModel rdf:about="urn:uuid:bd">'
    "<md:Model.profile>http://entsoe.eu/CIM/{profile}/3/1</md:Model.profile></md:FullModel>{objects}</rdf:RDF>"
)


def level_of(folder: Path) -> tuple[str, str]:
    """The id and voltage of one voltage level of the equipment."""
    found = re.search(
        r'<cim:BaseVoltage rdf:ID="([^"]+)">.*?nominalVoltage>([^<]+)<',
        (folder / "net_EQ.xml").read_text(),
        re.DOTALL,
    )
    assert found
    return found.group(1), found.group(2)


def with_boundary(folder: Path, kv: float | None) -> Path:
    """A boundary set that has a voltage level of the equipment too, or nothing at all."""
    name, _ = level_of(folder)
    level = (
        f'<cim:BaseVoltage rdf:ID="{name}"><cim:BaseVoltage.nominalVoltage>{kv}'
        "</cim:BaseVoltage.nominalVoltage></cim:BaseVoltage>"
    )
    for profile, objects in (("EquipmentBoundary", level if kv else ""), ("TopologyBoundary", "")):
        text = BOUNDARY.format(profile=profile, objects=objects)
        (folder / f"{profile}.xml").write_text(text)
    return folder


def test_a_boundary_set_may_repeat_a_voltage_level_and_be_empty(tmp_path: Path) -> None:
    net = street(1)
    for number, repeated in enumerate((True, False)):
        folder = write_cgmes(net, tmp_path / str(number))
        kv = float(level_of(folder)[1]) if repeated else None
        network = load_network(str(with_boundary(folder, kv)))
        assert sorted(network.buses.names) == sorted(net.bus["name"])
        assert not [one for one in network.warnings if "oundary" in str(one)]


def test_a_boundary_set_that_contradicts_the_equipment_is_told(tmp_path: Path) -> None:
    (told,) = faults(with_boundary(write_cgmes(street(2), tmp_path), 1234.0))
    assert "nominalVoltage" in told
    assert "expected the same in both" in told


def test_a_drawing_of_what_is_gone_does_not_matter(tmp_path: Path) -> None:
    folder = write_cgmes(street(2), tmp_path)
    changed(folder, "GL", r'PowerSystemResources rdf:resource="#[^"]+"', 'Location rdf:resource="#_gone"')
    drawing = (
        '<cim:DiagramObject rdf:ID="_d1"><cim:DiagramObject.IdentifiedObject rdf:resource="#_gone"/>'
        "</cim:DiagramObject>"
    )
    (folder / "DL.xml").write_text(BOUNDARY.format(profile="DiagramLayout", objects=drawing))
    network = load_network(str(folder))
    assert any("DiagramObject" in one.subject for one in network.warnings)
