"""Settles what is due, in batches: steps [7, 8] of the path, as part of the shell.

read the samples once → verify and rate in the worker thread → write a batch in one commit → the next batch

The turn is taken for one batch at a time, so an operator's action waits for a batch and not for all of them,
and a round goes on with control after `BUDGET_SHARE` of its period: what is left is settled in the next one.
A credit that conflicts with one in the ledger, or a request on which the calculation fails, is set aside and
does not keep the others: its batch is then written one by one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from controller import settings
from controller.baselines.rules import ControlGroup, Programme
from controller.books import Books
from controller.bounds import feeds_in
from controller.entries import Entry
from controller.errors import ConfigRejected, LedgerConflict
from controller.feeder_control import FeederControl
from controller.footing import Footing
from controller.proving.meter_history import LateOf, MeterHistory, SamplesOf
from controller.proving.meter_readings import MeterReadings
from controller.proving.settlement import settle_series
from controller.proving.settlement_baseline import (
    Asked,
    MeterHistories,
    history_from,
    look_back_days,
    ready_at,
    rule_baseline,
)
from controller.proving.settlement_terms import TermsOf, apart, counting, terms_of
from controller.proving.sun_seen import sun_seen, witnesses
from controller.proving.verification import sample_window
from controller.requests import RequestRecord, settlement_due
from controller.stores.port import IMPORTED, FeederSample, LateReading, Store, StoreUnavailable

BUDGET_SHARE = 0.5
"""of a cycle's period that a round may settle for; one batch at least"""
SETTLED_AT_ONCE = 500
"""requests in one commit: some tenths of a second"""
RULED_AT_ONCE = 100
"""where published baselines are reckoned, of which each takes one or two milliseconds"""
GROUPED_AT_ONCE = 5
"""where the baseline is that of a control group: each looks at all meters that nobody asked"""
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
        footing: Footing,
        *,
        store: Store,
        terms: TermsOf | None = None,
        samples: SamplesOf | None = None,
        at_once: int = SETTLED_AT_ONCE,
    ) -> None:
        """`terms`: without, those of the site and of its feeders' programmes. `samples`: however old, for
        published baselines; without, what the store keeps.
        """
        self._site, self._controls, self._keeper = footing.site, footing.controls, footing.keeper
        self._clock, self._offload = footing.clock, footing.offload
        self._turn, self._metrics, self._store = footing.turn, footing.metrics, store
        self._terms = terms or site_terms(footing.site, footing.controls.values())
        self._history = history_of(footing.site, samples or store.samples)
        self._at_once = at_once
        self._set_aside: set[str] = set()
        self._read: tuple[str, tuple[datetime, datetime], MeterReadings] | None = None
        self._days: tuple[tuple[str, datetime, datetime], MeterHistories] | None = None

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
            self._read = self._days = None

    def _batch_size(self, requests: Sequence[str]) -> int:
        known = self._keeper.books.requests
        programmes = {known[request].planned.programme for request in requests if request in known}
        rules = [rule for programme in programmes if (rule := self._terms(programme).rule) is not None]
        if not rules:
            return self._at_once
        grouped = any(isinstance(rule.method, ControlGroup) for rule in rules)
        return min(self._at_once, GROUPED_AT_ONCE if grouped else RULED_AT_ONCE)

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
        await self._offload(self._histories, control, since, now)
        return True

    def _records(self, requests: Sequence[str], now: datetime) -> list[RequestRecord]:
        known = self._keeper.books.requests
        return [known[r] for r in requests if r in known and self._is_due(known[r], now)]

    def _is_due(self, record: RequestRecord, now: datetime) -> bool:
        if record.request in self._set_aside or not settlement_due(record, self._site.requests, now):
            return False
        rule = self._rule(record)
        if rule is None or record.active_at is None or record.ended_at is None:
            return True
        return now >= ready_at(rule, record.ended_at)

    def _history_from(self, batch: Sequence[RequestRecord]) -> datetime | None:
        """From when on the rules of a batch want to know what the meters showed; None without a rule."""
        ruled = [
            history_from(rule, event_from(self._keeper.books, record))
            for record in batch
            if (rule := self._rule(record)) is not None and sample_window(record) is not None
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
        histories = None if since is None else self._histories(control, since, now)
        told: list[tuple[str, tuple[Entry, ...]]] = []
        for record in batch:
            try:
                told.append((record.request, self._one(control, record, readings, histories, now)))
            except Exception:  # one request's fault must not stop the others
                log.exception("settlement_failed", request=record.request)
                self._put_aside(record.request)
        return told

    def _histories(self, control: FeederControl, since: datetime, now: datetime) -> MeterHistories:
        """The days before, put together once for all batches of a round that look back as far."""
        key = (control.feeder, since, now.replace(minute=0, second=0, microsecond=0))
        if self._days is None or self._days[0] != key:
            width = len(control.network.service_points)
            self._days = (key, self._history.of(control.feeder, width, since, now))
        return self._days[1]

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
        series, baseline, sun = None, None, None
        if window is not None and position is not None and readings is not None:
            series = readings.series(position, window)
            if feeds_in(record):
                seen_by = witnesses(control, books, record)
                sun = sun_seen(record, readings, seen_by, self._site.cycle.period_s)
            rule = self._rule(record)
            if rule is not None and histories is not None:
                asked = asked_of(control, books, record, position, self._not_asked(control, record, rule))
                baseline = rule_baseline(record, rule, histories, asked)
        return settle_series(
            record,
            beside=counting(self._terms, books.beside(record)),
            series=series,
            rewards=terms.rewards,
            now=now,
            baseline=baseline,
            counts=terms.counts(record),
            sun=sun,
        )

    def _rule(self, record: RequestRecord) -> Programme | None:
        """Whose days are looked back on: of feeding in those of a published rule say nothing of this sun."""
        return None if feeds_in(record) else self._terms(record.planned.programme).rule

    def _not_asked(self, control: FeederControl, record: RequestRecord, rule: Programme) -> tuple[int, ...]:
        event = self._keeper.books.requests_of(record.planned.event)
        return not_asked(control, rule, (one.planned.service_point for one in event))

    def _readings(self, control: FeederControl, window: tuple[datetime, datetime]) -> MeterReadings:
        """What was measured then; samples are read once for all batches of a round that lie in it.

        Late readings are read for each batch, with the turn that its commit is made under: what is stored
        after that, its desk finds in the journal as settled (`settlement_desk`).
        """
        known = self._read
        if known is None or known[0] != control.feeder or not _covers(known[1], window):
            samples = measured_in(self._store.samples, control, window)
            known = self._read = (control.feeder, window, MeterReadings.of(samples))
        return known[2].with_late(imported_in(self._store.late, control, window), control.meter_position)

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
                    self._put_aside(request)

    def _put_aside(self, request: str) -> None:
        """Nobody is credited by it until a person looks, so the metrics tell it."""
        self._set_aside.add(request)
        self._metrics.settling.set_aside.set(len(self._set_aside))


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


def measured_in(
    samples: SamplesOf, control: FeederControl, window: tuple[datetime, datetime]
) -> list[FeederSample]:
    """What was measured in a stretch of time. Samples from before the network was changed are left out:
    their positions are others.
    """
    width = len(control.network.service_points)
    return [sample for sample in samples(control.feeder, *window) if len(sample.p_kw) == width]


def imported_in(late: LateOf, control: FeederControl, window: tuple[datetime, datetime]) -> list[LateReading]:
    """The late readings of a stretch of time that were imported."""
    return [one for one in late(control.feeder, *window) if one.source == IMPORTED]


def site_terms(site: settings.Site, controls: Iterable[FeederControl]) -> TermsOf:
    """The terms of a site and of all programmes at its feeders. Raises ConfigRejected for a baseline that
    nobody has published or that looks back further than readings are kept, and for a programme that is
    another at another feeder.
    """
    agreements = {control.feeder: control.registry.agreements for control in controls}
    known = {f: of.programmes.values() for f, of in agreements.items() if of is not None}
    findings = apart(known)
    if findings:
        raise ConfigRejected(findings)
    programmes = [one for several in known.values() for one in several]
    try:
        terms = terms_of(site.rewards, programmes)
    except ValueError as error:
        raise ConfigRejected([f"programmes: {error}"]) from error
    kept_days = max(site.store.keep_samples_days, site.store.keep_history_days)
    faults = {
        f"programme {one.programme}: its baseline {one.baseline} looks back {days} days; expected "
        f"store.keep_samples_days or keep_history_days to be at least that, got {kept_days:g}"
        for one in programmes
        if (rule := terms(one.programme).rule) is not None and (days := look_back_days(rule)) > kept_days
    }
    if faults:
        raise ConfigRejected(sorted(faults))
    return terms


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


def not_asked(control: FeederControl, rule: Programme, in_event: Iterable[str]) -> tuple[int, ...]:
    """Positions of the meters that nobody asked in an event, whose asked service points these are; none where
    the rule has no control group.
    """
    if not isinstance(rule.method, ControlGroup):
        return ()
    asked = {control.place.get(point) for point in in_event}
    return tuple(sorted(set(control.meter_position.values()) - asked))


def asked_of(
    control: FeederControl, books: Books, record: RequestRecord, position: int, others: tuple[int, ...]
) -> Asked:
    """When a request's meter was asked; `others`: `not_asked`."""
    planned = record.planned
    return Asked(
        position=position,
        event_from=event_from(books, record),
        spans=books.asked_spans(planned.feeder, planned.service_point),
        not_asked=others,
    )


def _covers(known: tuple[datetime, datetime], window: tuple[datetime, datetime]) -> bool:
    return known[0] <= window[0] and window[1] <= known[1]
