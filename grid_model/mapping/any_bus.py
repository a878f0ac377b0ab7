"""[4] Load flow with demand at any bus, also where no service point is: to try out where a customer may be.

The same fixed point as the factored load flow's (`fixed_point.py`), for many snapshots at once, each with its
own voltage of the external grids; simpler and slower, because every bus is iterated.
"""

from collections.abc import Sequence

import numpy as np
from scipy.sparse.linalg import splu

from grid_model.adjoint import Adjoint, BusSensitivities
from grid_model.admittance import Complexes
from grid_model.errors import Diverged
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Floats, Ints, Network
from grid_model.operating_point import bus_demand_conj

_TOLERANCE_PU = 1e-9
_MAX_ITERATIONS = 120


class AnyBus:
    """One topology. Immutable after building."""

    def __init__(self, network: Network, load_flow: FactoredLoadFlow) -> None:
        """Raises Diverged where the factored form does not hold: nothing can be tried out then."""
        if load_flow.factored is None or len(load_flow.factored.admittance.generator):
            raise Diverged(
                "the mapping can be tested on networks of the factored load flow without generators"
            )
        a = self.admittance = load_flow.factored.admittance
        n = a.n_free
        self._factors = splu(a.y_bus[:n, :n].tocsc())
        self._without_load = self._factors.solve(-(a.y_bus[:n, n:] @ a.v_held))
        self._adjoint = Adjoint(a)
        kv = np.zeros(n + 1)
        kv[np.minimum(a.bus, n)] = network.buses.vn_kv
        candidate = np.isin(kv[:n], np.unique(network.buses.vn_kv[network.service_point_bus]))
        self.candidates: Ints = np.flatnonzero(candidate)
        """(n_candidate,) internal buses of the customers' voltage levels: where a customer may be"""
        ids = {
            int(internal): name for internal, name in zip(a.bus[::-1], network.buses.ids[::-1], strict=True)
        }
        self.names: tuple[str, ...] = tuple(ids.get(int(bus), "") for bus in self.candidates)
        """(n_candidate,) the first bus of the network that each stands for; merged ones are one"""

    def demand_conj(self, p_kw: Floats, q_kvar: Floats) -> Complexes:
        """(n_snapshot, n_free) of the service points' (n_snapshot, n_sp)."""
        rows = zip(p_kw, q_kvar, strict=True)
        return np.stack([bus_demand_conj(self.admittance, p, q) for p, q in rows])

    def solve(self, demand_conj: Complexes, slack_scale: Floats) -> Complexes:
        """(n_snapshot, n + 1) voltages, NaN last; `demand_conj` is (n_snapshot, n_free), `slack_scale`
        (n_snapshot,). Raises Diverged when one snapshot does not converge.
        """
        a, scale = self.admittance, slack_scale[:, None]
        start = v = self._without_load * scale
        for _ in range(_MAX_ITERATIONS):
            before = v
            v = start - self._factors.solve((self._drawn(demand_conj, v)).T).T
            if np.abs(v - before).max(initial=0.0) < _TOLERANCE_PU:
                tail = np.append(a.v_held, np.nan) * scale
                return np.concatenate([v, tail], axis=1)
        raise Diverged(
            "the load flow of a snapshot does not converge, so the mapping cannot be tested with it"
        )

    def _drawn(self, demand_conj: Complexes, v: Complexes) -> Complexes:
        if self.admittance.dependence is None:
            return np.asarray(demand_conj / np.conj(v))
        shares = self.admittance.dependence.at(slice(0, self.admittance.n_free))
        p_factor, q_factor = shares.factors(np.abs(v))
        return np.asarray((demand_conj.real * p_factor + 1j * demand_conj.imag * q_factor) / np.conj(v))

    def sensitivities(
        self, v: Complexes, demand_conj: Complexes, gradients: Sequence[Complexes]
    ) -> BusSensitivities:
        """Of outputs with these gradients (n + 1,), at one snapshot."""
        return self._adjoint.sensitivities(v, demand_conj, np.stack(gradients))
