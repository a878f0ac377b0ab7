"""Where facts are reported and points are used: checks, books and remembers, one writer at a time. Part of
the shell.

Everything between looking at the accounts and writing happens under the rounds' turn, so two redemptions at
once cannot overdraw one balance or one budget. Whoever asks gives the id: the same again changes nothing and
is answered as the first time, the same id for something else raises IdTaken. All entries of one step are in
one commit; a store that is out of order raises StoreUnavailable, and nothing was done.
"""

import asyncio
from collections.abc import Awaitable, Callable, Container, Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import Literal, ParamSpec, TypeVar

import structlog

from controller.bookkeeping import Bookkeeper, Offload
from controller.entries import Entry, FactReported, LedgerPosted, RedemptionMoved
from controller.rewards import expiry, ledger, redemptions
from controller.rewards.accounts import Accounts, fact_digest
from controller.rewards.booking import check_same, write
from controller.rewards.earning import check_time, earned_by
from controller.rewards.ledger_summary import LedgerSummary, summary
from controller.rewards.payout_desk import PayoutDesk
from controller.rewards.reward_errors import IdTaken, UnknownReward
from controller.settings import Rewards
from devices.ports import Clock

_P = ParamSpec("_P")
_T = TypeVar("_T")
AT_ONCE = 200
"""transactions in one commit of the hourly work, so that nobody waits long for the turn"""
log = structlog.get_logger()


class RewardsDesk:
    """Of one site. Raises `reward_errors.RewardRefused`, StoreUnavailable."""

    def __init__(
        self,
        keeper: Bookkeeper,
        turn: asyncio.Lock,
        clock: Clock,
        rewards: Rewards,
        *,
        customers: Container[str] | None = None,
        ready: Callable[[], Awaitable[None]] | None = None,
        offload: Offload | None = None,
    ) -> None:
        """`turn` is the rounds' own. `customers`: who is supplied; None: whoever is named. `ready`: waits
        until the journal is read. `offload`: where all customers are looked through; None: right here.
        """
        self._keeper, self._turn, self._clock = keeper, turn, clock
        self.rewards = rewards
        self._customers, self._ready = customers, ready
        self._offload = offload or _here
        self._payouts = PayoutDesk(keeper, turn, clock, self._offload)

    @property
    def accounts(self) -> Accounts:
        """The ledger as it stands; read only."""
        return self._keeper.books.accounts

    def knows(self, customer: str) -> bool:
        """Whether there is such a customer, or was: former ones keep what is in their accounts."""
        return self._customers is None or customer in self._customers or self.accounts.knows(customer)

    def now(self) -> datetime:
        """The site's time."""
        return self._clock.now()

    async def summary(self) -> LedgerSummary:
        """The ledger in sums, added up anew beside the rounds."""
        await self._begin()
        return await self._offload(
            lambda accounts: summary(accounts.balances().items()), self.accounts.fork()
        )

    async def report_fact(
        self,
        *,
        fact: str,
        customer: str,
        kind: str,
        occurred_at: datetime,
        amount_minor_units: int | None = None,
        currency: str | None = None,
    ) -> int | None:
        """Take a fact and credit what it earns: points, 0 where no rule rewards it, None where it is known
        already.
        """
        await self._begin()
        async with self._turn:
            told = FactReported(
                at=self.now(),
                fact=fact,
                customer=customer,
                kind=kind,
                amount_minor_units=amount_minor_units,
                currency=currency,
                occurred_at=occurred_at,
            )
            check_time(told)
            known = self.accounts.fact(fact)
            if known is not None:
                check_same(f"fact {fact}", same=known == fact_digest(told))
                return None
            self._check_customer(customer)
            earned = earned_by(told, self.rewards, self.accounts)
            await self._write((*earned, told), f"fact {fact}")
        return sum(amount for one in earned for _, _, amount in one.postings if amount > 0)

    async def redeem(self, *, redemption: str, customer: str, item: str, who: str) -> RedemptionMoved:
        """Hold a customer's points for an item; answers with the redemption as it stands."""
        await self._begin()
        async with self._turn:
            known = self.accounts.redemption(redemption)
            if known is not None:
                check_same(f"redemption {redemption}", same=(known.customer, known.item) == (customer, item))
                return known
            self._check_customer(customer)
            now = self.now()
            expired, accounts = self._after_expiry(customer, now)
            posted, moved = redemptions.held(
                accounts,
                self.rewards,
                customer=customer,
                item=item,
                redemption=redemption,
                who=who,
                now=now,
            )
            await self._write((*expired, posted, moved), f"redemption {redemption}")
        return moved

    def _after_expiry(self, customer: str, now: datetime) -> tuple[Sequence[LedgerPosted], Accounts]:
        """What the hourly work would take from a customer by now, and the accounts after it."""
        rule = self.rewards.expiry
        posted = None if rule is None else expiry.expired(self.accounts, rule, customer, now)
        if posted is None:
            return (), self.accounts
        accounts = self.accounts.fork()
        accounts.post(posted)
        return (posted,), accounts

    async def fulfil(self, redemption: str, *, who: str, reason: str) -> RedemptionMoved:
        """The customer has got it."""
        return await self._end(redemption, "fulfilled", who, reason)

    async def void(self, redemption: str, *, who: str, reason: str) -> RedemptionMoved:
        """The customer will not get it, and gets the points back."""
        return await self._end(redemption, "voided", who, reason)

    async def _end(
        self, redemption: str, state: Literal["fulfilled", "voided"], who: str, reason: str
    ) -> RedemptionMoved:
        await self._begin()
        async with self._turn:
            known = self.accounts.redemption(redemption)
            if known is not None and known.state == state:
                return known
            end = redemptions.fulfilled if state == "fulfilled" else redemptions.voided
            posted, moved = end(self.accounts, redemption, who=who, reason=reason, now=self.now())
            await self._write((posted, moved), f"redemption {redemption}")
        return moved

    async def top_up(self, *, top_up: str, unit: str, amount: int, who: str) -> LedgerPosted:
        """Give the programme's budget more: `amount` (above 0) of points or of the site's currency."""
        await self._begin()
        async with self._turn:
            if unit not in (ledger.POINTS, self.rewards.currency):
                expected = f"{ledger.POINTS} or {self.rewards.currency}"
                raise UnknownReward(f"unit {unit!r}: expected {expected}")
            posted = ledger.top_up(
                at=self.now(),
                programme=self.rewards.programme,
                top_up=top_up,
                unit=unit,
                amount=amount,
                who=who,
            )
            await self._write((posted,), f"top-up {top_up}")
        return posted

    async def pay_out(self, *, payout: str, least: int = 1) -> bool:
        """Take all money out of customers' accounts, of those who have at least `least`; whether there was
        any. A payout that is booked stays as it is, and one that was cut off goes on.
        """
        await self._begin()
        return await self._payouts.pay_out(payout, self.rewards.currency, max(least, 1))

    async def housekeep(self) -> None:
        """What is due by itself, for the daemon to call every hour: void what outlived its deadline, take
        what has expired, and go on with payouts that were cut off. Doing it again changes nothing.
        """
        await self.void_overdue()
        await self.expire_due()
        await self._payouts.finish()

    async def void_overdue(self) -> int:
        """Void pending redemptions whose deadline has passed (L6); how many."""

        def entries(redemption: str) -> Sequence[Entry]:
            if not redemptions.is_overdue(self.accounts.redemption(redemption), self.now()):
                return ()
            reason = "not handed over in time"
            return redemptions.voided(
                self.accounts, redemption, who="gridward", reason=reason, now=self.now()
            )

        return await self._in_parts(lambda accounts: redemptions.overdue(accounts, self.now()), entries)

    async def expire_due(self) -> int:
        """Take points that nobody used in time; of how many customers."""
        rule = self.rewards.expiry
        if rule is None:
            return 0

        def entries(customer: str) -> Sequence[Entry]:
            posted = expiry.expired(self.accounts, rule, customer, self.now())
            return () if posted is None else (posted,)

        return await self._in_parts(lambda accounts: expiry.due(accounts, rule, self.now()), entries)

    async def _in_parts(
        self, find: Callable[[Accounts], Iterable[str]], entries: Callable[[str], Sequence[Entry]]
    ) -> int:
        """Write what each of many needs, some at a time; each is looked at again under its turn. What is
        refused is logged and left; the others do not wait for it.
        """
        await self._begin()
        waiting = iter(await self._offload(find, self.accounts.fork()))
        done = 0
        while part := tuple(islice(waiting, AT_ONCE)):
            async with self._turn:
                done += await self._write_part(part, entries)
        return done

    async def _write_part(self, part: Sequence[str], entries: Callable[[str], Sequence[Entry]]) -> int:
        found = {one: told for one in part if (told := entries(one))}
        try:
            await self._write([entry for told in found.values() for entry in told], "what is due")
        except IdTaken as error:
            if len(part) == 1:
                log.error("not_done_by_itself", one=part[0], reason=str(error))
                return 0
            return sum([await self._write_part((one,), entries) for one in found])
        return len(found)

    async def _begin(self) -> None:
        if self._ready is not None:
            await self._ready()

    async def _write(self, entries: Sequence[Entry], what: str) -> None:
        await write(self._keeper, entries, what)

    def _check_customer(self, customer: str) -> None:
        if not self.knows(customer):
            raise UnknownReward(f"there is no customer {customer!r}")


async def _here(function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    return function(*args, **kwargs)
