"""The substation's readings of `gridward check`: a CSV with one row for each measured transformer or outgoing
line.

Knows the network's elements, no load flow. What flows towards the customers is positive.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from grid_model.errors import Finding
from grid_model.estimation.measurements import (
    Measurement,
    Side,
    feeder_readings,
    outgoing_lines,
    transformer_readings,
)
from grid_model.network import Network
from gridward.check.tables import Cells, table_rows, voltage

COLUMNS = "p_kw[,q_kvar,i_a,v_pu,element]"
"""As `--help` shows them."""


@dataclass(frozen=True, slots=True)
class SubstationRow:
    """One transformer or outgoing line; None where it is not measured."""

    cells: Cells
    element: str
    """"" for the only transformer"""
    p_kw: float | None
    q_kvar: float | None
    i_a: float | None
    v_pu: float | None


def read_substation(path: Path, findings: list[Finding]) -> list[SubstationRow]:
    """`p_kw[,q_kvar,i_a,v_pu,element]`."""
    rows = [
        SubstationRow(
            cells=cells,
            element=cells.values.get("element", ""),
            p_kw=cells.number("p_kw", "kW", optional=True),
            q_kvar=cells.number("q_kvar", "kvar", optional=True),
            i_a=cells.number("i_a", "A, the mean of the phases,", lowest=0.0, optional=True),
            v_pu=voltage(cells),
        )
        for cells in table_rows(path, ("p_kw",), findings)
    ]
    for row in rows:
        if not any(row.cells.values.get(column) for column in ("p_kw", "q_kvar", "i_a", "v_pu")):
            row.cells.error(
                "p_kw", "is empty; expected at least one of p_kw, q_kvar, i_a and v_pu in the row"
            )
    if not rows and not findings:
        expected = "has no readings; expected at least one row below the header"
        findings.append(Finding("error", path.name, expected))
    return rows


def place_substation(rows: Sequence[SubstationRow], network: Network) -> tuple[Measurement, ...]:
    """The readings on the network's elements; what does not fit is noted in its row."""
    outgoing = _outgoing(network)
    found: list[Measurement] = []
    seen: dict[str, int] = {}
    for row in rows:
        element = _element(row, network, outgoing)
        if element is None:
            continue
        if seen.setdefault(element, row.cells.row) != row.cells.row:
            row.cells.error(
                "element", f"{element} is already in row {seen[element]}; expected each only once"
            )
            continue
        found += _readings(row, element, network, outgoing)
    return tuple(found)


def _outgoing(network: Network) -> dict[str, Side]:
    """The lines that begin at a transformer's low-voltage bus, with their side there."""
    busbars = np.unique(network.transformers.to_bus).tolist()
    return {line: side for busbar in busbars for line, side in outgoing_lines(network, busbar)}


def _element(row: SubstationRow, network: Network, outgoing: dict[str, Side]) -> str | None:
    transformers = network.transformers.ids
    if not row.element:
        if len(transformers) == 1:
            return transformers[0]
        row.cells.error(
            "element",
            f"is empty, and the network has {len(transformers)} transformers; "
            f"expected {_some(network, outgoing)}",
        )
        return None
    lines = network.lines
    by_id = {element: element for element in (*transformers, *lines.ids)}
    tables = (network.transformers, lines)
    matches = [
        element for table in tables for element, name in zip(table.ids, table.names, strict=True)
        if name == row.element
    ]  # fmt: skip
    element = by_id.get(row.element) or (matches[0] if len(matches) == 1 else None)
    if element is None or (element not in outgoing and element not in transformers):
        why = f"is the name of {len(matches)} elements" if len(matches) > 1 else (
            "is none of the network" if element is None else "does not begin at a transformer"
        )  # fmt: skip
        row.cells.error("element", f"{row.element!r} {why}; expected {_some(network, outgoing)}")
        return None
    return element


def _some(network: Network, outgoing: dict[str, Side]) -> str:
    """What may stand there, as examples."""
    known = [*network.transformers.ids[:2], *list(outgoing)[:2]]
    return f"a transformer or an outgoing line, for example {' or '.join(known)}" if known else (
        "no substation file: the network has no transformer"
    )  # fmt: skip


def _readings(
    row: SubstationRow, element: str, network: Network, outgoing: dict[str, Side]
) -> tuple[Measurement, ...]:
    if element not in network.transformers.ids:
        line = feeder_readings(
            network, element, p_kw=row.p_kw, q_kvar=row.q_kvar, i_a=row.i_a, side=outgoing[element]
        )
        if row.v_pu is not None:
            expected = "is given for a line; expected the voltage of the busbar in the transformer's row"
            row.cells.error("v_pu", expected)
        return line
    return transformer_readings(
        network,
        p_kw=row.p_kw,
        q_kvar=row.q_kvar,
        i_a=row.i_a,
        v_pu=row.v_pu,
        position=network.transformers.ids.index(element),
    )
