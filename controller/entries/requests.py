"""The life of a request to a device or a person, until it is settled."""

from datetime import datetime
from typing import Literal

import msgspec

from controller.entries.journal_entry import JournalEntry
from devices.messages import Direction

RequestState = Literal[
    "planned",
    "sent",
    "accepted",
    "active",
    "ended",
    "settled",
    "refused",
    "unanswered",
    "overridden",
    "failed",
]
Resource = Literal["device", "person"]


class Ordered(msgspec.Struct, frozen=True, kw_only=True):
    """What of an operator's order holds for one request."""

    order: str
    """`OperatorActed.order`"""
    by: str
    limit_kw: float
    """what the device may take, or feed in, by it, its floor kept"""
    until: datetime
    """so long nobody but an operator gives more back"""


class RequestPlanned(JournalEntry, frozen=True, kw_only=True, tag="request_planned"):
    """The intent to ask: durable before it is sent."""

    request: str
    event: str
    feeder: str
    resource: Resource
    target: str
    """the device, or the customer for a notice to a person"""
    kind: str
    """the device's kind, or `person`"""
    customer: str
    service_point: str
    limit_kw: float
    """for a device: its own power, in `direction`; for a person: the power at their meter"""
    p_before_kw: float
    """what the target took, or fed in, when planned: the device, or a person's meter"""
    baseline_kw: float
    """at the meter, frozen now, before anybody is told; below 0 where it feeds in"""
    start: datetime
    end: datetime
    epoch: int
    sequence: int
    element: str
    value: float
    """the violated element, and its loading in percent or voltage in pu: why"""
    expected: bool = False
    """it was not there yet: `value` is what was expected"""
    floor_kw: float | None = None
    """the target's guaranteed minimum; None in entries from before it was told"""
    share_percent: float | None = None
    """how much of the violation the service point causes; None where it was not located"""
    programme: str | None = None
    """whose terms and rates hold for this request; None: the site's own"""
    ordered: Ordered | None = None
    """an operator asks, not the automatic; `event` then is the order's id, and element and value tell what
    was loaded most"""
    direction: Direction = "consumption"
    """what is bounded; with `production` the limit, what was before and the floor are of what is fed in"""
    beside_kw: float = 0.0
    """what other devices behind the meter may do at most that would look like what is asked: as far as they
    do it (`BesideMoved`), the meter proves nothing"""


class RequestChanged(JournalEntry, frozen=True, kw_only=True, tag="request_changed"):
    """A later end, another limit, or an early release: the same request under a higher sequence. `raised`: by
    the automatic, where there is room; `relaxed`: up to what an operator ordered; `let_go`: a release behind
    the answer of a device that refused, or ended it before its time.
    """

    request: str
    limit_kw: float
    end: datetime
    epoch: int
    sequence: int
    reason: Literal[
        "renewed", "tightened", "raised", "relaxed", "released", "overridden", "protected", "let_go"
    ]
    ordered: Ordered | None = None
    """by an operator's order, which holds from here; None: what was ordered before stands"""


class BesideMoved(JournalEntry, frozen=True, kw_only=True, tag="beside_moved"):
    """What other devices behind a request's meter do, by their own word, that looks like what it asks for:
    from here until the next of these.
    """

    request: str
    kw: float
    """more than when it was planned, rounded up; all that they may do where one of them is not heard"""


class RequestSent(JournalEntry, frozen=True, kw_only=True, tag="request_sent"):
    """The next hop took the command of this sequence."""

    request: str
    sequence: int
    attempt: int


class RequestAnswered(JournalEntry, frozen=True, kw_only=True, tag="request_answered"):
    """The device's answer, as it came."""

    request: str
    answer: str
    reason: str | None


class RequestMoved(JournalEntry, frozen=True, kw_only=True, tag="request_moved"):
    """One step in the life of a request (see controller.requests for which are allowed)."""

    request: str
    state: RequestState
    reason: str
