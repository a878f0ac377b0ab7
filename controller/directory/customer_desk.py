"""Where customers are looked up. Part of the shell; changes nothing but the note of who looked.

A search goes by numbers first: the customer's, those of the service point, the meter and the devices. Only
for somebody who may know who customers are it goes on in their names, addresses and phone numbers, and
whoever it shows is noted with them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from itertools import islice

import structlog

from controller.directory.contact_looks import ContactLooks
from controller.directory.customer_page import customer_page, customer_row
from controller.directory.directory import Directory, Feeders, UnknownSupply, WrongCursor, page_of, place_of
from controller.directory.directory_views import (
    ConsentRow,
    ContactPage,
    CustomerPage,
    CustomerRow,
    CustomersPage,
)
from controller.directory.text_index import Place, Span
from controller.feeder_control import FeederControl
from customers.contacts import LookableContacts
from customers.errors import ContactsUnavailable

KNOWN_AT_ONCE = 200
"""customers that one look into the contacts finds"""
_PERSONAL = "p."
"""cursors that go on in the contacts begin so"""
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks for personal data."""

    who: str
    why: str


@dataclass(frozen=True, slots=True)
class _Sought:
    """What is sought in the contacts."""

    text: str
    feeders: Feeders
    behind: str
    limit: int
    asking: Asking


class CustomerDesk:
    """Of one site."""

    def __init__(
        self,
        directory: Directory,
        open_contacts: Callable[[], LookableContacts] | None,
        zone: tzinfo,
    ) -> None:
        """`zone`: whose days the dates of consent are. Without contacts nobody is found by their name."""
        self._all, self._zone = directory, zone
        self._contacts = (
            None
            if open_contacts is None
            else ContactLooks(open_contacts, directory.clock, directory.reading.do, zone)
        )

    async def customers(
        self, text: str, *, feeders: Feeders, after: str | None, limit: int, asking: Asking | None = None
    ) -> CustomersPage:
        """Those in one of whose numbers the text stands, all without one; with `asking` then those in whose
        personal data it stands. Raises WrongCursor, ContactsUnavailable, TimeoutError.
        """
        async with self._all.deadline():
            return await self._customers(text, feeders, after, limit, asking)

    async def _customers(
        self, text: str, feeders: Feeders, after: str | None, limit: int, asking: Asking | None
    ) -> CustomersPage:
        personal = asking is not None and self._contacts is not None and bool(text)
        rows: tuple[CustomerRow, ...] = ()
        if after is None or not after.startswith(_PERSONAL):
            rows, going_on = await self._by_number(text, feeders, place_of(after), limit)
            if going_on is not None or not personal or len(rows) == limit:
                return CustomersPage(rows, going_on or (_PERSONAL if personal else None), personal)
            after = _PERSONAL
        if asking is None or not personal:
            raise WrongCursor("after: expected the `next` of a page of the same search")
        behind = after.removeprefix(_PERSONAL)
        more, going_on = await self._by_person(_Sought(text, feeders, behind, limit - len(rows), asking))
        return CustomersPage((*rows, *more), going_on, personal)

    async def _by_number(
        self, text: str, feeders: Feeders, after: Place | None, limit: int
    ) -> tuple[tuple[CustomerRow, ...], str | None]:
        index = await self._all.index()
        spans = index.customer_spans(feeders)
        found = index.customers.search(text, spans, after) if text else _in_order(spans, after)
        taken = await self._all.searching.do(lambda: list(islice(found, limit + 1)))
        places, going_on = page_of(taken, limit)
        shown = (index.customer(place.line) for place in places)
        return tuple(customer_row(control, self._all.books, one) for control, one in shown), going_on

    async def _by_person(self, sought: _Sought) -> tuple[Sequence[CustomerRow], str | None]:
        """Those that the contacts know by this text and the search by numbers did not find."""
        assert self._contacts is not None
        known = await self._contacts.with_text(sought.text, sought.behind, KNOWN_AT_ONCE)
        placed = await self._all.searching.do(self._placed, known, sought)
        shown = placed[: sought.limit]
        names = await self._contacts.names([customer for customer, _ in shown], sought.text, *_of(sought))
        rows = [
            customer_row(control, self._all.books, control.customer[customer], matched, name)
            for customer, control in shown
            if customer in names  # else they were erased a moment ago
            for name, matched in (names[customer],)
        ]
        if len(placed) > sought.limit:
            return rows, _PERSONAL + shown[-1][0]
        return rows, _PERSONAL + known[-1] if len(known) == KNOWN_AT_ONCE else None

    def _placed(self, customers: Sequence[str], sought: _Sought) -> list[tuple[str, FeederControl]]:
        """Where they are supplied, but for those who were found by a number already. In another thread."""
        text = sought.text.casefold()
        return [
            (customer, control)
            for customer in customers
            for control in self._supplies(customer, sought.feeders)[:1]
            if not any(text in number.casefold() for number in _numbers(control, customer))
        ]

    async def customer(self, customer: str, *, feeders: Feeders) -> CustomerPage:
        """All of a customer but who they are. Raises UnknownSupply, TimeoutError."""
        await self._all.ready()
        supplies = self._supplied(customer, feeders)
        async with self._all.deadline():
            consent = await self._consent(customer)
        return customer_page(
            customer,
            [(control, self._all.latest(control.feeder)) for control in supplies],
            self._all.books,
            self._all.wired,
            consent=consent,
            rewards=self._all.site.rewards,
            zone=self._zone,
            now=self._all.clock.now(),
        )

    async def contact(self, customer: str, *, feeders: Feeders, asking: Asking) -> ContactPage | None:
        """Who a customer is, noted; None when nothing is held. Raises UnknownSupply, ContactsUnavailable,
        TimeoutError.
        """
        self._supplied(customer, feeders)
        if self._contacts is None:
            return None
        async with self._all.deadline():
            page = await self._contacts.page(customer, asking.who, asking.why)
        if page is not None:
            log.info("personal_data_shown", customer=customer, who=asking.who)
        return page

    async def _consent(self, customer: str) -> ConsentRow | None:
        if self._contacts is None:
            return None
        try:
            return await self._contacts.consent(customer)
        except ContactsUnavailable as error:
            log.warning("contacts_unavailable", reason=str(error))
            return None

    def _supplied(self, customer: str, feeders: Feeders) -> Sequence[FeederControl]:
        found = self._supplies(customer, feeders)
        if not found:
            raise UnknownSupply(f"there is no customer {customer!r}")
        return found

    def _supplies(self, customer: str, feeders: Feeders) -> Sequence[FeederControl]:
        return [
            control
            for feeder, control in self._all.controls.items()
            if customer in control.customer and (feeders is None or feeder in feeders)
        ]


def _of(sought: _Sought) -> tuple[str, str]:
    return sought.asking.who, sought.asking.why


def _in_order(spans: Sequence[Span], after: Place | None) -> Iterator[Place]:
    start = 0 if after is None else after.line + 1
    return (Place(0, line) for first, end in spans for line in range(max(first, start), end))


def _numbers(control: FeederControl, customer: str) -> tuple[str, ...]:
    one = control.customer[customer]
    devices = (device.device for device in control.registry.devices_at.get(one.service_point, ()))
    return one.customer, one.service_point, one.meter, *devices
