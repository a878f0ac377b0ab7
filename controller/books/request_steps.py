"""[6] What a request's record is after one more entry of the journal: from values to values. Pure.

Raises `BooksBroken` for an entry that cannot follow what the record tells.
"""

from dataclasses import replace

from controller.entries import (
    BesideMoved,
    NoticeAnswered,
    RequestAnswered,
    RequestChanged,
    RequestMoved,
    RequestPlanned,
    RequestSent,
    RequestSettled,
)
from controller.errors import BooksBroken
from controller.requests import TOLD_AHEAD, RequestRecord, may_follow


def planned(entry: RequestPlanned) -> RequestRecord:
    """The record of a request that begins."""
    return RequestRecord(
        planned=entry,
        state="planned",
        limit_kw=entry.limit_kw,
        end=entry.end,
        sequence=entry.sequence,
        held_until=entry.end,
        told_at=entry.at,
        limits=((entry.at, entry.limit_kw),),
        ordered=entry.ordered,
    )


def changed(record: RequestRecord, entry: RequestChanged) -> RequestRecord:
    """Under a higher sequence; one that is released keeps the limit that it had."""
    if record.settled is not None or entry.sequence <= record.sequence:
        raise BooksBroken(
            f"request {entry.request} changed to sequence {entry.sequence} after {record.sequence}"
        )
    releasing = entry.reason in ("released", "overridden", "protected", "let_go")
    limits = record.limits
    if not releasing and entry.limit_kw != record.limit_kw:
        limits = (*limits, (entry.at, entry.limit_kw))
    ahead = record.ahead
    if record.planned.at > entry.at + TOLD_AHEAD and record.is_told_ahead(entry.at):
        ahead = (record.told_at or record.planned.at, entry.at + record.told_for)
    return replace(
        record,
        limit_kw=record.limit_kw if releasing else entry.limit_kw,
        end=entry.end,
        sequence=entry.sequence,
        reason=entry.reason,
        releasing=releasing,
        held_until=max(record.held_until or entry.end, entry.end),
        told_at=entry.at,
        ahead=ahead,
        limits=limits,
        ordered=entry.ordered or record.ordered,
    )


def sent(record: RequestRecord, entry: RequestSent) -> RequestRecord:
    """The next hop took a command; an older one that is told late changes nothing of the newest."""
    if not 1 <= entry.sequence <= record.sequence:
        raise BooksBroken(f"request {entry.request} sent with sequence {entry.sequence}, never planned")
    sequence = max(record.sent_sequence, entry.sequence)
    return replace(record, sent_sequence=sequence, attempts=entry.attempt, sent_at=entry.at)


def answered(record: RequestRecord, entry: RequestAnswered) -> RequestRecord:
    """The device said something."""
    return replace(record, answer=entry.answer, reason=entry.reason or record.reason)


def moved(record: RequestRecord, entry: RequestMoved) -> RequestRecord:
    """One step in its life; it stops to count at its end, however late that was noted."""
    if not may_follow(record.state, entry.state, record.resource):
        raise BooksBroken(f"request {entry.request} moved from {record.state} to {entry.state}")
    if record.settled is not None and entry.state != "settled":
        raise BooksBroken(f"request {entry.request} moved to {entry.state} after it was settled")
    ended_at = record.ended_at
    if entry.state in ("ended", "overridden") and ended_at is None:
        ended_at = min(entry.at, record.end)
    return replace(
        record,
        state=entry.state,
        moved_at=entry.at,
        reason=entry.reason,
        active_at=entry.at if entry.state == "active" else record.active_at,
        ended_at=ended_at,
    )


def beside_moved(record: RequestRecord, entry: BesideMoved) -> RequestRecord:
    """What others behind its meter do has changed."""
    return replace(record, beside=(*record.beside, (entry.at, entry.kw)))


def settled(record: RequestRecord, entry: RequestSettled) -> RequestRecord:
    """Nothing will happen to it any more but the step to `settled`."""
    if record.is_open or record.settled is not None:
        raise BooksBroken(f"request {entry.request} settled while it is {record.state}, or twice")
    return replace(record, settled=entry)


def consented(record: RequestRecord, entry: NoticeAnswered) -> RequestRecord:
    """A person said whether they take part."""
    if record.resource != "person":
        raise BooksBroken(f"request {entry.request} is answered like a notice, but is to a device")
    said_yes = record.said_yes or entry.answer == "opted_in"
    return replace(record, consent=entry.answer, said_yes=said_yes)
