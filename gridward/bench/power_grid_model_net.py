"""A pandapower network for power-grid-model, another load flow to compare with: what the benchmark needs.

Lines, two-winding transformers at their present tap, external grids, switches, and all that takes or gives
constant power.
Voltages agree with `runpp` within about 1e-5 pu (the transformers' models differ), and the benchmark says how
well. Nodes are numbered like `Network.buses`, other components after them.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from power_grid_model import (
    CalculationMethod,
    ComponentType,
    LoadGenType,
    PowerGridModel,
    WindingType,
    initialize_array,
)

from grid_model.network import Floats, Network

_STIFF_VA = 1e20
"""Short-circuit power of an external grid that holds its voltage."""
_STANDS_PU = 1e-8
"""What power-grid-model asks of its last step unless told otherwise."""


class PowerGridModelNet:
    """One network, solved by power-grid-model's iterative current method on one thread."""

    def __init__(self, network: Network) -> None:
        net = network.net
        self._place = {bus: place for place, bus in enumerate(net.bus.index)}
        parts = {
            ComponentType.node: self._nodes(net),
            ComponentType.source: self._sources(net),
            ComponentType.line: self._lines(net),
            ComponentType.transformer: self._transformers(net),
            ComponentType.link: self._links(net),
            ComponentType.sym_gen: self._generators(net),
            ComponentType.sym_load: self._loads(network),
        }
        first = 0
        for part in parts.values():
            part["id"] = first + np.arange(len(part))
            first += len(part)
        self._loads_id = parts[ComponentType.sym_load]["id"]
        self._model = PowerGridModel({table: part for table, part in parts.items() if len(part)})

    def changed(self, p_kw: Floats, q_kvar: Floats) -> dict[ComponentType, Any]:
        """Snapshots (..., n_sp) as power-grid-model takes them."""
        loads = initialize_array("update", "sym_load", p_kw.shape)
        loads["id"] = self._loads_id
        loads["p_specified"], loads["q_specified"] = p_kw * 1e3, q_kvar * 1e3
        return {ComponentType.sym_load: loads}

    def solve(self, changed: dict[ComponentType, Any]) -> Any:
        """One snapshot: what it answers for nodes, lines and transformers."""
        self._model.update(update_data=changed)
        return self._model.calculate_power_flow(
            calculation_method=CalculationMethod.iterative_current,
            error_tolerance=_STANDS_PU,
            threading=-1,
            output_component_types=[ComponentType.node, ComponentType.line, ComponentType.transformer],
        )

    def solve_batch(self, changed: dict[ComponentType, Any]) -> Any:
        """Many snapshots at once, on one thread."""
        return self._model.calculate_power_flow(
            calculation_method=CalculationMethod.iterative_current,
            error_tolerance=_STANDS_PU,
            update_data=changed,
            threading=-1,
            output_component_types=[ComponentType.node, ComponentType.line, ComponentType.transformer],
        )

    def v_pu(self, answer: Any) -> Floats:
        """(..., n_bus) voltages off an answer."""
        return np.asarray(answer[ComponentType.node]["u_pu"], dtype=np.float64)

    def _places(self, buses: Any) -> NDArray[np.int64]:
        return np.array([self._place[bus] for bus in buses], dtype=np.int64)

    def _nodes(self, net: Any) -> Any:
        nodes = initialize_array("input", "node", len(net.bus))
        nodes["u_rated"] = net.bus.vn_kv * 1e3
        return nodes

    def _sources(self, net: Any) -> Any:
        sources = initialize_array("input", "source", len(net.ext_grid))
        sources["node"] = self._places(net.ext_grid.bus)
        sources["status"] = net.ext_grid.in_service
        sources["u_ref"] = net.ext_grid.vm_pu
        sources["u_ref_angle"] = np.radians(net.ext_grid.va_degree)
        sources["sk"] = _STIFF_VA
        return sources

    def _lines(self, net: Any) -> Any:
        line, beside = net.line, net.line.parallel
        lines = initialize_array("input", "line", len(line))
        lines["from_node"], lines["to_node"] = self._places(line.from_bus), self._places(line.to_bus)
        lines["from_status"] = line.in_service & ~_open(net, "l", line, "from_bus")
        lines["to_status"] = line.in_service & ~_open(net, "l", line, "to_bus")
        lines["r1"] = line.r_ohm_per_km * line.length_km / beside
        lines["x1"] = line.x_ohm_per_km * line.length_km / beside
        lines["c1"] = line.c_nf_per_km * line.length_km * beside * 1e-9
        lines["tan1"] = 0.0
        lines["i_n"] = line.max_i_ka * line.df * beside * 1e3
        return lines

    def _transformers(self, net: Any) -> Any:
        trafo, beside = net.trafo, net.trafo.parallel
        parts = initialize_array("input", "transformer", len(trafo))
        parts["from_node"], parts["to_node"] = self._places(trafo.hv_bus), self._places(trafo.lv_bus)
        parts["from_status"] = trafo.in_service & ~_open(net, "t", trafo, "hv_bus")
        parts["to_status"] = trafo.in_service & ~_open(net, "t", trafo, "lv_bus")
        parts["u1"], parts["u2"] = trafo.vn_hv_kv * 1e3, trafo.vn_lv_kv * 1e3
        parts["sn"] = trafo.sn_mva * beside * 1e6
        parts["uk"], parts["pk"] = trafo.vk_percent / 100, trafo.vkr_percent / 100 * parts["sn"]
        parts["i0"], parts["p0"] = trafo.i0_percent / 100, trafo.pfe_kw * beside * 1e3
        parts["clock"] = np.round(trafo.shift_degree / 30) % 12
        parts["winding_from"] = np.where(parts["clock"] % 2, WindingType.delta, WindingType.wye_n)
        parts["winding_to"] = WindingType.wye_n
        at_low = trafo.tap_side == "lv"
        parts["tap_side"] = at_low
        step = trafo.tap_step_percent.fillna(0.0) / 100
        parts["tap_size"] = step * np.where(at_low, parts["u2"], parts["u1"])
        for name in ("pos", "min", "max"):
            parts[f"tap_{name}"] = trafo[f"tap_{name}"].fillna(0)
        parts["tap_nom"] = trafo.tap_neutral.fillna(0)
        return parts

    def _links(self, net: Any) -> Any:
        switch = net.switch[(net.switch.et == "b") & net.switch.closed]
        links = initialize_array("input", "link", len(switch))
        links["from_node"], links["to_node"] = self._places(switch.bus), self._places(switch.element)
        links["from_status"] = links["to_status"] = 1
        return links

    def _generators(self, net: Any) -> Any:
        """Static generators, and storages turned round."""
        parts = []
        for table, sign in ((net.sgen, 1e6), (net.storage, -1e6)):
            found = table[table.in_service.astype(bool)]
            generators = initialize_array("input", "sym_gen", len(found))
            generators["node"], generators["status"] = self._places(found.bus), 1
            generators["type"] = LoadGenType.const_power
            generators["p_specified"] = sign * found.p_mw * found.scaling
            generators["q_specified"] = sign * found.q_mvar * found.scaling
            parts.append(generators)
        return np.concatenate(parts)

    def _loads(self, network: Network) -> Any:
        loads = initialize_array("input", "sym_load", len(network.load_ids))
        loads["node"], loads["status"] = network.service_point_bus, 1
        loads["type"] = LoadGenType.const_power
        loads["p_specified"], loads["q_specified"] = network.default_p_kw * 1e3, network.default_q_kvar * 1e3
        return loads


def _open(net: Any, kind: str, elements: Any, end: str) -> NDArray[np.bool_]:
    """Whether a switch is open at this end of each line or transformer."""
    switch = net.switch[(net.switch.et == kind) & ~net.switch.closed.astype(bool)]
    opened = set(zip(switch.element, switch.bus, strict=True))
    return np.array(
        [pair in opened for pair in zip(elements.index, elements[end], strict=True)], dtype=np.bool_
    )
