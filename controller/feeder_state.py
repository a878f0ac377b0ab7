"""[2] The newest plausible readings of a feeder as arrays, with age and quality; the mapper to `grid_model`.
Pure.

A reading is *measured* while it is fresh, *stale* while it is at most ten times as old, and not used after
that: then, as for service points without a meter, the value is *estimated*: the network's own value times the
mean ratio of the fresh meters to theirs. A reactive power that was not measured follows the network's own
power factor.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from controller import plausibility, settings
from controller.feeder_control import FeederControl
from controller.plausibility import Columns, Floats, Refusals, Screened, Window, highest_register
from devices.messages import DeviceStatus, Direction, GuardState, Reading, ReadingBatch
from grid_model.snapshot import Quality, Snapshot

USED_UNTIL = 10
"""A reading is used, as stale, up to this many times `fresh_s`."""


@dataclass(frozen=True)
class Readings:
    """(n_sp,) each; NaN where nothing is known. Replaced, never changed."""

    at_s: Floats
    p_kw: Floats
    q_kvar: Floats
    energy_kwh: Floats
    """the highest register; it stands whatever the clock of the day does"""
    energy_unheard: Floats
    """looks in a row that heard of no register, or of none so high"""
    v_v: Floats
    """mean phase to neutral voltage as the newest reading shows it"""

    @classmethod
    def nothing(cls, n_sp: int) -> "Readings":
        """Before the first reading."""
        nan = np.full(n_sp, np.nan)
        return cls(nan, nan, nan, nan, np.zeros(n_sp), nan)

    def with_newer(self, columns: Columns) -> "Readings":
        """Take over the newest row of each position; rows are sorted by position and time
        (`plausibility.screen`).
        """
        if not columns.position.size:
            return self
        last = np.append(columns.position[1:] != columns.position[:-1], True)
        newest = columns.where(last)
        return replace(
            self,
            at_s=_put(self.at_s, newest.position, newest.at_s),
            p_kw=_put(self.p_kw, newest.position, newest.p_kw),
            q_kvar=_put(self.q_kvar, newest.position, newest.q_kvar),
            v_v=_put(self.v_v, newest.position, newest.v_v),
        )

    def with_registers(self, screened: Screened) -> "Readings":
        """Take over how far they have come: what was used says so, and what came late."""
        used, late = screened.columns, screened.late_registers
        highest = highest_register(self.energy_kwh, used)
        if late is not None:
            highest = highest_register(highest, late)
        heard = ~(highest <= self.energy_kwh) & ~np.isnan(highest)
        heard[used.position[~np.isnan(used.energy_kwh)]] = True
        return replace(self, energy_kwh=highest, energy_unheard=np.where(heard, 0.0, self.energy_unheard + 1))

    def without_registers(self, unheard: float) -> "Readings":
        """Without those that nobody heard of in so many looks: the meter may have been exchanged."""
        return replace(self, energy_kwh=np.where(self.energy_unheard >= unheard, np.nan, self.energy_kwh))


def _put(values: Floats, positions: plausibility.Ints, new: Floats) -> Floats:
    """A copy with `new` written in order: the last one of a position stays."""
    values = values.copy()
    values[positions] = new
    return values


@dataclass(frozen=True, slots=True)
class DeviceState:
    """What a device last said of itself."""

    online: bool
    at: datetime | None
    """None after a will: nobody knows since when it is gone"""
    p_kw: float | None
    limit_kw: float | None
    request: str | None
    failsafe_kw: float | None = None
    failsafe_s: int | None = None
    heartbeat_timeout_s: int | None = None
    nominal_kw: float | None = None
    guard: GuardState | None = None
    """where it stands between us and silence"""
    production_limit_kw: float | None = None
    production_request: str | None = None
    """`limit_kw` and `request` of what it feeds in"""

    def shows(self, direction: Direction) -> tuple[float | None, str | None]:
        """(limit_kw, request) that it shows in this direction."""
        if direction == "production":
            return self.production_limit_kw, self.production_request
        return self.limit_kw, self.request


@dataclass(frozen=True)
class FeederState:
    """All that is known of the field. Replaced, never changed."""

    readings: Readings
    devices: Mapping[str, DeviceState] = field(default_factory=dict)
    substation: Reading | None = None

    def fresh_substation(self, now: datetime, fresh_s: float) -> Reading | None:
        """What the RTU shows; None when it never said anything, or not lately."""
        reading = self.substation
        return reading if reading is not None and (now - reading.at).total_seconds() <= fresh_s else None

    def device_p_kw(self, device: str, now: datetime, fresh_s: float) -> float | None:
        """What a device takes by its own word; None when it is offline, or has not said so lately."""
        state = self.devices.get(device)
        if state is None or not state.online or state.at is None or state.p_kw is None:
            return None
        return state.p_kw if (now - state.at).total_seconds() <= fresh_s else None


@dataclass(frozen=True)
class Taken:
    """A new state, and what of the input was not used."""

    state: FeederState
    late: int
    statuses: tuple[DeviceStatus, ...]
    """the ones that were news"""


def window(cycle: settings.Cycle, now: datetime) -> Window:
    """The times that a reading may bear now."""
    now_s = now.timestamp()
    return Window(now_s - USED_UNTIL * cycle.fresh_s, now_s + cycle.max_clock_skew_s)


def take_in(
    state: FeederState,
    control: FeederControl,
    readings: Iterable[Reading | ReadingBatch],
    statuses: Iterable[DeviceStatus],
    *,
    now: datetime,
    refusals: Refusals,
) -> Taken:
    """Screen one drain and take over what is plausible and newer; what is refused is added to `refusals`."""
    believed = window(control.site.cycle, now)
    state = _without_ahead(state, believed)
    columns, substation = plausibility.to_columns(readings, control.meter_position, refusals)
    known = state.readings.without_registers(unheard=_looks_until_forgotten(control.site.cycle))
    screened = plausibility.screen(
        columns,
        bound_kw=control.bound_kw,
        known_at_s=known.at_s,
        known_energy_kwh=known.energy_kwh,
        window=believed,
        refusals=refusals,
    )
    devices, news = _newer_statuses(state.devices, control, statuses, believed, refusals)
    new = FeederState(
        readings=known.with_newer(screened.columns).with_registers(screened),
        devices=devices,
        substation=_newest_substation(state.substation, control, substation, believed, refusals),
    )
    return Taken(new, screened.late, news)


def _looks_until_forgotten(cycle: settings.Cycle) -> float:
    """As long as a reading is used. In looks, as the clock of the day may jump: by that alone a meter may
    seem to have been silent for a day, and a register that went back would be believed.
    """
    return USED_UNTIL * cycle.fresh_s / cycle.period_s


def _without_ahead(state: FeederState, believed: Window) -> FeederState:
    """Without what lies ahead of our clock: it came while that was ahead itself. It would count as fresh, and
    keep out all that is true, until the clock comes there. The registers stay: what is true grows on.
    """
    known, newest_s = state.readings, believed.newest_s
    ahead = known.at_s > newest_s
    if ahead.any():
        at_s, p_kw, q_kvar, v_v = (
            np.where(ahead, np.nan, row) for row in (known.at_s, known.p_kw, known.q_kvar, known.v_v)
        )
        known = replace(known, at_s=at_s, p_kw=p_kw, q_kvar=q_kvar, v_v=v_v)
    rtu = state.substation
    return FeederState(
        readings=known,
        devices={
            name: replace(device, at=None, p_kw=None) if _is_ahead(device.at, newest_s) else device
            for name, device in state.devices.items()
        },
        substation=None if rtu is not None and _is_ahead(rtu.at, newest_s) else rtu,
    )


def _is_ahead(at: datetime | None, newest_s: float) -> bool:
    return at is not None and at.timestamp() > newest_s


def _newest_substation(
    known: Reading | None,
    control: FeederControl,
    readings: list[Reading],
    believed: Window,
    refusals: Refusals,
) -> Reading | None:
    bound_kw = float(control.bound_kw.sum())
    for reading in readings:
        fault = plausibility.substation_fault(reading, bound_kw, control.nominal_v, believed)
        if fault is not None:
            refusals.add(
                fault, f"substation: p_kw {reading.p_kw:g}, v_v {reading.v_v}, at {reading.at:%FT%TZ}"
            )
        elif known is None or reading.at > known.at:
            known = reading
    return known


def _newer_statuses(
    known: Mapping[str, DeviceState],
    control: FeederControl,
    statuses: Iterable[DeviceStatus],
    believed: Window,
    refusals: Refusals,
) -> tuple[Mapping[str, DeviceState], tuple[DeviceStatus, ...]]:
    devices, news = dict(known), []
    for status in statuses:
        device = control.registry.device.get(status.device)
        if device is None:
            refusals.add("unknown_device", f"device {status.device!r}")
            continue
        before = devices.get(status.device)
        fault = plausibility.status_fault(status, device.rated_kw, believed)
        if fault is not None:
            refusals.add(fault, f"device {status.device!r}: p_kw {status.p_kw}, at {status.at}")
            if fault == "future" and before is not None:
                # it has news that cannot be placed in time: what it said before is not how it is now
                devices[status.device] = replace(before, p_kw=None)
            continue
        if status.at is None:
            devices[status.device] = _gone(before)
        elif before is None or before.at is None or status.at > before.at:
            devices[status.device] = _said(status)
            news.append(status)
    return devices, tuple(news)


def _said(status: DeviceStatus) -> DeviceState:
    return DeviceState(
        online=status.online,
        at=status.at,
        p_kw=status.p_kw,
        limit_kw=status.limit_kw,
        request=status.request,
        failsafe_kw=status.failsafe_kw,
        failsafe_s=status.failsafe_s,
        heartbeat_timeout_s=status.heartbeat_timeout_s,
        nominal_kw=status.nominal_kw,
        guard=status.state,
        production_limit_kw=status.production_limit_kw,
        production_request=status.production_request,
    )


def _gone(before: DeviceState | None) -> DeviceState:
    """A will says that the device is offline now; what it said before may still be so, at its own time."""
    if before is None:
        return DeviceState(online=False, at=None, p_kw=None, limit_kw=None, request=None)
    return replace(before, online=False)


def snapshot(state: FeederState, control: FeederControl, now: datetime) -> Snapshot:
    """The best known injections now, each marked. A time that is ahead of ours within the allowed skew is
    fresh.
    """
    cycle, network, readings = control.site.cycle, control.network, state.readings
    age_s = now.timestamp() - readings.at_s
    finite = np.isfinite(readings.p_kw)  # one that is not would make the mean ratio of all of them infinite
    fresh = finite & (age_s <= cycle.fresh_s)  # false for NaN
    stale = finite & ~fresh & (age_s <= USED_UNTIL * cycle.fresh_s)
    known = fresh | stale
    default_p = network.default_p_kw
    expected_of_fresh = float(default_p[fresh].sum())
    ratio = float(readings.p_kw[fresh].sum()) / expected_of_fresh if expected_of_fresh > 0 else 1.0
    p_kw = np.where(known, readings.p_kw, default_p * ratio)
    with np.errstate(divide="ignore", invalid="ignore"):
        q_per_p = np.where(default_p != 0, network.default_q_kvar / default_p, 0.0)
    q_kvar = np.where(known & ~np.isnan(readings.q_kvar), readings.q_kvar, p_kw * q_per_p)
    quality = np.where(fresh, Quality.MEASURED, np.where(stale, Quality.STALE, Quality.ESTIMATED)).astype(
        np.uint8
    )
    return Snapshot(p_kw, q_kvar, quality)
