"""Settles what is due, in batches: steps [7, 8] of the path, as part of the shell.

read the samples once → verify and rate in the worker thread → write a batch in one commit → the next batch

The turn is taken for one batch at a time, so an operator's action waits for a batch and not for all of them,
and a round goes on with control after `BUDGET_SHARE` of its period: what is left is settled in the next one.
A credit that conflicts with one in the ledger, or a request on which the calculation fails, is set aside and
does not keep the others: its batch is then written one by one.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from controller import settings
from controller.baselines.rules import ControlGroup, Programme
from controller.bookkeeping import Bookkeeper, Offload
from controller.books import Books
from controller.entries import Entry
from controller.errors import ConfigRejected, LedgerConflict
from controller.feeder_control import FeederControl
from controller.proving.meter_history import MeterHistory, SamplesOf
from controller.proving.meter_readings import MeterReadings
from controller.proving.settlement import settle_series
from controller.proving.settlement_baseline import (
    Asked,
    MeterHistories,
    history_from,
    ready_at,
    rule_baseline,
)
from controller.proving.settlement_terms import TermsOf, counting, terms_of
from controller.proving.verification import sample_window
from controller.requests import RequestRecord, settlement_due
from controller.stores.port import IMPORTED, Store, StoreUnavailable
from devices.ports import Clock

BUDGET_SHARE = 0.5
"""of a cycle's period that a round may settle for; one batch at least"""
SETTLED_AT_ONCE = 500
"""requests in one commit: some tenths of a second"""
RULED_AT_ONCE = 100
"""where published baselines are reckoned, of which each takes one or two milliseconds"""
_WIDEST = timedelta(hours=8)
"""of samples that are read at once"""
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Group:
    """Requests of one feeder whose samples are read at once."""

    requests: tuple[str, ...]
    window: tuple[datetime, datetime] | None
    """of all of them; None when none was ever active"""


class Settling:
    """Owns what was set aside, and the meters' days before."""

    def __init__(
        self,
        site: settings.Site,
        controls: Mapping[str, FeederControl],
        *,
        store: Store,
        keeper: Bookkeeper,
        clock: Clock,
        offload: Offload,
        turn: asyncio.Lock,
        terms: TermsOf | None = None,
        samples: SamplesOf | None = None,
        at_once: int = SETTLED_AT_ONCE,
    ) -> None:
        """`turn` is the rounds' own. `terms`: without, those of the site and of its feeders' programmes.
        `samples`: however old, for published baselines; without, what the store keeps.
        """
        self._site, self._controls, self._store, self._keeper = site, controls, store, keeper
        self._clock, self._offload, self._turn = clock, offload, turn
        self._terms = terms or site_terms(site, controls.values())
        self._history = history_of(site, samples or store.samples)
        self._at_once = at_once
        self._set_aside: set[str] = set()
        self._read: tuple[str, tuple[datetime, datetime], MeterReadings] | None = None

    async def settle(self) -> None:
        """Settle what is due now, as much as fits. A store that is out of order ends it until the next
        round.
        """
        until_s = self._clock.monotonic() + BUDGET_SHARE * self._site.cycle.period_s
        try:
            for control in self._controls.values():
                for group in groups_of(self._due(control)):
                    size = self._batch_size(group.requests)
                    for place in range(0, len(group.requests), size):
                        batch = group.requests[place : place + size]
                        if await self._history_is_read(control, batch, until_s):
                            await self._batch(control, batch, group.window)
                        if self._clock.monotonic() > until_s:
                            return
        except StoreUnavailable:
            return  # due again in the next round
        finally:
            self._read = None

    def _batch_size(self, requests: Sequence[str]) -> int:
        known = self._keeper.books.requests
        programmes = {known[request].planned.programme for request in requests if request in known}
        ruled = any(self._terms(programme).rule is not None for programme in programmes)
        return min(self._at_once, RULED_AT_ONCE) if ruled else self._at_once

    def _due(self, control: FeederControl) -> list[RequestRecord]:
        now = self._clock.now()
        return [r for r in self._keeper.books.unsettled(control.feeder) if self._is_due(r, now)]

    async def _batch(
        self, control: FeederControl, requests: Sequence[str], window: tuple[datetime, datetime] | None
    ) -> None:
        async with self._turn:
            now = self._clock.now()
            batch = self._records(requests, now)
            since = self._history_from(batch)
            if batch:
                await self._write(await self._offload(self._settled, control, batch, window, since, now))

    async def _history_is_read(self, control: FeederControl, requests: Sequence[str], until_s: float) -> bool:
        """Read what published baselines of a batch look back on, hour by hour; whether it was done in time.
        Nobody waits for it with the turn.
        """
        now = self._clock.now()
        since = self._history_from(self._records(requests, now))
        if since is None:
            return True
        width = len(control.network.service_points)
        for hour in self._history.missing(control.feeder, since, now):
            if self._clock.monotonic() > until_s:
                return False
            await self._offload(self._history.read, control.feeder, width, hour)
        return True

    def _records(self, requests: Sequence[str], now: datetime) -> list[RequestRecord]:
        known = self._keeper.books.requests
        return [known[r] for r in requests if r in known and self._is_due(known[r], now)]

    def _is_due(self, record: RequestRecord, now: datetime) -> bool:
        if record.request in self._set_aside or not settlement_due(record, self._site.requests, now):
            return False
        rule = self._terms(record.planned.programme).rule
        if rule is None or record.active_at is None or record.ended_at is None:
            return True
        return now >= ready_at(rule, record.ended_at)

    def _history_from(self, batch: Sequence[RequestRecord]) -> datetime | None:
        """From when on the rules of a batch want to know what the meters showed; None without a rule."""
        ruled = [
            history_from(rule, event_from(self._keeper.books, record))
            for record in batch
            if (rule := self._terms(record.planned.programme).rule) is not None
            and sample_window(record) is not None
        ]
        return min(ruled, default=None)

    def _settled(
        self,
        control: FeederControl,
        batch: Sequence[RequestRecord],
        window: tuple[datetime, datetime] | None,
        since: datetime | None,
        now: datetime,
    ) -> list[tuple[str, tuple[Entry, ...]]]:
        """Request and entries of each of a batch. Runs in the worker thread; the books stand still."""
        readings = None if window is None else self._readings(control, window)
        histories = None
        if since is not None:
            width = len(control.network.service_points)
            histories = self._history.of(control.feeder, width, since, now)
        told: list[tuple[str, tuple[Entry, ...]]] = []
        for record in batch:
            try:
                told.append((record.request, self._one(control, record, readings, histories, now)))
            except Exception:  # one request's fault must not stop the others
                log.exception("settlement_failed", request=record.request)
                self._set_aside.add(record.request)
        return told

    def _one(
        self,
        control: FeederControl,
        record: RequestRecord,
        readings: MeterReadings | None,
        histories: MeterHistories | None,
        now: datetime,
    ) -> tuple[Entry, ...]:
        terms, books = self._terms(record.planned.programme), self._keeper.books
        window, position = sample_window(record), control.place.get(record.planned.service_point)
        series, baseline = None, None
        if window is not None and position is not None and readings is not None:
            series = readings.series(position, window)
            if terms.rule is not None and histories is not None:
                asked = asked_of(control, books, record, position, self._points(record, terms.rule))
                baseline = rule_baseline(record, terms.rule, histories, asked)
        return settle_series(
            record,
            beside=counting(self._terms, books.beside(record)),
            series=series,
            rewards=terms.rewards,
            now=now,
            baseline=baseline,
            counts=terms.counts(record),
        )

    def _points(self, record: RequestRecord, rule: Programme) -> frozenset[str]:
        """Who was asked in its event; only a control group's rule wants to know."""
        if not isinstance(rule.method, ControlGroup):
            return frozenset()
        event = self._keeper.books.requests_of(record.planned.event)
        return frozenset(one.planned.service_point for one in event)

    def _readings(self, control: FeederControl, window: tuple[datetime, datetime]) -> MeterReadings:
        """What was measured then; read once for all batches of a round that lie in it."""
        known = self._read
        if known is not None and known[0] == control.feeder and _covers(known[1], window):
            return known[2]
        readings = readings_of(self._store, control, window)
        self._read = (control.feeder, window, readings)
        return readings

    async def _write(self, told: Sequence[tuple[str, tuple[Entry, ...]]]) -> None:
        """All in one commit, or else one by one."""
        try:
            await self._keeper.write([entry for _, entries in told for entry in entries])
        except LedgerConflict:
            for request, entries in told:
                try:
                    await self._keeper.write(entries)
                except LedgerConflict:
                    # The same credit with another content: never booked, never tried again by itself.
                    log.exception("ledger_conflict", request=request)
                    self._set_aside.add(request)


def groups_of(due: Sequence[RequestRecord]) -> list[Group]:
    """What is due, so that each group is settled from one stretch of samples; the oldest come first."""
    windows = {record.request: sample_window(record) for record in due}
    never = tuple(request for request, window in windows.items() if window is None)
    active = sorted((window, request) for request, window in windows.items() if window is not None)
    groups = [Group(never, None)] if never else []
    while active:
        start = active[0][0][0]
        together = [(window, request) for window, request in active if window[1] - start <= _WIDEST]
        together = together or active[:1]
        end = max(window[1] for window, _ in together)
        groups.append(Group(tuple(request for _, request in together), (start, end)))
        taken = {request for _, request in together}
        active = [pair for pair in active if pair[1] not in taken]
    return groups


def readings_of(store: Store, control: FeederControl, window: tuple[datetime, datetime]) -> MeterReadings:
    """What was measured in a stretch of time, with the late readings that were imported.

    Samples from before the network was changed are left out: their positions are others.
    """
    samples = store.samples(control.feeder, *window)
    late = [one for one in store.late(control.feeder, *window) if one.source == IMPORTED]
    width = len(control.network.service_points)
    whole = [sample for sample in samples if len(sample.p_kw) == width]
    return MeterReadings.of(whole, late, control.meter_position)


def site_terms(site: settings.Site, controls: Iterable[FeederControl]) -> TermsOf:
    """The terms of a site and of all programmes at its feeders. Raises ConfigRejected for a baseline that
    nobody has published.
    """
    agreements = [control.registry.agreements for control in controls]
    programmes = [one for known in agreements if known is not None for one in known.programmes.values()]
    try:
        return terms_of(site.rewards, programmes)
    except ValueError as error:
        raise ConfigRejected([f"programmes: {error}"]) from error


def history_of(site: settings.Site, samples: SamplesOf) -> MeterHistory:
    """The meters' days as a site's settings have them."""
    return MeterHistory(
        samples,
        min_share=site.rewards.min_measured_share,
        zone=ZoneInfo(site.look_ahead.time_zone),
        holidays=site.rewards.holidays,
    )


def event_from(books: Books, record: RequestRecord) -> datetime:
    """When the event of a request opened."""
    event = books.events.get(record.planned.event)
    return (record.planned.at if event is None else event.opened.at).astimezone(UTC)


def asked_of(
    control: FeederControl, books: Books, record: RequestRecord, position: int, in_event: frozenset[str]
) -> Asked:
    """When a request's meter was asked, and which meters nobody asked in its event.

    `in_event`: the service points that were asked in it.
    """
    planned = record.planned
    asked = {control.place.get(point) for point in in_event}
    return Asked(
        position=position,
        event_from=event_from(books, record),
        spans=books.asked_spans(planned.feeder, planned.service_point),
        not_asked=tuple(sorted(set(control.meter_position.values()) - asked)),
    )


def _covers(known: tuple[datetime, datetime], window: tuple[datetime, datetime]) -> bool:
    return known[0] <= window[0] and window[1] <= known[1]
