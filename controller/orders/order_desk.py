"""Where orders are drafted with their effect, agreed to, carried out once, or withdrawn. Part of the shell.

The one place to ask for orders; how drafts are decided is `deciding.py`. A draft is of this controller alone:
what another one left behind is void. Bounds: `order_rules.MOST_OPEN` drafts wait at a time, each
`orders.confirm_within_s` long; one more is refused.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import cast

import structlog

from controller.bookkeeping import Bookkeeper
from controller.entries import (
    CommandTaken,
    DraftedAction,
    EmergencyStopped,
    Entry,
    OrderClosed,
    OrderDrafted,
)
from controller.feeder_control import FeederControl
from controller.order_effects import ProposedOrder, WhatIf
from controller.orders.carrying import Carrier
from controller.orders.deciding import Deciding
from controller.orders.effects_kept import EffectsKept
from controller.orders.endings import run_out
from controller.orders.foresight import Foresight
from controller.orders.giving import Giver, Warrant
from controller.orders.more_reach import drafts_of_more, no_more_needed
from controller.orders.one_step import direct
from controller.orders.order_book import DraftRecord, Told, is_shown, same_person
from controller.orders.order_errors import TooManyOpen, UnknownOrder
from controller.orders.order_judge import OrderJudge
from controller.orders.order_rules import MOST_OPEN, MOST_OPEN_EACH
from controller.orders.stopping import Manner, stop_entries
from controller.settings import Site
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
        self._seen = EffectsKept(self._is_open)
        self._judge = OrderJudge(site, controls, keeper, self._seen)
        self._foresight = Foresight(carrier, controls, self._seen)
        self._deciding = Deciding(
            keeper,
            turn,
            clock,
            controls,
            carrier=carrier,
            judge=self._judge,
            seen=self._seen,
            foresight=self._foresight,
        )

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

    def _is_open(self, draft: str) -> bool:
        return self._keeper.books.order_book.is_open(draft)

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
        effect = await self._foresight.of(feeder, order)
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
            direction=order.direction if order.action == "limit" else None,
        )

    async def confirm(
        self, draft: str, giver: Giver, *, seen: int | None = None, lost: Collection[str] = ()
    ) -> DraftRecord:
        """Agree to a draft; with the last agreement that it needs it is carried out. `seen`: the number of
        the effect that was looked at. `lost`: who of those who agreed may not operate there any more.
        """
        await self._ready()
        return await self._deciding.confirm(draft, giver, seen=seen, lost=frozenset(lost))

    async def withdraw(self, draft: str, why: str, giver: Giver) -> DraftRecord:
        """End a draft without anything coming of it."""
        await self._ready()
        await self._deciding.close(draft, "withdrawn", giver.who, why, giver)
        return self._judge.record(draft)

    # --- one step
    # ------------------------------------------------------------------------------------------------

    def direct(self, giver: Giver) -> Warrant:
        """For what is ordered in one step; see `one_step.py`."""
        return direct(self._judge, giver)

    async def stop(self, feeders: Sequence[str], manner: Manner, why: str, giver: Giver) -> EmergencyStopped:
        """The emergency stop: waits for nobody, and works when the journal cannot be written."""
        await self._ready()

        def entries_at(now: datetime) -> tuple[Entry, ...]:
            books, epoch = self._keeper.books, self._keeper.epoch
            stop, entries = stop_entries(
                books, epoch, feeders=feeders, manner=manner, who=giver.who, why=why, now=now
            )
            return (*entries, *giver.taken("stop", stop.stop, now))

        done = await self._carrier.at_once([self._controls[feeder] for feeder in feeders], entries_at)
        for entry in done:
            if isinstance(entry, OrderClosed):
                self._seen.forget(entry.draft)
        log.warning("emergency_stop", feeders=list(feeders), manner=manner, who=giver.who)
        return next(entry for entry in done if isinstance(entry, EmergencyStopped))

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
            if not await self._keeper.try_write((*over.values(), *more)):
                return
        for draft in over:
            self._seen.forget(draft)
