"""What a file leaves open and a load flow needs: filled in where it is safe, and told [before 2].

Nothing here is silent: each value that was assumed becomes a warning with the elements it stands for.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from grid_model.checks.frames import filled, some, values
from grid_model.errors import Finding
from grid_model.sources.notes import note

NO_RATING_KA = 99_999.0
"""What pandapower's converters write where a file has no rating."""
_ASSUMED = {
    "line": {"c_nf_per_km": 0.0, "g_us_per_km": 0.0, "df": 1.0, "parallel": 1},
    "trafo": {"pfe_kw": 0.0, "i0_percent": 0.0, "shift_degree": 0.0, "df": 1.0, "parallel": 1},
    "load": {"p_mw": 0.0, "q_mvar": 0.0, "scaling": 1.0},
    "sgen": {"q_mvar": 0.0, "scaling": 1.0},
}


def complete(net: Any) -> None:
    """Names and ratings, which any source may lack. A line without rating is calculated and not checked: the
    checks tell it of so large a rating."""
    for table in ("bus", "line", "trafo", "trafo3w", "load"):
        if filled(net, table) and "name" not in net[table]:
            net[table]["name"] = None
    if filled(net, "line") and "max_i_ka" in net["line"] and net["line"]["max_i_ka"].dtype.kind == "f":
        missing = np.isnan(values(net, "line", "max_i_ka"))
        if missing.any():
            net["line"].loc[missing, "max_i_ka"] = NO_RATING_KA


def complete_converted(net: Any) -> None:
    """As `complete`, with what other formats than pandapower's own need not have: shunt values, factors,
    the loads' own power."""
    for table, columns in _ASSUMED.items():
        if not filled(net, table):
            continue
        for column, value in columns.items():
            missing = np.isnan(values(net, table, column))
            if missing.any():
                note(net, [_assumed(net, table, column, missing, f"no {column}: taken as {value:g}")])
                net[table][column] = np.where(missing, value, values(net, table, column))
    complete(net)


def name_by_id(net: Any, tables: Iterable[str] = ("bus", "line", "trafo", "load", "ext_grid")) -> None:
    """Elements without a name, or whose name is not theirs alone, take the id they have in the file."""
    for table in tables:
        if not filled(net, table) or "origin_id" not in net[table]:
            continue
        names = net[table]["name"].where(net[table]["name"].map(lambda name: isinstance(name, str)), None)
        shared = names.duplicated(keep=False) & names.notna() if table == "load" else names.isna() & False
        nameless = names.isna() | (names == "") | shared
        ids = net[table]["origin_id"].astype(str).str.removeprefix("_")
        if shared.any():
            expected = "have names that others have as well: named by their id (mRID) instead"
            subject = f"{np.count_nonzero(shared)} of table {table!r}"
            examples = sorted(set(names[shared]))[:5]
            note(
                net,
                [
                    Finding(
                        "warning", subject, f"{expected}: {', '.join(examples)}", table=table, field="name"
                    )
                ],
            )
        net[table]["name"] = names.where(~nameless, ids).astype(object)


def _assumed(net: Any, table: str, column: str, missing: Any, expected: str) -> Finding:
    indices = net[table].index[missing]
    return Finding(
        "warning",
        f"{len(indices)} of table {table!r}",
        f"{expected}: {some(net, table, indices)}",
        table=table,
        field=column,
        repair=f"write {column} in the file",
    )
