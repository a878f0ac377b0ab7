"""[4] One feeder's series of snapshots against its model: residuals, what they may be, what a change
explains.

The model takes the meters' powers where the mapping says they are; the residual is what the instruments say
beyond it. It is noise of the instruments, of the meters' powers (through the network's sensitivities) and of
the external grid's voltage; covariances are those at the mean of the snapshots, values are exact.
"""

from dataclasses import replace

import numpy as np

from grid_model.admittance import Complexes
from grid_model.load_flow import FactoredLoadFlow
from grid_model.mapping.any_bus import AnyBus
from grid_model.mapping.evidence import Evidence
from grid_model.mapping.observations import (
    Accuracy,
    Observations,
    gradients,
    instruments,
    measured,
    modelled,
)
from grid_model.network import Floats, Ints, Network

_SLACK_STEP = 1e-4


class Fit:
    """Immutable after building; raises Diverged when a snapshot does not converge, ValueError when nothing is
    measured in all of them."""

    def __init__(
        self, network: Network, load_flow: FactoredLoadFlow, seen: Observations, accuracy: Accuracy
    ) -> None:
        self.any_bus = AnyBus(network, load_flow)
        a = self.any_bus.admittance
        self.used = instruments(network, a, seen)
        if not self.used.size:
            raise ValueError("no flow and no voltage is measured in every snapshot; expected at least one")
        self.n_snapshot = len(seen.p_kw)
        scale = seen.slack_scale
        self.slack_scale: Floats = np.ones(self.n_snapshot) if scale is None else scale
        self.demand_conj = self.any_bus.demand_conj(seen.p_kw, seen.q_kvar)
        """(n_snapshot, n_free) as the meters and the mapping say"""
        self._measured = measured(seen, self.used)
        self._linearise()
        noise, lasting = self._covariances(seen, accuracy)
        self.evidence = Evidence(noise, lasting, self.n_snapshot)

    def voltages(self, demand_conj: Complexes) -> Complexes:
        """(n_snapshot, n + 1) under this demand (n_snapshot, n_free)."""
        return self.any_bus.solve(demand_conj, self.slack_scale)

    def residual(self, v: Complexes, voltage_bus: Ints | None = None) -> Floats:
        """(n_snapshot, m) measured less modelled, exactly, at these voltages; `voltage_bus` where the
        voltmeters are, when not where the mapping says."""
        used = self.used if voltage_bus is None else replace(self.used, voltage_bus=voltage_bus)
        return np.asarray(self._measured - modelled(self.any_bus.admittance, used, v))

    def misfit(self) -> float:
        """Of the mapping as the plan has it."""
        return self.evidence.misfit(self.evidence.split(self.residual(self.voltages(self.demand_conj))))

    def _linearise(self) -> None:
        a, mean = self.any_bus.admittance, self.demand_conj.mean(axis=0)
        scale = np.full(1, self.slack_scale.mean())
        v = self.any_bus.solve(mean[None], scale)
        raised = self.any_bus.solve(mean[None], scale + _SLACK_STEP)
        found = self.any_bus.sensitivities(v[0], mean, gradients(a, self.used, v[0]))
        self.per_kw, self.per_kvar = found.per_kw, found.per_kvar
        """(m, n + 1) derivatives by the demand at every bus"""
        self._per_slack = (modelled(a, self.used, raised) - modelled(a, self.used, v))[0] / _SLACK_STEP

    def _covariances(self, seen: Observations, accuracy: Accuracy) -> tuple[Floats, Floats]:
        """(m, m) of the noise and of what is wrong for good."""
        n_v, point = len(self.used.voltage), self.any_bus.admittance.service_point
        guessed = 0.0 if seen.estimate_sd_kw is None else seen.estimate_sd_kw
        flow_size = _size(self._measured[:, : self.used.size - n_v])

        def covariance(meter: float, flow: float, v_pu: float, slack_pu: float) -> Floats:
            own = np.concatenate([np.hypot(flow * flow_size, accuracy.flow_floor_kw), np.full(n_v, v_pu)])
            matrix = np.diag(own**2) + slack_pu**2 * np.outer(self._per_slack, self._per_slack)
            for by, power in ((self.per_kw, seen.p_kw), (self.per_kvar, seen.q_kvar)):
                known = np.hypot(meter * _size(power), accuracy.meter_floor_kw)
                spread = by[:, point] * np.hypot(known, guessed)
                matrix += spread @ spread.T
            return np.asarray(matrix)

        noise = covariance(accuracy.meter_noise, accuracy.flow_noise, accuracy.v_noise_pu, accuracy.slack_pu)
        lasting = covariance(
            accuracy.meter_lasting, accuracy.flow_lasting, accuracy.v_lasting_pu, accuracy.slack_lasting_pu
        )
        return noise, lasting


def _size(series: Floats) -> Floats:
    """Root mean square over time."""
    return np.asarray(np.sqrt((series**2).mean(axis=0)))
