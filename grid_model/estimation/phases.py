"""[2] Single-phase meters that are on another phase than the register says, from the substation's currents.

The balanced state does not change when a house moves from one phase to another, so the search for bad data
is blind for it; the currents of the three phases are not. With snapshots t of all houses' P and Q,

    I_φ(t) ≈ g(t) · |Σ_{j on φ} S_j(t)| / V_φ(t)

where g makes the sums of all three phases agree (voltage drop and losses, the same for all to first order). A
house that moved from φ to ψ shifts two of the three; the logarithm of the likelihood ratio adds up over the
snapshots, so a small house is found with time. With Gaussian errors of each phase current: a fixed share of
it (`model_error`: instruments, uneven drops) and what is uncertain of the houses. One house after the other:
an exchange of two of like power needs both moves to pay off, and is found only where one of them does.

Related: V. Arya, D. Seetharam, S. Kalyanaraman et al., "Phase identification in smart grids", IEEE
SmartGridComm 2011, match sums of meters with sums of phases as well.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grid_model.network import Floats

THREE_PHASE = -1
MODEL_ERROR = 0.02
_LEAST_ERROR_A = 0.3
_LOG_SWAPPED = float(np.log(1e-3))
"""Odds of each other phase for each house before looking: registers are right to about a percent."""
_LOG_CONVINCED = float(np.log(20.0))
_MOST = 10


@dataclass(frozen=True, slots=True)
class SwappedPhase:
    """A meter that fits another phase."""

    place: int
    registered: int
    """0, 1, 2 for a, b, c"""
    likely: int
    log_odds: float


def swapped_phases(
    phase: NDArray[np.int64],
    p_kw: Floats,
    q_kvar: Floats,
    sd_kw: Floats,
    *,
    v_v: Floats,
    i_a: Floats,
    model_error: float = MODEL_ERROR,
) -> tuple[SwappedPhase, ...]:
    """Meters on another phase than registered, the clearest first.

    `phase` (n_sp,) is 0, 1, 2, or THREE_PHASE; `p_kw`, `q_kvar` and the standard deviation `sd_kw`
    (n_t, n_sp) are the estimated houses of n_t snapshots, `v_v` and `i_a` (n_t, 3) the busbar's phase to
    neutral voltages and the transformer's currents at its low-voltage side.
    """
    found: list[SwappedPhase] = []
    s = p_kw + 1j * q_kvar
    phase = phase.copy()
    while len(found) < _MOST:
        odds = _odds(phase, s, sd_kw, v_v, i_a, model_error=model_error)
        place, step = (int(index) for index in np.unravel_index(int(np.argmax(odds)), odds.shape))
        if odds[place, step] < _LOG_CONVINCED:
            break
        likely = (int(phase[place]) + step + 1) % 3
        found.append(SwappedPhase(place, int(phase[place]), likely, float(odds[place, step])))
        phase[place] = likely
    return tuple(found)


def _odds(
    phase: NDArray[np.int64],
    s: NDArray[np.complex128],
    sd_kw: Floats,
    v_v: Floats,
    i_a: Floats,
    *,
    model_error: float,
) -> Floats:
    """(n_sp, 2) logarithm of "is on the next phase", "on the one after", to "as registered"."""
    on = (phase[:, None] == np.arange(3)) + (phase[:, None] == THREE_PHASE) / 3  # (n_sp, 3)
    total = s @ on  # (n_t, 3)
    variance = (model_error * i_a) ** 2 + _LEAST_ERROR_A**2 + (sd_kw**2 @ on**2) * (1000 / v_v) ** 2
    registered = _misfit(total, v_v, i_a, variance).sum(axis=0)
    odds = np.full((len(phase), 2), -np.inf)
    for place in np.flatnonzero(phase != THREE_PHASE):
        own = int(phase[place])
        for step in (0, 1):
            moved = total.copy()
            moved[:, own] -= s[:, place]
            moved[:, (own + step + 1) % 3] += s[:, place]
            odds[place, step] = registered - _misfit(moved, v_v, i_a, variance).sum(axis=0) + _LOG_SWAPPED
    return odds


def _misfit(total: NDArray[np.complex128], v_v: Floats, i_a: Floats, variance: Floats) -> Floats:
    """(n_t,) half the squared error of the phase currents, after the common factor g."""
    expected = 1000 * np.abs(total) / v_v
    whole = expected.sum(axis=1, keepdims=True)
    scale = np.divide(i_a.sum(axis=1, keepdims=True), whole, out=np.ones_like(whole), where=whole > 0)
    return np.asarray(0.5 * ((i_a - scale * expected) ** 2 / variance).sum(axis=1))
