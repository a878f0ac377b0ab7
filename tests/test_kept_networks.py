"""What tests are given in place of a reading is what the reading gives, and nobody changes it for another."""

import io
from pathlib import Path
from typing import Any

import pandapower.toolbox
import pandas as pd
import pytest
from pandapower.auxiliary import pandapowerNet

from grid_model import network_sources
from grid_model.errors import NetworkRejected
from grid_model.network_sources import read_net
from grid_model.sources.named import read_collection, read_simbench_code
from tests.grid_model.small_networks import street
from tests.kept_networks import MAKE_TABLES, PART_OF, READ_JSON, extraction, read_once

TABLES = ("bus", "line", "trafo", "load")


def as_they_are(patch: pytest.MonkeyPatch) -> None:
    """What pandas, pandapower and SimBench do outside `read_once`."""
    patch.setattr(pd, "read_json", READ_JSON)
    patch.setattr(pandapowerNet, "create_dataframes", MAKE_TABLES)
    patch.setattr(extraction, "_extract_csv_table_by_subnet", PART_OF)


@pytest.fixture
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    as_they_are(monkeypatch)


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The networks that were read, as they are where nothing is kept; None for a fault."""
    read: list[Any] = []

    def noting(source: str, name: str) -> Any:
        read.append(None)
        reader = read_simbench_code if source.startswith("simbench") else read_collection
        net = reader(source, name)
        with pytest.MonkeyPatch.context() as patch:
            as_they_are(patch)
            read[-1] = reader(source, name)
        return net

    monkeypatch.setattr(network_sources, "_NAMED", {"simbench": noting, "pandapower": noting})
    return read


@pytest.mark.parametrize(
    "source", ["simbench:1-MVLV-rural-1.108-0-sw", "pandapower:create_kerber_landnetz_kabel_1"]
)
def test_a_kept_network_is_the_one_that_was_read(tmp_path: Path, readings: list[Any], source: str) -> None:
    with read_once(tmp_path):
        first = read_net(source)
        first.load["p_mw"] *= 2
        second = read_net(source)
    with read_once(tmp_path):  # as another worker would
        third = read_net(source)
    (true,) = readings
    network_sources.complete(true)
    for kept in (second, third):
        assert pandapower.toolbox.nets_equal(true, kept, check_only_results=False)
        assert set(true) == set(kept)
        assert all((true[table].dtypes == kept[table].dtypes).all() for table in TABLES)
    assert not pandapower.toolbox.nets_equal(true, first)


def test_a_wrong_name_is_told_by_the_reader_every_time(tmp_path: Path, readings: list[Any]) -> None:
    with read_once(tmp_path):
        for name in ("create_kerber_dorfnet", "create_kerber_dorfnet", "../x", "\0", "x" * 300):
            with pytest.raises(NetworkRejected, match="not a network function"):
                read_net(f"pandapower:{name}")
    assert readings == [None] * 5
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("nothing_kept")
def test_empty_tables_are_those_that_pandapower_makes(tmp_path: Path) -> None:
    true = pandapower.create_empty_network()
    with read_once(tmp_path):
        pandapower.create_bus(pandapower.create_empty_network(), 20.0)
        kept = pandapower.create_empty_network()
    assert set(true) == set(kept)
    for name, table in true.items():
        if isinstance(table, pd.DataFrame):
            pd.testing.assert_frame_equal(table, kept[name])


@pytest.mark.parametrize("kinds", [{"a": "float64", "b": "object"}, {"a": "int64", "b": "bool"}])
@pytest.mark.parametrize("rows", ["[]", "[[1,2]]"])
def test_an_empty_table_is_read_as_pandas_reads_it(tmp_path: Path, kinds: dict[str, str], rows: str) -> None:
    text = f'{{"columns":["a","b"],"index":{"[0]" if len(rows) > 2 else "[]"},"data":{rows}}}'
    true = READ_JSON(io.StringIO(text), orient="split", dtype=kinds)
    with read_once(tmp_path):
        pd.read_json(io.StringIO(text), orient="split").loc[7] = [3, 4]
        pd.read_json(io.StringIO(text), orient="split", dtype=kinds).loc[7] = [3, 4]
        kept = pd.read_json(io.StringIO(text), orient="split", dtype=kinds)
    pd.testing.assert_frame_equal(true, kept)


@pytest.mark.usefixtures("nothing_kept")
def test_the_same_json_is_read_once_and_another_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def noting(text: str, **options: Any) -> Any:
        read.append(text)
        return pandapower.file_io.from_json_string(text, **options)

    monkeypatch.setattr(pandapower, "from_json_string", noting)
    files = [tmp_path / "one.json", tmp_path / "other.json"]
    for houses, file in enumerate(files, start=3):
        pandapower.to_json(street(houses), str(file))
    with read_once(tmp_path):
        first = read_net(str(files[0]))
        first.load["p_mw"] *= 2
        second, other = read_net(str(files[0])), read_net(str(files[1]))
        third = pandapower.file_io.from_json_string(read[0], convert=True)
    assert len(read) == 2
    true = pandapower.file_io.from_json_string(read[0], convert=True)
    for one in (true, third):
        network_sources.complete(one)
    for name, table in true.items():
        if isinstance(table, pd.DataFrame):
            pd.testing.assert_frame_equal(table, third[name])
    assert pandapower.toolbox.nets_equal(true, second, check_only_results=False)
    assert set(true) == set(second)
    assert (len(second.load) + 1, len(second.bus) + 1) == (len(other.load), len(other.bus))
    assert not pandapower.toolbox.nets_equal(true, first)
