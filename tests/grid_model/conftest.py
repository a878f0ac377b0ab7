"""Networks for the tests of this room, each loaded once: SimBench takes seconds for one."""

from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pytest

from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Network, load_network


@pytest.fixture(scope="session", autouse=True)
def simbench_tables_read_once() -> Iterator[None]:
    """SimBench reads tables of all its networks for each one of them; here the tables are kept."""
    read, kept = pd.read_csv, {}

    def read_once(path: Any, *args: Any, **options: Any) -> Any:
        if args or "simbench" not in str(path):
            return read(path, *args, **options)
        key = (str(path), repr(sorted(options.items())))
        if key not in kept:
            kept[key] = read(path, **options)
        return kept[key].copy()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pd, "read_csv", read_once)
        yield


@pytest.fixture(scope="session")
def solved_network(simbench_tables_read_once: None) -> Callable[[str], tuple[Network, FactoredLoadFlow]]:
    """A network by its source, with its load flow; the same objects every time: do not change them."""
    kept: dict[str, tuple[Network, FactoredLoadFlow]] = {}

    def get(source: str) -> tuple[Network, FactoredLoadFlow]:
        if source not in kept:
            network = load_network(source)
            kept[source] = network, FactoredLoadFlow(network)
        return kept[source]

    return get
