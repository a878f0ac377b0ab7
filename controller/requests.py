"""The life of one request, as one table: step [6] of the path, and what leads it to settlement [7, 8].

    planned ── sent ── accepted ── active ── ended ── settled
       │         │         │          │
       └─────────┴─────────┴──────────┴── refused, unanswered, overridden, failed

What the table lacks raises `IllegalMove` and changes nothing. Every state has a deadline, so none is for
ever: a request is over once it is settled, and `deadline` then is None. Pure: knows no clock, no store and no
wire.

Rules that the table cannot say by itself:

* Answers carry no sequence and may be lost, doubled, late or in another order. `on_answer` says which step an
  answer stands for, or None when it tells nothing new; so a doubled `accepted` is harmless.
* A late `accepted` to a request that is `unanswered` or `failed` counts as long as the request's end has not
  come and its target was not asked anew: the device holds the limit, so it is watched and credited from then
  on.
* A device that says `refused` while it is active took its consent back: the request has ended, what it gave
  until then counts.
* A device that is merely gone while it is accepted or active still holds its limit by itself: no step; its
  meter is the judge.
* People do not answer. A notice that was sent becomes active at its start, and their meter is the judge.
* The time after `ended` and `overridden` lets late readings arrive before settlement. `unanswered` and
  `failed` are settled (without credit) only at their end, because until then a late `accepted` may still
  come.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, assert_never

from controller import settings
from controller.entries import (
    Ordered,
    RequestPlanned,
    RequestSettled,
    RequestState,
    Resource,
    SettlementCorrected,
)
from controller.errors import IllegalMove

Trigger = Literal[
    "sent", "accepted", "refused", "started", "ended", "silent", "overridden", "lost", "settled"
]
"""sent: the next hop took it · accepted, refused: the device's answer · started: its start has come ·
ended: the device said so, or its end has come · silent: no answer to any attempt · overridden: an operator or
a protection freed it · lost: its target is unknown, or cannot be told · settled: the credit is decided"""

OPEN: frozenset[RequestState] = frozenset({"planned", "sent", "accepted", "active"})
"""States in which a request counts as limiting its target. At most one such request per target."""

MOVES: Mapping[tuple[RequestState, Trigger], RequestState] = {
    ("planned", "sent"): "sent",
    # We may have died between the sending and the note: the answer proves that it was sent.
    ("planned", "accepted"): "accepted",
    ("planned", "refused"): "refused",
    ("planned", "ended"): "ended",
    ("planned", "lost"): "failed",
    ("planned", "overridden"): "overridden",
    ("sent", "accepted"): "accepted",
    ("sent", "refused"): "refused",
    ("sent", "started"): "active",
    ("sent", "ended"): "ended",
    ("sent", "silent"): "unanswered",
    ("sent", "lost"): "failed",
    ("sent", "overridden"): "overridden",
    ("accepted", "started"): "active",
    ("accepted", "refused"): "refused",
    ("accepted", "ended"): "ended",
    ("accepted", "overridden"): "overridden",
    ("active", "refused"): "ended",
    ("active", "ended"): "ended",
    ("active", "overridden"): "overridden",
    ("unanswered", "accepted"): "accepted",
    ("unanswered", "refused"): "refused",
    ("unanswered", "ended"): "ended",
    ("unanswered", "overridden"): "overridden",
    ("failed", "accepted"): "accepted",
    ("failed", "refused"): "refused",
    ("failed", "ended"): "ended",
    ("failed", "overridden"): "overridden",
    ("ended", "settled"): "settled",
    ("overridden", "settled"): "settled",
}

TOLD_AHEAD = timedelta(seconds=60)
"""What was told at a time that is further ahead than this, was told by a clock that has been put right since;
a smaller step only delays"""

PEOPLE_ONLY: frozenset[tuple[RequestState, Trigger]] = frozenset({("sent", "started")})
DEVICES_ONLY: frozenset[tuple[RequestState, Trigger]] = frozenset({("sent", "silent")})


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request as far as the journal tells it; replaced, never changed."""

    planned: RequestPlanned
    state: RequestState
    limit_kw: float
    end: datetime
    sequence: int
    """of the newest command, sent or not"""
    sent_sequence: int = 0
    """of the newest command that the next hop took; 0 when none"""
    attempts: int = 0
    sent_at: datetime | None = None
    """the latest sending"""
    moved_at: datetime | None = None
    """when it came into its state"""
    active_at: datetime | None = None
    ended_at: datetime | None = None
    """when it stopped to count; never after its end"""
    answer: str | None = None
    reason: str | None = None
    """of the latest step or answer"""
    releasing: bool = False
    """the newest command frees the target: it goes out even when the request has ended"""
    held_until: datetime | None = None
    """the latest end that any of its commands told: by then the device frees itself"""
    told_at: datetime | None = None
    """when its newest command was decided"""
    ahead: tuple[datetime, datetime] | None = None
    """(told at, free by): its first command was told by a clock that was ahead, as a later one shows; until
    the clock comes there the device is free by this"""
    limits: tuple[tuple[datetime, float], ...] = ()
    """(from, limit_kw): each limit it ever had, oldest first"""
    settled: RequestSettled | None = None
    corrected: SettlementCorrected | None = None
    """the latest correction of the settlement"""
    consent: Literal["opted_in", "opted_out"] | None = None
    """what a person answered to their notice last"""
    said_yes: bool = False
    """they took part at some time, if only until they took it back"""
    messages: tuple[str, ...] = ()
    """ids of the further words that were planned for a person"""
    ordered: Ordered | None = None
    """the latest order of an operator about it"""
    beside: tuple[tuple[datetime, float], ...] = ()
    """(from, kW): what others behind its meter did that looks like it, oldest first (`BesideMoved`)"""

    @property
    def request(self) -> str:
        """Its id."""
        return self.planned.request

    @property
    def resource(self) -> Resource:
        """Device or person."""
        return self.planned.resource

    @property
    def is_open(self) -> bool:
        """Whether it counts as limiting its target."""
        return self.state in OPEN

    def is_ordered(self, now: datetime) -> bool:
        """Whether an operator's limit is in force by it: the automatic may ask for less, and gives nothing
        back.
        """
        return self.ordered is not None and now < self.ordered.until and self.is_open and not self.releasing

    @property
    def is_over(self) -> bool:
        """Nothing will happen to it any more."""
        return self.settled is not None

    @property
    def moves_when_settled(self) -> bool:
        """Whether its life goes on to the state `settled`: not that of those that never came into force."""
        return self.state == "ended" or (self.state == "overridden" and self.active_at is not None)

    def is_told_ahead(self, now: datetime) -> bool:
        """Whether a clock that was ahead has told its newest command."""
        return (self.told_at or self.planned.at) > now + TOLD_AHEAD

    @property
    def told_for(self) -> timedelta:
        """How long its device may hold it from its newest command on, if it counts down what was left."""
        told_at = self.told_at or self.planned.at
        return max((self.held_until or self.end) - told_at, timedelta(0))

    def free_by(self, now: datetime) -> datetime:
        """By when its device is free by itself, whatever it has heard."""
        if self.ahead is not None and now < self.ahead[0]:
            return max(self.ahead[1], self.end)
        return self.held_until or self.end

    @property
    def since(self) -> datetime:
        """When it came into its state."""
        return self.moved_at or self.planned.at


def event_id(feeder: str, at: datetime) -> str:
    """The id of the event that opens on this feeder at this time: the same on every replay."""
    return f"E-{feeder}-{at:%Y%m%dT%H%M%SZ}"


def order_id(feeder: str, at: datetime, number: int) -> str:
    """The id of an operator's limit; `number`: of those that were given in this second, from 1."""
    again = "" if number == 1 else f"-{number}"
    return f"O-{feeder}-{at:%Y%m%dT%H%M%SZ}{again}"


def request_id(event: str, number: int) -> str:
    """The id of an event's, or an order's, `number`-th request, counted from 1."""
    return f"{event}-R{number:03d}"


def span_of(record: RequestRecord) -> tuple[datetime, datetime] | None:
    """(start, until) of the call that a request is to its customer, for as long as it was one; None while
    nothing went out, and for what was taken back before it began.

    A no of the customer is a call: they were asked. What nobody answered counts in full, because the device
    may hold the limit.
    """
    start = record.planned.start
    if record.sent_sequence == 0 or (record.active_at is None and record.end < start):
        return None
    if record.state == "refused":
        return start, max(min(record.end, record.since), start)
    return start, max(record.ended_at or record.end, start)


def next_state(state: RequestState, trigger: Trigger, resource: Resource = "device") -> RequestState:
    """The state that the table gives; raises IllegalMove when it gives none."""
    move = (state, trigger)
    after = MOVES.get(move)
    foreign = DEVICES_ONLY if resource == "person" else PEOPLE_ONLY
    if after is None or move in foreign:
        raise IllegalMove(state, trigger)
    return after


def may_follow(state: RequestState, after: RequestState, resource: Resource) -> bool:
    """Whether some trigger leads from `state` to `after`."""
    foreign = DEVICES_ONLY if resource == "person" else PEOPLE_ONLY
    return any(
        begin == state and to == after
        for (begin, trigger), to in MOVES.items()
        if (begin, trigger) not in foreign
    )


def deadline(record: RequestRecord, requests: settings.Requests) -> datetime | None:
    """When the state ends by itself at the latest (see `due` and `settlement_due`); None once it is over."""
    if record.is_over:
        return None
    answer_within = timedelta(seconds=requests.answer_within_s)
    match record.state:
        case "planned":
            by = min(record.end, record.planned.at + answer_within * requests.attempts)
        case "sent" if record.resource == "device":
            by = min(record.end, record.since + answer_within * requests.attempts)
        case "sent" | "accepted":
            by = min(record.planned.start, record.end)
        case "active":
            by = record.end
        case "ended" | "overridden":
            by = record.since + answer_within
        case "unanswered" | "failed":
            by = max(record.end, record.since)
        case "refused" | "settled":
            by = record.since
        case _:
            assert_never(record.state)
    return by


def due(record: RequestRecord, requests: settings.Requests, now: datetime) -> Trigger | None:
    """The step that time alone asks for now, or None. One step per call: ask again after it was taken."""
    by = deadline(record, requests)
    if by is None or now < by:
        return None
    match record.state:
        case "planned":
            return "lost"
        case "sent":
            return "started" if record.resource == "person" else "silent"
        case "accepted":
            return "started"
        case "active":
            return "ended"
        case "ended" | "overridden" | "unanswered" | "failed" | "refused" | "settled":
            return None  # settlement is due, see settlement_due
        case _:
            assert_never(record.state)


def settlement_due(record: RequestRecord, requests: settings.Requests, now: datetime) -> bool:
    """Whether the request is to be settled now (`controller.proving.settlement.settle`)."""
    if record.since > now:  # noted by a clock that was ahead: by this end the device is free
        if record.is_told_ahead(now) and record.state in ("refused", "ended", "overridden"):
            return True
        record = replace(record, moved_at=min(record.since, record.free_by(now)))
    by = deadline(record, requests)
    return by is not None and not record.is_open and now >= by


def on_sent(record: RequestRecord) -> Trigger | None:
    """The step that a sending stands for: only the first one is a step."""
    return "sent" if record.state == "planned" else None


def on_answer(record: RequestRecord, answer: str, now: datetime, held_by: str | None) -> Trigger | None:
    """The step that a device's answer stands for; None when it tells nothing new.

    A status that shows this request's limit held may be given as "accepted". `held_by` is the request that
    limits the target now (`Books.held_by`), so that a late `accepted` cannot bring a second one to life.
    """
    if record.is_over:
        return None
    if answer == "accepted":
        if record.state in ("planned", "sent"):
            return "accepted"
        late = record.state in ("unanswered", "failed") and now < record.end
        return "accepted" if late and held_by in (None, record.request) else None
    if answer == "refused" and (record.state, "refused") in MOVES:
        return "refused"
    if answer == "ended" and (record.state, "ended") in MOVES:
        return "ended"
    return None
