"""One round over all feeders, step by step [1 to 8]: the shell around the pure halves of a cycle.

    drain → hear → write → decide → write → send → note → settle → show

Everything between a decision and its note in the books happens under one turn, which an operator's action
takes as well: it waits for a round's thinking (milliseconds), never for its sending. When the store cannot be
written nothing goes out but releases (C20). A pass that fails is caught for its feeder alone; after
`FAULTS_TO_SUSPEND` in a row the automatic stays out there until an operator hands it back.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

import structlog

from controller import operators, settings
from controller.baselines import WINDOW
from controller.bookkeeping import Bookkeeper, Offload
from controller.cycle import Decisions, Surroundings, decide
from controller.data_alarms import CONTROLLER_FAULT
from controller.dispatch import (
    Dispatch,
    Sending,
    due_sends,
    entries_of,
    gatekeeper_for_sending,
    releases_of,
    unconfirmed,
)
from controller.entries import DataAlarm, Entry, FailsafeArmed, OperatorActed
from controller.failsafes import unproven
from controller.feeder_check import AGREED_V_PU
from controller.feeder_control import FeederControl
from controller.feeder_view import feeder_view, trend_point
from controller.gate_log import GateLog, gate_news
from controller.gatekeeper import moved_lately_kw
from controller.hearing import Heard, hear
from controller.intake import Drained, Intake, by_feeder
from controller.live import Live
from controller.look_ahead import LookAhead
from controller.look_ahead_history import chunks, relearn
from controller.looked import Looked, looked
from controller.memory import Memory, fresh_memory
from controller.metrics import Metrics
from controller.moments import Moment, moment
from controller.order_effects import ProposedOrder, WhatIf
from controller.ordered_limits import order_limit
from controller.orders.giving import Warrant
from controller.orders.more_reach import HeldBack, held_back
from controller.orders.stopping import overdue
from controller.people.messages_due import meter_kw
from controller.plausibility import Refusals
from controller.proving.meter_history import SamplesOf
from controller.proving.settlement_terms import TermsOf
from controller.proving.settling import Settling
from controller.refusal_log import RefusalLog, tell
from controller.requests import RequestRecord
from controller.stores.port import FeederSample, Store, StoreUnavailable
from controller.what_if_desk import MOST_OF_ORDERS, WhatIfDesk
from devices.ports import Clock

FAULTS_TO_SUSPEND = 3
log = structlog.get_logger()


class Rounds:
    """Owns what the feeders remember, and the turn."""

    def __init__(
        self,
        site: settings.Site,
        controls: Mapping[str, FeederControl],
        *,
        store: Store,
        keeper: Bookkeeper,
        intake: Intake,
        dispatch: Dispatch,
        clock: Clock,
        offload: Offload,
        metrics: Metrics,
        live: Live,
        terms: TermsOf | None = None,
        samples: SamplesOf | None = None,
        wire_clock: Clock | None = None,
        background: Offload | None = None,
    ) -> None:
        """`terms` and `samples`: see `settling.Settling`; `wire_clock` and `background`: `WhatIfDesk`."""
        self._site, self._controls = site, controls
        self._store, self._keeper, self._intake, self._dispatch = store, keeper, intake, dispatch
        self._clock, self._offload, self._metrics, self._live = clock, offload, metrics, live
        self._turn = asyncio.Lock()
        self._memory: dict[str, Memory] = {}
        self._good: dict[str, bool] = dict.fromkeys(controls, False)
        self._looked: Moment | None = None
        """when the latest round that decided had looked: what it found good is so only while this holds"""
        self._faults: dict[str, int] = dict.fromkeys(controls, 0)
        self._unplaced = RefusalLog()
        self._armed: list[FailsafeArmed] = []
        self._latest: dict[str, Decisions] = {}
        self._held_back: dict[str, HeldBack] = {}
        self._gate_told: dict[tuple[str, str], GateLog] = {}
        """by what is told, and feeder"""
        self._stopping: Counter[str] = Counter()
        """feeders whose people are being let go: a round under way sends them no new limit"""
        self._settling = Settling(
            site,
            controls,
            store=store,
            keeper=keeper,
            clock=clock,
            offload=offload,
            turn=self._turn,
            metrics=metrics,
            terms=terms,
            samples=samples,
        )
        waits, thinks = wire_clock or clock, background or offload
        self._what_if = WhatIfDesk(self.looked, waits, thinks)
        self._foreseeing = WhatIfDesk(self.looked, waits, thinks, most=MOST_OF_ORDERS)
        self._fleet_kw = sum(control.controllable_kw for control in controls.values())

    @property
    def turn(self) -> asyncio.Lock:
        """Whoever decides and writes holds it: the desks beside the rounds as well."""
        return self._turn

    def meter_shows(self, record: RequestRecord) -> float | None:
        """What the meter of a request shows now, in kW; None when it was not read lately."""
        control, memory = self._controls[record.planned.feeder], self._memory[record.planned.feeder]
        return meter_kw(control, memory.state, record, self._clock.now())

    def latest(self, feeder: str) -> Decisions | None:
        """What the latest cycle that was shown decided; None before the first."""
        return self._latest.get(feeder)

    def take_armed(self) -> list[FailsafeArmed]:
        """The failsafes that became durable since the last call: they may go out."""
        armed, self._armed = self._armed, []
        return armed

    async def resume(self) -> None:
        """Fetch what is needed of the time before our start: the last quarter of an hour of samples, and all
        that the forecast can learn from.
        """
        now = self._clock.now()
        for feeder, control in self._controls.items():
            history = await self._samples(control, now - WINDOW, now)
            memory = fresh_memory(control, history)
            self._memory[feeder] = replace(memory, look_ahead=await self._relearnt(control, memory, now))

    async def _relearnt(self, control: FeederControl, memory: Memory, now: datetime) -> LookAhead | None:
        ahead = memory.look_ahead
        if ahead is not None:
            for start, end in chunks(now, self._site.store.keep_samples_days):
                samples = await self._samples(control, start, end)
                ahead = await self._offload(relearn, ahead, control, self._keeper.books, samples)
        return ahead

    async def round(self) -> None:
        """One round. Raises what nobody can go on after: Replaced, BooksBroken."""
        async with self._turn:
            await self._note_sent(self._clock.now())
            begun = moment(self._clock, self._site.cycle.fresh_s)
            await self._hear(begun.at)
            decided = await self._decide(begun)
            self._count_overtaken(begun)
            await self._start_sending(self._controls.values(), self._clock.now())
        await self._dispatch.wait(min(self._site.cycle.period_s / 2, self._site.requests.answer_within_s))
        async with self._turn:
            await self._note_sent(self._clock.now())
        await self._settling.settle()
        async with self._turn:
            self._show(decided)

    async def what_if(self, control: FeederControl, orders: Sequence[ProposedOrder]) -> WhatIf:
        """What these orders together would do; see `LiveViews`. It takes no turn."""
        return await self._what_if.ask(control, orders)

    async def foresee(self, control: FeederControl, orders: Sequence[ProposedOrder]) -> WhatIf:
        """The same for orders that are about to be given, in places of their own."""
        return await self._foreseeing.ask(control, orders)

    def looked(self, control: FeederControl, *, apart: bool = True) -> Looked | None:
        """A feeder as it was looked at last, on books of its own when `apart`; None before the first look."""
        keeper, latest = self._keeper, self._latest.get(control.feeder)
        if latest is None:
            return None
        return looked(
            control,
            keeper.books.fork() if apart else keeper.books,
            self._memory[control.feeder],
            latest,
            orders=keeper.orders,
            epoch=keeper.epoch,
            now=self._clock.now(),
            good=latest.good and self._good[control.feeder],
        )

    async def operate(
        self,
        control: FeederControl,
        order: ProposedOrder,
        *,
        who: str,
        why: str,
        warrant: Warrant | None = None,
    ) -> OperatorActed:
        """An operator's action, ahead of all else. Raises ValueError; StoreUnavailable only for
        `automatic_on` and `limit`.
        """
        action = order.action
        async with self._turn:
            now = self._clock.now()
            await self._note_sent(now)  # what went out since the last round would hold up a release of it
            act, entries = await self._ordered(control, order, who, why, now)
            if warrant is not None:
                act, entries = warrant(now, act, entries)
            try:
                await self._keeper.write(entries)
            except StoreUnavailable:
                if action in ("automatic_on", "limit"):
                    raise
                self._keeper.apply_unwritten(entries)
            if action == "automatic_on":
                self._faults[control.feeder] = 0
            await self._start_sending([control], now)
        log.info("operator_acted", feeder=control.feeder, action=act.action, target=act.target, who=act.who)
        return act

    async def _ordered(
        self, control: FeederControl, order: ProposedOrder, who: str, why: str, now: datetime
    ) -> tuple[OperatorActed, tuple[Entry, ...]]:
        if order.action != "limit":
            books, epoch = self._keeper.books, self._keeper.epoch
            return operators.order(
                control,
                books,
                epoch,
                action=order.action,
                target=order.target,
                who=who,
                why=why,
                now=now,
            )
        found = self.looked(control, apart=False)
        if found is None:
            raise ValueError(f"feeder {control.feeder!r}: expected one that was looked at; it was not yet")
        return await self._offload(order_limit, found.situation, found.excluded, order, who=who, why=why)

    async def at_once(
        self, controls: Iterable[FeederControl], entries_at: Callable[[datetime], tuple[Entry, ...]]
    ) -> tuple[Entry, ...]:
        """Write what lets people go and send it, ahead of all else, also when the journal cannot be
        written; what was written. Where a round or a failing store would have to be waited for, letting go
        goes out first: devices take it once more afterwards.
        """
        stopped = tuple(controls)
        self._stopping.update(control.feeder for control in stopped)
        try:
            return await self._let_go(stopped, entries_at)
        finally:
            self._stopping.subtract(control.feeder for control in stopped)

    async def _let_go(
        self, controls: tuple[FeederControl, ...], entries_at: Callable[[datetime], tuple[Entry, ...]]
    ) -> tuple[Entry, ...]:
        if self._turn.locked() or self._keeper.store_fault is not None:
            keeper = self._keeper
            first = entries_at(self._clock.now())
            self._dispatch.start(releases_of(first, keeper.books, self._controls, keeper.epoch))
        async with self._turn:
            now = self._clock.now()
            if self._keeper.store_fault is None:
                await self._note_sent(now)
            else:
                self._dispatch.outcomes()  # what cannot be noted counts as not sent, without waiting for that
            entries = entries_at(now)
            try:
                await self._keeper.write(entries)
            except StoreUnavailable:
                self._keeper.apply_unwritten(entries)
            await self._start_sending(controls, now, waits=False)
        return entries

    @property
    def held_back(self) -> Mapping[str, HeldBack]:
        """By feeder: when the limits on reach last held the automatic back in this run."""
        return self._held_back

    # --- hear
    # ----------------------------------------------------------------------------------------------------

    async def _hear(self, now: datetime) -> None:
        self._metrics.queue.set(len(self._intake))
        drained = self._intake.drain()
        self._metrics.shed.inc(drained.shed)
        refusals = Refusals()
        grouped = by_feeder(drained, self._controls, refusals)
        unplaced = refusals.by_reason()
        self._unplaced, told = tell(self._unplaced, None, unplaced, now)
        for reason, refused in unplaced.items():
            self._metrics.refused.labels("", reason).inc(refused.count)
        entries: list[Entry] = [*told]
        heard = {
            feeder: found
            for feeder, control in self._controls.items()
            if (found := await self._hear_feeder(control, grouped[feeder], now)) is not None
        }
        for found in heard.values():
            entries += found.entries
        noted = await self._write(entries)
        for feeder, found in heard.items():
            known = found.memory.acknowledged if noted else self._memory[feeder].acknowledged
            self._memory[feeder] = replace(found.memory, acknowledged=known)
        if not noted:
            for answer in drained.answers:
                self._intake.deliver(answer)  # what could not be noted is heard once more

    async def _hear_feeder(self, control: FeederControl, drained: Drained, now: datetime) -> Heard | None:
        feeder = control.feeder
        try:
            heard = await self._offload(hear, control, self._keeper.books, self._memory[feeder], drained, now)
            self._keeper.fits(heard.entries)
        except Exception:  # noqa: BLE001  one feeder's fault must not stop the others
            await self._failed(feeder, now)
            return None
        self._metrics.readings.labels(feeder).inc(heard.readings)
        self._metrics.late.labels(feeder).inc(heard.late)
        for reason, refused in heard.refused.items():
            self._metrics.refused.labels(feeder, reason).inc(refused.count)
        return heard

    # --- decide
    # --------------------------------------------------------------------------------------------------

    async def _decide(self, begun: Moment) -> list[Decisions]:
        now, decided = begun.at, list[Decisions]()
        moved_kw = sum(moved_lately_kw(c, self._keeper.books, now) for c in self._controls.values())
        for control in self._controls.values():
            found = await self._decide_feeder(control, now, moved_kw)
            if found is not None:
                decided.append(found)
                moved_kw += found.moved_kw
        if begun.is_past(self._clock):
            await self._write_what_was_seen(decided)
            return decided
        entries = [entry for found in decided for entry in found.entries]
        if await self._write_or_free(entries, [found.sample for found in decided]):
            self._memory |= {found.sample.feeder: found.memory for found in decided}
            self._armed += [entry for entry in entries if isinstance(entry, FailsafeArmed)]
        else:
            for found in decided:  # how long data are bad does not wait for the journal: only what it tells
                feeder = found.sample.feeder
                self._memory[feeder] = replace(self._memory[feeder], alarms=found.memory.alarms)
        self._good |= {found.sample.feeder: found.good for found in decided}
        self._looked = begun
        return decided

    async def _write_what_was_seen(self, decided: Sequence[Decisions]) -> None:
        """Of a round that was overtaken: what the feeders showed is told, who is owed a release is freed, and
        nobody else is moved."""
        entries = [entry for found in decided for entry in (*found.owed, *found.seen)]
        if await self._write_or_free(entries, [found.sample for found in decided]):
            for found in decided:
                feeder = found.sample.feeder
                before = self._memory[feeder]
                self._memory[feeder] = replace(
                    found.memory,
                    expectations=before.expectations,
                    failsafes=before.failsafes,
                    shortfalls=before.shortfalls,
                )

    def _count_overtaken(self, begun: Moment) -> None:
        if begun.is_past(self._clock):
            self._metrics.overtaken.inc()
            log.warning("round_overtaken", looked_at=begun.at.isoformat(), holds_s=begun.holds_s)

    async def _write_or_free(self, entries: Sequence[Entry], samples: Sequence[FeederSample] = ()) -> bool:
        """Write; where that fails, releases go out all the same."""
        if await self._write(entries, samples):
            return True
        self._dispatch.start(releases_of(entries, self._keeper.books, self._controls, self._keeper.epoch))
        return False

    async def _decide_feeder(
        self, control: FeederControl, now: datetime, moved_kw: float
    ) -> Decisions | None:
        feeder, safety = control.feeder, self._site.safety
        fleet_kw = safety.fleet_share_per_minute * self._fleet_kw - moved_kw
        bounded = len(self._controls) > 1 and not self._keeper.books.order_book.has_more_reach(feeder, now)
        around = Surroundings(
            now=now,
            epoch=self._keeper.epoch,
            orders=self._keeper.orders,
            fleet_budget_kw=fleet_kw if bounded else float("inf"),
        )
        try:
            found = await self._offload(decide, control, self._keeper.books, self._memory[feeder], around)
            self._keeper.fits(found.entries)
        except Exception:  # noqa: BLE001  one feeder's fault must not stop the others
            await self._failed(feeder, now)
            return None
        self._faults[feeder] = 0
        self._metrics.decided(feeder, found)
        self._judge_referee(feeder, found)
        if (held := held_back(found.gate_refused, now)) is not None:
            self._held_back[feeder] = held
        self._tell_refused("gate_refused", feeder, found.gate_refused, now)
        return found

    def _tell_refused(self, what: str, feeder: str, refused: Mapping[str, int], now: datetime) -> None:
        """What the gate refuses in every pass is told once."""
        known = self._gate_told.get((what, feeder), GateLog())
        self._gate_told[what, feeder], news = gate_news(known, refused, now)
        for reason, count in news.began.items():
            log.warning(what, feeder=feeder, reason=reason, count=count)
        for reason, count in news.over.items():
            log.info(f"{what}_over", feeder=feeder, reason=reason, count=count)

    def _judge_referee(self, feeder: str, found: Decisions) -> None:
        difference = found.check.referee_difference
        if difference is None:
            return
        self._metrics.referee.labels(feeder).set(difference)
        if difference > AGREED_V_PU:
            self._metrics.disagreements.labels(feeder).inc()
            log.warning("referee_disagrees", feeder=feeder, difference_v_pu=difference, believed="runpp")

    async def _failed(self, feeder: str, now: datetime) -> None:
        """Our own pass raised: log it, and take the automatic out when it goes on."""
        log.exception("pass_failed", feeder=feeder)
        self._metrics.cycle_failures.labels(feeder).inc()
        self._good[feeder] = False
        self._faults[feeder] += 1
        raised = {alarm.kind for alarm in self._keeper.books.alarms(feeder)}
        if self._faults[feeder] >= FAULTS_TO_SUSPEND and CONTROLLER_FAULT not in raised:
            text = f"{FAULTS_TO_SUSPEND} cycles failed in a row: the automatic is out until it is handed back"
            out = [DataAlarm(at=now, feeder=feeder, kind=CONTROLLER_FAULT, raised=True, text=text)]
            if not await self._write(out):
                self._keeper.apply_unwritten(out)  # to the safe side: it does not wait for the journal
        freed = overdue(self._keeper.books, self._keeper.epoch, feeder=feeder, site=self._site, now=now)
        if freed and not await self._write(freed):
            self._keeper.apply_unwritten(freed)  # a stop does not wait for the journal

    async def _write(self, entries: Sequence[Entry], samples: Sequence[FeederSample] = ()) -> bool:
        try:
            await self._keeper.write(entries, samples)
        except StoreUnavailable:
            return False
        return True

    # --- send
    # ----------------------------------------------------------------------------------------------------

    async def _start_sending(
        self, controls: Iterable[FeederControl], now: datetime, *, waits: bool = True
    ) -> None:
        """Begin to send what the books say is due; the epoch is read once more before anything goes out, but
        for releases while the store is out of order (`waits`: afterwards then, else not at all).
        """
        sendings: list[Sending] = []
        for control in controls:
            sendings += self._due(control, now)
        if not sendings:
            return
        if self._keeper.store_fault is not None:  # then only releases are due, and a store that hangs
            self._dispatch.start(sendings)  # holds up none of them
            if waits:
                await self._keeper.check_epoch()
            return
        await self._keeper.check_epoch()
        self._dispatch.start(sendings)

    def _due(self, control: FeederControl, now: datetime) -> list[Sending]:
        feeder, keeper = control.feeder, self._keeper
        looked, memory = self._looked, self._memory[feeder]
        good = self._good[feeder] and looked is not None and not looked.is_past(self._clock)
        may_ask = keeper.store_fault is None and not self._stopping[feeder]
        gatekeeper = gatekeeper_for_sending(control, keeper.books, epoch=keeper.epoch, good=good, now=now)
        gatekeeper.unproven = unproven(control, memory.state)
        sendings = due_sends(
            control,
            keeper.books,
            memory,
            to_release=keeper.freeing(feeder, partial(unconfirmed, memory=memory, now=now)),
            gatekeeper=gatekeeper,
            may_limit=good and self._automatic(feeder) and may_ask,
            looked=looked,
            may_order=may_ask and keeper.books.order_book.stopped(feeder) is None,
            may_try=partial(self._dispatch.may_try, now=now, patience_s=self._site.requests.answer_within_s),
        )
        for reason, count in gatekeeper.refused.items():
            self._metrics.gate.labels(feeder, reason).inc(count)
        self._tell_refused("gate_refused_sending", feeder, gatekeeper.refused, now)
        return sendings

    def _automatic(self, feeder: str) -> bool:
        """Whether no operator keeps the automatic out."""
        return self._keeper.books.automatic(feeder) and feeder not in self._keeper.orders.hands_off

    async def _note_sent(self, now: datetime) -> None:
        """Note what came of sendings. What cannot be noted now counts as not sent: it goes out again."""
        outcomes = self._dispatch.outcomes()
        if outcomes:
            entries, counts = entries_of(outcomes, self._keeper.books, now)
            for outcome, count in counts.items():
                self._metrics.sends.labels(outcome).inc(count)
            await self._write(entries)

    # --- settle and show
    # -----------------------------------------------------------------------------------------

    async def _samples(
        self, control: FeederControl, start: datetime, end: datetime
    ) -> tuple[FeederSample, ...]:
        """What was measured then, but for samples from before the network was changed: their positions are
        others.
        """
        samples = await self._offload(self._store.samples, control.feeder, start, end)
        width = len(control.network.service_points)
        return tuple(sample for sample in samples if len(sample.p_kw) == width)

    def _show(self, decided: Sequence[Decisions]) -> None:
        for found in decided:
            feeder, books = found.sample.feeder, self._keeper.books
            self._latest[feeder] = found
            view = feeder_view(self._controls[feeder], books, found, self._automatic(feeder))
            if self._keeper.store_fault is not None:
                alarm = f"the journal cannot be written: {self._keeper.store_fault}"
                alarm = alarm if view.quality.alarm is None else f"{alarm}; {view.quality.alarm}"
                view = replace(view, quality=replace(view.quality, alarm=alarm))
            self._metrics.requests_by_state(feeder, books)
            self._live.show(view, trend_point(found))
