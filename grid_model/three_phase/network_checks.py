"""What an unbalanced load flow needs beyond a balanced one: all findings at once and by name [before 2].

Zero-sequence data of lines and transformers, the impedance of the external grid, and customers on phases.
Looks at the pandapower frames only.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from grid_model.checks.frames import values as numbers
from grid_model.errors import Finding
from grid_model.network_checks import element_name

CUSTOMER_TABLES = ("asymmetric_load", "load")
POWER_COLUMNS = {
    "asymmetric_load": ("p_a_mw", "p_b_mw", "p_c_mw", "q_a_mvar", "q_b_mvar", "q_c_mvar", "scaling"),
    "load": ("p_mw", "q_mvar", "scaling"),
}
REQUIRED = {
    "line": ("r0_ohm_per_km", "x0_ohm_per_km", "c0_nf_per_km"),
    "trafo": ("vk0_percent", "vkr0_percent", "mag0_percent", "mag0_rx", "si0_hv_partial"),
    "ext_grid": ("s_sc_max_mva", "rx_max", "r0x0_max", "x0x_max"),
}
"""What pandapower's `runpp_3ph` reads beyond `runpp`."""
VECTOR_GROUPS = ("Dyn", "YNyn", "Yzn")
_WITHOUT_MODEL = (
    "gen",
    "trafo3w",
    "ward",
    "xward",
    "motor",
    "impedance",
    "dcline",
    "svc",
    "tcsc",
    "ssc",
    "vsc",
)
_DEPENDENCE = ("const_z_p_percent", "const_i_p_percent", "const_z_q_percent", "const_i_q_percent")
_EXAMPLES = 5


def check_three_phase(net: Any) -> tuple[Finding, ...]:
    """All findings of what only an unbalanced load flow needs; empty when the network has it all."""
    return (*_tables(net), *_customers(net), *_zero_sequence(net), *_vector_groups(net), *_without_model(net))


def missing_rows(net: Any, table: str) -> Any:
    """The elements in service that lack at least one number of `REQUIRED`: an index of the frame."""
    frame = active(net, table)
    columns = [column for column in REQUIRED[table] if column in frame]
    if len(columns) < len(REQUIRED[table]):
        return frame.index
    known = np.stack([np.isfinite(numbers(net, table, column)) for column in columns], axis=-1)
    return frame.index[~known[np.asarray(net[table].in_service, dtype=bool)].all(axis=-1)]


def active(net: Any, table: str) -> Any:
    """The rows in service."""
    return net[table][net[table].in_service.astype(bool)]


def _tables(net: Any) -> Iterator[Finding]:
    for table in CUSTOMER_TABLES:
        lost = net[table].index[~net[table].bus.isin(net.bus.index)]
        for index in lost:
            bus = net[table].bus[index]
            expected = f"bus is {bus}, which does not exist"
            yield Finding("error", element_name(net, table, int(index)), expected)


def _customers(net: Any) -> Iterator[Finding]:
    if not any(len(active(net, table)) for table in CUSTOMER_TABLES):
        expected = "has neither an asymmetric_load nor a load in service; expected at least one service point"
        yield Finding("error", "network", expected)
    for table in CUSTOMER_TABLES:
        frame = active(net, table)
        for column in POWER_COLUMNS[table]:
            for index in frame.index[~np.isfinite(frame[column].astype(float))]:
                expected = f"{column} is not a number; expected a finite one"
                yield Finding("error", element_name(net, table, int(index)), expected)
    names = [name for table in CUSTOMER_TABLES for name in active(net, table).name]
    for name, uses in Counter(name for name in names if isinstance(name, str) and name).items():
        if uses > 1:
            expected = f"used {uses} times; address these by their ids, such as asymmetric_load:3"
            yield Finding("warning", f"customer name {name!r}", expected)
    at_work = np.asarray(net.load.in_service, dtype=bool)
    if any(np.nan_to_num(numbers(net, "load", column, 0.0)[at_work]).any() for column in _DEPENDENCE):
        expected = "depend on voltage; the unbalanced load flow takes their power as constant"
        yield Finding("warning", "loads", expected)


def _zero_sequence(net: Any) -> Iterator[Finding]:
    for table, columns in REQUIRED.items():
        rows = missing_rows(net, table)
        if not len(rows):
            continue
        names = ", ".join(element_name(net, table, int(index)) for index in rows[:_EXAMPLES])
        more = f" and {len(rows) - _EXAMPLES} more" if len(rows) > _EXAMPLES else ""
        expected = f"missing or not a number for {names}{more}; give them, or allow typical values"
        yield Finding("error", f"{table}: {', '.join(columns)}", expected)


def _vector_groups(net: Any) -> Iterator[Finding]:
    known = {group.lower() for group in VECTOR_GROUPS}
    trafos = active(net, "trafo")
    groups = trafos.vector_group if "vector_group" in trafos else [None] * len(trafos)
    for index, group in zip(trafos.index, groups, strict=True):
        if not isinstance(group, str) or group.lower() not in known:
            expected = f"vector_group is {group!r}; expected one of {', '.join(VECTOR_GROUPS)}"
            yield Finding("error", element_name(net, "trafo", int(index)), expected)


def _without_model(net: Any) -> Iterator[Finding]:
    for table in _WITHOUT_MODEL:
        if table in net and len(net[table]) and (count := len(active(net, table))):
            expected = f"{count} in service; the unbalanced load flow has no model of them"
            yield Finding("error", f"table {table!r}", expected)
