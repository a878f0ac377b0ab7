"""[2] The same estimate through pandapower's own estimator: slow, independent, for tests and second opinions.

pandapower's state are the voltages, ours the demands and the slack's factor. Both are the same least squares
when every bus is told the sum of its service points' beliefs as one measurement of P and of Q, a bus without
any is told it takes nothing, and the external grid's bus is told its voltage. What pandapower cannot express:
P and Q of a house that go together, common factors, and several voltages of external grids that move as one.
"""

import copy
import warnings
from typing import Any

import numpy as np

from grid_model.errors import Diverged
from grid_model.estimation.belief import Belief, join
from grid_model.estimation.measurements import Measurement, Measurements
from grid_model.network import Floats, Network
from grid_model.results import LoadFlowResult, not_converged

_ZERO_SD_MVA = 1e-7
"""Of a bus where nothing is connected: far below a meter's watt."""
_KINDS = {"p_kw": "p", "q_kvar": "q", "i_a": "i", "v_pu": "v"}
_SCALE = {"p_kw": 1e-3, "q_kvar": 1e-3, "i_a": 1e-3, "v_pu": 1.0}
"""To pandapower's MW, Mvar, kA and pu."""


def referee_estimate(network: Network, measurements: Measurements, prior: Belief) -> LoadFlowResult:
    """The state by `pandapower.estimation.estimate`; raises Diverged where the prior has what that cannot
    express. Losses, supply and loadings of transformers are not told.
    """
    off_diagonal = np.abs(prior.block[:, 0, 1])
    if prior.factors.any() or off_diagonal.any():
        raise Diverged("pandapower's estimator knows no correlated pseudo-measurements")
    net = copy.deepcopy(network.net)
    net.measurement.drop(net.measurement.index, inplace=True)
    _tell_buses(network, net, join(prior, measurements.meters).belief)
    _tell_external_grids(net, prior)
    for reading in measurements.network:
        _tell(net, reading)
    return _solved(network, net)


def _tell_buses(network: Network, net: Any, belief: Belief) -> None:
    from pandapower import create_measurement  # noqa: PLC0415  takes seconds to import

    n_bus = len(network.buses.ids)
    mean, variance = np.zeros((n_bus, 2)), np.zeros((n_bus, 2))
    np.add.at(mean, network.service_point_bus, belief.mean)
    np.add.at(variance, network.service_point_bus, belief.variance)
    for table, sign in (("sgen", -1.0), ("storage", 1.0)):  # what no service point contains
        units = net[table][net[table].in_service.astype(bool)]
        places = net.bus.index.get_indexer(units.bus)
        for column, power in ((0, "p_mw"), (1, "q_mvar")):
            np.add.at(mean[:, column], places, sign * 1000 * (units[power] * units.scaling).to_numpy())
    held = set(net.ext_grid.bus)
    for place, bus in enumerate(net.bus.index):
        if bus in held:
            continue
        for column, kind in ((0, "p"), (1, "q")):
            sd = max(float(np.sqrt(variance[place, column])) / 1000, _ZERO_SD_MVA)
            create_measurement(net, kind, "bus", float(mean[place, column]) / 1000, sd, bus)


def _tell_external_grids(net: Any, prior: Belief) -> None:
    from pandapower import create_measurement  # noqa: PLC0415

    for _, grid in net.ext_grid.iterrows():
        sd = float(grid.vm_pu * np.sqrt(prior.slack_var))
        create_measurement(net, "v", "bus", float(grid.vm_pu * prior.slack), sd, int(grid.bus))


def _tell(net: Any, reading: Measurement) -> None:
    from pandapower import create_measurement  # noqa: PLC0415

    kind, _, index = reading.element.partition(":")
    scale = _SCALE[reading.quantity]
    ends = {"line": ("from", "to"), "trafo": ("hv", "lv"), "bus": (None, None)}[kind]
    side = ends[0 if reading.side == "from" else 1]
    create_measurement(
        net, _KINDS[reading.quantity], kind, reading.value * scale, reading.sd * scale, int(index), side=side
    )


def _solved(network: Network, net: Any) -> LoadFlowResult:
    from pandapower.estimation import estimate  # noqa: PLC0415

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        outcome = estimate(
            net,
            algorithm="wls",
            init="flat",
            tolerance=1e-8,
            maximum_iterations=50,
        )
    if not outcome["success"]:
        return not_converged(network, 0)
    empty = not_converged(network, 0)
    return LoadFlowResult(
        converged=True,
        iterations=int(outcome["num_iterations"]),
        v_pu=np.array(net.res_bus_est.vm_pu, dtype=np.float64),
        line_loading_percent=_loading(net.res_line_est.loading_percent),
        transformer_loading_percent=empty.transformer_loading_percent,  # told of the power there, not current
        transformer_p_kw=np.array(net.res_trafo_est.p_hv_mw, dtype=np.float64) * 1000,
        losses_kw=empty.losses_kw,
        supply_kw=empty.supply_kw,
    )


def _loading(column: Any) -> Floats:
    return np.nan_to_num(np.array(column, dtype=np.float64))
