"""The history that `gridward mapping` looks into, and the complete snapshots that it gives.

Where from is `files.py` and `record.py`. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from grid_model.mapping.observations import FlowMeter
from grid_model.network import Floats, Ints, Network

LEAST_SNAPSHOTS = 10
MOST_SNAPSHOTS = 700
"""A week of quarter-hours: more of them are thinned out evenly, and tell hardly more."""
_REGULAR = 0.8
"""of the snapshots that a meter must have been read in; one that was not counts as not read at all"""
_LONGEST_GAP = 2
"""snapshots in a row"""
NOWHERE = -1
"""The group or phase of a customer that the plan has none for."""


@dataclass(frozen=True)
class Groups:
    """Customers whose sum is measured: outgoing cables, phases, feeders."""

    names: tuple[str, ...]
    p_kw: Floats
    """(n_snapshot, n_group)"""
    recorded: Ints
    """(n_sp,) by the plan; NOWHERE for who is in none"""


@dataclass(frozen=True)
class History:
    """What was read of one feeder. All arrays are NaN where nothing was."""

    network: Network
    at: tuple[datetime, ...]
    """(n_snapshot,) in the zone in which hours are told"""
    p_kw: Floats
    """(n_snapshot, n_sp)"""
    q_kvar: Floats
    v_pu: Floats
    flow_meters: tuple[FlowMeter, ...] = ()
    flow_p_kw: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    """(n_snapshot, n_flow)"""
    flow_q_kvar: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    busbar_v_pu: Floats = field(default_factory=lambda: np.zeros(0))
    """(n_snapshot,) at the low-voltage side of the first transformer"""
    groups: Groups | None = None
    phase: Ints | None = None
    """(n_sp,) 0 to 2, NOWHERE where the plan does not say"""
    notes: tuple[str, ...] = ()
    no_voltages: str = "a history with v_pu of the meters"
    """what would be needed for the tests by voltages"""
    no_substation: str = "the substation's readings (--substation)"


@dataclass(frozen=True)
class Snapshots:
    """Those of a history in which everything was read that is read regularly."""

    rows: Ints
    """(n,) positions in the history"""
    read: Ints
    """positions of the service points whose meters are read regularly"""
    p_kw: Floats
    """(n, n_sp) complete: estimated where no meter is read"""
    q_kvar: Floats
    v_pu: Floats
    """(n, n_sp) NaN in whole columns where not read regularly"""
    estimate_sd_kw: Floats
    """(n_sp,) 0 where metered"""


def complete_snapshots(history: History) -> Snapshots:
    """The snapshots that the tests can use; none where nothing is read regularly."""
    read = np.flatnonzero(_regular(np.isfinite(history.p_kw)))
    bridged = history.p_kw.copy()
    for point in read:
        bridged[:, point] = _bridged(bridged[:, point])
    wanted = [np.isfinite(bridged[:, read])]
    if history.flow_meters:
        flows = np.isfinite(history.flow_p_kw)
        wanted.append(flows[:, _regular(flows)])
    rows = _all(wanted)
    voltages = np.isfinite(history.v_pu)
    by_voltage = _regular(voltages[rows])
    with_voltages = rows & _all([voltages[:, by_voltage]])
    if np.count_nonzero(with_voltages) >= LEAST_SNAPSHOTS:
        rows = with_voltages
    else:
        by_voltage[:] = False
    chosen = thinned(np.flatnonzero(rows) if read.size else np.zeros(0, dtype=np.int64))
    p_kw, sd_kw = _filled(history.network, bridged[chosen], read)
    q_kvar = np.where(
        np.isnan(history.q_kvar[chosen]), p_kw * _q_share(history.network), history.q_kvar[chosen]
    )
    v_pu = np.where(by_voltage, history.v_pu[chosen], np.nan)
    return Snapshots(chosen, read, p_kw, q_kvar, v_pu, sd_kw)


def thinned(rows: Ints) -> Ints:
    """At most MOST_SNAPSHOTS of them, evenly spread."""
    if len(rows) <= MOST_SNAPSHOTS:
        return rows
    return rows[np.linspace(0, len(rows) - 1, MOST_SNAPSHOTS).astype(np.int64)]


def _bridged(series: Floats) -> Floats:
    """(n,) with short gaps drawn straight: of a hundred meters one is always late, and all would be lost."""
    known = np.flatnonzero(np.isfinite(series))
    gaps = np.flatnonzero(np.isnan(series))
    if not known.size or not gaps.size:
        return series
    after = np.searchsorted(known, gaps)
    inside = (after > 0) & (after < len(known))
    gaps, after = gaps[inside], after[inside]
    short = gaps[known[after] - known[after - 1] <= _LONGEST_GAP + 1]
    bridged = series.copy()
    bridged[short] = np.interp(short, known, series[known])
    return bridged


def _regular(known: np.ndarray) -> np.ndarray:
    """(n,) columns that are known in most rows."""
    return known.mean(axis=0) >= _REGULAR if len(known) else np.zeros(known.shape[1], dtype=bool)


def _all(parts: Sequence[np.ndarray]) -> np.ndarray:
    return np.asarray(np.concatenate(parts, axis=1).all(axis=1))


def _filled(network: Network, p_kw: Floats, read: Ints) -> tuple[Floats, Floats]:
    """Power of those without a meter: the network's own times what the metered ones take of theirs; as
    uncertain as it is large."""
    silent = np.setdiff1d(np.arange(p_kw.shape[1]), read)
    filled, sd_kw = p_kw.copy(), np.zeros(p_kw.shape[1])
    if not silent.size or not len(p_kw):
        return filled, sd_kw
    own = network.default_p_kw
    ratio = p_kw[:, read].sum(axis=1) / own[read].sum() if own[read].sum() > 0 else np.ones(len(p_kw))
    filled[:, silent] = np.maximum(ratio, 0.0)[:, None] * own[silent]
    sd_kw[silent] = np.maximum(np.abs(filled[:, silent]).mean(axis=0), 0.1)
    return filled, sd_kw


def _q_share(network: Network) -> Floats:
    """(n_sp,) kvar per kW by the network's own power factor."""
    p, q = network.default_p_kw, network.default_q_kvar
    return np.divide(q, p, out=np.zeros_like(p), where=p != 0)
