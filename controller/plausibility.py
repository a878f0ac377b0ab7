"""[1] From syntax to physics: which readings may be used. Pure.

Every reading passes, in this order: is its meter known; is it finite; is it within what its service point can
physically take (1.2 times its bound; a value that fits after division by 1,000 is named a unit slip); is its
time neither too old nor ahead of our clock; does its energy register not go back. What fails is refused by
reason and never used. A reading that is no newer than the newest known one is `late`: it is no fault of
anybody's (C14) and changes nothing but how far its register is known to have come.

Knows nothing of networks and load flow: service points are positions here, times are seconds since 1970 UTC.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from devices.messages import SUBSTATION, DeviceStatus, Reading, ReadingBatch

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

OVER_BOUND = 1.2
"""A reading above this times the physical bound is impossible (C8)."""
REGISTER_STEP_KWH = 1e-3
"""A register may go back by this much: meters round."""
_MAX_REGISTER_KWH = 1e8
_PHASES = 3
_DEAD_SHARE = 0.5
"""A phase at less than this of the highest is none: no unbalance is so large."""


@dataclass(frozen=True, slots=True)
class RefusedCount:
    """How often input was refused for one reason, with one example."""

    count: int
    sample: str


class Refusals:
    """Refused input by reason; grows while one drain is screened."""

    def __init__(self) -> None:
        self._by_reason: dict[str, RefusedCount] = {}

    def add(self, reason: str, sample: str, count: int = 1) -> None:
        """Count; the first sample of a reason is kept."""
        known = self._by_reason.get(reason)
        self._by_reason[reason] = RefusedCount(
            count if known is None else known.count + count, known.sample if known else sample
        )

    def by_reason(self) -> Mapping[str, RefusedCount]:
        """What was counted."""
        return dict(self._by_reason)


@dataclass(frozen=True)
class Window:
    """Which times are believed, in seconds since 1970 UTC."""

    oldest_s: float
    newest_s: float


@dataclass(frozen=True)
class Columns:
    """Readings of one feeder's service points in columns, each (n,). NaN where a value was not measured."""

    position: Ints
    at_s: Floats
    p_kw: Floats
    q_kvar: Floats
    energy_kwh: Floats
    v_v: Floats
    """mean phase to neutral voltage of those that show three phases; nothing is refused for it"""

    def where(self, mask: NDArray[np.bool_] | Ints) -> "Columns":
        """Those rows, or the rows in that order."""
        return Columns(*(getattr(self, name)[mask] for name in _NAMES))


_NAMES = tuple(field.name for field in fields(Columns))


@dataclass(frozen=True)
class Screened:
    """The plausible readings of one drain."""

    columns: Columns
    """sorted by position, then time; at most the newest ones matter"""
    late: int = 0
    late_registers: Columns | None = None
    """of the late ones, those that show a register: what comes after them shows no lower one"""
    substation: tuple[Reading, ...] = field(default=())


_ROW = tuple[int, float, float, float, float, float]
_Group = list[ReadingBatch]
"""Batches of one concentrator: the same meters in the same order."""


def to_columns(
    messages: Iterable[Reading | ReadingBatch], meters: Mapping[str, int], refusals: Refusals
) -> tuple[Columns, list[Reading]]:
    """Rows for the known meters, in any order, and the substation's own readings; unknown ones: refused."""
    rows: list[_ROW] = []
    groups: dict[tuple[str, ...], _Group] = {}
    substation: list[Reading] = []
    nan = float("nan")
    for message in messages:
        if isinstance(message, ReadingBatch):
            groups.setdefault(message.meters, []).append(message)
        elif message.meter == SUBSTATION:
            substation.append(message)
        elif (position := meters.get(message.meter)) is None:
            refusals.add("unknown_meter", f"meter {message.meter!r}")
        else:
            q, energy = message.q_kvar, message.energy_kwh
            rows.append(
                (
                    position,
                    message.at.timestamp(),
                    message.p_kw,
                    nan if q is None else q,
                    nan if energy is None else energy,
                    _mean_v(message.v_v),
                )
            )
    table = np.array(rows, dtype=np.float64).reshape(-1, 6)
    single = Columns(table[:, 0].astype(np.int64), *(table[:, column] for column in range(1, 6)))
    return _joined([single, *(_of_batches(group, meters, refusals) for group in groups.values())]), substation


def _mean_v(v_v: tuple[float, ...] | None) -> float:
    """Of all three phases; one of them alone says little of the balanced state, and one that is dead, or not
    connected, spoils the mean.
    """
    if v_v is None or len(v_v) < _PHASES or min(v_v) < _DEAD_SHARE * max(v_v):
        return float("nan")
    return sum(v_v) / _PHASES


def _of_batches(batches: _Group, meters: Mapping[str, int], refusals: Refusals) -> Columns:
    """All batches of one concentrator at once, sorted by position and time, so that sorting finds it done."""
    names, n = batches[0].meters, len(batches)
    for name in names:
        if name not in meters:
            refusals.add("unknown_meter", f"meter {name!r} in a batch", n)
    known = sorted((meters[name], column) for column, name in enumerate(names) if name in meters)
    position, column = np.array(known, dtype=np.int64).reshape(-1, 2).T
    batches = sorted(batches, key=lambda batch: batch.at)
    unmeasured = (float("nan"),) * len(names)
    p_kw = np.array([batch.p_kw for batch in batches], dtype=np.float64)
    q_kvar = np.array(
        [unmeasured if batch.q_kvar is None else batch.q_kvar for batch in batches], dtype=np.float64
    )
    v_v = np.array(
        [unmeasured if batch.v_v is None else batch.v_v for batch in batches], dtype=np.float64
    )  # None becomes NaN
    assert p_kw.shape == q_kvar.shape == v_v.shape == (n, len(names)), "columns of a batch have equal length"
    return Columns(
        position=np.repeat(position, n),
        at_s=np.tile([batch.at.timestamp() for batch in batches], len(position)),
        p_kw=p_kw.T[column].ravel(),
        q_kvar=q_kvar.T[column].ravel(),
        energy_kwh=np.full(n * len(position), np.nan),
        v_v=v_v.T[column].ravel(),
    )


def _joined(parts: list[Columns]) -> Columns:
    return Columns(*(np.concatenate([getattr(part, name) for part in parts]) for name in _NAMES))


def screen(
    columns: Columns,
    *,
    bound_kw: Floats,
    known_at_s: Floats,
    known_energy_kwh: Floats,
    window: Window,
    refusals: Refusals,
) -> Screened:
    """The rows that may be used, sorted by service point and time.

    `bound_kw`, `known_at_s` and `known_energy_kwh` are (n_sp,): the physical bound, and the newest known
    reading's time and register (NaN where none is known).
    """
    columns = _sorted(columns)
    bound = OVER_BOUND * bound_kw[columns.position]
    p, q = np.abs(columns.p_kw), np.abs(np.nan_to_num(columns.q_kvar, nan=0.0, posinf=np.inf, neginf=-np.inf))
    # A comparison with NaN is false, so each test names what is good.
    checks = (
        ("not_finite", np.isfinite(p) & np.isfinite(q) & ~np.isinf(columns.energy_kwh)),
        ("unit_slip", (p <= bound) | (p > 1000 * bound)),
        ("out_of_range", (p <= bound) & (q <= bound) & ~(np.abs(columns.energy_kwh) > _MAX_REGISTER_KWH)),
        ("too_old", columns.at_s >= window.oldest_s),
        ("future", columns.at_s <= window.newest_s),
    )
    good = np.ones(len(columns.position), dtype=bool)
    for reason, passed in checks:
        _refuse(reason, good & ~passed, columns, refusals)
        good &= passed
    columns = columns.where(good)
    newer = ~(columns.at_s <= known_at_s[columns.position])
    late = int(np.count_nonzero(~newer))
    late_registers = columns.where(~newer & ~np.isnan(columns.energy_kwh))
    columns = columns.where(newer)
    grows = _register_grows(columns, highest_register(known_energy_kwh, late_registers))
    _refuse("energy_back", ~grows, columns, refusals)
    return Screened(columns.where(grows), late, late_registers)


def highest_register(known_energy_kwh: Floats, columns: Columns) -> Floats:
    """(n_sp,) the same, or what these rows show where that is more."""
    highest = known_energy_kwh.copy()
    np.fmax.at(highest, columns.position, columns.energy_kwh)  # a NaN counts as none
    return highest


def _sorted(columns: Columns) -> Columns:
    """By position and time; what is of one meter and time by its values, so that the outcome does not depend
    on the order of arrival.
    """
    in_time = columns.where(np.lexsort((columns.at_s, columns.position)))
    twice = (np.diff(in_time.position) == 0) & (np.diff(in_time.at_s) == 0)
    if not twice.any():
        return in_time
    return columns.where(
        np.lexsort(
            (columns.v_v, columns.energy_kwh, columns.q_kvar, columns.p_kw, columns.at_s, columns.position)
        )
    )


def _register_grows(columns: Columns, known_energy_kwh: Floats) -> NDArray[np.bool_]:
    """Whether each register is at least the highest of its meter before it. Rows are sorted by position and
    time.
    """
    if not len(columns.position):
        return np.ones(0, dtype=bool)
    known = known_energy_kwh[columns.position]
    floor = np.where(np.isnan(known), -_MAX_REGISTER_KWH, known)
    unread = np.isnan(columns.energy_kwh)
    energy = np.where(unread, floor, columns.energy_kwh)
    # One running maximum for all meters: each position is lifted above everything the one before it can
    # reach.
    lift = np.cumsum(np.diff(columns.position, prepend=columns.position[0]) != 0) * (4 * _MAX_REGISTER_KWH)
    highest = np.maximum.accumulate(np.maximum(energy, floor) + lift) - lift
    return np.asarray(unread | (energy >= highest - REGISTER_STEP_KWH), dtype=bool)


def _refuse(reason: str, mask: NDArray[np.bool_], columns: Columns, refusals: Refusals) -> None:
    count = int(np.count_nonzero(mask))
    if count:
        row = int(np.argmax(mask))
        sample = (
            f"service point {columns.position[row]}: "
            f"p_kw {columns.p_kw[row]:g}, q_kvar {columns.q_kvar[row]:g}, "
            f"energy_kwh {columns.energy_kwh[row]:g}, at {columns.at_s[row]:.0f}"
        )
        refusals.add(reason, sample, count)


def substation_fault(
    reading: Reading, bound_kw: float, nominal_v: float | None, window: Window
) -> str | None:
    """Why the substation's reading cannot be used, or None. `nominal_v` is phase to neutral."""
    numbers = (reading.p_kw, reading.q_kvar or 0.0, *(reading.v_v or ()))
    if not np.isfinite(numbers).all():
        return "not_finite"
    if max(abs(reading.p_kw), abs(reading.q_kvar or 0.0)) > OVER_BOUND * bound_kw:
        return "out_of_range"
    if nominal_v is not None and any(not 0.5 <= v / nominal_v <= 1.5 for v in reading.v_v or ()):
        return "out_of_range"
    return _time_fault(reading.at.timestamp(), window)


def status_fault(status: DeviceStatus, rated_kw: float, window: Window) -> str | None:
    """Why a device's status cannot be used, or None. An old one is only old: the broker retains it."""
    if status.at is not None and status.at.timestamp() > window.newest_s:
        return "future"
    for value in (status.p_kw, status.limit_kw, status.production_limit_kw):
        if value is not None and not math.isfinite(value):
            return "not_finite"
    if status.p_kw is not None and abs(status.p_kw) > OVER_BOUND * max(rated_kw, 1.0):
        return "out_of_range"
    return None


def _time_fault(at_s: float, window: Window) -> str | None:
    if at_s < window.oldest_s:
        return "too_old"
    return "future" if at_s > window.newest_s else None
