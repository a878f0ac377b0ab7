"""A feeder's view as one row of the overview, and all rows as the site's figures. Pure.

Rounded as people read it, so that a row is the same as before when nothing worth telling has changed.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

import numpy as np

from controller.api.overview_bodies import (
    Automatic,
    AutomaticBody,
    Change,
    Changes,
    DataBody,
    ExpectedBody,
    FeederState,
    Loaded,
    OverviewRow,
    OverviewTotals,
    Running,
    VoltageAt,
    WarningKind,
)
from controller.settings import Limits
from controller.views import ElementLoading, FeederView, Told
from grid_model.network import Branches, Network

NEAR_SHARE = 0.9
"""of its limit: from here on an element is near it"""
LEAST_LOADING_PERCENT = 5.0
"""of a transformer, below which its free room says more about losses than about customers"""
LATEST = 200
SEVERITY: dict[FeederState, int] = {
    "overloaded": 0, "not_converged": 1, "no_data": 2, "warning": 3, "normal": 4,
}  # fmt: skip
OVERLOADS = ("line_overload", "transformer_overload")


class LimitsOf:
    """The loading limits in force of one network, by element."""

    def __init__(self, network: Network, limits: Limits) -> None:
        self.network = network
        self._limits = {
            element: min(limits.loading_percent, own)
            for branches in (network.lines, network.transformers)
            for element, own in _own_limits(branches)
        }

    def __getitem__(self, element: str) -> float:
        return self._limits[element]


def _own_limits(branches: Branches) -> Iterable[tuple[str, float]]:
    return zip(branches.ids, branches.max_loading_percent.tolist(), strict=True)


def row_without_view(feeder: str) -> OverviewRow:
    """Before the feeder's first cycle."""
    return OverviewRow(
        id=feeder,
        name=feeder,
        state="no_data",
        warnings=(),
        overloads=0,
        voltage_violations=0,
        highest=None,
        lowest_voltage=None,
        highest_voltage=None,
        p_kw=None,
        free_kw=None,
        event=None,
        automatic=AutomaticBody(state="on"),
        data=DataBody(measured_percent=None, alarm=None),
        expected=None,
        last_at=None,
    )


def row_of(view: FeederView, limits: LimitsOf, *, silent: bool) -> OverviewRow:
    """The row of a feeder; `silent`: it had no cycle lately, so that its view is old, and its figures
    are not the present.
    """
    is_known = view.converged and not silent
    highest = _highest((*view.transformers, *view.lines), limits) if is_known else None
    lowest_voltage, highest_voltage = _voltages(view) if is_known else (None, None)
    warnings = tuple(_warnings(view, highest))
    state = _state(view, warnings, silent=silent)
    overloads = sum(violation.kind in OVERLOADS for violation in view.violations)
    return OverviewRow(
        id=view.feeder,
        name=view.feeder,
        state=state,
        warnings=warnings,
        overloads=overloads,
        voltage_violations=len(view.violations) - overloads,
        highest=highest,
        lowest_voltage=lowest_voltage,
        highest_voltage=highest_voltage,
        p_kw=None if silent else _rounded(view.quality.model_p_kw, 1),
        free_kw=_free_kw(view, limits) if is_known else None,
        event=_running(view),
        automatic=_automatic(view),
        data=_data(view),
        expected=None if silent else _expected(view),
        last_at=view.at if state == "no_data" else None,
    )


def _state(view: FeederView, warnings: Sequence[WarningKind], *, silent: bool) -> FeederState:
    if silent or view.quality.measured + view.quality.stale == 0:
        return "no_data"
    if not view.converged:
        return "not_converged"
    if view.violations:
        return "overloaded"
    return "warning" if warnings else "normal"


def _warnings(view: FeederView, highest: Loaded | None) -> Iterable[WarningKind]:
    if highest is not None and NEAR_SHARE <= highest.loading_percent / highest.limit_percent <= 1:
        yield "near_limit"
    if view.expected:
        yield "expected"
    if view.quality.alarm is not None:
        yield "data_alarm"
    if _is_running(view):
        yield "event"
    if not view.automatic:
        yield "automatic_out"


def _highest(loaded: Sequence[ElementLoading], limits: LimitsOf) -> Loaded | None:
    if not loaded:
        return None
    worst = max(loaded, key=lambda one: one.loading_percent / max(limits[one.id], 1e-9))
    return Loaded(
        element=worst.id, loading_percent=round(worst.loading_percent, 1), limit_percent=limits[worst.id]
    )


def _voltages(view: FeederView) -> tuple[VoltageAt | None, VoltageAt | None]:
    if not view.buses:
        return None, None
    volts = np.fromiter((bus.v_pu for bus in view.buses), dtype=np.float64, count=len(view.buses))
    lowest, highest = view.buses[int(volts.argmin())], view.buses[int(volts.argmax())]
    return (
        VoltageAt(bus=lowest.id, v_pu=round(float(lowest.v_pu), 3)),
        VoltageAt(bus=highest.id, v_pu=round(float(highest.v_pu), 3)),
    )


def _free_kw(view: FeederView, limits: LimitsOf) -> float | None:
    """All powers grown alike until the first transformer is at its limit."""
    p_kw = view.quality.model_p_kw
    tightest = max(view.transformers, key=lambda one: one.loading_percent / limits[one.id], default=None)
    if tightest is None or p_kw is None or p_kw <= 0 or tightest.loading_percent < LEAST_LOADING_PERCENT:
        return None
    return round(p_kw * (limits[tightest.id] / tightest.loading_percent - 1), 0)


def _is_running(view: FeederView) -> bool:
    return view.event is not None and view.event.closed_at is None


def _running(view: FeederView) -> Running | None:
    event = view.event
    if event is None or event.closed_at is not None:
        return None
    return Running(
        event=event.event,
        since=event.opened_at,
        element=event.element,
        peak_percent=round(event.peak_percent, 1),
        requests=event.requests,
        curtailed_kw=round(event.curtailed_kw, 1),
    )


def _automatic(view: FeederView) -> AutomaticBody:
    if view.by_hand is not None:
        order = view.by_hand
        state: Automatic = "stopped" if order.is_stop else "off"
        return AutomaticBody(state=state, who=order.who, why=order.why, since=order.since)
    if not view.automatic:
        return AutomaticBody(state="released")
    if view.quality.alarm is not None:
        return AutomaticBody(state="suspended", why=view.quality.alarm)
    return AutomaticBody(state="on")


def _data(view: FeederView) -> DataBody:
    quality = view.quality
    points = quality.measured + quality.stale + quality.estimated
    share = round(100 * quality.measured / points, 0) if points else None
    return DataBody(measured_percent=share, alarm=quality.alarm)


def _expected(view: FeederView) -> ExpectedBody | None:
    if not view.expected:
        return None
    soonest = view.expected[0]
    return ExpectedBody(
        element=soonest.id,
        kind=soonest.kind,
        at=soonest.expected_at,
        value=round(soonest.value, 3),
        limit=soonest.limit,
        probability=round(soonest.probability, 2),
    )


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(float(value), digits)


def by_severity(row: OverviewRow) -> tuple[int, int, float, str]:
    """The order of the overview: the state, then whether an event runs, then how near to its limit."""
    highest = row.highest
    share = 0.0 if highest is None else highest.loading_percent / max(highest.limit_percent, 1e-9)
    return SEVERITY[row.state], 0 if row.event is not None else 1, -share, row.id


def totals_of(rows: Sequence[OverviewRow]) -> OverviewTotals:
    """The site's figures."""
    states = [row.state for row in rows]
    return OverviewTotals(
        feeders=len(rows),
        overloaded=states.count("overloaded"),
        voltage_only=sum(row.state == "overloaded" and row.overloads == 0 for row in rows),
        not_converged=states.count("not_converged"),
        no_data=states.count("no_data"),
        warning=states.count("warning"),
        normal=states.count("normal"),
        events=sum(row.event is not None for row in rows),
        automatic_out=sum(row.automatic.state != "on" for row in rows),
        data_alarms=sum(row.data.alarm is not None for row in rows),
        expected=sum(row.expected is not None for row in rows),
        curtailed_kw=round(sum(row.event.curtailed_kw for row in rows if row.event is not None), 1),
        not_in_sum=sum(row.p_kw is None for row in rows),
        p_kw=round(sum(row.p_kw or 0.0 for row in rows), 1),
    )


def changes_since(told: Sequence[Told], since: datetime, remembered: int) -> Changes:
    """What `told` (oldest first) says of the time since; `remembered`: so many are kept at most."""
    found = [one for one in told if one.at >= since]
    by_entry: dict[str, int] = {}
    for one in found:
        if one.entry != "data_alarm" or one.severity != "good":
            by_entry[one.entry] = by_entry.get(one.entry, 0) + 1
    return Changes(
        since=since,
        is_whole=len(told) < remembered or told[0].at < since,
        by_entry=by_entry,
        latest=tuple(
            Change(seq=o.seq, at=o.at, feeder=o.feeder, entry=o.entry, severity=o.severity, text=o.text)
            for o in reversed(found[-LATEST:])
        ),
    )
