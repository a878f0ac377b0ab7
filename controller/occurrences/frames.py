"""One recorded state of a feeder as bytes, and back: what the daemon showed after a cycle. Pure.

Loadings are kept to `LOADING_STEP` percent, voltages to `VOLTAGE_STEP` pu, powers to the watt; what is not
known has a mark of its own and never becomes 0. The arrays stand in the order of a `Drawn`: the elements of
the network as it was, and the limits that were in force. They change with a new start only, so a file of
frames tells them once.
"""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
import numpy as np
from numpy.typing import NDArray

from controller.feeder_control import FeederControl
from controller.views import FeederView
from grid_model.network import Floats

LOADING_STEP = 0.02
VOLTAGE_STEP = 1e-4
_UNKNOWN = 0xFFFF
_NO_POWER = -(2**31)
_HEAD = struct.Struct("<B3I5f")
_LEVEL = 1
"""of compression: more of it costs more than it saves"""


class Drawn(msgspec.Struct, frozen=True):
    """What the arrays of frames are of, and the limits in force."""

    feeder: str
    lines: tuple[str, ...]
    transformers: tuple[str, ...]
    buses: tuple[str, ...]
    service_points: tuple[str, ...]
    line_percent: tuple[float, ...]
    transformer_percent: tuple[float, ...]
    min_v_pu: tuple[float | None, ...]
    max_v_pu: tuple[float | None, ...]


@dataclass(frozen=True, eq=False)
class Frame:
    """One state. Arrays in the order of a `Drawn`; NaN where nothing is known."""

    at: datetime
    converged: bool
    measured: int
    stale: int
    estimated: int
    """service points by the quality of their reading"""
    substation_p_kw: float
    model_p_kw: float
    without_control_percent: float
    curtailed_kw: float
    worst_percent: float
    """highest loading of all"""
    line_percent: Floats = field(repr=False)
    transformer_percent: Floats = field(repr=False)
    v_pu: Floats = field(repr=False)
    p_kw: Floats = field(repr=False)
    """(n_sp,)"""


def drawn_of(control: FeederControl) -> Drawn:
    """Of a feeder as it is now."""
    network, limits = control.network, control.element_limits
    return Drawn(
        feeder=control.feeder,
        lines=network.lines.ids,
        transformers=network.transformers.ids,
        buses=network.buses.ids,
        service_points=network.service_points,
        line_percent=tuple(limits.line_percent.tolist()),
        transformer_percent=tuple(limits.transformer_percent.tolist()),
        min_v_pu=_told(limits.min_v_pu),
        max_v_pu=_told(limits.max_v_pu),
    )


def _told(limits: Floats) -> tuple[float | None, ...]:
    return tuple(float(one) if np.isfinite(one) else None for one in limits)


def frame_of(view: FeederView, drawn: Drawn) -> Frame:
    """What a view shows."""
    lines = _placed({one.id: one.loading_percent for one in view.lines}, drawn.lines)
    transformers = _placed({one.id: one.loading_percent for one in view.transformers}, drawn.transformers)
    loadings = np.concatenate((lines, transformers))
    event, quality = view.event, view.quality
    return Frame(
        at=view.at,
        converged=view.converged,
        measured=quality.measured,
        stale=quality.stale,
        estimated=quality.estimated,
        substation_p_kw=_number(quality.substation_p_kw),
        model_p_kw=_number(quality.model_p_kw),
        without_control_percent=_number(view.without_control_percent),
        curtailed_kw=0.0 if event is None else event.curtailed_kw,
        worst_percent=float(np.fmax.reduce(loadings)) if loadings.size else np.nan,
        line_percent=lines,
        transformer_percent=transformers,
        v_pu=_placed({one.id: one.v_pu for one in view.buses}, drawn.buses),
        p_kw=np.array([_number(one) for one in view.service_point_kw], dtype=np.float64),
    )


def _placed(known: dict[str, float], ids: Sequence[str]) -> Floats:
    return np.array([known.get(one, np.nan) for one in ids], dtype=np.float64)


def _number(value: float | None) -> float:
    return np.nan if value is None else value


def encoded(frame: Frame) -> bytes:
    """A frame without its time."""
    head = _HEAD.pack(
        frame.converged,
        frame.measured,
        frame.stale,
        frame.estimated,
        frame.substation_p_kw,
        frame.model_p_kw,
        frame.without_control_percent,
        frame.curtailed_kw,
        frame.worst_percent,
    )
    watts = np.where(np.isfinite(frame.p_kw), np.round(frame.p_kw * 1000), _NO_POWER).astype("<i4")
    parts = (
        _steps(frame.line_percent, LOADING_STEP),
        _steps(frame.transformer_percent, LOADING_STEP),
        _steps(frame.v_pu, VOLTAGE_STEP),
        watts,
    )
    return zlib.compress(head + b"".join(part.tobytes() for part in parts), _LEVEL)


def _steps(values: Floats, step: float) -> NDArray[np.uint16]:
    """As whole steps; what is above all bounds stays just below the mark of the unknown."""
    known = np.isfinite(values)
    steps = np.clip(np.round(np.where(known, values, 0.0) / step), 0, _UNKNOWN - 1)
    return np.where(known, steps, _UNKNOWN).astype("<u2")


def decoded(at: datetime, body: bytes, drawn: Drawn) -> Frame:
    """The inverse of `encoded`. Raises ValueError for what is no frame of these elements."""
    try:
        raw = zlib.decompress(body)
    except zlib.error as error:
        raise ValueError(f"no frame: {error}") from error
    counts = tuple(map(len, (drawn.lines, drawn.transformers, drawn.buses)))
    expected = _HEAD.size + 2 * sum(counts) + 4 * len(drawn.service_points)
    if len(raw) != expected:
        raise ValueError(f"a frame of {len(raw)} bytes, expected {expected}")
    converged, measured, stale, estimated, *numbers = _HEAD.unpack_from(raw)
    steps = np.frombuffer(raw, "<u2", sum(counts), _HEAD.size)
    lines, transformers, buses = np.split(steps, np.cumsum(counts)[:2])
    watts = np.frombuffer(raw, "<i4", len(drawn.service_points), _HEAD.size + 2 * sum(counts))
    substation_p_kw, model_p_kw, without_control_percent, curtailed_kw, worst_percent = numbers
    return Frame(
        at=at,
        converged=bool(converged),
        measured=measured,
        stale=stale,
        estimated=estimated,
        substation_p_kw=substation_p_kw,
        model_p_kw=model_p_kw,
        without_control_percent=without_control_percent,
        curtailed_kw=curtailed_kw,
        worst_percent=worst_percent,
        line_percent=_values(lines, LOADING_STEP),
        transformer_percent=_values(transformers, LOADING_STEP),
        v_pu=_values(buses, VOLTAGE_STEP),
        p_kw=np.where(watts == _NO_POWER, np.nan, watts / 1000),
    )


def _values(steps: NDArray[np.uint16], step: float) -> Floats:
    return np.where(steps == _UNKNOWN, np.nan, steps * step)
