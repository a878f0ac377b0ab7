"""Shows a person who a customer is, and finds customers by it; each look is noted for the customer to see.

Part of the shell. Nothing of it is kept in memory, so what is erased is gone here as well. The file is opened
anew for each call, so that nobody is kept from erasing.
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import tzinfo

from controller.bookkeeping import Offload
from controller.directory.directory_views import AccessRow, ConsentRow, ContactPage, Matched
from customers.address_book import standing
from customers.contacts import Access, ConsentDays, Contact, LookableContacts
from devices.ports import Clock

LEAST_CHARACTERS = 2
"""of what is sought"""
MOST_ACCESSES = 50


class ContactLooks:
    """Of one site. Raises ContactsUnavailable."""

    def __init__(
        self, open_contacts: Callable[[], LookableContacts], clock: Clock, offload: Offload, zone: tzinfo
    ) -> None:
        self._open, self._clock, self._offload, self._zone = open_contacts, clock, offload, zone

    async def consent(self, customer: str) -> ConsentRow:
        """Whether a customer may be written to today."""
        days = await self._offload(self._consent, customer)
        dated = Contact(
            customer,
            name="",
            consented_on=days.consented_on,
            withdrawn_on=days.withdrawn_on,
            ended_on=days.ended_on,
        )
        today = self._clock.now().astimezone(self._zone).date()
        word = standing(dated if days.held else None, today, days.no_on)
        return ConsentRow(word, days.consented_on, days.withdrawn_on or days.no_on, days.ended_on)

    async def page(self, customer: str, who: str, why: str) -> ContactPage | None:
        """Who a customer is; None when nothing is held. The look is noted first."""
        return await self._offload(self._page, customer, Access(who, why, self._clock.now()))

    async def with_text(self, text: str, after: str, limit: int) -> tuple[str, ...]:
        """Customers behind `after` in whose personal data this text stands, by their ids."""
        if len(text) < LEAST_CHARACTERS:
            return ()
        return await self._offload(self._with_text, text, after, limit)

    async def names(
        self, customers: Sequence[str], text: str, who: str, why: str
    ) -> dict[str, tuple[str, Matched]]:
        """By customer: their name, and what of them has the text in it. Each is noted."""
        if not customers:
            return {}
        access = Access(who, why, self._clock.now())
        found = await self._offload(self._look, customers, access)
        return {one.customer: (one.name, _matched(one, text)) for one in found}

    def _with_text(self, text: str, after: str, limit: int) -> tuple[str, ...]:
        with closing(self._open()) as contacts:
            return contacts.with_text(text, after, limit)

    def _consent(self, customer: str) -> ConsentDays:
        with closing(self._open()) as contacts:
            return contacts.consent(customer)

    def _look(self, customers: Sequence[str], access: Access) -> tuple[Contact, ...]:
        with closing(self._open()) as contacts:
            return contacts.look(customers, "found", access)

    def _page(self, customer: str, access: Access) -> ContactPage | None:
        with closing(self._open()) as contacts:
            found = contacts.look((customer,), "looked", access)
            accesses = contacts.log(customer)
        if not found:
            return None
        (one,) = found
        latest = tuple(reversed(accesses[-MOST_ACCESSES:]))
        return ContactPage(
            customer,
            one.name,
            one.email,
            one.phone,
            one.postal,
            one.language,
            one.channels,
            tuple(AccessRow(each.at, each.who, each.action, each.why) for each in latest),
        )


def _matched(contact: Contact, text: str) -> Matched:
    sought = text.casefold()
    if sought in contact.name.casefold():
        return "name"
    if sought in (contact.postal or "").casefold():
        return "address"
    return "email" if sought in (contact.email or "").casefold() else "phone"
