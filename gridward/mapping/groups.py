"""The tests of `gridward mapping` on groups of customers: outgoing cables, feeders, phases.

Pure: histories in, findings out. Knows no load flow.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from grid_model.mapping.phase_voltages import find_wrong_phases
from grid_model.mapping.wrong_group import NO_GROUP, GroupFindings, find_wrong_groups
from grid_model.network import Floats, Ints
from grid_model.three_phase.phases import PHASES
from gridward.mapping.findings import Elsewhere, GroupsTold
from gridward.mapping.history import NOWHERE, Groups, History, Snapshots, complete_snapshots, thinned

_FEW, _FEW_SHARE = 2, 0.05
"""So many customers, or this share of them, may be in another group at once: more of them are no answer."""


def wrong_groups(history: History, snapshots: Snapshots) -> GroupsTold | str:
    """Who does not show in the power of the group that the plan has them in; or what would be needed."""
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
        found = find_wrong_groups(p_kw, group_p_kw, recorded)
    except ValueError as reason:
        return f"more: {reason}"
    if len(found.wrong) > max(_FEW, _FEW_SHARE * len(names)):
        return (
            f"sums that fit better: {len(found.wrong)} customers would have to be elsewhere, so a load "
            "without a meter or a wrong reading of the substation is likelier"
        )
    return _named(found, groups, names)


def wrong_phases(history: History, snapshots: Snapshots) -> GroupsTold | str:
    """Who is on another phase than the plan's; or what would be needed."""
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
