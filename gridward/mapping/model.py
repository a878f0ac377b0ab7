"""The tests of `gridward mapping` with a load flow of the feeder: missing power, customers on another bus.

Pure: a history in, findings out.
"""

import numpy as np

from grid_model.errors import Diverged
from grid_model.load_flow import FactoredLoadFlow
from grid_model.mapping.any_bus import AnyBus
from grid_model.mapping.fit import Fit
from grid_model.mapping.observations import Accuracy, Observations
from grid_model.mapping.unmetered import (
    Candidate,
    MissingPower,
    NothingMissing,
    PlaceUnknown,
    UnmeteredFinding,
    find_unmetered,
)
from grid_model.mapping.wrong_bus import WrongBus, find_wrong_buses
from grid_model.network import Floats
from gridward.mapping.findings import Unmetered
from gridward.mapping.history import History, Snapshots

_UNKNOWN_SLACK_PU = 0.03
"""Standard deviation of the external grid's voltage where the substation has no voltmeter."""
_MATCHES = 3
_SURE = 4.0
"""Standard deviations that a sum must differ by."""
_APART = 0.25
"""of missing power that a sum may differ by besides"""
_DAY = 24
MOST_UNREST = 2.0
UNSETTLED = (
    "a sum that meters explain: it varies more than the instruments' noise, as with a small load without a "
    "meter, which would be laid to others"
)


class FeederModel:
    """One feeder with what was read of it."""

    def __init__(self, history: History, snapshots: Snapshots) -> None:
        self._history, self._snapshots = history, snapshots
        self._unfit: str | None = None
        try:
            self._load_flow = FactoredLoadFlow(history.network)
            self._seen, self._accuracy = self._observations()
        except Diverged as reason:
            self._unfit = f"a load flow that converges: {reason}"

    def _observations(self) -> tuple[Observations, Accuracy]:
        rows, snapshots, history = self._snapshots.rows, self._snapshots, self._history
        v_pu = snapshots.v_pu if history.phase is None else np.full_like(snapshots.v_pu, np.nan)
        scale = self._slack_scale()
        flows = bool(history.flow_meters)
        seen = Observations(
            p_kw=snapshots.p_kw,
            q_kvar=snapshots.q_kvar,
            v_pu=v_pu,
            flow_meters=history.flow_meters,
            flow_p_kw=history.flow_p_kw[rows] if flows else np.zeros((len(rows), 0)),
            flow_q_kvar=history.flow_q_kvar[rows] if flows else np.zeros((len(rows), 0)),
            estimate_sd_kw=snapshots.estimate_sd_kw if snapshots.estimate_sd_kw.any() else None,
            slack_scale=scale,
        )
        if scale is not None:
            return seen, Accuracy()
        return seen, Accuracy(slack_pu=_UNKNOWN_SLACK_PU, slack_lasting_pu=_UNKNOWN_SLACK_PU)

    def _slack_scale(self) -> Floats | None:
        """(n,) at which the model's busbar shows what the substation's voltmeter does; None without one."""
        history, rows = self._history, self._snapshots.rows
        transformers = history.network.transformers
        if not len(history.busbar_v_pu) or not len(transformers.ids):
            return None
        measured = history.busbar_v_pu[rows]
        if not np.isfinite(measured).all():
            return None
        any_bus = AnyBus(history.network, self._load_flow)
        busbar = int(any_bus.admittance.bus[transformers.to_bus[0]])
        demand_conj = any_bus.demand_conj(self._snapshots.p_kw, self._snapshots.q_kvar)
        scale = np.ones(len(rows))
        for _ in range(_MATCHES):
            scale = scale * measured / np.abs(any_bus.solve(demand_conj, scale)[:, busbar])
        return scale

    def unmetered(self, least_kw: float) -> Unmetered | str:
        """Whether power is missing, and where."""
        history = self._history
        if not np.isfinite(history.flow_p_kw[self._snapshots.rows]).all(axis=0).any():
            return history.no_substation
        if self._unfit is not None:
            return self._unfit
        try:
            fit = Fit(history.network, self._load_flow, self._seen, self._accuracy)
            beyond_kw, sd_kw, noise_kw = self._beyond(fit)
            total_kw = float(beyond_kw.mean())
            found = self._placed(fit, total_kw, sd_kw, least_kw)
        except Diverged as reason:
            return f"a load flow that converges: {reason}"
        if abs(found.p_kw - total_kw) > _SURE * sd_kw + _APART * abs(found.p_kw):
            # It is not missing in the sum: somebody's power is taken at another place than the plan's.
            found = NothingMissing(total_kw, sd_kw)
        return Unmetered(found, self._by_hour_kw(beyond_kw), float(beyond_kw.var()) / noise_kw**2)

    def _placed(self, fit: Fit, total_kw: float, sd_kw: float, least_kw: float) -> UnmeteredFinding:
        """What is missing, and where; one reading at the substation alone says how much only."""
        if len(fit.used.flow) > 1 or len(fit.used.voltage):
            return find_unmetered(
                self._history.network, self._load_flow, self._seen, self._accuracy, least_kw=least_kw
            )
        if abs(total_kw) < max(least_kw, _SURE * sd_kw):
            return NothingMissing(total_kw, sd_kw)
        names = fit.any_bus.names
        return PlaceUnknown(total_kw, sd_kw, tuple(Candidate(name, 1 / len(names)) for name in names), 1.0)

    def _beyond(self, fit: Fit) -> tuple[Floats, float, float]:
        """(n,) what the transformers, or else the outgoing lines, show beyond meters and losses, and the
        standard deviations of its mean and of its noise."""
        meters = [self._history.flow_meters[int(flow)] for flow in fit.used.flow]
        first = [place for place, meter in enumerate(meters) if meter.element.startswith("trafo")]
        sign = np.zeros(fit.used.size)
        sign[first or slice(0, len(meters))] = 1.0
        if not first:  # towards the customers, as it is towards them at a transformer
            sign[: len(meters)] = [1.0 if meter.end == "from" else -1.0 for meter in meters]
        residual = fit.residual(fit.voltages(fit.demand_conj)) @ sign
        lasting, noise = (
            float(np.sqrt(sign @ np.linalg.inv(precision) @ sign))
            for precision in (fit.evidence.precision_mean, fit.evidence.precision_varying)
        )
        return residual, lasting, noise

    def _by_hour_kw(self, beyond_kw: Floats) -> Floats:
        """(24,) means."""
        hours = np.array([self._history.at[row].hour for row in self._snapshots.rows])
        n = np.bincount(hours, minlength=_DAY)
        total = np.bincount(hours, weights=beyond_kw, minlength=_DAY)
        return np.asarray(np.divide(total, n, out=np.full(_DAY, np.nan), where=n > 0))

    def wrong_buses(self, unmetered: Unmetered | str) -> tuple[WrongBus, ...] | str:
        """Who is on another bus. Missing power bends voltages as a customer on a wrong bus does: as long as
        some is missing, nobody is accused of that."""
        history = self._history
        if history.phase is not None:
            return "a plan without phases: voltages of single-phase customers say more of their phase"
        if not np.isfinite(self._snapshots.v_pu).all(axis=0).any():
            return history.no_voltages
        if self._unfit is not None:
            return self._unfit
        if isinstance(unmetered, Unmetered) and (
            isinstance(unmetered.finding, MissingPower) or unmetered.unrest > MOST_UNREST
        ):
            missing = isinstance(unmetered.finding, MissingPower)
            first = "the missing power to be found first: it bends voltages as a wrong bus does"
            return first if missing else UNSETTLED
        try:
            return find_wrong_buses(history.network, self._load_flow, self._seen, self._accuracy)
        except Diverged as reason:
            return f"a load flow that converges: {reason}"
