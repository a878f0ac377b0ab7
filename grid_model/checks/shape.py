"""Whether the tables have what pandapower needs: columns, whole and unique indices, cells of the right type.

Runs before all other checks: where a cell here is wrong, the rest may not be able to look.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

from grid_model.checks.frames import Mask, each, filled, frame, is_nothing, shown
from grid_model.errors import Finding

STANDARD_TABLES = (
    *("bus", "line", "trafo", "trafo3w", "load", "sgen", "storage", "asymmetric_load", "asymmetric_sgen"),
    *("ext_grid", "gen", "switch", "shunt", "ward", "xward", "impedance", "dcline"),
)

NUMBERS: dict[str, tuple[str, ...]] = {
    "bus": ("vn_kv",),
    "line": (
        *("length_km", "r_ohm_per_km", "x_ohm_per_km", "c_nf_per_km", "g_us_per_km"),
        *("max_i_ka", "df", "parallel"),
    ),
    "trafo": (
        *("sn_mva", "vn_hv_kv", "vn_lv_kv", "vk_percent", "vkr_percent", "pfe_kw", "i0_percent"),
        *("shift_degree", "parallel", "df"),
    ),
    "trafo3w": (
        *("sn_hv_mva", "sn_mv_mva", "sn_lv_mva", "vn_hv_kv", "vn_mv_kv", "vn_lv_kv"),
        *("vk_hv_percent", "vk_mv_percent", "vk_lv_percent"),
        *("vkr_hv_percent", "vkr_mv_percent", "vkr_lv_percent", "pfe_kw", "i0_percent"),
        *("shift_mv_degree", "shift_lv_degree"),
    ),
    "load": (
        *("p_mw", "q_mvar", "scaling"),
        *("const_z_p_percent", "const_i_p_percent", "const_z_q_percent", "const_i_q_percent"),
    ),
    "sgen": ("p_mw", "q_mvar", "scaling"),
    "storage": ("p_mw", "q_mvar", "scaling"),
    "asymmetric_load": ("p_a_mw", "p_b_mw", "p_c_mw", "q_a_mvar", "q_b_mvar", "q_c_mvar", "scaling"),
    "asymmetric_sgen": ("p_a_mw", "p_b_mw", "p_c_mw", "q_a_mvar", "q_b_mvar", "q_c_mvar", "scaling"),
    "ext_grid": ("vm_pu", "va_degree"),
    "gen": ("p_mw", "vm_pu", "scaling"),
    "switch": (),
    "shunt": ("q_mvar", "p_mw", "vn_kv", "step"),
    "ward": ("ps_mw", "qs_mvar", "pz_mw", "qz_mvar"),
    "xward": ("ps_mw", "qs_mvar", "pz_mw", "qz_mvar", "r_ohm", "x_ohm", "vm_pu"),
    "impedance": ("rft_pu", "xft_pu", "rtf_pu", "xtf_pu", "sn_mva"),
    "dcline": ("p_mw", "loss_percent", "loss_mw", "vm_from_pu", "vm_to_pu"),
}
"""Columns that pandapower's load flow calculates with; NaN in one is for the rule of that element to tell."""

OPTIONAL_NUMBERS: dict[str, tuple[str, ...]] = {
    "bus": ("min_vm_pu", "max_vm_pu"),
    "line": ("max_loading_percent",),
    "trafo": (
        *("max_loading_percent", "tap_neutral", "tap_min", "tap_max", "tap_pos"),
        *("tap_step_percent", "tap_step_degree"),
        *("tap2_neutral", "tap2_min", "tap2_max", "tap2_pos", "tap2_step_percent", "tap2_step_degree"),
    ),
    "trafo3w": ("tap_neutral", "tap_min", "tap_max", "tap_pos", "tap_step_percent", "tap_step_degree"),
    "switch": ("z_ohm", "in_ka"),
    "gen": ("min_p_mw", "max_p_mw", "min_q_mvar", "max_q_mvar"),
}

_REFERENCES: dict[str, tuple[str, ...]] = {
    "line": ("from_bus", "to_bus"),
    "trafo": ("hv_bus", "lv_bus"),
    "trafo3w": ("hv_bus", "mv_bus", "lv_bus"),
    "impedance": ("from_bus", "to_bus"),
    "dcline": ("from_bus", "to_bus"),
    "switch": ("bus", "element"),
}
TRUTHS: dict[str, tuple[str, ...]] = {
    table: ("closed",) if table == "switch" else ("in_service",) for table in STANDARD_TABLES
}
TRUTHS["gen"] = ("in_service", "slack")
_TEXTS = {table: ("name", "et") if table == "switch" else ("name",) for table in STANDARD_TABLES}


def references(table: str) -> tuple[str, ...]:
    """The columns of a table that name a bus or another element."""
    return () if table == "bus" else _REFERENCES.get(table, ("bus",))


def missing_tables(net: Any) -> Iterator[Finding]:
    """Tables that every pandapower network has."""
    for table in STANDARD_TABLES:
        if frame(net, table) is None:
            yield Finding(
                "error",
                f"table {table!r}",
                "missing; expected pandapower's standard tables",
                table=table,
                repair="write the network again with pandapower.to_json, which has it even when empty",
            )


def broken_shape(net: Any) -> Iterator[Finding]:
    """Indices, columns and cells that pandapower could not use. Asks for all tables to be there."""
    for table in STANDARD_TABLES:
        yield from _index(net, table)
        if not filled(net, table) or not net[table].index.is_unique:
            continue
        needed = (*references(table), *NUMBERS[table], *TRUTHS[table], *_TEXTS[table])
        for column in needed:
            if column not in net[table]:
                yield _no_column(table, column)
        yield from _doubled_columns(net, table)
        yield from _numbers(net, table)
        yield from _truths(net, table)
        yield from _names(net, table)


def _no_column(table: str, column: str) -> Finding:
    return Finding(
        "error",
        f"table {table!r}",
        f"has no column {column!r}",
        table=table,
        field=column,
        repair="add it; pandapower's create functions show what belongs there",
    )


def _index(net: Any, table: str) -> Iterator[Finding]:
    index = net[table].index
    bad = [one for one in index if not isinstance(one, (int, np.integer)) or isinstance(one, bool) or one < 0]
    for one in bad:
        yield Finding(
            "error",
            f"table {table!r}",
            "has an index that is no whole number of 0 or more",
            table=table,
            row=str(one),
            found=shown(one),
            repair="number the rows",
        )
    if not bad and not index.is_unique:
        for one in index[index.duplicated()].unique():
            yield Finding(
                "error",
                f"table {table!r}",
                f"has the index {one} several times; expected each once",
                table=table,
                row=str(one),
                repair="give each element its own index, also where switches and costs point at it",
            )
    elif not bad and index.dtype.kind not in "iu" and len(index):
        yield Finding("error", f"table {table!r}", "has an index that is not of whole numbers", table=table)


def _doubled_columns(net: Any, table: str) -> Iterator[Finding]:
    columns = net[table].columns
    for column in columns[columns.duplicated()].unique():
        yield Finding(
            "error", f"table {table!r}", f"has the column {column!r} several times", table=table, field=column
        )


@cache
def _empty_network() -> Any:
    """Made once: it takes pandapower a quarter of a second."""
    import pandapower  # noqa: PLC0415

    return pandapower.create_empty_network(add_stdtypes=False)


@cache
def _numeric_columns(table: str) -> tuple[str, ...]:
    """Columns that hold numbers in pandapower's own empty network, and those that it knows besides."""
    numeric = [str(column) for column, kind in _empty_network()[table].dtypes.items() if kind.kind in "iuf"]
    known = {*numeric, *NUMBERS[table], *OPTIONAL_NUMBERS.get(table, ())}
    return tuple(sorted(known - set(references(table))))


def _numbers(net: Any, table: str) -> Iterator[Finding]:
    for column in _numeric_columns(table):
        if column in net[table] and net[table][column].dtype.kind not in "iuf":
            yield from each(
                net,
                table,
                _no_number(net, table, column),
                column,
                f"{column} is not a number",
                repair="write a number without quotation marks or units",
            )
    for column in references(table):
        if column in net[table]:
            yield from each(
                net,
                table,
                _no_index(net, table, column),
                column,
                f"{column} is not the index of an element",
                repair="write the index of the element meant",
            )
            if net[table][column].dtype.kind == "f" and not _no_index(net, table, column).any():
                yield Finding(
                    "error",
                    f"table {table!r}",
                    f"holds the indices of {column} as floating-point numbers",
                    table=table,
                    field=column,
                    repair="convert the column to whole numbers",
                )


def _no_number(net: Any, table: str, column: str) -> Mask:
    """Cells that hold neither a number nor nothing at all; truth values are no numbers."""
    cells = net[table][column]
    return np.array(
        [
            (not isinstance(cell, (int, float, np.number)) or isinstance(cell, (bool, np.bool_)))
            and not is_nothing(cell)
            for cell in cells
        ],
        dtype=bool,
    )


def _no_index(net: Any, table: str, column: str) -> Mask:
    cells = net[table][column]
    if cells.dtype.kind in "iu":
        return np.zeros(len(cells), dtype=bool)
    return np.array([not _whole(cell) for cell in cells], dtype=bool)


def _whole(cell: object) -> bool:
    """Whether a cell is a whole number, if as a float: pandas makes them floats where one is missing."""
    if isinstance(cell, (bool, np.bool_)) or not isinstance(cell, (int, float, np.number)):
        return False
    return bool(np.isfinite(cell)) and float(cell).is_integer()


def _truths(net: Any, table: str) -> Iterator[Finding]:
    for column in TRUTHS[table]:
        if column not in net[table] or net[table][column].dtype.kind == "b":
            continue
        wrong = np.array(
            [not isinstance(cell, (bool, np.bool_)) and cell not in (0, 1) for cell in net[table][column]],
            dtype=bool,
        )
        yield from each(
            net, table, wrong, column, f"{column} is neither true nor false", repair="write true or false"
        )


def _names(net: Any, table: str) -> Iterator[Finding]:
    """A name may be missing, and some exports number their elements; a list or an object is none."""
    if "name" in net[table]:
        wrong = np.array(
            [
                not isinstance(cell, (str, int, float, np.generic)) and not is_nothing(cell)
                for cell in net[table]["name"]
            ],
            dtype=bool,
        )
        yield from each(net, table, wrong, "name", "name is no text", repair="write a name, or nothing")


def usable(net: Any) -> bool:
    """Whether every table can be indexed by its elements, which all further checks need."""
    return all(net[table].index.is_unique and net[table].columns.is_unique for table in STANDARD_TABLES)


def about_references(finding: Finding) -> bool:
    """Whether a fault of shape makes it impossible to follow elements to their buses."""
    return finding.field is None or finding.table is None or finding.field in references(finding.table)
