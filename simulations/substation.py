"""What the substation's RTU would measure: load flow over the field's true powers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from grid_model.load_flow import FactoredLoadFlow, LoadFlowResult
from grid_model.network import Floats, Network
from simulations.field import Moment
from simulations.reconfiguration import Stage

Phases = tuple[float, float, float]


@dataclass(frozen=True)
class Head:
    """The feeder's head at one time."""

    p_kw: float
    """into the transformers at their high-voltage side; where there are none, from the external grid"""
    q_kvar: float
    """of the loads; the network's own is left out, as it is small at low voltage"""
    v_v: Phases
    """phase to neutral at the low-voltage busbar"""
    i_a: Phases
    energy_kwh: float
    result: LoadFlowResult
    house_v: Floats
    """(n_sp,) mean phase to neutral voltage where the meters are; NaN where the load flow did not converge"""


class Substation:
    """The RTU of one feeder: symmetric phases, exact values."""

    def __init__(self, network: Network, load_flow: FactoredLoadFlow, later: Sequence[Stage] = ()) -> None:
        """`later`: what the network becomes during the run."""
        self._network = network
        self._load_flow = load_flow
        self._later = list(later)
        self._energy_kwh = 0.0
        self._before: tuple[datetime, float] | None = None
        trafos = network.transformers
        self._busbar = int(trafos.to_bus[0]) if trafos.ids else int(network.service_point_bus[0])
        self._upper_bus = int(trafos.from_bus[0]) if trafos.ids else self._busbar
        self._own_v_pu: float | None = None
        """above the transformer, as the network itself has it"""
        self._slack_scale = 1.0

    def head(self, moment: Moment) -> Head:
        """Measure now; call in the order of time, because the energy register counts."""
        while self._later and self._later[0].at <= moment.at:
            stage = self._later.pop(0)
            self._network, self._load_flow = stage.network, stage.load_flow
        result = self._load_flow.solve(moment.p_kw, moment.q_kvar, slack_scale=self._slack_scale)
        if self._own_v_pu is None and result.converged:
            self._own_v_pu = float(result.v_pu[self._upper_bus])
        if not result.converged:
            # the true grid would have collapsed here: the RTU shows what the meters want
            return self._head(moment, result, float(moment.p_kw.sum()), 1.0)
        p_kw = (
            float(result.transformer_p_kw.sum()) if len(self._network.transformers.ids) else result.supply_kw
        )
        return self._head(moment, result, p_kw, float(result.v_pu[self._busbar]))

    def supplied_at(self, v_pu: float) -> None:
        """The voltage above the transformer is this from now on."""
        if self._own_v_pu is not None:
            self._slack_scale = v_pu / self._own_v_pu

    def _head(self, moment: Moment, result: LoadFlowResult, p_kw: float, v_pu: float) -> Head:
        self._count(moment.at, p_kw)
        q_kvar = float(np.sum(moment.q_kvar))
        v_v = round(v_pu * float(self._network.buses.vn_kv[self._busbar]) * 1000 / math.sqrt(3), 2)
        i_a = round(math.hypot(p_kw, q_kvar) * 1000 / (3 * v_v), 2)
        return Head(
            p_kw, q_kvar, (v_v, v_v, v_v), (i_a, i_a, i_a), self._energy_kwh, result, self._house_v(result)
        )

    def _house_v(self, result: LoadFlowResult) -> Floats:
        buses = self._network.service_point_bus
        if not result.converged:
            return np.full(len(buses), np.nan)
        return np.asarray(result.v_pu[buses] * self._network.buses.vn_kv[buses] * 1000 / math.sqrt(3))

    def _count(self, at: datetime, p_kw: float) -> None:
        if self._before is not None:
            before, p_before_kw = self._before
            self._energy_kwh += max(p_before_kw, 0.0) * (at - before).total_seconds() / 3600
        self._before = (at, p_kw)
