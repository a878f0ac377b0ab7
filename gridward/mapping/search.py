"""Which tests of `gridward mapping` run on a history, in which order, and what one finding means to the next.

Runs those that the data allow; for the others it says what would be needed. Pure.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from grid_model.mapping.unmetered import NothingMissing
from gridward.mapping.findings import GroupsTold, MappingFindings, Unmetered
from gridward.mapping.groups import wrong_groups, wrong_phases
from gridward.mapping.history import LEAST_SNAPSHOTS, History, Snapshots, complete_snapshots
from gridward.mapping.model import MOST_UNREST, UNSETTLED, FeederModel

_CALMED = 0.5
"""Whoever is taken out must account for so much of what the sum varies too much."""
_FIRST = (
    "the missing power to be found first: it would be laid to customers who take theirs at the same hours"
)


def look_into(
    history: History, *, least_kw: float, feeders: GroupsTold | str | None = None
) -> MappingFindings:
    """All tests on one feeder's history; `feeders` is what was told over several feeders already.

    Missing power comes first: a load that nobody reads varies through the day as customers do, who would be
    accused for it. Who is supplied from elsewhere is taken out before the rest is looked at once more: their
    power would be missing.
    """
    snapshots = complete_snapshots(history)
    if len(snapshots.rows) < LEAST_SNAPSHOTS:
        need = f"at least {LEAST_SNAPSHOTS} times at which the meters were read, not {len(snapshots.rows)}"
        return MappingFindings(history, len(snapshots.rows), len(snapshots.read), need, need, need, need)
    model = FeederModel(history, snapshots)
    unmetered = model.unmetered(least_kw)
    if _is_taken(unmetered):
        groups = _only_joint(feeders)
    else:
        groups = wrong_groups(history, snapshots) if feeders is None else feeders
    if away := _away(groups, of_feeders=feeders is not None):
        corrected = FeederModel(history, _without(history, snapshots, away))
        settled = corrected.unmetered(least_kw)
        if _unrest(settled) <= max(MOST_UNREST, _CALMED * _unrest(unmetered)):
            model, unmetered = corrected, settled
        else:
            groups = UNSETTLED
    elif not isinstance(groups, str) and groups.wrong and _unrest(unmetered) > MOST_UNREST:
        groups = UNSETTLED
    return MappingFindings(
        history=history,
        n_snapshot=len(snapshots.rows),
        n_read=len(snapshots.read),
        unmetered=unmetered,
        wrong_bus=model.wrong_buses(unmetered),
        wrong_group=groups,
        wrong_phase=wrong_phases(history, snapshots),
    )


def _unrest(unmetered: Unmetered | str) -> float:
    return 1.0 if isinstance(unmetered, str) else unmetered.unrest


def _is_taken(unmetered: Unmetered | str) -> bool:
    """Whether the substation shows more than meters and losses."""
    if isinstance(unmetered, str) or isinstance(unmetered.finding, NothingMissing):
        return False
    return unmetered.finding.p_kw > 0


def _only_joint(feeders: GroupsTold | str | None) -> GroupsTold | str:
    """With power missing, only what another feeder's substation shows beyond doubt."""
    if not isinstance(feeders, GroupsTold):
        return _FIRST
    wrong = tuple(one for one in feeders.wrong if one.likely is not None)
    return replace(feeders, wrong=wrong) if wrong or feeders.joining else _FIRST


def _away(groups: GroupsTold | str, *, of_feeders: bool) -> list[str]:
    """Service points of this feeder's plan where nobody is supplied from it."""
    if isinstance(groups, str):
        return []
    return [one.service_point for one in groups.wrong if of_feeders or one.likely is None]


def _without(history: History, snapshots: Snapshots, names: Sequence[str]) -> Snapshots:
    """With nobody at these service points."""
    away = [history.network.service_points.index(name) for name in names]
    p, q, v = snapshots.p_kw.copy(), snapshots.q_kvar.copy(), snapshots.v_pu.copy()
    p[:, away] = q[:, away] = 0.0
    v[:, away] = np.nan
    return replace(snapshots, p_kw=p, q_kvar=q, v_pu=v)
