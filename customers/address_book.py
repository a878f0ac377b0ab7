"""How customers are reached: what is held of them, whether they agreed, and what they were told lately.

For whoever sends words to people. Blocks. A look into it is noted for the customer to see; the file is opened
anew for each call, so that nobody is kept from erasing.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from typing import Literal, Protocol

from customers.contacts import Access, Contact, Looked, Told, holds
from customers.opt_out_links import OptOutLinks

Standing = Literal["agreed", "not_held", "no_consent", "opted_out", "ended"]
WHO = "gridward"
LOOKS_BACK = timedelta(days=1)
KEPT_FOR = timedelta(days=3)
"""what people were told"""


class UsableContacts(Protocol):
    """Both raise ContactsUnavailable."""

    def use(self, wanted: Sequence[tuple[str, Access]], since: datetime) -> tuple[Looked, ...]:
        """What is known of each, and what they were told since then."""
        ...

    def note_told(self, told: Sequence[Told], forget_before: datetime) -> None:
        """Keep what people were told."""
        ...

    def close(self) -> None:
        """Let others in."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """How one customer is reached."""

    customer: str
    standing: Standing
    language: str
    name: str = field(default="", repr=False)
    email: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    push: str | None = field(default=None, repr=False)
    channels: tuple[str, ...] = ()
    opt_out_link: str = field(default="", repr=False)
    told: tuple[Told, ...] = ()


class ContactAddresses:
    """The address book of a site, over its contacts."""

    def __init__(
        self,
        open_contacts: Callable[[], UsableContacts],
        *,
        languages: Mapping[str, str],
        zone: tzinfo,
        links: OptOutLinks | None,
    ) -> None:
        """`languages` by customer, as their texts are written in; `zone`: whose days the dates of consent
        are.
        """
        self._open, self._languages, self._zone, self._links = open_contacts, languages, zone, links

    def find(self, wanted: Sequence[tuple[str, str]], at: datetime) -> tuple[Found, ...]:
        """For each (customer, why), in this order. Raises ContactsUnavailable."""
        with closing(self._open()) as contacts:
            held = contacts.use(
                [(customer, Access(WHO, why, at)) for customer, why in wanted], at - LOOKS_BACK
            )
        today = at.astimezone(self._zone).date()
        return tuple(
            self._found(customer, looked, today) for (customer, _), looked in zip(wanted, held, strict=True)
        )

    def note(self, told: Sequence[Told]) -> None:
        """Keep what people were told. Raises ContactsUnavailable."""
        if told:
            with closing(self._open()) as contacts:
                contacts.note_told(told, max(one.at for one in told) - KEPT_FOR)

    def _found(self, customer: str, looked: Looked, today: date) -> Found:
        contact, told = looked.contact, looked.told
        language = self._languages.get(customer, "en" if contact is None else contact.language)
        if contact is None:
            return Found(customer, standing(None, today, looked.no_on), language, told=told)
        return Found(
            customer,
            standing(contact, today, looked.no_on),
            language,
            contact.name,
            contact.email,
            contact.phone,
            contact.push,
            contact.channels,
            "" if self._links is None else self._links.link(customer),
            told,
        )


def standing(contact: Contact | None, today: date, no_on: date | None = None) -> Standing:
    """Whether a customer may be written to on this day. A no counts from the moment it is noted; `no_on` is
    that of the last one that they gave themselves.
    """
    said_no = no_on is not None and no_on <= today
    if said_no and holds(no_on, None if contact is None else contact.consented_on):
        return "opted_out"
    if contact is None:
        return "not_held"
    if contact.withdrawn_on is not None and contact.withdrawn_on <= today:
        return "opted_out"
    if contact.ended_on is not None and contact.ended_on < today:
        return "ended"
    if contact.consented_on is None or contact.consented_on > today:
        return "no_consent"
    return "agreed"
