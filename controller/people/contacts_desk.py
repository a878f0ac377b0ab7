"""Erases what is held of a customer, and tells the journal that it was. Part of the shell.

The data go first: that is what the customer asked for, and it must not wait for a journal that is out of
order. What the journal has not got yet waits with the contacts and is told with the next erasure, at least
once; an entry names the customer's id and nothing else of them.
"""

from collections.abc import Awaitable, Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, tzinfo

import structlog

from controller.bookkeeping import Bookkeeper, Offload
from controller.entries import PersonalDataErased
from controller.people.opt_out_desk import OptOutDesk
from controller.stores.port import StoreUnavailable
from customers.contacts import Access, ErasableContacts, Erasure
from customers.errors import ContactsUnavailable
from customers.opt_out_links import OptOutLinks
from devices.ports import Clock

log = structlog.get_logger()


class NothingHeld(LookupError):
    """Nothing is held of this customer."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What was done."""

    customer: str
    journaled: bool
    """False: the journal cannot be written now, and is told later"""


def entries_of(erasures: Iterable[Erasure]) -> tuple[PersonalDataErased, ...]:
    """What the journal is told."""
    return tuple(
        PersonalDataErased(at=one.at, customer=one.customer, cause=one.cause, who=one.who) for one in erasures
    )


class ContactsDesk:
    """Of one site."""

    def __init__(
        self,
        open_contacts: Callable[[], ErasableContacts],
        keeper: Bookkeeper,
        clock: Clock,
        offload: Offload,
        ready: Callable[[], Awaitable[None]],
        *,
        links: OptOutLinks | None = None,
        zone: tzinfo = UTC,
    ) -> None:
        """`open_contacts` is called anew for each erasure and blocks. `ready`: waits until the journal is
        read. `links`, `zone`: of the desk beside, for who wants no more messages.
        """
        self.opt_outs = OptOutDesk(open_contacts, keeper, clock, offload, ready, links=links, zone=zone)
        self._open, self._keeper = open_contacts, keeper
        self._clock, self._offload, self._ready = clock, offload, ready

    async def erase(self, customer: str, who: str, why: str) -> Erased:
        """Erase a customer's contacts. Raises NothingHeld, ContactsUnavailable."""
        await self._ready()
        access = Access(who, why, self._clock.now())
        gone, waiting = await self._offload(self._erase, customer, access)
        journaled = await self._told(waiting)
        if not gone and customer not in {one.customer for one in waiting}:
            raise NothingHeld(f"nothing is held of {customer!r}")
        log.info("personal_data_erased", customer=customer, who=who, journaled=journaled)
        return Erased(customer, journaled)

    async def catch_up(self) -> None:
        """Tell the journal what it has not got yet: at the start, once it is read. A fault is logged."""
        try:
            waiting = await self._offload(self._waiting)
            if waiting:
                await self._told(waiting)
        except ContactsUnavailable as error:
            log.warning("contacts_unavailable", reason=str(error))
        await self.opt_outs.catch_up()

    def _waiting(self) -> tuple[Erasure, ...]:
        with closing(self._open()) as contacts:
            return contacts.to_journal()

    def _erase(self, customer: str, access: Access) -> tuple[bool, tuple[Erasure, ...]]:
        """Blocks. Whether there was anything, and all that the journal has not got yet."""
        with closing(self._open()) as contacts:
            gone = contacts.erase((customer,), "request", access)
            return bool(gone), contacts.to_journal()

    async def _told(self, waiting: tuple[Erasure, ...]) -> bool:
        try:
            await self._keeper.write(entries_of(waiting))
        except StoreUnavailable:
            return False
        try:
            await self._offload(self._note_journaled, waiting)
        except ContactsUnavailable as error:  # the journal is told once more, and has it now
            log.warning("contacts_unavailable", reason=str(error))
        return True

    def _note_journaled(self, told: tuple[Erasure, ...]) -> None:
        with closing(self._open()) as contacts:
            contacts.journaled(told)
