"""Which reader a source gets, what no reader takes, and the bounds on what is unpacked."""

import io
import os
import zipfile
from pathlib import Path

import pytest

from grid_model.errors import NetworkRejected
from grid_model.network_sources import read_net
from grid_model.sources import bounds
from grid_model.sources.cgmes_scan import CimFile, scan


def refused(path: Path) -> str:
    with pytest.raises(NetworkRejected) as rejected:
        read_net(str(path))
    return str(rejected.value)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("net.p", "a pickle, which runs whatever code"),
        ("net.pkl", "pandapower.to_json"),
        ("net.pfd", "export CGMES from it"),
        ("net.dss", "OpenDSS"),
        ("net.xlsx", "pandapower.to_json"),
        ("net.sqlite", "pandapower.to_json"),
        ("net.raw", "PSS/E"),
        ("net.xiidm", "PowSyBl"),
        ("net.zip", "no whole zip file"),
        ("net", "malformed JSON"),
    ],
)
def test_formats_that_are_not_read_say_what_to_do(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / name).write_bytes(b"something")
    assert said in refused(tmp_path / name)


def test_a_folder_of_neither_kind(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("x")
    assert "neither CGMES profiles" in refused(tmp_path)


def packed(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("name", ["../outside.xml", "/etc/outside.xml", "a/../../outside.xml", "C:\\x.xml"])
def test_an_archive_does_not_reach_outside(tmp_path: Path, name: str) -> None:
    said = refused(packed(tmp_path / "a.zip", {"EQ.xml": b"<x/>", name: b"<x/>"}))
    assert "outside the archive" in said


def test_an_archive_does_not_unpack_without_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MOST_BYTES", 2**21)
    monkeypatch.setattr(bounds, "_CHUNK", 2**16)
    path = packed(tmp_path / "bomb.zip", {"EQ.xml": bytes(2**24)})
    assert path.stat().st_size < 2**16
    assert "unpacks to more than 2 MiB" in refused(path)


def test_an_archive_has_few_members(tmp_path: Path) -> None:
    members = {f"{number}.xml": b"<x/>" for number in range(bounds.MOST_FILES + 1)}
    assert "has 201 members" in refused(packed(tmp_path / "many.zip", members))


def test_archives_in_archives_end(tmp_path: Path) -> None:
    content = b"<x/>"
    name = "EQ.xml"
    for depth in range(3):
        memory = io.BytesIO()
        with zipfile.ZipFile(memory, "w") as archive:
            archive.writestr(name, content)
        content, name = memory.getvalue(), f"{depth}.zip"
    (tmp_path / "deep.zip").write_bytes(content)
    assert "an archive in an archive" in refused(tmp_path / "deep.zip")


def test_a_large_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds.read_bytes, "__defaults__", (1000,))
    (tmp_path / "net.json").write_bytes(b" " * 2000)
    assert "larger than" in refused(tmp_path / "net.json")


@pytest.mark.parametrize("name", ["net.json", "net.m", "net.mat", "net.uct", "EQ.xml"])
def test_a_pipe_is_not_waited_for(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    assert "no plain file" in refused(tmp_path / name)


def test_links_that_lead_nowhere_are_told(tmp_path: Path) -> None:
    (tmp_path / "net.json").symlink_to("net.json")
    (tmp_path / "lost.json").symlink_to("gone.json")
    for name in ("net.json", "lost.json"):
        assert "no such file" in refused(tmp_path / name)


LAUGHS = b"""<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;">]>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><x>&c;</x></rdf:RDF>"""
READS_A_FILE = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/hostname">]>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><x>&f;</x></rdf:RDF>"""


@pytest.mark.parametrize("content", [LAUGHS, READS_A_FILE])
def test_xml_has_no_entities(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "net_EQ.xml").write_bytes(content)
    assert "document type or entities" in refused(tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no element found"),
        (b"<a", "is no XML"),
        (
            b'<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><a></b></r:RDF>',
            "mismatched tag",
        ),
        (b"<a/>", "expected <rdf:RDF>"),
        (b"\xff\xfe\x00", "is no XML"),
        (b'<?xml version="1.0" encoding="nonsense"?><a/>', "is no XML"),
        (
            b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">' + b"<a>" * 30,
            "nested too deeply",
        ),
    ],
)
def test_what_is_no_cim_file_is_told_with_its_line(content: bytes, said: str) -> None:
    found = scan("x.xml", content)
    assert not isinstance(found, CimFile)
    assert said in str(found)
    assert "x.xml line" in found.subject
