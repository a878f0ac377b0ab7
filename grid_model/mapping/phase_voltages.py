"""[4] Single-phase customers on another phase than the plan says, by how their voltages move together.

Customers on the same phase of the same street share its drops, and the substation's phase moves them all.
From one snapshot to the next, a customer's voltage is regressed on the average of the others thought to be on
a phase, and on the customer's own power, once for each phase; what is left unexplained compares the phases.
The mapping is corrected and the averages are taken again until nothing changes. Needs no network and no
substation: only the plan, right for most. (Correlation of voltages: Short, "Advanced metering for phase
identification, transformer identification, and secondary modeling", IEEE Trans. Smart Grid 4(2), 2013.)"""

import numpy as np

from grid_model.mapping.wrong_group import GroupFindings, WrongGroup
from grid_model.network import Floats, Ints

_ROUNDS = 5
_LEAST_SNAPSHOTS = 30


def find_wrong_phases(
    v_pu: Floats,
    p_kw: Floats,
    recorded: Ints,
    *,
    wrong_before: float = 0.01,
    confidence: float = 0.99,
) -> GroupFindings:
    """Compare voltages `v_pu` (n_snapshot, n_sp) of single-phase meters among each other.

    `p_kw` is (n_snapshot, n_sp), `recorded` (n_sp,) the phase by the plan, 0 to n - 1. Snapshots with a NaN
    are left out. Raises ValueError when fewer than 30 are left, or there are not two phases with two
    customers each."""
    change, power = _changes(v_pu, p_kw)
    members = np.bincount(recorded)
    if len(members) < 2 or members.min() < 2:
        raise ValueError(
            f"{members.tolist()} customers on the phases; expected at least 2 on each of at least 2"
        )
    phase = recorded.copy()
    for _ in range(_ROUNDS):
        evidence = _evidence(change, power, phase, len(members))
        better = np.argmax(evidence + _prior(recorded, len(members), wrong_before), axis=1)
        if (better == phase).all() or np.bincount(better, minlength=len(members)).min() < 2:
            break
        phase = better
    weight = evidence + _prior(recorded, len(members), wrong_before)
    probability = np.exp(weight - weight.max(axis=1, keepdims=True))
    probability /= probability.sum(axis=1, keepdims=True)
    other = 1 - probability[np.arange(len(phase)), recorded]
    wrong = [
        WrongGroup(int(point), int(recorded[point]), int(np.argmax(probability[point])), float(other[point]))
        for point in np.flatnonzero(other >= confidence)
    ]
    flat = np.sort(evidence, axis=1)
    alike = flat[:, -1] - flat[:, -2] < np.log(confidence / (1 - confidence))
    untold = np.flatnonzero(alike | (probability.max(axis=1) < confidence))
    return GroupFindings(
        tuple(sorted(wrong, key=lambda one: -one.confidence)), phase, tuple(int(point) for point in untold)
    )


def _changes(v_pu: Floats, p_kw: Floats) -> tuple[Floats, Floats]:
    """(n_step, n_sp) of voltages and powers from one complete snapshot to the next."""
    known = np.isfinite(v_pu).all(axis=1) & np.isfinite(p_kw).all(axis=1)
    if np.count_nonzero(known) < _LEAST_SNAPSHOTS:
        raise ValueError(
            f"{np.count_nonzero(known)} complete snapshots; expected at least {_LEAST_SNAPSHOTS}"
        )
    return np.diff(v_pu[known], axis=0), np.diff(p_kw[known], axis=0)


def _prior(recorded: Ints, n_phase: int, wrong_before: float) -> Floats:
    """(n_sp, n_phase) logarithms of what is expected before any measurement."""
    prior = np.full((len(recorded), n_phase), np.log(wrong_before / (n_phase - 1)))
    prior[np.arange(len(recorded)), recorded] = np.log(1 - wrong_before)
    return prior


def _evidence(change: Floats, power: Floats, phase: Ints, n_phase: int) -> Floats:
    """(n_sp, n_phase) logarithm of the likelihood of each customer's changes on each phase."""
    n_step, n_sp = change.shape
    total = np.stack([change[:, phase == p].sum(axis=1) for p in range(n_phase)])
    count = np.bincount(phase, minlength=n_phase)
    evidence = np.empty((n_sp, n_phase))
    for point in range(n_sp):
        for p in range(n_phase):
            own = phase[point] == p
            others = (total[p] - own * change[:, point]) / max(count[p] - own, 1)
            columns = np.stack([others, power[:, point]], axis=1)
            left = change[:, point] - columns @ np.linalg.lstsq(columns, change[:, point])[0]
            # A normal error of unknown size: n/2 log of its square; steps overlap in one snapshot of two.
            evidence[point, p] = -0.25 * n_step * np.log(max(float(left @ left), 1e-30))
    return evidence
