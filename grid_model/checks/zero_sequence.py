"""What an unbalanced (three-phase) load flow would need and the network does not have: told when asked."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from grid_model.checks.frames import filled, has, values
from grid_model.errors import Finding

_NEEDED = {
    "line": ("r0_ohm_per_km", "x0_ohm_per_km", "c0_nf_per_km"),
    "trafo": ("vk0_percent", "vkr0_percent", "mag0_percent", "mag0_rx", "si0_hv_partial"),
    "ext_grid": ("s_sc_max_mva", "rx_max", "r0x0_max", "x0x_max"),
}


def zero_sequence(net: Any) -> Iterator[Finding]:
    """One info per table that lacks zero-sequence data (needed by pandapower.runpp_3ph)."""
    for table, columns in _NEEDED.items():
        if not filled(net, table):
            continue
        lacking = [
            column
            for column in columns
            if not has(net, table, column) or not np.isfinite(values(net, table, column)).all()
        ]
        if table == "trafo" and not has(net, table, "vector_group"):
            lacking.append("vector_group")
        if lacking:
            yield Finding(
                "info",
                f"table {table!r}",
                f"has no zero-sequence data ({', '.join(lacking)}): balanced load flow only",
                table=table,
                field=lacking[0],
                repair="add them for a load flow per phase",
            )
