"""Carries payouts out, part after part, so that nobody waits long for the turn; one at a time. Part of the
shell.

A part of the rewards desk. What was cut off goes on when the same payout is asked for again, or by itself
within the hour.
"""

import asyncio
from collections import deque

import structlog

from controller.bookkeeping import Bookkeeper, Offload
from controller.entries import Entry, PayoutMoved
from controller.rewards import payouts
from controller.rewards.accounts import Accounts
from controller.rewards.booking import check_same, write
from controller.rewards.payout_state import PayoutState
from controller.rewards.reward_errors import IdTaken
from devices.ports import Clock

log = structlog.get_logger()


class PayoutDesk:
    """Of one site. Raises IdTaken, StoreUnavailable."""

    def __init__(self, keeper: Bookkeeper, turn: asyncio.Lock, clock: Clock, offload: Offload) -> None:
        self._keeper, self._turn, self._clock, self._offload = keeper, turn, clock, offload
        self._paying = asyncio.Lock()
        """taken before the turn, never after it"""

    async def pay_out(self, payout: str, currency: str, least: int) -> bool:
        """Pay all who have at least `least`; whether there was anybody."""
        async with self._paying:
            known = self._accounts.payouts.find(payout)
            if known is not None:
                check_same(f"payout {payout}", same=known.least == least)
                await self._go_on(payout, known)
                return payouts.is_there(self._accounts, payout, known.currency)
            if not payouts.is_there(self._accounts, payout, currency):  # else of a journal that told no terms
                terms = self._terms(payout, currency, least)
                await self._pay(terms, opening=(terms,))
            return payouts.is_there(self._accounts, payout, currency)

    async def finish(self) -> None:
        """Go on with all that were cut off; one that is refused does not stop the others."""
        async with self._paying:
            for payout in self._accounts.payouts.begun():
                known = self._accounts.payouts.find(payout)
                assert known is not None
                try:
                    await self._go_on(payout, known)
                except IdTaken as error:
                    log.error("not_done_by_itself", one=payout, reason=str(error))

    @property
    def _accounts(self) -> Accounts:
        return self._keeper.books.accounts

    def _terms(self, payout: str, currency: str, least: int) -> PayoutMoved:
        now = self._clock.now()
        return PayoutMoved(at=now, payout=payout, currency=currency, least=least, state="begun")

    async def _go_on(self, payout: str, known: PayoutState) -> None:
        if not known.booked:
            await self._pay(self._terms(payout, known.currency, known.least), opening=())

    async def _pay(self, terms: PayoutMoved, opening: tuple[Entry, ...]) -> None:
        """Book what a payout is still to pay, with `opening` before it and its end after it."""
        to_come = deque(await self._offload(payouts.parts, self._accounts.fork(), terms))
        while to_come:
            async with self._turn:
                now = self._clock.now()
                paid = payouts.paid_out(self._accounts, terms, to_come.popleft(), now)
                end = () if to_come else (payouts.booked(terms, now),)
                await write(self._keeper, (*opening, *paid, *end), f"payout {terms.payout}")
            opening = ()
