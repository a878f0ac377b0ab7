"""Takes what customers say who want no more messages: by the link in one, by "STOP" from their phone, or
through an operator. Part of the shell.

It is noted with their contacts first and counts from then on, because every sending looks there; the
journal is told that it happened, at least once, also when it cannot be written at the moment. Whoever holds
a link learns nothing from it, not even whether anybody is held.
"""

from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import tzinfo

import structlog

from controller.bookkeeping import Bookkeeper, Offload
from controller.entries import ConsentWithdrawn
from controller.stores.port import StoreUnavailable
from customers.contacts import Access, Via, WithdrawableContacts, Withdrawal
from customers.errors import ContactsUnavailable
from customers.opt_out_links import OptOutLinks
from customers.rows import LONGEST_ID
from devices.ports import Clock

log = structlog.get_logger()
WHO = "customer"


class OptOutDesk:
    """Of one site."""

    def __init__(
        self,
        open_contacts: Callable[[], WithdrawableContacts],
        keeper: Bookkeeper,
        clock: Clock,
        offload: Offload,
        ready: Callable[[], Awaitable[None]],
        *,
        links: OptOutLinks | None,
        zone: tzinfo,
    ) -> None:
        """`open_contacts` is called anew each time and blocks. `ready` waits until the journal is read.
        `zone`: whose days the contacts' dates are.
        """
        self._open, self._keeper, self._clock = open_contacts, keeper, clock
        self._offload, self._ready, self._links, self._zone = offload, ready, links, zone

    def is_ours(self, token: str) -> bool:
        """Whether a token is one of ours; says nothing of whose it is."""
        return self._links is not None and self._links.open(token) is not None

    async def by_token(self, token: str) -> bool:
        """Take a no by link; False for a token that is not ours. Raises ContactsUnavailable: ask again."""
        customer = None if self._links is None else self._links.open(token)
        if customer is None:
            return False
        await self._take((customer,), "link", Access(WHO, "link in a message", self._clock.now()))
        return True

    async def by_phone(self, phone: str, who: str) -> bool:
        """Take a "STOP" from a phone; whether somebody has that number. Raises ContactsUnavailable."""
        customers = await self._offload(self._with_phone, phone)
        if customers:
            await self._take(customers, "sms", Access(who, "STOP", self._clock.now()))
        return bool(customers)

    async def by_operator(self, customer: str, who: str, why: str) -> bool:
        """Take a no that somebody else was told, also of whom nothing is held; whether that is new. False for
        what can be nobody's id. Raises ContactsUnavailable.
        """
        if len(customer) > LONGEST_ID or not customer.isprintable():
            return False
        return bool(await self._take((customer,), "api", Access(who, why, self._clock.now())))

    async def catch_up(self) -> None:
        """Tell the journal what it has not got yet. A fault is logged."""
        try:
            await self._tell(await self._offload(self._waiting))
        except ContactsUnavailable as error:
            log.warning("contacts_unavailable", reason=str(error))

    async def _take(self, customers: tuple[str, ...], via: Via, access: Access) -> int:
        changed, waiting = await self._offload(self._withdraw, customers, via, access)
        if changed:
            log.info("consent_withdrawn", count=changed, via=via)
        try:
            await self._tell(waiting)
        except ContactsUnavailable as error:  # the journal is told once more, and has it now
            log.warning("contacts_unavailable", reason=str(error))
        return changed

    async def _tell(self, waiting: tuple[Withdrawal, ...]) -> None:
        if not waiting:
            return
        entries = [ConsentWithdrawn(at=one.at, customer=one.customer, via=one.via) for one in waiting]
        try:
            await self._ready()
            await self._keeper.write(entries)
        except StoreUnavailable:
            return  # it waits with the contacts
        await self._offload(self._note_told, waiting)

    # --- these block

    def _withdraw(
        self, customers: tuple[str, ...], via: Via, access: Access
    ) -> tuple[int, tuple[Withdrawal, ...]]:
        today = access.at.astimezone(self._zone).date()
        with closing(self._open()) as contacts:
            changed = sum(contacts.withdraw(customer, today, via, access) for customer in customers)
            return changed, contacts.to_tell()

    def _with_phone(self, phone: str) -> tuple[str, ...]:
        with closing(self._open()) as contacts:
            return contacts.with_phone(phone)

    def _waiting(self) -> tuple[Withdrawal, ...]:
        with closing(self._open()) as contacts:
            return contacts.to_tell()

    def _note_told(self, told: tuple[Withdrawal, ...]) -> None:
        with closing(self._open()) as contacts:
            contacts.told(told)
