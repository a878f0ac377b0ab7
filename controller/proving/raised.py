"""Whose use in the hours before events stands out: the requests of the journal beside the meters. Pure.

A baseline that is set by the hours before an event can be raised in them (`baselines/gaming.py` says how that
is tested, and what it cannot see). Of each meter that was asked every event counts once, from the time its
owner was first told; those nobody asked are the yardstick. It shows, it does not judge.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo

import numpy as np

from controller.baselines.gaming import GamingVerdict, detect_gaming
from controller.baselines.history import DAY_MINUTES, DayHistory, EventWindow
from controller.entries import RequestPlanned
from controller.proving.settlement_baseline import MeterHistories
from controller.stores.port import Numbered

_QUARTER_MINUTES = 15
FEWEST_PEERS = 5
"""meters that nobody asked; with fewer a customer's own earlier hours are the yardstick"""


@dataclass(slots=True)
class AskedMeter:
    """One meter, and the events in which its owner or a device behind it was asked."""

    customer: str
    service_point: str
    spans: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)
    """event → from when it was told first until its last end"""


@dataclass(frozen=True, slots=True)
class Raised:
    """What is shown of one customer."""

    customer: str
    service_point: str
    verdict: GamingVerdict


def asked_meters(told: Iterable[Numbered], feeder: str) -> dict[str, AskedMeter]:
    """Service point → what was asked there, from the journal."""
    meters: dict[str, AskedMeter] = {}
    for numbered in told:
        planned = numbered.entry
        if not isinstance(planned, RequestPlanned) or planned.feeder != feeder:
            continue
        meter = meters.setdefault(planned.service_point, AskedMeter(planned.customer, planned.service_point))
        begin, end = meter.spans.get(planned.event, (planned.at, planned.end))
        meter.spans[planned.event] = min(begin, planned.at), max(end, planned.end)
    return meters


def raised(
    meters: Mapping[str, AskedMeter],
    place: Mapping[str, int],
    histories: MeterHistories,
) -> tuple[Raised, ...]:
    """Every asked meter that is known, the most striking first. `place`: service point → its position."""
    asked = {place[point] for point in meters if point in place}
    peers = _mean_of(histories, [n for n in range(histories.service_points) if n not in asked])
    found = []
    for point, meter in meters.items():
        windows = _windows(meter, histories.zone)
        days = frozenset(window.day for window in windows)
        history = histories.of(place[point], days) if point in place else None
        if history is not None:
            verdict = detect_gaming(history, windows, peers=peers)
            found.append(Raised(meter.customer, point, verdict))
    return tuple(sorted(found, key=_striking))


def _striking(one: Raised) -> tuple[bool, float, str]:
    probability = one.verdict.p_value
    return not one.verdict.suspected, 2.0 if probability is None else probability, one.customer


def _windows(meter: AskedMeter, zone: tzinfo) -> tuple[EventWindow, ...]:
    """The first event of each local day, in quarters of an hour: a day is compared once."""
    windows: dict[date, EventWindow] = {}
    for begin, end in sorted(meter.spans.values()):
        local = begin.astimezone(zone)
        first = (local.hour * 60 + local.minute) // _QUARTER_MINUTES * _QUARTER_MINUTES
        quarters = -(-(end - begin) // timedelta(minutes=_QUARTER_MINUTES))
        last = min(first + max(quarters, 1) * _QUARTER_MINUTES, first + DAY_MINUTES)
        windows.setdefault(local.date(), EventWindow(local.date(), first, last))
    return tuple(windows.values())


def _mean_of(histories: MeterHistories, positions: list[int]) -> DayHistory | None:
    """The mean of those that nobody asked, where there are enough."""
    known = [one for n in positions if (one := histories.of(n)) is not None]
    if len(known) < FEWEST_PEERS:
        return None
    tables = np.stack([one.p_kw for one in known])
    read = np.isfinite(tables)
    count = read.sum(axis=0)
    total = np.where(read, tables, 0.0).sum(axis=0)
    mean = np.where(count >= FEWEST_PEERS, total / np.maximum(count, 1), np.nan)
    return DayHistory(known[0].dates, mean, known[0].holidays)
