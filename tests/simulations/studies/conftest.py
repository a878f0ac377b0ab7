"""A study keeps networks in the memory of its process; here that is the process of all other tests too."""

import pytest

from grid_model import network_sources


@pytest.fixture(autouse=True)
def nothing_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_sources, "_kept", network_sources._Kept())
