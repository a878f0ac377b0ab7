"""[1] What a service point can physically take or give: a reading beyond it is wrong, not high."""

import numpy as np

from grid_model.network import BEHIND_METERS, Floats, Network

SERVICE_FUSE_KW = 43.5
"""3 × 63 A × 230 V: what a household's connection carries."""
_FACTOR = 1.2
"""A fuse lets this much through for long (reliability rule C8: P > fuse x 1.2 is outside physics)."""


def connection_limits_kw(network: Network) -> Floats:
    """(n_sp,) 1.2 times what the strongest line or transformer at the service point's bus may carry.

    The connection itself is not in the network; no customer draws more than the cable in the street. A bus
    that only bus-bus switches connect gets the largest bound of its voltage level.
    """
    kva = np.zeros(len(network.buses.ids))
    net = network.net
    line = np.array(net.line.max_i_ka * net.line.df * net.line.parallel, dtype=np.float64) * 1000 * np.sqrt(3)
    trafo = (
        np.concatenate([net.trafo.sn_mva * net.trafo.parallel * net.trafo.df, net.trafo3w.sn_lv_mva]) * 1000
    )
    trafo_active = np.concatenate([net.trafo.in_service, net.trafo3w.in_service])
    for branches, rating, active in (
        (network.lines, line * network.buses.vn_kv[network.lines.from_bus], net.line.in_service),
        (network.transformers, trafo, trafo_active),
    ):
        usable = np.where(np.array(active, dtype=bool), rating, 0.0)
        for end in (branches.from_bus, branches.to_bus):
            np.maximum.at(kva, end, usable)
    for bus in np.flatnonzero(kva == 0):
        kva[bus] = kva[network.buses.vn_kv == network.buses.vn_kv[bus]].max()
    return _FACTOR * np.where(kva > 0, kva, np.inf)[network.service_point_bus]


def household_bound_kw(network: Network) -> Floats:
    """(n_sp,) what a household's connection carries, or twice its default power where that is more."""
    return np.asarray(np.maximum(SERVICE_FUSE_KW, 2 * np.abs(network.default_p_kw)))


def generation_kw(network: Network) -> Floats:
    """(n_sp,) rated power of the generators and storages at the service point's bus, also of those that are
    switched off as metered (`load_network`): so much it may feed in, or a storage take, beside its load.
    """
    kw = np.zeros(len(network.buses.ids))
    position = {bus: place for place, bus in enumerate(network.net.bus.index)}
    for table in BEHIND_METERS:
        units = network.net[table]
        columns = [column for column in ("p_mw", "p_a_mw", "p_b_mw", "p_c_mw") if column in units]
        rated_kw = np.abs(units[columns].sum(axis=1) * units.scaling) * 1000
        np.add.at(kw, [position[bus] for bus in units.bus], rated_kw)
    return kw[network.service_point_bus]
