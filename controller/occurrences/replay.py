"""Recorded states of a feeder over a span of time, in columns for a page that plays them. Pure.

What was recorded is told as it was shown; where nothing was, what the meters showed is solved anew and marked
so (`computed.py`). Steps of different networks or limits stand in the order of the newest one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import msgspec
import numpy as np

from controller.occurrences.frames import Drawn, Frame
from grid_model.network import Floats

MOST_STEPS = 400
MOST_NUMBERS = 1_200_000
"""in one answer: a large network is told in fewer steps"""
LONGEST = timedelta(days=14)
"""of one answer: in longer ones a step would be more than an hour"""
_ROUND_S = (
    1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 10800.0,
    21600.0, 43200.0, 86400.0,
)  # fmt: skip
Source = Literal["recorded", "computed"]


class LimitsFrom(msgspec.Struct, frozen=True):
    """The limits in force from one step on."""

    step: int
    line_percent: list[float | None]
    transformer_percent: list[float | None]
    min_v_pu: list[float | None]
    max_v_pu: list[float | None]


class RequestSpan(msgspec.Struct, frozen=True, kw_only=True):
    """A request that was in force at some time of the span."""

    request: str
    event: str
    resource: str
    target: str
    service_point: str
    active_at: datetime
    until: datetime | None
    limits: tuple[tuple[datetime, float], ...]
    """(from, kW)"""


class RecordedBody(msgspec.Struct, frozen=True, kw_only=True):
    """States of a feeder, a row for each step; None (null) is what nobody knows."""

    feeder: str
    step_s: float
    times: list[datetime]
    """(n,) the steps"""
    shown_at: list[datetime | None]
    """when the state of each step was shown: at it, or before; None: none is kept"""
    source: list[Source | None]
    """recorded: as it was shown · computed: by a load flow over what the meters showed, without reactive
    power and voltage: an approximation"""
    converged: list[bool | None]
    measured: list[int | None]
    stale: list[int | None]
    estimated: list[int | None]
    """service points by the quality of their reading"""
    substation_p_kw: list[float | None]
    model_p_kw: list[float | None]
    without_control_percent: list[float | None]
    curtailed_kw: list[float | None]
    worst_percent: list[float | None]
    lines: tuple[str, ...]
    transformers: tuple[str, ...]
    buses: tuple[str, ...]
    service_points: tuple[str, ...] | None
    line_percent: list[list[float | None]]
    """(n, n_line)"""
    transformer_percent: list[list[float | None]]
    v_pu: list[list[float | None]]
    service_point_kw: list[list[float | None]] | None
    """(n, n_sp); None unless asked for by somebody who may"""
    limits: list[LimitsFrom]
    """in force from that step on"""
    requests: tuple[RequestSpan, ...]


@dataclass(frozen=True)
class Shown:
    """The state of one step."""

    frame: Frame
    drawn: Drawn
    source: Source


class SpanRefused(ValueError):
    """What was asked for is no span, or too much of one; the message says what was expected."""


def steps_of(
    start: datetime, end: datetime, step_s: float | None, drawn: Drawn, *, service_points: bool
) -> tuple[tuple[datetime, ...], float]:
    """The times of the steps from `start` to `end`, both included, and what lies between them (the last may
    be nearer). Without `step_s` as fine as may be, of a round length: so a span that grows keeps its steps.
    Raises SpanRefused."""
    span_s = (end - start).total_seconds()
    if span_s < 0:
        raise SpanRefused(f"to: expected a time not before {start.isoformat()}, got {end.isoformat()}")
    if end - start > LONGEST:
        raise SpanRefused(f"to: expected at most {LONGEST.days} days from {start.isoformat()}")
    width = len(drawn.lines) + len(drawn.transformers) + len(drawn.buses)
    width += len(drawn.service_points) if service_points else 0
    most = max(3, min(MOST_STEPS, MOST_NUMBERS // max(width, 1)))
    least_s = span_s / (most - 2)  # one of them is the end
    if step_s is None:
        step_s = next((one for one in _ROUND_S if one >= least_s), float(np.ceil(least_s)))
    elif step_s < least_s:
        raise SpanRefused(
            f"step_s: expected at least {np.ceil(least_s):g}, because at most {most} steps are told at once"
        )
    times = [start + timedelta(seconds=step_s * place) for place in range(int(span_s // step_s) + 1)]
    return (*times, end) if times[-1] < end else tuple(times), step_s


def recorded_body(
    drawn: Drawn,
    times: Sequence[datetime],
    step_s: float,
    shown: Sequence[Shown | None],
    requests: Sequence[RequestSpan],
    *,
    service_points: bool,
) -> RecordedBody:
    """All steps in columns, in the order of `drawn`, the feeder's network as it is now."""
    frames = [None if one is None else one.frame for one in shown]
    return RecordedBody(
        feeder=drawn.feeder,
        step_s=step_s,
        times=list(times),
        shown_at=[None if f is None else f.at for f in frames],
        source=[None if one is None else one.source for one in shown],
        converged=[None if f is None else f.converged for f in frames],
        measured=[None if f is None else f.measured for f in frames],
        stale=[None if f is None else f.stale for f in frames],
        estimated=[None if f is None else f.estimated for f in frames],
        substation_p_kw=_column(frames, "substation_p_kw"),
        model_p_kw=_column(frames, "model_p_kw"),
        without_control_percent=_column(frames, "without_control_percent"),
        curtailed_kw=_column(frames, "curtailed_kw"),
        worst_percent=_column(frames, "worst_percent"),
        lines=drawn.lines,
        transformers=drawn.transformers,
        buses=drawn.buses,
        service_points=drawn.service_points if service_points else None,
        line_percent=_rows(shown, drawn, "lines", "line_percent", 1),
        transformer_percent=_rows(shown, drawn, "transformers", "transformer_percent", 1),
        v_pu=_rows(shown, drawn, "buses", "v_pu", 4),
        service_point_kw=_rows(shown, drawn, "service_points", "p_kw", 2) if service_points else None,
        limits=_limits(shown, drawn),
        requests=tuple(requests),
    )


def _column(frames: Sequence[Frame | None], name: str) -> list[float | None]:
    return [None if frame is None else round(float(getattr(frame, name)), 2) for frame in frames]


def _rows(
    shown: Sequence[Shown | None], drawn: Drawn, ids: str, name: str, digits: int
) -> list[list[float | None]]:
    nothing: list[float | None] = [np.nan] * len(getattr(drawn, ids))
    return [
        nothing
        if one is None
        else _aligned(getattr(one.frame, name), getattr(one.drawn, ids), getattr(drawn, ids))
        .round(digits)
        .tolist()
        for one in shown
    ]


def _aligned(values: Floats, ids: tuple[str, ...], wanted: tuple[str, ...]) -> Floats:
    """In the order of the ids that are wanted; NaN for what was not there."""
    if ids == wanted:
        return values
    known = dict(zip(ids, values.tolist(), strict=True))
    return np.array([known.get(one, np.nan) for one in wanted])


def _limits(shown: Sequence[Shown | None], drawn: Drawn) -> list[LimitsFrom]:
    """A row wherever they are others than before."""
    rows: list[LimitsFrom] = []
    last: Drawn | None = None
    for step, one in enumerate(shown):
        if one is None or (last is not None and _same_limits(one.drawn, last)):
            continue
        last = one.drawn
        rows.append(
            LimitsFrom(
                step,
                _aligned(np.array(last.line_percent), last.lines, drawn.lines).tolist(),
                _aligned(np.array(last.transformer_percent), last.transformers, drawn.transformers).tolist(),
                _aligned(_numbers(last.min_v_pu), last.buses, drawn.buses).tolist(),
                _aligned(_numbers(last.max_v_pu), last.buses, drawn.buses).tolist(),
            )
        )
    return rows


def _same_limits(one: Drawn, other: Drawn) -> bool:
    return one is other or one == other


def _numbers(values: Sequence[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
