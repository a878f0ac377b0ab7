"""Where settlements are looked at, disputed and calculated anew: late readings, disputes. Part of the shell.

One thing at a time: only the desk writes corrections, so what it calculated still holds when it writes. The
journal is read and calculated from in a thread of its own; the rounds' turn is taken for writing alone. What
belongs together (a correction, its transaction, the end of its dispute) is in one commit.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import structlog

from controller import settings
from controller.bookkeeping import Bookkeeper, Offload
from controller.entries import DisputeClosed, DisputeOpened, Entry, RequestPlanned, SettlementCorrected
from controller.errors import LedgerConflict
from controller.feeder_control import FeederControl
from controller.proving.dispute_errors import NotPossible, UnknownSettlement, reject_if_any
from controller.proving.kept_readings import KeptReadings
from controller.proving.late_readings import contradictions, differing, impossible
from controller.proving.past_requests import Disputing, PastRequests
from controller.proving.recalculating import Anew, Recalculator
from controller.proving.recalculation import LATE, Cause, by_figure, corrected
from controller.proving.settled_rows import SettledRow, Wanted, page
from controller.proving.settlement_terms import TermsOf, rule_named
from controller.proving.settling import site_terms
from controller.proving.verification import sample_window
from controller.requests import RequestRecord
from controller.stores.history import HistoryUnreadable
from controller.stores.port import LateReading, Store
from devices.ports import Clock

DisputeReason = Literal["readings_missing", "meter_wrong", "limit_not_received", "baseline_wrong", "other"]
CORRECTED_AT_ONCE = 200
"""requests in one commit, so that nobody waits long for the turn"""
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class LateTaken:
    """What came of late readings."""

    readings: int
    new: int
    """that were not known"""
    corrected: tuple[str, ...]
    """requests whose settlement is another now"""
    unchanged: int
    """requests that were calculated anew to the same"""
    decided: tuple[str, ...]
    """requests that a dispute has settled: they stay"""
    not_kept: tuple[str, ...]
    """requests whose samples are not kept any more: they stay"""


@dataclass(frozen=True, slots=True)
class Remedy:
    """How an upheld dispute is calculated anew: by one of these, or by what is stored now."""

    readings: tuple[tuple[datetime, float], ...] = ()
    """in place of what the meter showed"""
    meter: str | None = None
    """whose readings these are said to be"""
    baseline: str | None = None
    """a published rule's name"""
    reduced_wh: int | None = None
    """a figure that a person decided"""


@dataclass(frozen=True, slots=True)
class Settlement:
    """All about one settled request."""

    record: RequestRecord
    corrections: tuple[SettlementCorrected, ...]
    disputes: tuple[Disputing, ...]


class SettlementDesk:
    """Of one site. Raises SettlementRefused, StoreUnavailable, RecordBroken."""

    def __init__(
        self,
        keeper: Bookkeeper,
        turn: asyncio.Lock,
        clock: Clock,
        *,
        store: Store,
        controls: Mapping[str, FeederControl],
        offload: Offload,
        site: settings.Site,
        terms: TermsOf | None = None,
        past: KeptReadings | None = None,
        ready: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`turn` is the rounds' own. `offload`: a thread beside that of the rounds. `terms`: as for
        `settling.Settling`. `past`: of days that the store does not keep any more. `ready`: waits until the
        journal is read.
        """
        self._keeper, self._turn, self._clock, self._store = keeper, turn, clock, store
        self._controls, self._offload, self._ready = controls, offload, ready
        self.currency = site.rewards.currency
        """of settlements that do not tell theirs"""
        self._dispute_days = timedelta(days=site.rewards.dispute_days)
        self._skew = timedelta(seconds=site.cycle.max_clock_skew_s)
        self._calculator = Recalculator(
            site, controls, store, terms or site_terms(site, controls.values()), past
        )
        self._one = asyncio.Lock()

    # --- late readings

    async def settled(
        self, wanted: Wanted, *, after: str | None, limit: int
    ) -> tuple[list[SettledRow], str | None]:
        """A page of settlements, the newest first; see `settled_rows.page`."""
        records = tuple(self._keeper.books.requests.values())  # they may be very many: sorted beside the loop
        return await self._offload(page, records, wanted, after=after, limit=limit, currency=self.currency)

    async def late_readings(self, feeder: str, readings: Sequence[LateReading]) -> LateTaken:
        """Keep readings that came late, and correct the settlements that they change. The same again changes
        nothing, so whoever got no answer sends them once more.
        """
        await self._begin()
        async with self._one:
            now = self._clock.now()
            self._check_readings(feeder, readings, now)
            if not readings:
                return LateTaken(0, 0, (), 0, (), ())
            known = await self._offload(self._calculator.known_late, readings)
            reject_if_any(contradictions(readings, known))
            new = await self._offload(self._store.add_late, readings)
            async with self._turn:
                pass  # a batch that was read before they were stored is in the journal now, or reads anew
            late = await self._offload(self._calculator.late, feeder, readings, now)
            changed = await self._correct(late.anew, LATE)
        log.info("late_readings", feeder=feeder, readings=len(readings), new=new, corrected=len(changed))
        unchanged = len(late.anew) - len(changed)
        return LateTaken(len(readings), new, tuple(changed), unchanged, late.decided, late.not_kept)

    def _check_readings(self, feeder: str, readings: Sequence[LateReading], now: datetime) -> None:
        control = self._controls.get(feeder)
        if control is None:
            raise UnknownSettlement(f"feeder {feeder!r}: expected one of {', '.join(self._controls)}")
        reject_if_any(impossible(readings, control, now - self._calculator.kept, now + self._skew))

    async def _correct(self, anew: Sequence[Anew], why: Cause) -> list[str]:
        """Write what differs; the requests that do."""
        changed: list[str] = []
        for place in range(0, len(anew), CORRECTED_AT_ONCE):
            async with self._turn:
                batch = [(one, self._corrected(one, why)) for one in anew[place : place + CORRECTED_AT_ONCE]]
                differ = [(one.record.request, entries) for one, entries in batch if entries]
                changed += await self._write(differ)
        return changed

    async def _write(self, told: Sequence[tuple[str, tuple[Entry, ...]]]) -> list[str]:
        """All in one commit, or else one by one; the requests of which it was written."""
        try:
            await self._keeper.write([entry for _, entries in told for entry in entries])
            return [request for request, _ in told]
        except LedgerConflict:
            written = []
            for request, entries in told:
                try:
                    await self._keeper.write(entries)
                    written.append(request)
                except LedgerConflict:
                    log.exception("ledger_conflict", request=request)
            return written

    def _corrected(self, one: Anew, why: Cause) -> tuple[Entry, ...]:
        return corrected(
            one.record,
            one.found,
            version=self._keeper.books.next_correction(one.record.request),
            why=why,
            rewards=one.rewards,
            now=self._clock.now(),
        )

    # --- disputes

    async def open(self, request: str, reason: DisputeReason, who: str) -> DisputeOpened:
        """Note that somebody does not agree with a settlement. The same again is answered as the first."""
        await self._begin()
        async with self._one:
            standing = next((d for d in self.open_disputes() if d.request == request), None)
            if standing is not None:
                if standing.reason == reason:
                    return standing
                raise NotPossible(f"{request} is disputed already: {standing.dispute} ({standing.reason})")
            record = (await self._settlement(request)).record
            assert record.settled is not None
            now, until = self._clock.now(), record.settled.at + self._dispute_days
            if now > until:
                raise NotPossible(f"{request} could be disputed until {until:%Y-%m-%d %H:%M} UTC")
            dispute = f"D-{now:%Y%m%dT%H%M%SZ}-{request}"
            opened = DisputeOpened(at=now, dispute=dispute, request=request, reason=reason, who=who)
            async with self._turn:
                await self._keeper.write((opened,))
        return opened

    def open_disputes(self) -> tuple[DisputeOpened, ...]:
        """Those nobody has decided, oldest first."""
        return self._keeper.books.open_disputes()

    async def reject(self, dispute: str, *, who: str, why: str) -> DisputeClosed:
        """The settlement stands."""
        await self._begin()
        async with self._one:
            opened = self._open_one(dispute)
            closed = self._closed(opened, "rejected", who, why)
            async with self._turn:
                await self._keeper.write((closed,))
        return closed

    async def uphold(
        self, dispute: str, remedy: Remedy, *, who: str, why: str
    ) -> tuple[DisputeClosed, SettlementCorrected]:
        """The settlement is calculated anew. Raises NotPossible where that comes to the same."""
        await self._begin()
        async with self._one:
            opened = self._open_one(dispute)
            settlement, past = await self._past(opened.request)
            one, evidence = await self._remedied(settlement.record, past, remedy, dispute)
            entries = self._corrected(one, Cause("dispute", dispute))
            if not entries:
                raise NotPossible(
                    "calculated anew it comes to the same: reject the dispute, or say by what else"
                )
            closed = self._closed(opened, "upheld", who, why)
            async with self._turn:
                if evidence:
                    # Only now, when it decides: the store keeps the first value of a time, and no other.
                    await self._offload(self._store.add_late, evidence)
                await self._keeper.write((*entries, closed))
        correction = entries[0]
        assert isinstance(correction, SettlementCorrected)
        return closed, correction

    async def _remedied(
        self, record: RequestRecord, past: PastRequests, remedy: Remedy, dispute: str
    ) -> tuple[Anew, Sequence[LateReading]]:
        """The request calculated anew, and the readings that this is to be kept as evidence with."""
        told = [bool(remedy.readings), remedy.baseline is not None, remedy.reduced_wh is not None]
        if sum(told) > 1:
            raise NotPossible("expected one of readings, baseline and reduced_wh")
        calculator, now = self._calculator, self._clock.now()
        try:
            if remedy.reduced_wh is not None:
                rewards = calculator.rewards(record)
                return Anew(record, by_figure(record, remedy.reduced_wh, rewards), rewards), ()
            if sample_window(record) is None:
                raise NotPossible(f"{record.request} never came into force: no reading can prove anything")
            if remedy.readings:
                given = self._given(record, remedy, dispute)
                kept = await self._offload(calculator.evidence, record, dispute)
                if (fault := next(differing(given, kept), None)) is not None:
                    raise NotPossible(fault)
                return await self._offload(calculator.with_readings, past, record, given), given
            if not calculator.is_known(record, now):
                raise NotPossible("the samples of then are not kept any more: give readings or a figure")
            if remedy.baseline is not None:
                rule = rule_named(remedy.baseline)
                return await self._offload(calculator.with_rule, past, record, rule, now), ()
            return await self._offload(calculator.as_stored, past, record), ()
        except (ValueError, HistoryUnreadable) as error:
            raise NotPossible(str(error)) from error

    def _given(self, record: RequestRecord, remedy: Remedy, dispute: str) -> list[LateReading]:
        """The readings given for a dispute, as late readings of its meter."""
        control = self._controls[record.planned.feeder]
        position = control.place.get(record.planned.service_point)
        meter = None if position is None else control.meter_at.get(position)
        if meter is None:
            raise NotPossible(f"there is no meter at {record.planned.service_point} any more")
        if remedy.meter not in (None, meter):
            raise NotPossible(
                f"expected readings of {meter}, the meter of {record.request}; got {remedy.meter}"
            )
        given = [LateReading(control.feeder, meter, at, p_kw, dispute) for at, p_kw in remedy.readings]
        window = sample_window(record)
        assert window is not None
        reject_if_any(impossible(given, control, *window))
        return given

    def _open_one(self, dispute: str) -> DisputeOpened:
        for opened in self.open_disputes():
            if opened.dispute == dispute:
                return opened
        raise UnknownSettlement(f"no dispute {dispute!r} is open")

    def _closed(self, opened: DisputeOpened, outcome: str, who: str, why: str) -> DisputeClosed:
        return DisputeClosed(
            at=self._clock.now(),
            dispute=opened.dispute,
            request=opened.request,
            outcome="upheld" if outcome == "upheld" else "rejected",
            who=who,
            why=why,
        )

    # --- looking

    async def settlement(self, request: str) -> Settlement:
        """All about one settled request, from the journal."""
        await self._begin()
        return await self._settlement(request)

    async def _settlement(self, request: str) -> Settlement:
        return (await self._past(request))[0]

    async def _past(self, request: str) -> tuple[Settlement, PastRequests]:
        known = self._keeper.books.requests.get(request)
        plan: RequestPlanned | None = None if known is None else known.planned
        if plan is None:
            plan = await self._offload(self._calculator.plan, request)
        if plan is None or plan.feeder not in self._controls:
            raise UnknownSettlement(f"there is no request {request!r}")
        past = await self._offload(self._calculator.past, plan.feeder, (plan.service_point,))
        record = past.books.requests[request]
        if record.settled is None:
            raise NotPossible(f"{request} is not settled yet: it is {record.state}")
        told = Settlement(
            record,
            tuple(past.corrections.get(request, ())),
            tuple(past.disputes.get(request, ())),
        )
        return told, past

    async def _begin(self) -> None:
        if self._ready is not None:
            await self._ready()
