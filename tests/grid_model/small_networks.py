"""Small networks written out, for what no published network has."""

import copy
from typing import Any

import pandapower as pp

from grid_model.network import Network, network_of


def street(houses: int = 4, *, kva: float = 250.0, v_grid_pu: float = 1.0, span_km: float = 0.08) -> Any:
    """A 20/0.4 kV substation and one cable from house to house, each of 5 kW and 1 kvar."""
    net = pp.create_empty_network()
    mv = pp.create_bus(net, 20.0, name="MV")
    busbar = pp.create_bus(net, 0.4, name="busbar")
    pp.create_ext_grid(net, mv, vm_pu=v_grid_pu)
    pp.create_transformer_from_parameters(
        net,
        mv,
        busbar,
        sn_mva=kva / 1000,
        vn_hv_kv=20.0,
        vn_lv_kv=0.4,
        vk_percent=4.0,
        vkr_percent=1.2,
        pfe_kw=0.5,
        i0_percent=0.3,
        name="substation",
    )
    before = busbar
    for house in range(houses):
        bus = pp.create_bus(net, 0.4, name=f"bus {house}")
        pp.create_line_from_parameters(
            net,
            before,
            bus,
            length_km=span_km,
            r_ohm_per_km=0.32,
            x_ohm_per_km=0.08,
            c_nf_per_km=200.0,
            max_i_ka=0.1,
            name=f"cable {house}",
        )
        pp.create_load(net, bus, p_mw=0.005, q_mvar=0.001, name=f"house {house}")
        before = bus
    return net


def loaded(net: Any, *, metered_generation: bool = False) -> Network:
    """The network of a copy of `net`."""
    return network_of(copy.deepcopy(net), "small", metered_generation=metered_generation)
