"""What truly happened in one run, step by step: the base of figures, plots and judgement. Knows no daemon."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from grid_model.network import Floats
from simulations.field import Moment
from simulations.substation import Head

QUARTER_S = 900.0
_ROUNDING_S = 1e-3


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
        self._quarters = QuarterPeaks(len(line_limits) + len(transformer_limits))

    def look(self, moment: Moment, head: Head) -> None:
        """Note one step."""
        result = head.result
        lines, transformers = result.line_loading_percent, result.transformer_loading_percent
        shares = np.concatenate([lines / self._limits[0], transformers / self._limits[1]])
        self._quarters.look(moment.at.timestamp(), np.concatenate([lines, transformers]))
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


class QuarterPeaks:
    """The highest quarter-hourly mean of each element, of whole quarter-hours of the clock; each look counts
    until the next. A run without one counts as a whole, and a time without a load flow not at all."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._highest: Floats | None = None
        self._run = _Held(count)
        self._quarter = _Held(count)
        self._before: tuple[float, Floats] | None = None

    @property
    def peaks(self) -> Floats:
        """(n_element,) percent."""
        return self._run.mean if self._highest is None else self._highest

    def look(self, at_s: float, loading_percent: Floats) -> None:
        """Note one look, in the order of time."""
        if self._before is not None:
            self._hold(self._before[0], at_s, self._before[1])
        self._before = (at_s, loading_percent)

    def _hold(self, from_s: float, to_s: float, loading_percent: Floats) -> None:
        while from_s < to_s:
            ends_s = (from_s // QUARTER_S + 1) * QUARTER_S
            until_s = min(to_s, ends_s)
            if self._highest is None:
                self._run.hold(until_s - from_s, loading_percent)
            self._quarter.hold(until_s - from_s, loading_percent)
            if until_s == ends_s:
                self._close()
            from_s = until_s

    def _close(self) -> None:
        quarter, self._quarter = self._quarter, _Held(self._count)
        if quarter.all_s < QUARTER_S - _ROUNDING_S:  # the run began within it
            return
        self._highest = quarter.mean if self._highest is None else np.maximum(self._highest, quarter.mean)


class _Held:
    """What was held for how long."""

    def __init__(self, count: int) -> None:
        self._sum: Floats = np.zeros(count)
        self._known_s = 0.0
        self.all_s = 0.0

    @property
    def mean(self) -> Floats:
        """Over the time in which it was known; 0 where it never was."""
        return self._sum / (self._known_s or 1.0)

    def hold(self, seconds: float, loading_percent: Floats) -> None:
        self.all_s += seconds
        if np.isnan(loading_percent).all():
            return
        self._known_s += seconds
        self._sum = self._sum + np.nan_to_num(loading_percent) * seconds


def _shown(moments: Sequence[Moment]) -> Floats | None:
    if all(moment.shown_kw is None for moment in moments):
        return None
    return np.array([m.p_kw if m.shown_kw is None else m.shown_kw for m in moments])


def _most(values: Floats) -> float:
    """The highest value that is one; NaN where there is none."""
    known = values[~np.isnan(values)]
    return float(known.max()) if known.size else float("nan")
