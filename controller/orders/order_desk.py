"""Where orders are drafted with their effect, agreed to, carried out once, or withdrawn. Part of the shell.

An order takes effect in one commit with the agreement that was missing, judged under the rounds' turn when
all that it does is known (`giving.Warrant`): so nothing takes effect twice, and nothing without the persons
it needs. A draft is of this controller alone: what another one left behind is void. Bounds:
`order_rules.MOST_OPEN` drafts wait at a time, each `orders.confirm_within_s` long; one more is refused.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import cast

import msgspec
import structlog

from controller.bookkeeping import Bookkeeper
from controller.entries import (
    CommandTaken,
    DraftedAction,
    DraftOutcome,
    EmergencyStopped,
    Entry,
    OperatorActed,
    OrderAgreed,
    OrderClosed,
    OrderDrafted,
    RequestChanged,
)
from controller.feeder_control import FeederControl
from controller.order_effects import NotNow, ProposedOrder, WhatIf
from controller.orders.carrying import Carrier, order_of
from controller.orders.effects_kept import EffectsKept
from controller.orders.endings import closed, run_out
from controller.orders.giving import Giver, Warrant
from controller.orders.more_reach import CONTROLLER, drafts_of_more, no_more_needed
from controller.orders.order_book import DraftRecord, Told, act_id, is_shown, same_person
from controller.orders.order_errors import (
    AnotherNeeded,
    EffectChanged,
    TooManyOpen,
    TwoStepsNeeded,
    UnknownOrder,
)
from controller.orders.order_judge import OrderJudge
from controller.orders.order_rules import (
    FREEING,
    MOST_OPEN,
    MOST_OPEN_EACH,
    what_changed,
)
from controller.orders.stopping import Manner, stop_entries
from controller.settings import Site
from controller.stores.port import StoreUnavailable
from devices.ports import Clock

log = structlog.get_logger()


class OrderDesk:
    """Of one daemon. Raises `order_errors.OrderRefused`, ValueError, StoreUnavailable."""

    def __init__(
        self,
        keeper: Bookkeeper,
        turn: asyncio.Lock,
        clock: Clock,
        site: Site,
        controls: Mapping[str, FeederControl],
        *,
        carrier: Carrier,
        ready: Callable[[], Awaitable[None]],
    ) -> None:
        """`turn` is that of the rounds. `ready` returns once the journal was read."""
        self._keeper, self._turn, self._clock, self._site = keeper, turn, clock, site
        self._controls, self._carrier, self._ready = controls, carrier, ready
        self._seen = EffectsKept()
        self._judge = OrderJudge(site, controls, keeper, self._seen)

    # --- look
    # ----------------------------------------------------------------------------------------------------

    async def latest(self, feeders: frozenset[str] | None = None) -> tuple[tuple[str, Told], ...]:
        """Open drafts, then the latest orders, with their ids; of these feeders only. None: of all."""
        await self._ready()
        told = self._keeper.books.order_book.latest()
        return tuple((name, one) for name, one in told if is_shown(one, feeders))

    async def stopped(
        self, feeders: frozenset[str] | None = None
    ) -> tuple[tuple[str, EmergencyStopped], ...]:
        """The emergency stops that hold, by feeder, however long ago they came; of these feeders only."""
        await self._ready()
        stops = self._keeper.books.order_book.all_stopped()
        return tuple((one, stop) for one, stop in stops if feeders is None or one in feeders)

    async def find(self, name: str) -> Told:
        """One order by its id. Raises UnknownOrder."""
        await self._ready()
        found = self._keeper.books.order_book.find(name)
        if found is None:
            raise UnknownOrder(f"there is no order {name!r}; GET /api/v1/orders lists the latest")
        return found

    async def command(self, principal: str, key: str) -> CommandTaken | None:
        """What was done under an idempotency key, as far as the journal tells."""
        await self._ready()
        return self._keeper.books.order_book.command(principal, key)

    @property
    def judge(self) -> OrderJudge:
        """Who may agree to what."""
        return self._judge

    @property
    def seen(self) -> EffectsKept:
        """What open drafts are foreseen to do."""
        return self._seen

    def now(self) -> datetime:
        """The site's time."""
        return self._clock.now()

    @property
    def keeper(self) -> Bookkeeper:
        """The books; read only."""
        return self._keeper

    # --- two steps
    # -----------------------------------------------------------------------------------------------

    async def draft(self, feeder: str, order: ProposedOrder, why: str, giver: Giver) -> DraftRecord:
        """Take an order that nothing comes of before it is confirmed."""
        control = self._controls[feeder]
        await self._ready()
        self._judge.check_stop(feeder, order.action)
        effect = await self._foresee(control, order)
        async with self._turn:
            now = self._clock.now()
            self._check_open(giver)
            drafted = self._drafted(control, order, effect, why=why, giver=giver, now=now)
            await self._keeper.write((drafted, *giver.taken("draft", drafted.draft, now)))
            self._seen.put(drafted.draft, effect)
            log.info("order_drafted", draft=drafted.draft, action=order.action, who=giver.who)
            return self._judge.record(drafted.draft)

    def _check_open(self, giver: Giver) -> None:
        """Raises TooManyOpen."""
        open_drafts = self._keeper.books.order_book.open_drafts()
        given = [r.drafted.who for r in open_drafts if r.drafted.action != "more_reach"]
        if len(given) >= MOST_OPEN:
            raise TooManyOpen(f"{MOST_OPEN} orders wait already: expected one of them to be ended first")
        if sum(same_person(giver.who, who) for who in given) >= MOST_OPEN_EACH:
            raise TooManyOpen(
                f"{MOST_OPEN_EACH} orders by {giver.who} wait already: expected one of them to be ended first"
            )

    def _drafted(
        self,
        control: FeederControl,
        order: ProposedOrder,
        effect: WhatIf | None,
        *,
        why: str,
        giver: Giver,
        now: datetime,
    ) -> OrderDrafted:
        moves_kw = 0.0 if effect is None else effect.reach_kw
        return OrderDrafted(
            at=now,
            draft=f"O-{control.feeder}-{now:%Y%m%dT%H%M%S.%fZ}-{self._keeper.books.seq}",
            feeder=control.feeder,
            action=cast("DraftedAction", order.action),  # what is none was refused by the look ahead
            target=order.target,
            targets=order.targets,
            limit_kw=order.limit_kw,
            until=order.until,
            who=giver.who,
            why=why,
            person=giver.person,
            needed=self._judge.needed_for(control.feeder, order.action, moves_kw, now),
            expires_at=now + timedelta(seconds=self._site.orders.confirm_within_s),
            epoch=self._keeper.epoch,
            reach_percent=None if effect is None else effect.reach_percent,
            before_percent=None if effect is None else effect.before.highest_loading_percent,
            after_percent=None if effect is None else effect.after.highest_loading_percent,
        )

    async def confirm(self, draft: str, giver: Giver, *, seen: int | None = None) -> DraftRecord:
        """Agree to a draft; with the last agreement that it needs it is carried out. `seen`: the number of
        the effect that was looked at.
        """
        await self._ready()
        record = self._judge.still_open(draft, self._clock.now())
        self._judge.check_person(record, giver)
        try:
            await self._check_effect(record, seen)
        except ValueError as error:
            await self._close(draft, "failed", CONTROLLER, str(error))
            raise
        is_of_reach = record.drafted.action == "more_reach"
        waits = is_of_reach or self._judge.lacks_another(record, giver)
        if not waits or not await self._agree(draft, giver):
            await self._carry_out(record, giver)
        return self._judge.record(draft)

    async def _agree(self, draft: str, giver: Giver) -> bool:
        """Note an agreement; where nobody else has to give one, the automatic goes further from now on.
        False, and nothing is noted: nobody is lacking any more, and the order has to be carried out.
        """
        async with self._turn:
            now = self._clock.now()
            record = self._judge.still_open(draft, now)
            self._judge.check_person(record, giver)
            self._judge.check_stop(record.drafted.feeder, record.drafted.action)
            entries: list[Entry] = [self._agreed(record, giver, now)]
            if not self._judge.lacks_another(record, giver):
                if record.drafted.action != "more_reach":
                    return False
                entries.append(closed(record, "carried_out", giver.who, "as agreed", now))
            await self._keeper.write((*entries, *giver.taken("confirm", draft, now)))
        log.info("order_agreed", draft=draft, who=giver.who)
        return True

    async def _carry_out(self, record: DraftRecord, giver: Giver) -> None:
        """Also where it turns out only now that another person is needed, and they agreed meanwhile."""
        try:
            await self._operate(record, giver)
        except AnotherNeeded:
            if not giver.person or any(same_person(giver.who, one) for one in record.agreed):
                raise
            if await self._agree(record.draft, giver):
                return
            await self._operate(record, giver)

    async def _operate(self, record: DraftRecord, giver: Giver) -> None:
        drafted = record.drafted
        control, order = self._controls[drafted.feeder], order_of(drafted)
        warrant = self._warrant(record.draft, giver)
        try:
            await self._carrier.operate(control, order, who=drafted.who, why=drafted.why, warrant=warrant)
        except ValueError as error:
            await self._close(record.draft, "failed", CONTROLLER, str(error))
            raise
        self._seen.forget(record.draft)

    def _warrant(self, draft: str, giver: Giver) -> Warrant:
        """What is written with the act: the agreement and the draft's end. Judged by all that it does."""

        def warrant(
            now: datetime, act: OperatorActed, entries: tuple[Entry, ...]
        ) -> tuple[OperatorActed, tuple[Entry, ...]]:
            record = self._judge.still_open(draft, now)
            self._judge.check_stop(act.feeder, act.action)
            if act.action == "limit":
                self._judge.check_excluded(record, entries)
            needed = max(self._judge.needed(record), self._judge.needed_for_act(act, entries, now))
            if self._judge.lacks_another(record, giver, needed):
                self._seen.needs(draft, needed)
                lately = "with all of the last minute " if record.drafted.needed < needed else ""
                raise AnotherNeeded(f"{lately}it takes {needed} persons: expected another one to confirm it")
            others = tuple(
                dict.fromkeys(
                    who for who in (*record.confirmed, giver.who) if not same_person(who, record.drafted.who)
                )
            )
            act = msgspec.structs.replace(act, draft=draft, agreed_by=others)
            before = self._agreed(record, giver, now), closed(record, "carried_out", giver.who, "", now)
            return act, (*before, act, *entries[1:], *giver.taken("confirm", draft, now))

        return warrant

    async def withdraw(self, draft: str, why: str, giver: Giver) -> DraftRecord:
        """End a draft without anything coming of it."""
        await self._ready()
        await self._close(draft, "withdrawn", giver.who, why, giver)
        return self._judge.record(draft)

    async def _close(
        self, draft: str, outcome: DraftOutcome, who: str, why: str, giver: Giver | None = None
    ) -> None:
        async with self._turn:
            now = self._clock.now()
            end = closed(self._judge.still_open(draft, now), outcome, who, why, now)
            taken = () if giver is None else giver.taken("withdraw", draft, now)
            await self._keeper.write((end, *taken))
        self._seen.forget(draft)

    # --- one step
    # ------------------------------------------------------------------------------------------------

    def direct(self, giver: Giver) -> Warrant:
        """For what is ordered in one step: frees at once, and takes nothing that needs two persons, and
        nothing that gives power back by a higher limit before anybody looked at what that does.
        """

        def warrant(
            now: datetime, act: OperatorActed, entries: tuple[Entry, ...]
        ) -> tuple[OperatorActed, tuple[Entry, ...]]:
            self._judge.check_stop(act.feeder, act.action)
            if self._judge.needed_for_act(act, entries, now) > 1:
                raise AnotherNeeded(
                    f"{act.action} takes two persons here: expected it drafted by POST /api/v1/feeders/"
                    f"{act.feeder}/orders, and confirmed by somebody else"
                )
            raised = [e for e in entries if isinstance(e, RequestChanged) and e.reason == "relaxed"]
            if act.action == "limit" and raised:
                raise TwoStepsNeeded(
                    f"it raises {len(raised)} limits that are held: expected it drafted by POST "
                    f"/api/v1/feeders/{act.feeder}/orders, which shows what comes back, and confirmed"
                )
            return act, (*entries, *giver.taken("act", act_id(act), now))

        return warrant

    async def stop(self, feeders: Sequence[str], manner: Manner, why: str, giver: Giver) -> EmergencyStopped:
        """The emergency stop: waits for nobody, and works when the journal cannot be written."""
        await self._ready()
        stops: list[EmergencyStopped] = []
        ended: list[str] = []

        def entries_at(now: datetime) -> tuple[Entry, ...]:
            books, epoch = self._keeper.books, self._keeper.epoch
            stop, entries = stop_entries(
                books, epoch, feeders=feeders, manner=manner, who=giver.who, why=why, now=now
            )
            stops.append(stop)
            ended.extend(entry.draft for entry in entries if isinstance(entry, OrderClosed))
            return (*entries, *giver.taken("stop", stop.stop, now))

        await self._carrier.at_once([self._controls[feeder] for feeder in feeders], entries_at)
        for draft in ended:
            self._seen.forget(draft)
        log.warning("emergency_stop", feeders=list(feeders), manner=manner, who=giver.who)
        return stops[-1]

    # --- by the clock
    # --------------------------------------------------------------------------------------------

    async def round(self) -> None:
        """Note what is over, and what the automatic waits for. What cannot be noted now is noted later."""
        async with self._turn:
            now, books, held = self._clock.now(), self._keeper.books, self._carrier.held_back
            over = {end.draft: end for end in no_more_needed(books, held, now)}
            over |= {end.draft: end for end in run_out(books, self._keeper.epoch, now)}
            more = tuple(drafts_of_more(books, held, self._site.orders, epoch=self._keeper.epoch, now=now))
            if not over and not more:
                return
            try:
                await self._keeper.write((*over.values(), *more))
            except StoreUnavailable:
                return
        for draft in over:
            self._seen.forget(draft)

    # --- foresee
    # -------------------------------------------------------------------------------------------------

    async def _check_effect(self, record: DraftRecord, seen: int | None) -> None:
        """Raises EffectChanged, having kept the new effect for whoever looks again."""
        drafted = record.drafted
        if drafted.action in FREEING or drafted.action == "more_reach":
            return
        number, before = self._seen.get(record.draft)
        if seen is not None and seen != number:
            raise EffectChanged("there is a newer forecast than the one that was looked at", before)
        now = await self._foresee(self._controls[drafted.feeder], order_of(drafted))
        if before is None and now is not None:
            self._seen.put(record.draft, now)
            raise EffectChanged("its effect was not foreseen before: expected a look at it", now)
        change = what_changed(before, now)
        if change is not None:
            if now is not None:  # what is known is not forgotten for what is not
                self._seen.put(record.draft, now)
            raise EffectChanged(f"the feeder has changed: {change}", before if now is None else now)

    async def _foresee(self, control: FeederControl, order: ProposedOrder) -> WhatIf | None:
        try:
            return await self._carrier.foresee(control, (order,))
        except NotNow as error:
            log.info("effect_not_foreseen", feeder=control.feeder, reason=str(error))
            return None

    def _agreed(self, record: DraftRecord, giver: Giver, now: datetime) -> OrderAgreed:
        return OrderAgreed(
            at=now, draft=record.draft, feeder=record.drafted.feeder, who=giver.who, person=giver.person
        )
