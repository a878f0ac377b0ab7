"""What a history tells of power that no meter reads, and of customers on the wrong bus, feeder or phase.

Runs those tests of `grid_model/mapping` that the data allow; for the others it says what would be needed.
Pure: a history in, findings out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from grid_model.errors import Diverged
from grid_model.load_flow import FactoredLoadFlow
from grid_model.mapping.any_bus import AnyBus
from grid_model.mapping.fit import Fit
from grid_model.mapping.observations import Accuracy, Observations
from grid_model.mapping.phase_voltages import find_wrong_phases
from grid_model.mapping.unmetered import MissingPower, NothingMissing, UnmeteredFinding, find_unmetered
from grid_model.mapping.wrong_bus import WrongBus, find_wrong_buses
from grid_model.mapping.wrong_group import NO_GROUP, GroupFindings, find_wrong_groups
from grid_model.network import Floats, Ints
from grid_model.three_phase.phases import PHASES
from gridward.mapping_history import (
    LEAST_SNAPSHOTS,
    NOWHERE,
    Groups,
    History,
    Snapshots,
    complete_snapshots,
    thinned,
)

_UNKNOWN_SLACK_PU = 0.03
"""Standard deviation of the external grid's voltage where the substation has no voltmeter."""
_MATCHES = 3
_DAY = 24


@dataclass(frozen=True)
class Unmetered:
    """Power that no meter reads, and when it is taken."""

    finding: UnmeteredFinding
    by_hour_kw: Floats
    """(24,) mean of what the substation shows beyond meters and losses; NaN for hours without a snapshot"""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A customer who is in another group than the plan says."""

    service_point: str
    recorded: str
    likely: str | None
    """None where in none of those measured"""
    confidence: float


@dataclass(frozen=True)
class GroupsTold:
    """What was found of groups or phases."""

    wrong: tuple[Elsewhere, ...]
    untold: tuple[str, ...]
    """customers whom these data cannot tell"""
    groups: tuple[str, ...]
    joining: tuple[Elsewhere, ...] = ()
    """customers of other feeders who hang on this one"""


@dataclass(frozen=True)
class MappingFindings:
    """Of one feeder. A text is what would be needed to tell."""

    history: History
    n_snapshot: int
    n_read: int
    """meters that were read regularly"""
    unmetered: Unmetered | str
    wrong_bus: tuple[WrongBus, ...] | str
    wrong_group: GroupsTold | str
    wrong_phase: GroupsTold | str

    @property
    def found(self) -> bool:
        """Whether anything is not as the plan says."""
        wrong = [part.wrong for part in (self.wrong_group, self.wrong_phase) if not isinstance(part, str)]
        missing = not isinstance(self.unmetered, str) and not isinstance(
            self.unmetered.finding, NothingMissing
        )
        moved = not isinstance(self.wrong_bus, str) and bool(self.wrong_bus)
        return missing or moved or any(wrong)


def look_into(
    history: History, *, least_kw: float, wrong_group: GroupsTold | str | None = None
) -> MappingFindings:
    """All tests on one feeder's history; `wrong_group` where it was told already, over several feeders.

    Who is supplied from elsewhere is taken out before the rest is looked at: their power would be missing.
    """
    snapshots = complete_snapshots(history)
    if len(snapshots.rows) < LEAST_SNAPSHOTS:
        need = f"at least {LEAST_SNAPSHOTS} times at which the meters were read, not {len(snapshots.rows)}"
        return MappingFindings(history, len(snapshots.rows), len(snapshots.read), need, need, need, need)
    groups = wrong_group or _wrong_groups(history, snapshots)
    wrong = () if isinstance(groups, str) else groups.wrong
    away = [one.service_point for one in wrong if wrong_group is not None or one.likely is None]
    model = _Model(history, _without(history, snapshots, away))
    unmetered = model.unmetered(least_kw)
    return MappingFindings(
        history=history,
        n_snapshot=len(snapshots.rows),
        n_read=len(snapshots.read),
        unmetered=unmetered,
        wrong_bus=model.wrong_buses(unmetered),
        wrong_group=groups,
        wrong_phase=_wrong_phases(history, snapshots),
    )


def _without(history: History, snapshots: Snapshots, names: Sequence[str]) -> Snapshots:
    """With nobody at these service points."""
    away = [history.network.service_points.index(name) for name in names]
    p, q, v = snapshots.p_kw.copy(), snapshots.q_kvar.copy(), snapshots.v_pu.copy()
    p[:, away] = q[:, away] = 0.0
    v[:, away] = np.nan
    return replace(snapshots, p_kw=p, q_kvar=q, v_pu=v)


class _Model:
    """The tests that need a load flow of the feeder."""

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
            found = find_unmetered(
                history.network, self._load_flow, self._seen, self._accuracy, least_kw=least_kw
            )
            return Unmetered(found, self._by_hour_kw())
        except Diverged as reason:
            return f"a load flow that converges: {reason}"

    def _by_hour_kw(self) -> Floats:
        """(24,) of what the transformers, or else the outgoing lines, show beyond the meters."""
        fit = Fit(self._history.network, self._load_flow, self._seen, self._accuracy)
        meters = [self._history.flow_meters[int(flow)] for flow in fit.used.flow]
        first = [place for place, meter in enumerate(meters) if meter.element.startswith("trafo")]
        columns = first or list(range(len(meters)))
        beyond = fit.residual(fit.voltages(fit.demand_conj))[:, columns].sum(axis=1)
        hours = np.array([self._history.at[row].hour for row in self._snapshots.rows])
        n = np.bincount(hours, minlength=_DAY)
        total = np.bincount(hours, weights=beyond, minlength=_DAY)
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
        if isinstance(unmetered, Unmetered) and isinstance(unmetered.finding, MissingPower):
            return "the missing power to be found first: it bends voltages as a wrong bus does"
        try:
            return find_wrong_buses(history.network, self._load_flow, self._seen, self._accuracy)
        except Diverged as reason:
            return f"a load flow that converges: {reason}"


def _wrong_groups(history: History, snapshots: Snapshots) -> GroupsTold | str:
    groups = history.groups
    if groups is None:
        return history.no_substation
    members = np.intersect1d(snapshots.read, np.flatnonzero(groups.recorded != NOWHERE))
    names = tuple(history.network.service_points[point] for point in members)
    p_kw, group_p_kw = snapshots.p_kw[:, members], groups.p_kw[snapshots.rows]
    return _told(groups.names, names, groups.recorded[members], p_kw, group_p_kw)


def wrong_feeders(histories: Mapping[str, History]) -> dict[str, GroupsTold | str]:
    """Feeder to those of its customers who hang on another feeder, or on none of these.

    Compares meters with the substations' powers, over all feeders that have groups, at the times they share.
    """
    measured = {feeder: history for feeder, history in histories.items() if history.groups is not None}
    shared = sorted(set.intersection(*(set(history.at) for history in measured.values())))
    names: list[str] = []
    owner: list[int] = []
    columns, powers = [], []
    for group, (feeder, history) in enumerate(measured.items()):
        at = {time: row for row, time in enumerate(history.at)}
        rows = np.array([at[time] for time in shared], dtype=np.int64)
        snapshots = complete_snapshots(history)
        names += [f"{feeder}/{history.network.service_points[point]}" for point in snapshots.read]
        owner += [group] * len(snapshots.read)
        columns.append(history.p_kw[np.ix_(rows, snapshots.read)])
        powers.append(_of_groups(history.groups)[rows])
    p_kw, group_p_kw = np.concatenate(columns, axis=1), np.stack(powers, axis=1)
    known = thinned(np.flatnonzero(np.isfinite(p_kw).all(axis=1) & np.isfinite(group_p_kw).all(axis=1)))
    told = _told(tuple(measured), tuple(names), np.array(owner), p_kw[known], group_p_kw[known])
    return {feeder: _of_feeder(told, feeder) for feeder in measured}


def _of_groups(groups: Groups | None) -> Floats:
    assert groups is not None
    return groups.p_kw[:, 0]


def _of_feeder(told: GroupsTold | str, feeder: str) -> GroupsTold | str:
    if isinstance(told, str):
        return told
    start = f"{feeder}/"
    wrong = tuple(
        replace(one, service_point=one.service_point.removeprefix(start))
        for one in told.wrong
        if one.recorded == feeder
    )
    untold = tuple(name.removeprefix(start) for name in told.untold if name.startswith(start))
    return GroupsTold(wrong, untold, told.groups, tuple(one for one in told.wrong if one.likely == feeder))


def _told(
    groups: tuple[str, ...], names: tuple[str, ...], recorded: Ints, p_kw: Floats, group_p_kw: Floats
) -> GroupsTold | str:
    if not names:
        return "meters of customers whose group is measured"
    try:
        return _named(find_wrong_groups(p_kw, group_p_kw, recorded), groups, names)
    except ValueError as reason:
        return f"more: {reason}"


def _wrong_phases(history: History, snapshots: Snapshots) -> GroupsTold | str:
    if history.phase is None:
        return f"the plan's phases (--phases) and {history.no_voltages}"
    members = np.flatnonzero((history.phase != NOWHERE) & np.isfinite(snapshots.v_pu).all(axis=0))
    names = tuple(history.network.service_points[point] for point in members)
    try:
        found = find_wrong_phases(
            snapshots.v_pu[:, members], snapshots.p_kw[:, members], history.phase[members]
        )
    except ValueError as reason:
        return f"more: {reason}"
    return _named(found, tuple(PHASES), names)


def _named(found: GroupFindings, groups: tuple[str, ...], names: tuple[str, ...]) -> GroupsTold:
    wrong = tuple(
        Elsewhere(
            names[one.service_point],
            groups[one.recorded],
            None if one.likely == NO_GROUP else groups[one.likely],
            one.confidence,
        )
        for one in found.wrong
    )
    return GroupsTold(wrong, tuple(names[point] for point in found.untold), groups)
