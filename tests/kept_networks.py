"""Networks that many tests ask for are read once: those that come by name, and pandapower's JSON. The empty
tables that every network begins with are made once.

Reading takes seconds for SimBench's and pandapower's collection, and a quarter of a second for the smallest
JSON; hundreds of tests ask for a few dozen of them. Named ones lie as pickles in a folder that the workers of
this run share, those from JSON in the memory of each worker. Each asker gets a copy of its own, so that
nobody's changes reach another test. Faults are not kept: they are told by the reader itself.
"""

import io
import os
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pandapower
import pandas as pd
import pytest
from pandapower.auxiliary import pandapowerNet
from simbench.networks import extract_simbench_grids_from_csv as extraction

from grid_model import network_sources

Read = Callable[[str, str], Any]
LONGEST_TEXT = 1_000_000
READ_JSON, MAKE_TABLES = pd.read_json, pandapowerNet.create_dataframes
PART_OF = extraction._extract_csv_table_by_subnet


@contextmanager
def read_once(folder: Path) -> Iterator[None]:
    """Within the block; the folder is for the named ones."""
    folder.mkdir(parents=True, exist_ok=True)
    named = network_sources._NAMED
    kept = {
        "simbench": partial(_kept, folder, partial(_with_tables_kept, {}, named["simbench"])),
        "pandapower": partial(_kept, folder, named["pandapower"]),
    }
    assert set(kept) == set(named)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network_sources, "_NAMED", kept)
        patch.setattr(pandapower, "from_json_string", partial(_by_text, {}, pandapower.from_json_string))
        patch.setattr(pd, "read_json", partial(_nothing_in_it, {}, pd.read_json))
        patch.setattr(
            pandapowerNet, "create_dataframes", partial(_empty, {}, pandapowerNet.create_dataframes)
        )
        yield


def _kept(folder: Path, read: Read, source: str, name: str) -> Any:
    path = folder / f"{quote(source, safe='')}.pickle"
    try:
        data = path.read_bytes()
    except OSError:  # not there, or nothing that could be a file's name: the reader tells
        data = pickle.dumps(read(source, name), protocol=5)
        begun = path.with_suffix(f".{os.getpid()}")
        begun.write_bytes(data)
        begun.replace(path)  # another worker finds all of it or nothing
    return pickle.loads(data)


def _by_text(seen: dict[str, bytes], read: Callable[..., Any], text: str, **options: Any) -> Any:
    if options != {"convert": True} or len(text) > LONGEST_TEXT:
        return read(text, **options)
    if text not in seen:
        net = read(text, **options)
        if not isinstance(net, pandapower.pandapowerNet):
            return net
        seen[text] = pickle.dumps(net, protocol=5)
    return pickle.loads(seen[text])


def _empty(
    kept: dict[tuple[Any, ...], Any], make: Callable[[dict[str, Any]], dict[str, Any]], data: dict[str, Any]
) -> dict[str, Any]:
    """A table for each dict of columns and their kinds; there are a hundred and fifty."""
    for name, columns in data.items():
        if isinstance(columns, dict):
            kinds = (name, *columns.items())
            if kinds not in kept:
                kept[kinds] = make({name: columns})[name]
            data[name] = kept[kinds].copy()
    return data


def _nothing_in_it(
    kept: dict[tuple[str, str], Any], read: Callable[..., Any], text: Any, **options: Any
) -> Any:
    """Most of the tables in a network's JSON are empty, and the same in all networks."""
    content = text.getvalue() if isinstance(text, io.StringIO) else ""
    if not content.endswith('"data":[]}'):
        return read(text, **options)
    key = content, repr(sorted(options.items()))
    if key not in kept:
        kept[key] = read(text, **options)
    return kept[key].copy()


def _with_tables_kept(tables: dict[tuple[str, str], Any], read: Read, source: str, name: str) -> Any:
    """SimBench reads tables of all its networks for each one of them; here the tables are kept."""
    read_csv = pd.read_csv

    def kept(path: Any, *args: Any, **options: Any) -> Any:
        if args or "simbench" not in str(path):
            return read_csv(path, *args, **options)
        key = (str(path), repr(sorted(options.items())))
        if key not in tables:
            tables[key] = read_csv(path, **options)
        return tables[key].copy()

    def part_of_few(table: Any, name: str, subnets: Any, **options: Any) -> Any:
        return PART_OF(_without_far_ones(table, subnets), name, subnets, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pd, "read_csv", kept)
        patch.setattr(extraction, "_extract_csv_table_by_subnet", part_of_few)
        return read(source, name)


def _without_far_ones(table: Any, subnets: tuple[Any, list[str]]) -> Any:
    """SimBench takes every row's subnet apart, `LV1.101` or `MV1.101_LV1.101`, to drop most of the rows.

    Here it is given those of the subnets that are wanted, and of others the few rows without which it fails.
    """
    if not isinstance(table, pd.DataFrame) or "subnet" not in table.columns or table.empty:
        return table
    wanted = {subnets[0], *subnets[1]} if isinstance(subnets[0], str) else {*subnets[0], *subnets[1]}
    if "complete_data" in wanted:
        return table
    places, names = pd.factorize(table.subnet)
    near = [not wanted.isdisjoint(str(name).split("_")[:2]) for name in names]
    first_of_two = [place for place, name in enumerate(names) if "_" in str(name)][:1]
    kept = np.array([*near, False])[places]
    kept[:2] = True
    for place in first_of_two:
        kept[np.argmax(places == place)] = True
    return table[kept]
