"""Typical zero-sequence data for networks that carry none, on explicit request only [before 2].

Balanced studies need none, so SimBench's networks, for example, have none. What is filled in is told as a
warning: results per phase are then estimates, good enough to see which phase is full, not to settle disputes.

* Lines: R0 = 4 R1 and X0 = 4 X1, which IEC TR 60909-2 (VDE 0102 supplement 4) gives for four-core cables
  whose neutral, of the phases' own section, carries the return: Z0 = Z1 + 3 Z_N. C0 = C1: with no metal
  sheath the capacitance hardly matters at low voltage.
* Transformers: Dyn with the leakage of the positive sequence, a
  zero-sequence magnetising impedance equal to it, 90 % of it at the delta side: the data of the IEEE European
  low-voltage test feeder (IEEE PES Distribution Test Feeder Working Group, 2015).
* External grid: 500 MVA at R/X = 0.1, a usual 10 to 20 kV busbar; zero sequence as positive.
"""

from typing import Any

import numpy as np

from grid_model.checks.frames import values as numbers
from grid_model.errors import Finding
from grid_model.three_phase.network_checks import REQUIRED, active, missing_rows

LINE_RATIO = 4.0
"""R0 / R1 and X0 / X1."""
_TRANSFORMER = {"mag0_percent": 100.0, "mag0_rx": 0.0, "si0_hv_partial": 0.9}
_EXTERNAL_GRID = {"s_sc_max_mva": 500.0, "rx_max": 0.1, "r0x0_max": 0.1, "x0x_max": 1.0}


def fill_typical_values(net: Any) -> tuple[Finding, ...]:
    """Fill what is missing into `net`, element by element, and tell. What is there stays."""
    line, trafo = net.line, net.trafo
    typical: dict[str, dict[str, Any]] = {
        "line": {
            "r0_ohm_per_km": LINE_RATIO * line.r_ohm_per_km,
            "x0_ohm_per_km": LINE_RATIO * line.x_ohm_per_km,
            "c0_nf_per_km": line.c_nf_per_km,
        },
        "trafo": {"vk0_percent": trafo.vk_percent, "vkr0_percent": trafo.vkr_percent, **_TRANSFORMER},
        "ext_grid": _EXTERNAL_GRID,
    }
    findings = [*_fill_vector_groups(net)]
    for table, values in typical.items():
        rows = missing_rows(net, table)
        for column, value in values.items():
            _fill(net, table, column, value)
        if len(rows):
            expected = f"typical values assumed for {len(rows)} elements, as the network has none"
            findings.append(Finding("warning", f"{table}: {', '.join(REQUIRED[table])}", expected))
    return tuple(findings)


def _fill(net: Any, table: str, column: str, value: Any) -> None:
    found = numbers(net, table, column)
    net[table][column] = np.where(np.isfinite(found), found, value)


def _fill_vector_groups(net: Any) -> tuple[Finding, ...]:
    if "vector_group" not in net.trafo:
        net.trafo["vector_group"] = None
    named = net.trafo.vector_group.map(lambda group: isinstance(group, str) and bool(group))
    rows = active(net, "trafo").index.intersection(net.trafo.index[~named])
    net.trafo["vector_group"] = net.trafo.vector_group.astype(object).where(named, "Dyn")
    if not len(rows):
        return ()
    return (Finding("warning", "trafo: vector_group", f"Dyn assumed for {len(rows)} transformers"),)
