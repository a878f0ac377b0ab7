"""What people see of a feeder after a cycle: the books, the check and the devices' own words, side by side.
Pure.

Asked, acknowledged and observed are told apart (C16): a request's `state` comes from the books, its
`observed_kw` from what the device or the meter itself reports, and is None when nobody reported lately.
"""

import math
from collections.abc import Mapping

from controller.books import Books, EventRecord
from controller.bounds import turned
from controller.cycle import Decisions
from controller.entries import ViolationAppeared
from controller.events import highest_loading
from controller.failsafes import is_there
from controller.feeder_control import FeederControl
from controller.look_ahead import STEP, LookAhead, is_old
from controller.requests import RequestRecord
from controller.situation import STATUS_FRESH
from controller.views import (
    BusVoltage,
    ByHandView,
    ContributionView,
    DataQuality,
    ElementLoading,
    EventView,
    ExpectedView,
    FeederView,
    ForecastPoint,
    RequestView,
    TrendPoint,
    ViolationView,
)
from grid_model.network import Floats
from grid_model.snapshot import Quality, Snapshot
from grid_model.violations import Violation

MAX_REQUESTS = 200
MAX_CONTRIBUTIONS = 12


def feeder_view(control: FeederControl, books: Books, decided: Decisions, automatic: bool) -> FeederView:
    """The view of one cycle; `books` have its entries already."""
    feeder, checked, network = control.feeder, decided.check, control.network
    known, result = checked.snapshot, checked.result
    event, ahead = books.latest_event(feeder), decided.memory.look_ahead
    return FeederView(
        feeder=feeder,
        at=decided.sample.at,
        cycle=decided.memory.cycle,
        automatic=automatic,
        converged=result.converged,
        quality=_quality(control, decided),
        transformers=_loadings(network.transformers.ids, result.transformer_loading_percent),
        lines=_loadings(network.lines.ids, result.line_loading_percent),
        buses=tuple(
            BusVoltage(bus, v)
            for bus, v in zip(network.buses.ids, result.v_pu.tolist(), strict=True)
            if math.isfinite(v)
        ),
        service_point_kw=tuple(known.p_kw.tolist()),
        violations=_violations(books, decided, feeder),
        located=_located(control, decided),
        event=None if event is None else _event(event, books, decided),
        requests=tuple(_request(control, decided, record) for record in _shown(books, event, feeder)),
        without_control_percent=decided.sample.without_control_percent,
        totals=books.totals(feeder, control.site.rewards.currency),
        expected=_expected(books, feeder),
        service_point_quality=tuple(known.quality.tolist()),
        forecast=_forecast(ahead),
        looked_at=None if ahead is None else ahead.looked_at,
        forecast_is_old=ahead is not None and is_old(ahead, control, decided.sample.at),
        by_hand=_by_hand(books, feeder),
    )


def _by_hand(books: Books, feeder: str) -> ByHandView | None:
    order = books.by_hand(feeder)
    if order is None:
        return None
    return ByHandView(order.who, order.why, order.at, books.order_book.stopped(feeder) is not None)


def trend_point(decided: Decisions) -> TrendPoint:
    """The cycle as one point of the trend."""
    sample = decided.sample
    return TrendPoint(
        at=sample.at,
        transformer_loading_percent=sample.transformer_loading_percent,
        max_line_loading_percent=sample.max_line_loading_percent,
        without_control_percent=sample.without_control_percent,
        curtailed_kw=sample.curtailed_kw,
    )


def _quality(control: FeederControl, decided: Decisions) -> DataQuality:
    counts = _counts(decided.check.snapshot)
    substation, result = decided.memory.state.substation, decided.check.result
    return DataQuality(
        measured=counts[Quality.MEASURED],
        stale=counts[Quality.STALE],
        estimated=counts[Quality.ESTIMATED],
        alarm=decided.alarm,
        substation_p_kw=None if substation is None else substation.p_kw,
        model_p_kw=control.substation_p_kw(result) if result.converged else None,
    )


def _counts(known: Snapshot) -> Mapping[Quality, int]:
    return {quality: int((known.quality == quality).sum()) for quality in Quality}


def _loadings(ids: tuple[str, ...], loading: Floats) -> tuple[ElementLoading, ...]:
    """NaN is left out: nothing is known of the element."""
    pairs = zip(ids, loading.tolist(), strict=True)
    return tuple(ElementLoading(element, percent) for element, percent in pairs if math.isfinite(percent))


def _violations(books: Books, decided: Decisions, feeder: str) -> tuple[ViolationView, ...]:
    since: dict[tuple[str, str], ViolationAppeared] = {
        (v.element, v.kind): v for v in books.violations(feeder)
    }
    return tuple(
        _violation(violation, decided, since.get((violation.element, violation.kind)))
        for violation in decided.check.violations
    )


def _violation(violation: Violation, decided: Decisions, known: ViolationAppeared | None) -> ViolationView:
    sure = decided.check.certainty(violation)
    return ViolationView(
        id=violation.element,
        kind=violation.kind,
        value=violation.value,
        limit=violation.limit,
        since=decided.sample.at if known is None else known.at,
        low=None if sure is None else sure.low,
        high=None if sure is None else sure.high,
        probability=None if sure is None else sure.probability,
    )


def _expected(books: Books, feeder: str) -> tuple[ExpectedView, ...]:
    return tuple(
        ExpectedView(e.element, e.kind, e.expected_at, e.value, e.limit, e.probability, e.at)
        for e in sorted(books.expected(feeder), key=lambda e: e.expected_at)
    )


def _forecast(ahead: LookAhead | None) -> tuple[ForecastPoint, ...]:
    """The courses of the latest look, of quarter-hours that are not over."""
    if ahead is None or ahead.course is None or ahead.running is None:
        return ()
    course = ahead.course
    rows = zip(ahead.times, course.transformer_percent.tolist(), course.line_percent.tolist(), strict=True)
    return tuple(
        ForecastPoint(at + STEP / 2, *_middle_low_high(transformer), *_middle_low_high(line))
        for at, transformer, line in rows
        if at >= ahead.running.start
    )


def _middle_low_high(course: list[float]) -> tuple[float | None, float | None, float | None]:
    low, middle, high = (percent if math.isfinite(percent) else None for percent in course)
    return middle, low, high


def _located(control: FeederControl, decided: Decisions) -> tuple[ContributionView, ...]:
    owners = control.registry.by_service_point
    return tuple(
        ContributionView(
            service_point=contribution.service_point,
            customer=owner.customer if (owner := owners.get(contribution.service_point)) else None,
            violation=contribution.violation,
            share_percent=contribution.share_percent,
            p_kw=contribution.p_kw,
            flexible_kw=contribution.flexible_kw,
        )
        for contribution in decided.located[:MAX_CONTRIBUTIONS]
    )


def _event(event: EventRecord, books: Books, decided: Decisions) -> EventView:
    opened, closed = event.opened, event.closed
    peak = closed.peak_percent if closed else decided.memory.tracker.peak_percent
    return EventView(
        event=event.event,
        opened_at=opened.at,
        closed_at=closed.at if closed else None,
        element=opened.element,
        value=opened.value,
        limit=opened.limit,
        peak_percent=max(peak, highest_loading(decided.check.result) or 0.0) if closed is None else peak,
        requests=len(books.requests_of(event.event)),
        curtailed_kw=0.0 if closed else decided.sample.curtailed_kw,
    )


def _shown(books: Books, event: EventRecord | None, feeder: str) -> list[RequestRecord]:
    """Open ones, then the latest that ended."""
    running = list(books.open_requests(feeder))
    asked = () if event is None else books.requests_of(event.event)
    over = [r for r in (*asked, *books.ordered_requests(feeder)) if not r.is_open]
    over.sort(key=lambda record: record.since, reverse=True)
    return (running + over)[:MAX_REQUESTS]


def _request(control: FeederControl, decided: Decisions, record: RequestRecord) -> RequestView:
    planned, settled = record.planned, record.settled
    return RequestView(
        request=record.request,
        event=planned.event,
        resource=planned.resource,
        target=planned.target,
        kind=planned.kind,
        customer=planned.customer,
        service_point=planned.service_point,
        state=record.state,
        limit_kw=record.limit_kw,
        p_before_kw=planned.p_before_kw,
        observed_kw=_observed_kw(control, decided, record),
        start=planned.start,
        end=record.end,
        reduced_kwh=None if settled is None else settled.reduced_kwh,
        points=None if settled is None else settled.points,
        reason=record.reason or None,
        shown_limit_kw=_shown_limit_kw(control, decided, record),
        ordered_by=None if record.ordered is None else record.ordered.by,
        ordered_until=None if record.ordered is None else record.ordered.until,
        direction=planned.direction,
    )


def _shown_limit_kw(control: FeederControl, decided: Decisions, record: RequestRecord) -> float | None:
    """By its own word of lately; None where it says none, or that of another request."""
    shown = decided.memory.state.devices.get(record.planned.target)
    if record.resource == "person" or shown is None:
        return None
    limit_kw, request = shown.shows(record.planned.direction)
    return limit_kw if request == record.request and is_there(control, shown, decided.sample.at) else None


def _observed_kw(control: FeederControl, decided: Decisions, record: RequestRecord) -> float | None:
    """What the device itself, or a person's meter, shows now, in the direction that is bounded."""
    now, state = decided.sample.at, decided.memory.state
    if record.resource == "device":
        p_kw = state.device_p_kw(record.planned.target, now, STATUS_FRESH * control.site.cycle.fresh_s)
        return None if p_kw is None else turned(record.planned.direction, p_kw)
    position = control.place.get(record.planned.service_point)
    if position is None or decided.check.snapshot.quality[position] != Quality.MEASURED:
        return None
    return float(decided.check.snapshot.p_kw[position])
