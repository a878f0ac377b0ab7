"""Networks for the tests of this room, each with its load flow, and each made ready once."""

from collections.abc import Callable

import pytest

from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Network, load_network


@pytest.fixture(scope="session")
def solved_network() -> Callable[[str], tuple[Network, FactoredLoadFlow]]:
    """A network by its source, with its load flow; the same objects every time: do not change them."""
    kept: dict[str, tuple[Network, FactoredLoadFlow]] = {}

    def get(source: str) -> tuple[Network, FactoredLoadFlow]:
        if source not in kept:
            network = load_network(source)
            kept[source] = network, FactoredLoadFlow(network)
        return kept[source]

    return get
