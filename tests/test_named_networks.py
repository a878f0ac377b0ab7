"""What tests are given in place of a reading is what the reading gives, and nobody changes it for another."""

from pathlib import Path

import pandapower.toolbox
import pytest

from grid_model import network_sources
from grid_model.errors import NetworkRejected
from grid_model.network_sources import read_net
from grid_model.sources.named import read_collection, read_simbench_code
from tests.named_networks import read_once

SIMBENCH, COLLECTION = "1-LV-rural1--0-sw", "create_kerber_dorfnetz"


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sources that were truly read, from where nothing is kept yet."""
    read: list[str] = []

    def noting(source: str, name: str) -> object:
        read.append(source)
        return (read_simbench_code if source.startswith("simbench") else read_collection)(source, name)

    monkeypatch.setattr(network_sources, "_NAMED", {"simbench": noting, "pandapower": noting})
    return read


@pytest.mark.parametrize("source", [f"simbench:{SIMBENCH}", f"pandapower:{COLLECTION}"])
def test_a_kept_network_is_the_one_that_was_read(tmp_path: Path, readings: list[str], source: str) -> None:
    true = read_net(source)
    with read_once(tmp_path):
        first = read_net(source)
        first.load.p_mw *= 2
        second = read_net(source)
    with read_once(tmp_path):  # as another worker would
        third = read_net(source)
    assert readings == [source, source]
    for kept in (second, third):
        assert pandapower.toolbox.nets_equal(true, kept, check_only_results=False)
        assert set(true) == set(kept)
        assert all((true[name].dtypes == kept[name].dtypes).all() for name in ("load", "line", "bus", "trafo"))
    assert not pandapower.toolbox.nets_equal(true, first)


def test_a_wrong_name_is_told_by_the_reader_every_time(tmp_path: Path, readings: list[str]) -> None:
    with read_once(tmp_path):
        for _ in range(2):
            with pytest.raises(NetworkRejected, match="not a network function"):
                read_net("pandapower:create_kerber_dorfnet")
    assert len(readings) == 2
    assert not list(tmp_path.iterdir())
