"""Named networks that stay in memory: read once, and nobody's changes reach another asker."""

import pytest

from grid_model import network_sources
from grid_model.network_sources import keep_named, read_net


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    asked: list[str] = []
    read = network_sources._NAMED["pandapower"]

    def counting(source: str, name: str) -> object:
        asked.append(name)
        return read(source, name)

    monkeypatch.setitem(network_sources._NAMED, "pandapower", counting)
    monkeypatch.setattr(network_sources, "_kept", network_sources._Kept())
    return asked


NAMES = ("create_kerber_landnetz_freileitung_1", "create_kerber_landnetz_kabel_1")


def test_without_asking_each_is_read_anew(reads: list[str]) -> None:
    for _ in range(2):
        read_net(f"pandapower:{NAMES[0]}")
    assert reads == [NAMES[0]] * 2


def test_kept_ones_are_read_once_and_given_out_as_copies(reads: list[str]) -> None:
    keep_named(1)
    first = read_net(f"pandapower:{NAMES[0]}")
    first.load.loc[:, "p_mw"] = 77.0
    second = read_net(f"pandapower:{NAMES[0]}")
    assert (second.load.p_mw < 1).all()
    assert reads == [NAMES[0]]
    read_net(f"pandapower:{NAMES[1]}")
    read_net(f"pandapower:{NAMES[0]}")
    assert reads == [NAMES[0], NAMES[1], NAMES[0]]
