"""A feeder's view in columns: figures in the order of the network's layout, rounded as a screen shows them,
ids in the layout only. Pure.

A network of 2,000 buses is some 30 kB so, where ids beside each figure would make it 200 kB.
"""

import math
from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import datetime

import msgspec

from controller.api.unnamed import unnamed
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
    Totals,
    TrendPoint,
    ViolationView,
)
from grid_model.network import Network

Column = list[float | None]
"""one figure for each element in the order of the layout; null: not known"""
LOADING_DIGITS, VOLTAGE_DIGITS, POWER_DIGITS = 1, 4, 2


class TrendColumns(msgspec.Struct, frozen=True, kw_only=True):
    """Cycles in the trend, oldest first."""

    whole: bool
    """true: these are all that are remembered; false: those since the last that was told"""
    at_ms: list[int]
    """since 1970, UTC"""
    transformer_loading_percent: Column
    max_line_loading_percent: Column
    without_control_percent: Column
    curtailed_kw: Column


class RequestRows(msgspec.Struct, frozen=True, kw_only=True):
    """The feeder's requests."""

    whole: bool
    """true: `rows` are all; false: those that changed, and `gone` those that are shown no more"""
    rows: tuple[RequestView, ...]
    gone: tuple[str, ...]
    order: tuple[str, ...] | None
    """of all that are shown, by id; null: as before"""


class FeederEvent(msgspec.Struct, frozen=True, kw_only=True):
    """The data of a `feeder` event of the stream: one feeder after its latest cycle."""

    feeder: str
    at: datetime
    cycle: int
    layout: str
    """which layout the columns follow, as its `id`: another one has to be fetched first"""
    automatic: bool
    by_hand: ByHandView | None
    converged: bool
    quality: DataQuality
    transformer_loading_percent: Column
    line_loading_percent: Column
    v_pu: Column
    p_kw: Column
    """of the service points"""
    p_quality: str
    """one digit for each service point: 0 measured, 1 stale, 2 estimated"""
    violations: tuple[ViolationView, ...]
    located: tuple[ContributionView, ...]
    event: EventView | None
    expected: tuple[ExpectedView, ...]
    forecast: tuple[ForecastPoint, ...] | None
    """null: as before"""
    looked_at: datetime | None
    """when the forecast was made"""
    forecast_is_old: bool
    """it ought to have been made anew more than once since"""
    without_control_percent: float | None
    totals: Totals
    requests: RequestRows
    trend: TrendColumns


class Layout:
    """The order of one network's elements."""

    def __init__(self, network: Network, layout: str) -> None:
        """`layout`: the id of the network's drawing."""
        self.network = network
        self.id = layout
        self._transformers = _Places(network.transformers.ids)
        self._lines = _Places(network.lines.ids)
        self._buses = _Places(network.buses.ids)

    def event(
        self,
        view: FeederView,
        before: FeederView | None,
        points: Sequence[TrendPoint],
        *,
        whole_trend: bool,
        named: bool = True,
    ) -> FeederEvent:
        """The event of a view, for whoever was told `before`; None: nothing. `named`: with whose the requests
        and causes are.
        """
        if not named:
            view, before = unnamed(view), None if before is None else unnamed(before)
        outside = {violation.id for violation in view.violations}
        return FeederEvent(
            feeder=view.feeder,
            at=view.at,
            cycle=view.cycle,
            layout=self.id,
            automatic=view.automatic,
            by_hand=view.by_hand,
            converged=view.converged,
            quality=view.quality,
            transformer_loading_percent=self._transformers.column(_loadings(view.transformers, outside)),
            line_loading_percent=self._lines.column(_loadings(view.lines, outside)),
            v_pu=self._buses.column(_voltages(view.buses, outside)),
            p_kw=[_rounded(p_kw, POWER_DIGITS) for p_kw in view.service_point_kw],
            p_quality="".join(map(str, view.service_point_quality)),
            violations=view.violations,
            located=view.located,
            event=view.event,
            expected=view.expected,
            forecast=None if before is not None and before.forecast == view.forecast else view.forecast,
            looked_at=view.looked_at,
            forecast_is_old=view.forecast_is_old,
            without_control_percent=_rounded(view.without_control_percent, LOADING_DIGITS),
            totals=view.totals,
            requests=request_rows(view.requests, None if before is None else before.requests),
            trend=trend_columns(points, whole=whole_trend),
        )


class _Places:
    """Where the elements of one kind stand."""

    def __init__(self, ids: Sequence[str]) -> None:
        self._size = len(ids)
        self._place: Mapping[str, int] = {element: place for place, element in enumerate(ids)}

    def column(self, figures: Sequence[tuple[str, float]]) -> Column:
        """Of what is known, which comes in the order of the network."""
        if len(figures) == self._size:
            return [figure for _, figure in figures]
        column: Column = [None] * self._size
        for element, figure in figures:
            column[self._place[element]] = figure
        return column


def _loadings(elements: Iterable[ElementLoading], outside: Set[str]) -> list[tuple[str, float]]:
    """Rounded, but for what is outside its limit: it would look as if it were not, just beyond."""
    return [
        (one.id, one.loading_percent if one.id in outside else round(one.loading_percent, LOADING_DIGITS))
        for one in elements
    ]


def _voltages(buses: Iterable[BusVoltage], outside: Set[str]) -> list[tuple[str, float]]:
    """The same for voltages."""
    return [(bus.id, bus.v_pu if bus.id in outside else round(bus.v_pu, VOLTAGE_DIGITS)) for bus in buses]


def request_rows(now: Sequence[RequestView], before: Sequence[RequestView] | None) -> RequestRows:
    """The requests as they are now, for whoever was told `before`."""
    order = tuple(request.request for request in now)
    if before is None:
        return RequestRows(whole=True, rows=tuple(now), gone=(), order=order)
    known = {request.request: request for request in before}
    return RequestRows(
        whole=False,
        rows=tuple(request for request in now if known.get(request.request) != request),
        gone=tuple(known.keys() - set(order)),
        order=None if tuple(known) == order else order,
    )


def trend_columns(points: Sequence[TrendPoint], *, whole: bool) -> TrendColumns:
    """Points of the trend in columns."""
    return TrendColumns(
        whole=whole,
        at_ms=[round(point.at.timestamp() * 1000) for point in points],
        transformer_loading_percent=[_rounded(p.transformer_loading_percent, 1) for p in points],
        max_line_loading_percent=[_rounded(p.max_line_loading_percent, 1) for p in points],
        without_control_percent=[_rounded(p.without_control_percent, 1) for p in points],
        curtailed_kw=[_rounded(p.curtailed_kw, 1) for p in points],
    )


def _rounded(value: float | None, digits: int) -> float | None:
    """What is not finite is not known."""
    return round(value, digits) if value is not None and math.isfinite(value) else None
