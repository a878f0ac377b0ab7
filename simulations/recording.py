"""What truly happened in one run, step by step: the base of figures, plots and judgement. Knows no daemon."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from grid_model.network import Floats
from simulations.field import Moment
from simulations.substation import Head

QUARTER_S = 900


@dataclass(frozen=True)
class Recording:
    """One run; `n_step` looks, each held until the next."""

    at: tuple[datetime, ...]
    step_s: int
    p_kw: Floats
    """(n_step, n_sp)"""
    device_kw: Floats
    """(n_step, n_device)"""
    limit_kw: Floats
    """(n_step, n_device) inf where there is none"""
    transformer_percent: Floats
    """(n_step,) the highest; NaN where the feeder has none or the load flow did not converge"""
    line_percent: Floats
    """(n_step,) the highest"""
    over_limit: Floats
    """(n_step,) highest loading as a share of what each element may carry: above 1 is an overload; inf where
    the load flow did not converge, which is worse than any"""
    min_v_pu: Floats
    max_v_pu: Floats
    losses_kw: Floats
    line_quarter_percent: Floats
    """(n_line,) highest mean over a quarter-hour, which is what equipment is sized by"""
    transformer_quarter_percent: Floats
    """(n_trafo,)"""
    shown_kw: Floats | None = None
    """(n_step, n_sp) what the meters showed; None: the true powers"""

    @property
    def loading_percent(self) -> Floats:
        """(n_step,) the highest of lines and transformers."""
        return np.fmax(self.transformer_percent, self.line_percent)


class Recorder:
    """Takes notes at each step; `done` closes the book."""

    def __init__(self, step_s: int, line_limits: Floats, transformer_limits: Floats) -> None:
        self._step_s = step_s
        self._limits = (line_limits, transformer_limits)
        self._moments: list[Moment] = []
        self._rows: list[tuple[float, ...]] = []
        self._quarters = _QuarterPeaks(step_s, len(line_limits) + len(transformer_limits))

    def look(self, moment: Moment, head: Head) -> None:
        """Note one step."""
        result = head.result
        lines, transformers = result.line_loading_percent, result.transformer_loading_percent
        shares = np.concatenate([lines / self._limits[0], transformers / self._limits[1]])
        self._quarters.look(np.concatenate([lines, transformers]))
        self._moments.append(moment)
        self._rows.append(
            (
                _most(transformers),
                _most(lines),
                _most(shares) if result.converged else float("inf"),
                -_most(-result.v_pu),
                _most(result.v_pu),
                result.losses_kw,
            )
        )

    def done(self) -> Recording:
        """All that was noted."""
        peaks, lines = self._quarters.peaks, len(self._limits[0])
        columns = np.array(self._rows, dtype=np.float64).reshape(len(self._rows), 6).T
        return Recording(
            at=tuple(moment.at for moment in self._moments),
            step_s=self._step_s,
            p_kw=np.array([moment.p_kw for moment in self._moments]),
            device_kw=np.array([moment.device_kw for moment in self._moments]),
            limit_kw=np.array([moment.limit_kw for moment in self._moments]),
            transformer_percent=columns[0],
            line_percent=columns[1],
            over_limit=columns[2],
            min_v_pu=columns[3],
            max_v_pu=columns[4],
            losses_kw=columns[5],
            shown_kw=_shown(self._moments),
            line_quarter_percent=peaks[:lines],
            transformer_quarter_percent=peaks[lines:],
        )


class _QuarterPeaks:
    """The highest quarter-hourly mean of each element; a step without a load flow is left out."""

    def __init__(self, step_s: int, count: int) -> None:
        self._steps = max(1, round(QUARTER_S / step_s))
        self._sum: Floats = np.zeros(count)
        self._seen = 0
        self.peaks: Floats = np.zeros(count)

    def look(self, loading_percent: Floats) -> None:
        if np.isnan(loading_percent).all():
            return
        self._sum = self._sum + np.nan_to_num(loading_percent)
        self._seen += 1
        if self._seen == self._steps:
            np.maximum(self.peaks, self._sum / self._steps, out=self.peaks)
            self._sum, self._seen = np.zeros_like(self._sum), 0


def _shown(moments: Sequence[Moment]) -> Floats | None:
    if all(moment.shown_kw is None for moment in moments):
        return None
    return np.array([m.p_kw if m.shown_kw is None else m.shown_kw for m in moments])


def _most(values: Floats) -> float:
    """The highest value that is one; NaN where there is none."""
    known = values[~np.isnan(values)]
    return float(known.max()) if known.size else float("nan")
