"""States of times of which none was recorded, from what the meters showed: a load flow over each sample.
Pure.

An approximation, and marked as one: samples hold no reactive power and no voltage, so every service point has
the network's own power factor, and the grid above its nominal voltage. Who was not read takes the network's
own value at the level of those who were, as in `feeder_state.snapshot`.
"""

from collections.abc import Sequence

import numpy as np

from controller.feeder_control import FeederControl
from controller.occurrences.frames import Frame
from controller.stores.port import FeederSample
from grid_model.network import Floats


def computed(control: FeederControl, samples: Sequence[FeederSample]) -> tuple[Frame | None, ...]:
    """A state for each sample, which has to be of the network as it is now: samples have no names. None for
    one of another number of service points, or in which nobody was read.
    """
    n_sp = len(control.network.service_points)
    frames: list[Frame | None] = [None] * len(samples)
    places = [n for n, s in enumerate(samples) if len(s.p_kw) == n_sp and np.isfinite(s.p_kw).any()]
    if not places:
        return tuple(frames)
    shown = np.array([samples[place].p_kw for place in places], dtype=np.float64)
    p_kw, q_kvar = _filled(control, shown)
    batch = control.load_flow.solve_batch(p_kw, q_kvar)
    for row, place in enumerate(places):
        sample, result, read = samples[place], batch[row], int(np.isfinite(shown[row]).sum())
        loadings = np.concatenate((result.line_loading_percent, result.transformer_loading_percent))
        frames[place] = Frame(
            at=sample.at,
            converged=result.converged,
            measured=read,
            stale=0,
            estimated=n_sp - read,
            substation_p_kw=np.nan if sample.substation_p_kw is None else sample.substation_p_kw,
            model_p_kw=control.substation_p_kw(result) if result.converged else np.nan,
            without_control_percent=_number(sample.without_control_percent),
            curtailed_kw=sample.curtailed_kw,
            worst_percent=float(np.fmax.reduce(loadings)) if loadings.size else np.nan,
            line_percent=result.line_loading_percent,
            transformer_percent=result.transformer_loading_percent,
            v_pu=result.v_pu,
            p_kw=p_kw[row],
        )
    return tuple(frames)


def _filled(control: FeederControl, shown: Floats) -> tuple[Floats, Floats]:
    """(n, n_sp) P and Q of all from what was shown, NaN where nothing was."""
    default_p, default_q = control.network.default_p_kw, control.network.default_q_kvar
    read = np.isfinite(shown)
    expected = np.where(read, default_p, 0.0).sum(axis=1)
    taken = np.where(read, shown, 0.0).sum(axis=1)
    ratio = np.where(expected > 0, taken / np.where(expected > 0, expected, 1.0), 1.0)
    p_kw = np.where(read, shown, default_p * ratio[:, np.newaxis])
    q_per_p = np.where(default_p != 0, default_q / np.where(default_p != 0, default_p, 1.0), 0.0)
    return p_kw, p_kw * q_per_p


def _number(value: float | None) -> float:
    return np.nan if value is None else value
