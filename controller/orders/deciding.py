"""What becomes of a draft: agreed to by whom it takes, carried out once, or withdrawn. Part of the shell.

An order takes effect in one commit with the agreement that was missing, judged under the rounds' turn when
all that it does is known (`giving.Warrant`): so nothing takes effect twice, and nothing without the persons
it needs.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime

import msgspec
import structlog

from controller.bookkeeping import Bookkeeper
from controller.entries import DraftOutcome, Entry, OperatorActed, OrderAgreed
from controller.feeder_control import FeederControl
from controller.orders.carrying import Carrier, order_of
from controller.orders.effects_kept import EffectsKept
from controller.orders.endings import CONTROLLER, closed
from controller.orders.foresight import Foresight
from controller.orders.giving import Giver, Warrant
from controller.orders.order_book import DraftRecord, same_person
from controller.orders.order_errors import AnotherNeeded
from controller.orders.order_judge import OrderJudge
from devices.ports import Clock

log = structlog.get_logger()


class Deciding:
    """Of one desk."""

    def __init__(
        self,
        keeper: Bookkeeper,
        turn: asyncio.Lock,
        clock: Clock,
        controls: Mapping[str, FeederControl],
        *,
        carrier: Carrier,
        judge: OrderJudge,
        seen: EffectsKept,
        foresight: Foresight,
    ) -> None:
        self._keeper, self._turn, self._clock, self._controls = keeper, turn, clock, controls
        self._carrier, self._judge, self._seen, self._foresight = carrier, judge, seen, foresight

    async def confirm(
        self, draft: str, giver: Giver, *, seen: int | None, lost: frozenset[str]
    ) -> DraftRecord:
        """See `OrderDesk`."""
        record = self._judge.still_open(draft, self._clock.now())
        self._seen.lose(draft, lost)
        self._judge.check_person(record, giver)
        try:
            await self._foresight.check(record, seen)
        except ValueError as error:
            await self.close(draft, "failed", CONTROLLER, str(error))
            raise
        is_of_reach = record.drafted.action == "more_reach"
        waits = is_of_reach or self._judge.lacks_another(record, giver)
        if not waits or not await self._agree(draft, giver):
            await self._carry_out(record, giver)
        return self._judge.record(draft)

    async def close(
        self, draft: str, outcome: DraftOutcome, who: str, why: str, giver: Giver | None = None
    ) -> None:
        """End a draft without anything coming of it."""
        async with self._turn:
            now = self._clock.now()
            end = closed(self._judge.still_open(draft, now), outcome, who, why, now)
            taken = () if giver is None else giver.taken("withdraw", draft, now)
            await self._keeper.write((end, *taken))
        self._seen.forget(draft)

    async def _agree(self, draft: str, giver: Giver) -> bool:
        """Note an agreement; where nobody else has to give one, the automatic goes further from now on.
        False, and nothing is noted: nobody is lacking any more, and the order has to be carried out.
        """
        async with self._turn:
            now = self._clock.now()
            record = self._judge.still_open(draft, now)
            self._judge.check_person(record, giver)
            self._judge.check_stop(record.drafted.feeder, record.drafted.action)
            entries: list[Entry] = [_agreed(record, giver, now)]
            if not self._judge.lacks_another(record, giver):
                if record.drafted.action != "more_reach":
                    return False
                entries.append(closed(record, "carried_out", giver.who, "as agreed", now))
            await self._keeper.write((*entries, *giver.taken("confirm", draft, now)))
            if len(entries) > 1:
                self._seen.forget(draft)
        log.info("order_agreed", draft=draft, who=giver.who)
        return True

    async def _carry_out(self, record: DraftRecord, giver: Giver) -> None:
        """Also where it turns out only now that another person is needed, and they agreed meanwhile."""
        try:
            await self._operate(record, giver)
        except AnotherNeeded:
            if not giver.person or any(same_person(giver.who, one) for one in self._judge.agreed(record)):
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
            await self.close(record.draft, "failed", CONTROLLER, str(error))
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
            others = self._judge.others(record, giver)
            act = msgspec.structs.replace(act, draft=draft, agreed_by=others)
            before = _agreed(record, giver, now), closed(record, "carried_out", giver.who, "", now)
            return act, (*before, act, *entries[1:], *giver.taken("confirm", draft, now))

        return warrant


def _agreed(record: DraftRecord, giver: Giver, now: datetime) -> OrderAgreed:
    return OrderAgreed(
        at=now, draft=record.draft, feeder=record.drafted.feeder, who=giver.who, person=giver.person
    )
