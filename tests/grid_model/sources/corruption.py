"""One fault, drawn at random, in a pandapower file that was right."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np

Document = dict[str, Any]
TABLES = ("bus", "line", "trafo", "load", "ext_grid", "switch", "sgen")
_ODD: tuple[Any, ...] = (
    *(None, "", "abc", "0.4 kV", "-1", True, False, -1, 0, 1e9, -0.5, 99, 1.5, [], {}, [1, 2]),
    *({"_module": "os", "_class": "system", "_object": "true"}, "NaN", float("nan"), float("inf")),
)


def corrupted(text: str, rng: np.random.Generator) -> tuple[str, str]:
    """The file with one fault, and what was done to it."""
    kinds: tuple[Callable[[Document, np.random.Generator], str], ...] = (
        *(_cell, _cell, _cell, _cell, _negative, _swapped_ids, _dropped_column, _dropped_row),
        *(_index, _doubled_row, _short_row, _dropped_table, _odd_table, _nothing_in_column),
    )
    if rng.random() < 0.08:
        place = int(rng.integers(1, len(text)))
        return text[:place], f"truncated at {place}"
    if rng.random() < 0.05:
        place = int(rng.integers(len(text)))
        return text[:place] + chr(int(rng.integers(32, 127))) + text[place + 1 :], f"one letter at {place}"
    document: Document = json.loads(text)
    said = kinds[int(rng.integers(len(kinds)))](document, rng)
    return json.dumps(document), said


def _table(document: Document, rng: np.random.Generator, *, filled: bool = True) -> tuple[str, Document]:
    names = [one for one in TABLES if not filled or json.loads(document["_object"][one]["_object"])["data"]]
    name = names[int(rng.integers(len(names)))]
    return name, json.loads(document["_object"][name]["_object"])


def _put(document: Document, name: str, content: Document) -> None:
    document["_object"][name]["_object"] = json.dumps(content)


def _place(content: Document, rng: np.random.Generator) -> tuple[int, int]:
    return int(rng.integers(len(content["data"]))), int(rng.integers(len(content["columns"])))


def _cell(document: Document, rng: np.random.Generator) -> str:
    name, content = _table(document, rng)
    row, column = _place(content, rng)
    value = _ODD[int(rng.integers(len(_ODD)))]
    content["data"][row][column] = value
    _put(document, name, content)
    return f"{name} row {row} {content['columns'][column]} = {value!r}"


def _negative(document: Document, rng: np.random.Generator) -> str:
    name, content = _table(document, rng)
    row, column = _place(content, rng)
    value = content["data"][row][column]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        content["data"][row][column] = -value
    _put(document, name, content)
    return f"{name} row {row} {content['columns'][column]} negated"


def _swapped_ids(document: Document, rng: np.random.Generator) -> str:
    name, content = _table(document, rng)
    ends = [
        place for place, column in enumerate(content["columns"]) if "bus" in column or column == "element"
    ]
    row, _ = _place(content, rng)
    if len(ends) > 1:
        cells = content["data"][row]
        cells[ends[0]], cells[ends[1]] = cells[ends[1]], cells[ends[0]]
    elif ends:
        content["data"][row][ends[0]] = int(rng.integers(0, 12))
    _put(document, name, content)
    return f"{name} row {row} ids swapped"


def _dropped_column(document: Document, rng: np.random.Generator) -> str:
    name, content = _table(document, rng)
    column = int(rng.integers(len(content["columns"])))
    said = f"{name} without column {content['columns'][column]}"
    del content["columns"][column]
    for row in content["data"]:
        del row[column]
    _put(document, name, content)
    return said


def _dropped_row(document: Document, rng: np.random.Generator) -> str:
    name, content = _table(document, rng)
    row, _ = _place(content, rng)
    del content["data"][row]
    del content["index"][row]
    _put(document, name, content)
    return f"{name} without row {row}"


def _index(document: Document, rng: np.random.Generator) -> str:
    name, content = _table(document, rng)
    row, _ = _place(content, rng)
    odd = (0, 1, 77, -3, 2.5, "three", None)
    content["index"][row] = odd[int(rng.integers(len(odd)))]
    _put(document, name, content)
    return f"{name} index of row {row} = {content['index'][row]!r}"


def _doubled_row(document: Document, rng: np.random.Generator) -> str:
    name, content = _table(document, rng)
    row, _ = _place(content, rng)
    content["data"].append(list(content["data"][row]))
    content["index"].append(content["index"][row])
    _put(document, name, content)
    return f"{name} row {row} twice"


def _short_row(document: Document, rng: np.random.Generator) -> str:
    name, content = _table(document, rng)
    row, _ = _place(content, rng)
    content["data"][row] = content["data"][row][:-1]
    _put(document, name, content)
    return f"{name} row {row} a cell short"


def _dropped_table(document: Document, rng: np.random.Generator) -> str:
    name, _ = _table(document, rng, filled=False)
    del document["_object"][name]
    return f"without table {name}"


def _odd_table(document: Document, rng: np.random.Generator) -> str:
    name, _ = _table(document, rng, filled=False)
    document["_object"][name] = _ODD[int(rng.integers(len(_ODD)))]
    return f"table {name} = {document['_object'][name]!r}"


def _nothing_in_column(document: Document, rng: np.random.Generator) -> str:
    name, content = _table(document, rng)
    column = int(rng.integers(len(content["columns"])))
    for row in content["data"]:
        row[column] = None
    _put(document, name, content)
    return f"{name} all of {content['columns'][column]} empty"
