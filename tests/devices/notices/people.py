"""Customers, notices and a book of addresses, for the tests of words to people."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from devices.errors import Unreachable
from devices.messages import CustomerNotice
from devices.notices.addresses import Asking, Reach, TakenFor
from devices.notices.rendering import Writing
from devices.notices.templates import load_templates
from devices.notices.words import Taken, WordKey

START = datetime(2026, 1, 12, 18, 0, tzinfo=UTC)
LINK = "https://people.example.org/people/answer?t=AbC-_9"
OPT_OUT = "https://people.example.org/people/opt-out?t=XyZ-_0"
CANARY = "zq7canary"
"""in every name and address: it must turn up nowhere else"""
WRITING = Writing(load_templates(), "Stadtwerke", UTC, 4)


def word(customer: str = "C-001", **changed: Any) -> CustomerNotice:
    """A notice as the controller makes it."""
    text = f"Please keep your use below 3.2 kW until 18:15 UTC. You take part unless you say no here: {LINK}"
    made = CustomerNotice(
        feeder="F1",
        customer=customer,
        request=f"E-F1-R-{customer}",
        limit_kw=3.2,
        start=START,
        end=START + timedelta(hours=3),
        sequence=1,
        text=text,
    )
    return replace(made, **changed)


def key(notice: CustomerNotice) -> WordKey:
    """Which word it is."""
    return WordKey(notice.request, notice.sequence, notice.kind)


def person(customer: str = "C-001", **changed: Any) -> Reach:
    """Somebody with all addresses, who agreed."""
    made = Reach(
        customer=customer,
        standing="agreed",
        name=f"{CANARY} Ann",
        address={
            "email": f"{CANARY}.{customer.lower()}@example.org",
            "phone": f"+49 151 {1000000 + int(customer[2:])}",
            "push": f"{CANARY}-{customer}",
        },
        opt_out_link=OPT_OUT,
    )
    return replace(made, **changed)


class Book:
    """An AddressBook in memory, which can be out of order."""

    def __init__(self, *people: Reach) -> None:
        self.people = {one.customer: one for one in people}
        self.taken: list[TakenFor] = []
        self.calls = 0
        self.broken = self.forgets = False

    def reach(self, askings: Sequence[Asking]) -> Sequence[Reach]:
        self.calls += 1
        if self.broken:
            raise Unreachable("contacts_unavailable")
        return [self._one(asking.customer) for asking in askings]

    def note(self, taken: Sequence[TakenFor]) -> None:
        if self.broken or self.forgets:
            raise Unreachable("contacts_unavailable")
        self.taken += taken

    def _one(self, customer: str) -> Reach:
        found = self.people.get(customer, Reach(customer, "not_held"))
        noted = tuple(one.taken for one in self.taken if one.customer == customer)
        return replace(found, taken=(*found.taken, *noted))


def took(way: str, notice: CustomerNotice, at: datetime = START) -> Taken:
    """That a way took a word."""
    return Taken(way, key(notice), at)
