"""What is wrong with a network, all at once and by name [before 2].

Looks at the pandapower frames only; runs no load flow. An error makes the network unusable, a warning is told
to the user and lived with.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grid_model.errors import Finding

Mask = NDArray[np.bool_]

_ENDS: tuple[tuple[str, str], ...] = (
    ("line", "from_bus"),
    ("line", "to_bus"),
    ("trafo", "hv_bus"),
    ("trafo", "lv_bus"),
    ("load", "bus"),
    ("sgen", "bus"),
    ("ext_grid", "bus"),
)
_EXAMPLES = 5


def check_net(net: Any) -> tuple[Finding, ...]:
    """All findings, errors first."""
    broken = [*_no_tables(net)] or [*_dangling(net)]
    if broken:
        return tuple(broken)
    findings = [finding for check in _CHECKS for finding in check(net)]
    return tuple(sorted(findings, key=lambda finding: finding.severity != "error"))


def element_name(net: Any, table: str, index: int) -> str:
    """An element as its user would name it: `line 'LV1.101 Line 3' (line:3)`."""
    word = {"trafo": "transformer", "ext_grid": "external grid"}.get(table, table)
    name = net[table]["name"].get(index)
    if isinstance(name, str) and name:
        return f"{word} {name!r} ({table}:{index})"
    return f"{word} {table}:{index}"


def _error(net: Any, table: str, index: int, expected: str) -> Finding:
    return Finding("error", element_name(net, table, index), expected)


def _values(net: Any, table: str, column: str, default: float = np.nan) -> NDArray[np.float64]:
    frame = net[table]
    if column not in frame:
        return np.full(len(frame), default)
    import pandas as pd  # noqa: PLC0415

    return np.asarray(pd.to_numeric(frame[column], errors="coerce"), dtype=np.float64)


def _active(net: Any, table: str) -> Mask:
    return np.asarray(net[table]["in_service"].fillna(value=False), dtype=bool)


def _each(net: Any, table: str, bad: Mask, expected: str) -> Iterator[Finding]:
    for index in net[table].index[bad]:
        yield _error(net, table, int(index), expected)


def _no_tables(net: Any) -> Iterator[Finding]:
    for table in ("bus", "line", "trafo", "load", "ext_grid", "switch", "sgen"):
        if table not in net or not hasattr(net[table], "columns"):
            yield Finding("error", f"table {table!r}", "missing; expected pandapower's standard tables")


def _dangling(net: Any) -> Iterator[Finding]:
    buses = net.bus.index
    for table, column in _ENDS:
        if column not in net[table]:
            yield Finding("error", f"table {table!r}", f"has no column {column!r}")
            continue
        lost = ~net[table][column].isin(buses).to_numpy()
        for index, bus in zip(net[table].index[lost], net[table][column][lost], strict=True):
            yield _error(net, table, int(index), f"{column} is bus {bus}, which does not exist")


def _external_grid(net: Any) -> Iterator[Finding]:
    slack_generator = len(net.gen) and bool((net.gen.slack & net.gen.in_service).any())
    if not _active(net, "ext_grid").any() and not slack_generator:
        yield Finding("error", "network", "has no external grid in service; expected at least one")


def _loads(net: Any) -> Iterator[Finding]:
    active = _active(net, "load")
    if not active.any():
        yield Finding("error", "network", "has no load in service; expected at least one service point")
    if (idle := np.count_nonzero(~active)) and active.any():
        names = [element_name(net, "load", int(index)) for index in net.load.index[~active][:_EXAMPLES]]
        yield Finding("warning", f"{idle} loads", f"out of service, so no service points: {', '.join(names)}")
    for column in ("p_mw", "q_mvar", "scaling"):
        bad = active & ~np.isfinite(_values(net, "load", column))
        yield from _each(net, "load", bad, f"{column} is not a number; expected a finite one")


def _duplicate_names(net: Any) -> Iterator[Finding]:
    names = net.load.name[_active(net, "load")]
    names = names[names.map(lambda name: isinstance(name, str) and bool(name))]
    for name, rows in names.groupby(names):
        if len(rows) > 1:
            ids = ", ".join(f"load:{index}" for index in rows.index)
            yield Finding(
                "warning",
                f"load name {name!r}",
                f"used {len(rows)} times; address these loads as {ids} instead",
            )


def _lines(net: Any) -> Iterator[Finding]:
    active = _active(net, "line")
    rating = _values(net, "line", "max_i_ka") * _values(net, "line", "df", 1.0)
    rating = rating * _values(net, "line", "parallel", 1.0)
    yield from _each(
        net, "line", active & ~(rating > 0), "has no rating (max_i_ka, df, parallel); expected above 0"
    )
    length = _values(net, "line", "length_km")
    yield from _each(net, "line", active & ~(length > 0), "length_km is missing or not above 0")
    r, x = _values(net, "line", "r_ohm_per_km"), _values(net, "line", "x_ohm_per_km")
    yield from _each(net, "line", active & ~(np.isfinite(r) & np.isfinite(x)), "r or x is missing")
    yield from _each(
        net, "line", active & ((r < 0) | (x < 0)), "negative impedance; expected r and x of 0 or more"
    )
    yield from _each(
        net, "line", active & (r == 0) & (x == 0), "zero impedance; use a bus-bus switch instead"
    )


def _transformers(net: Any) -> Iterator[Finding]:
    active = _active(net, "trafo")
    for column, meaning in (("sn_mva", "rating"), ("vn_hv_kv", "voltage"), ("vn_lv_kv", "voltage")):
        bad = active & ~(_values(net, "trafo", column) > 0)
        yield from _each(net, "trafo", bad, f"has no {meaning} ({column}); expected above 0")
    for column in ("df", "parallel"):
        bad = active & ~(_values(net, "trafo", column, 1.0) > 0)
        yield from _each(net, "trafo", bad, f"{column} is not above 0")
    vk, vkr = _values(net, "trafo", "vk_percent"), _values(net, "trafo", "vkr_percent")
    yield from _each(net, "trafo", active & ~(vk > 0), "vk_percent is missing, 0 or negative")
    yield from _each(
        net, "trafo", active & ~((vkr >= 0) & (vkr <= vk)), "vkr_percent is not between 0 and vk_percent"
    )


def _voltages(net: Any) -> Iterator[Finding]:
    yield from _each(
        net,
        "bus",
        _active(net, "bus") & ~(_values(net, "bus", "vn_kv") > 0),
        "vn_kv is missing or not above 0",
    )
    for table in ("ext_grid",):
        bad = _active(net, table) & ~(_values(net, table, "vm_pu") > 0)
        yield from _each(net, table, bad, "vm_pu is missing or not above 0")


def _supply(net: Any) -> Iterator[Finding]:
    """Buses that no external grid reaches: an error where a load hangs on them."""
    from pandapower.topology import unsupplied_buses  # noqa: PLC0415

    if not _active(net, "ext_grid").any():
        return
    dark = set(unsupplied_buses(net)) | set(net.bus.index[~_active(net, "bus")])
    loaded = set(net.load.bus[_active(net, "load")]) & dark
    for bus in sorted(loaded):
        yield _error(net, "bus", int(bus), "carries loads but is not connected to any external grid")
    if idle := sorted(dark - loaded):
        names = ", ".join(element_name(net, "bus", int(bus)) for bus in idle[:_EXAMPLES])
        more = f" and {len(idle) - _EXAMPLES} more" if len(idle) > _EXAMPLES else ""
        yield Finding("warning", f"{len(idle)} buses", f"without loads and not supplied: {names}{more}")


def _three_windings(net: Any) -> Iterator[Finding]:
    if count := len(net.trafo3w):
        yield Finding(
            "warning",
            f"{count} three-winding transformers",
            "are part of the load flow, but their loading is not checked",
        )


_CHECKS: tuple[Callable[[Any], Iterator[Finding]], ...] = (
    _external_grid,
    _loads,
    _duplicate_names,
    _lines,
    _transformers,
    _voltages,
    _supply,
    _three_windings,
)
