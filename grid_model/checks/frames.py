"""How the checks look at a network's frames: names, columns as numbers, faults as findings [before 2].

Knows no rule about networks. Frames may be broken in any way: nothing here assumes a column or a type.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grid_model.errors import Finding, Severity

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]

EXAMPLES = 5
_WORDS = {"trafo": "transformer", "trafo3w": "three-winding transformer", "ext_grid": "external grid"}
_WORDS |= {"sgen": "static generator", "gen": "generator", "asymmetric_load": "asymmetric load"}


def frame(net: Any, table: str) -> Any | None:
    """A table of the network, or None where there is no such frame."""
    found = net.get(table)
    return found if hasattr(found, "columns") and hasattr(found, "index") else None


def filled(net: Any, table: str) -> bool:
    """Whether the table is there and has rows."""
    found = frame(net, table)
    return found is not None and len(found) > 0


def has(net: Any, table: str, *columns: str) -> bool:
    """Whether the table has rows and all these columns."""
    found = frame(net, table)
    return found is not None and len(found) > 0 and all(column in found for column in columns)


def element_name(net: Any, table: str, index: object) -> str:
    """An element as its user would name it: `line 'LV1.101 Line 3' (line:3)`."""
    word = _WORDS.get(table, table)
    found = frame(net, table)
    name = found["name"].get(index) if found is not None and "name" in found else None
    if isinstance(name, str) and name:
        return f"{word} {name!r} ({table}:{index})"
    return f"{word} {table}:{index}"


def some(net: Any, table: str, indices: Any) -> str:
    """The first elements by name, and how many more there are."""
    names = ", ".join(element_name(net, table, index) for index in list(indices)[:EXAMPLES])
    more = len(indices) - EXAMPLES
    return f"{names} and {more} more" if more > 0 else names


def values(net: Any, table: str, column: str, default: float = np.nan) -> Floats:
    """A column as floats; NaN where a cell is no number, `default` where there is no such column."""
    import pandas as pd  # noqa: PLC0415

    found = net[table]
    if column not in found:
        return np.full(len(found), default)
    return np.asarray(pd.to_numeric(found[column], errors="coerce"), dtype=np.float64)


def active(net: Any, table: str) -> Mask:
    """Which elements are in service: all but those that plainly say no, so that no fault hides."""
    found = net[table]
    if "in_service" not in found:
        return np.ones(len(found), dtype=bool)
    return np.array([not _is_false(value) for value in found["in_service"]], dtype=bool)


def is_true(value: object) -> bool:
    """Whether a cell says yes; missing, or no truth value at all, is no."""
    return isinstance(value, (bool, np.bool_, int, float, np.number)) and not np.isnan(value) and bool(value)


def _is_false(value: object) -> bool:
    return isinstance(value, (bool, np.bool_, int, float, np.number)) and value == 0


def is_nothing(cell: object) -> bool:
    """Whether a cell is empty: None, NaN or pandas' NA."""
    return cell is None or (isinstance(cell, float) and np.isnan(cell)) or str(cell) == "<NA>"


def shown(value: object) -> str:
    """A cell as a person would read it, short."""
    text = repr(value.item() if isinstance(value, np.generic) else value)
    return text if len(text) <= 60 else text[:57] + "..."


def fault(
    net: Any,
    table: str,
    index: object,
    field: str,
    expected: str,
    *,
    repair: str,
    severity: Severity = "error",
) -> Finding:
    """One element's fault, with the value found where the field is a column."""
    column = net[table].get(field)
    found = None if column is None or index not in column.index else shown(column[index])
    return Finding(
        severity,
        element_name(net, table, index),
        expected,
        table=table,
        row=str(index),
        field=field,
        found=found,
        repair=repair,
    )


def each(
    net: Any,
    table: str,
    bad: Mask,
    field: str,
    expected: str,
    *,
    repair: str,
    severity: Severity = "error",
) -> Iterator[Finding]:
    """The same fault of every element in the mask."""
    for index in net[table].index[bad]:
        yield fault(net, table, index, field, expected, repair=repair, severity=severity)
