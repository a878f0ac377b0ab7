"""What lines and transformers are as things one buys: length and rated power, for planners.

In the order of `Network.lines` and `Network.transformers`.
"""

from dataclasses import dataclass

import numpy as np

from grid_model.network import Floats, Network


@dataclass(frozen=True)
class Equipment:
    """What stands in the ground."""

    line_km: Floats
    """(n_line,) of the route: parallel systems lie in the same trench"""
    transformer_kva: Floats
    """(n_trafo,) rated apparent power, all parallel units together; of three windings the largest"""


def equipment_of(network: Network) -> Equipment:
    """Lengths and ratings as pandapower's tables have them (`length_km`, `sn_mva`, `parallel`)."""
    net = network.net
    two = net.trafo.sn_mva.to_numpy(dtype=np.float64) * net.trafo.parallel.to_numpy(dtype=np.float64)
    columns = ["sn_hv_mva", "sn_mv_mva", "sn_lv_mva"]
    three = net.trafo3w[columns].to_numpy(dtype=np.float64).reshape(-1, 3).max(axis=1, initial=0.0)
    return Equipment(
        line_km=net.line.length_km.to_numpy(dtype=np.float64),
        transformer_kva=1000 * np.concatenate([two, three]),
    )
