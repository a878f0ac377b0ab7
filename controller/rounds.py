"""One round over all feeders, step by step [1 to 8]: the shell around the pure halves of a cycle.

    drain → hear → write → decide → write → send → note → settle → show

Everything between a decision and its note in the books happens under one turn, which an operator's action
takes as well (`orders/carrying_out.py`). The passes over single feeders are run by `passes.py`, what is due
goes out by `sending.py`; when the store cannot be written that is nothing but releases (C20).
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from controller.baselines import WINDOW
from controller.bookkeeping import Offload
from controller.cycle import Decisions
from controller.dispatch import Dispatch
from controller.entries import Entry, FailsafeArmed, OperatorActed
from controller.feeder_control import FeederControl
from controller.feeder_view import feeder_view, trend_point
from controller.footing import Footing
from controller.gatekeeper import moved_lately_kw
from controller.intake import Intake, by_feeder
from controller.live import Live
from controller.look_ahead import LookAhead
from controller.look_ahead_history import chunks, relearn
from controller.looked import Looked, looked
from controller.memory import Memory, fresh_memory
from controller.moments import Moment, moment
from controller.order_effects import ProposedOrder, WhatIf
from controller.orders.carrying_out import CarryingOut, EntriesAt
from controller.orders.giving import Warrant
from controller.orders.more_reach import HeldBack
from controller.passes import Passes
from controller.people.messages_due import meter_kw
from controller.plausibility import Refusals
from controller.proving.settling import Settling
from controller.refusal_log import RefusalLog, tell
from controller.requests import RequestRecord
from controller.round_state import RoundState
from controller.sending import Sender
from controller.stores.port import FeederSample, Store
from controller.what_if_desk import MOST_OF_ORDERS, WhatIfDesk
from devices.ports import Clock

log = structlog.get_logger()


class Rounds:
    """Owns what is known of the feeders from round to round."""

    def __init__(
        self,
        footing: Footing,
        *,
        store: Store,
        intake: Intake,
        dispatch: Dispatch,
        settling: Settling,
        live: Live,
        wire_clock: Clock | None = None,
        background: Offload | None = None,
    ) -> None:
        """`wire_clock` and `background`: see `WhatIfDesk`."""
        self._site, self._controls, self._keeper = footing.site, footing.controls, footing.keeper
        self._clock, self._offload = footing.clock, footing.offload
        self._metrics, self._turn = footing.metrics, footing.turn
        self._store, self._intake, self._dispatch = store, intake, dispatch
        self._settling, self._live = settling, live
        self._unplaced = RefusalLog()
        self._armed: list[FailsafeArmed] = []
        self._state = RoundState(self._controls)
        self._passes = Passes(footing, self._state)
        self._sender = Sender(footing, self._state, dispatch)
        self._orders = CarryingOut(footing, self._state, self._sender, self.looked)
        waits, thinks = wire_clock or footing.clock, background or footing.offload
        self._what_if = WhatIfDesk(self.looked, waits, thinks)
        self._foreseeing = WhatIfDesk(self.looked, waits, thinks, most=MOST_OF_ORDERS)

    async def resume(self) -> None:
        """Fetch what is needed of the time before our start: the last quarter of an hour of samples, and all
        that the forecast can learn from.
        """
        now = self._clock.now()
        for feeder, control in self._controls.items():
            history = await self._samples(control, now - WINDOW, now)
            memory = fresh_memory(control, history)
            ahead = await self._relearnt(control, memory, now)
            self._state.memory[feeder] = replace(memory, look_ahead=ahead)

    async def _relearnt(self, control: FeederControl, memory: Memory, now: datetime) -> LookAhead | None:
        ahead = memory.look_ahead
        if ahead is not None:
            for start, end in chunks(now, self._site.store.keep_samples_days):
                samples = await self._samples(control, start, end)
                ahead = await self._offload(relearn, ahead, control, self._keeper.books, samples)
        return ahead

    async def _samples(
        self, control: FeederControl, start: datetime, end: datetime
    ) -> tuple[FeederSample, ...]:
        """What was measured then, but for samples from before the network was changed: their positions are
        others.
        """
        samples = await self._offload(self._store.samples, control.feeder, start, end)
        width = len(control.network.service_points)
        return tuple(sample for sample in samples if len(sample.p_kw) == width)

    async def round(self) -> None:
        """One round. Raises what nobody can go on after: Replaced, BooksBroken."""
        async with self._turn:
            await self._sender.note(self._clock.now())
            begun = moment(self._clock, self._site.cycle.fresh_s)
            await self._hear(begun.at)
            decided = await self._decide(begun)
            self._count_overtaken(begun)
            await self._sender.start(self._controls.values(), self._clock.now())
        await self._dispatch.wait(min(self._site.cycle.period_s / 2, self._site.requests.answer_within_s))
        async with self._turn:
            await self._sender.note(self._clock.now())
        await self._settling.settle()
        async with self._turn:
            self._show(decided)

    # --- hear
    # ----------------------------------------------------------------------------------------------------

    async def _hear(self, now: datetime) -> None:
        self._metrics.intake.queue.set(len(self._intake))
        drained = self._intake.drain()
        self._metrics.intake.shed.inc(drained.shed)
        refusals = Refusals()
        grouped = by_feeder(drained, self._controls, refusals)
        told = self._tell_unplaced(refusals, now)
        heard = {
            feeder: found
            for feeder, control in self._controls.items()
            if (found := await self._passes.hear(control, grouped[feeder], now)) is not None
        }
        noted = await self._keeper.try_write([*told, *(e for found in heard.values() for e in found.entries)])
        self._state.adopt_heard(heard, noted=noted)
        if not noted:
            for answer in drained.answers:
                self._intake.deliver(answer)  # what could not be noted is heard once more

    def _tell_unplaced(self, refusals: Refusals, now: datetime) -> Sequence[Entry]:
        """Of what is of no feeder."""
        unplaced = refusals.by_reason()
        self._unplaced, told = tell(self._unplaced, None, unplaced, now)
        for reason, refused in unplaced.items():
            self._metrics.intake.refused.labels("", reason).inc(refused.count)
        return told

    # --- decide
    # --------------------------------------------------------------------------------------------------

    async def _decide(self, begun: Moment) -> list[Decisions]:
        decided = await self._passed(begun.at)
        if begun.is_past(self._clock):
            await self._write_what_was_seen(decided)
            return decided
        entries = [entry for found in decided for entry in found.entries]
        if await self._write_or_free(entries, [found.sample for found in decided]):
            self._state.adopt(decided)
            self._armed += [entry for entry in entries if isinstance(entry, FailsafeArmed)]
        else:
            self._state.adopt_alarms(decided)
        self._state.good |= {found.sample.feeder: found.good for found in decided}
        self._state.looked = begun
        return decided

    async def _passed(self, now: datetime) -> list[Decisions]:
        """What the passes decided that did not fail; what one takes counts for those after it."""
        decided = list[Decisions]()
        moved_kw = sum(moved_lately_kw(c, self._keeper.books, now) for c in self._controls.values())
        for control in self._controls.values():
            found = await self._passes.decide(control, now, moved_kw)
            if found is not None:
                decided.append(found)
                moved_kw += found.moved_kw
        return decided

    async def _write_what_was_seen(self, decided: Sequence[Decisions]) -> None:
        """Of a round that was overtaken: what the feeders showed is told, who is owed a release is freed, and
        nobody else is moved."""
        entries = [entry for found in decided for entry in (*found.owed, *found.seen)]
        if await self._write_or_free(entries, [found.sample for found in decided]):
            self._state.adopt_what_was_seen(decided)

    async def _write_or_free(self, entries: Sequence[Entry], samples: Sequence[FeederSample]) -> bool:
        """Write; where that fails, releases go out all the same."""
        written = await self._keeper.try_write(entries, samples)
        if not written:
            self._sender.start_releases(entries)
        return written

    def _count_overtaken(self, begun: Moment) -> None:
        if begun.is_past(self._clock):
            self._metrics.cycles.overtaken.inc()
            log.warning("round_overtaken", looked_at=begun.at.isoformat(), holds_s=begun.holds_s)

    # --- show
    # ----------------------------------------------------------------------------------------------------

    def _show(self, decided: Sequence[Decisions]) -> None:
        for found in decided:
            feeder, books = found.sample.feeder, self._keeper.books
            self._state.latest[feeder] = found
            view = feeder_view(self._controls[feeder], books, found, self._keeper.is_automatic(feeder))
            if self._keeper.store_fault is not None:
                alarm = f"the journal cannot be written: {self._keeper.store_fault}"
                alarm = alarm if view.quality.alarm is None else f"{alarm}; {view.quality.alarm}"
                view = replace(view, quality=replace(view.quality, alarm=alarm))
            self._metrics.stand(feeder, books)
            self._live.show(view, trend_point(found))

    # --- for those beside the rounds
    # ------------------------------------------------------------------------------------

    @property
    def turn(self) -> asyncio.Lock:
        """Whoever decides and writes holds it: the desks beside the rounds as well."""
        return self._turn

    @property
    def held_back(self) -> Mapping[str, HeldBack]:
        """By feeder: when the limits on reach last held the automatic back in this run."""
        return self._passes.held_back

    def latest(self, feeder: str) -> Decisions | None:
        """What the latest cycle that was shown decided; None before the first."""
        return self._state.latest.get(feeder)

    def take_armed(self) -> list[FailsafeArmed]:
        """The failsafes that became durable since the last call: they may go out."""
        armed, self._armed = self._armed, []
        return armed

    def meter_shows(self, record: RequestRecord) -> float | None:
        """What the meter of a request shows now, in kW; None when it was not read lately."""
        feeder = record.planned.feeder
        return meter_kw(self._controls[feeder], self._state.memory[feeder].state, record, self._clock.now())

    def looked(self, control: FeederControl, *, apart: bool = True) -> Looked | None:
        """A feeder as it was looked at last, on books of its own when `apart`; None before the first look."""
        keeper, latest = self._keeper, self.latest(control.feeder)
        if latest is None:
            return None
        return looked(
            control,
            keeper.books.fork() if apart else keeper.books,
            self._state.memory[control.feeder],
            latest,
            orders=keeper.orders,
            epoch=keeper.epoch,
            now=self._clock.now(),
            good=latest.good and self._state.good[control.feeder],
        )

    async def what_if(self, control: FeederControl, orders: Sequence[ProposedOrder]) -> WhatIf:
        """What these orders together would do; see `LiveViews`. It takes no turn."""
        return await self._what_if.ask(control, orders)

    async def foresee(self, control: FeederControl, orders: Sequence[ProposedOrder]) -> WhatIf:
        """The same for orders that are about to be given, in places of their own."""
        return await self._foreseeing.ask(control, orders)

    async def operate(
        self,
        control: FeederControl,
        order: ProposedOrder,
        *,
        who: str,
        why: str,
        warrant: Warrant | None = None,
    ) -> OperatorActed:
        """An operator's action, ahead of all else; see `CarryingOut`."""
        return await self._orders.operate(control, order, who=who, why=why, warrant=warrant)

    async def at_once(self, controls: Iterable[FeederControl], entries_at: EntriesAt) -> tuple[Entry, ...]:
        """Let people go, ahead of all else; see `CarryingOut`."""
        return await self._orders.at_once(controls, entries_at)
