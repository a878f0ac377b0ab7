"""[6] How long the running event may ask something of each customer (C4). Pure.

An event lasts as long as its overload; what is bounded is what it asks of anybody: all of it ends
`events.max_duration_s` after its first request to the customer. Who has had their turn is not asked again in
this event, and others, as whoever came home since, may be asked in their place.

Nobody is freed together with all who were asked in the same hour. Within the last part of a turn each leaves
at a time of their own, whatever the network says: by the golden ratio of the number of their first request,
which puts any number of them at even distances and is the same on every replay.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from controller import settings
from controller.books import Books
from controller.reach import all_back_s
from grid_model.allocation.restoring import rebound_of

GOLDEN = (5**0.5 - 1) / 2
LEAVING_SHARE, REBOUND_SHARE = 0.25, 0.5
"""of a turn; the second for what makes up for what it missed (a heat pump), or many would do so together and
take more than if nobody had been asked"""


@dataclass(frozen=True, slots=True)
class Turn:
    """One customer's in the running event."""

    began: datetime
    number: int
    """of their first request among the event's"""
    kind: str = ""
    """of what that asked"""

    def ends_by(self, events: settings.Events) -> datetime:
        """When all that is asked of them must have ended."""
        return self.began + timedelta(seconds=events.max_duration_s)

    def leaves_at(self, site: settings.Site) -> datetime:
        """From when on they are freed, whatever the network says."""
        early_s = leaving_s(site, self.kind) * (1.0 - self.number * GOLDEN % 1.0)
        return self.ends_by(site.events) - timedelta(seconds=early_s)


def leaving_s(site: settings.Site, kind: str) -> float:
    """Over how long those leave who were asked at the same time: for as long as all need to come back at the
    allowed pace, their share of a turn at least and half of it at most.
    """
    longest_s = site.events.max_duration_s
    share = REBOUND_SHARE if rebound_of(kind).duration_s > 0 else LEAVING_SHARE
    return min(max(all_back_s(site), share * longest_s), longest_s / 2)


def turns_of(books: Books, feeder: str, event: str, opened_at: datetime) -> dict[str, Turn]:
    """By customer and by target, whoever this event asked. What operators ordered, and the automatic may keep
    past its order, counts from the event's opening.
    """
    turns: dict[str, Turn] = {}
    known = books.requests_of(event) if event in books.events else ()
    for number, record in enumerate(known, 1):
        for name in {record.planned.customer, record.planned.target} - {""}:
            mine = Turn(record.planned.start, number, record.planned.kind)
            turns[name] = min(turns.get(name, mine), mine, key=lambda turn: turn.began)
    for record in books.ordered_requests(feeder):
        if record.is_open:
            turns.setdefault(record.planned.target, Turn(opened_at, 0))
    return turns


def turn_of(turns: Mapping[str, Turn], *names: str) -> Turn | None:
    """The first to begin of those that go by these names; None for whom nobody asked yet."""
    found = [turns[name] for name in names if name in turns]
    return min(found, key=lambda turn: turn.began, default=None)
