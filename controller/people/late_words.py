"""[6] A notice that reached somebody after its request was given up must be taken back. Pure.

A channel may say so long after it was waited for: a server was slow to say yes, or a second try was taken.
Knows no channel; what each took is in the journal's words.
"""

from collections.abc import Iterable
from datetime import datetime

from controller.books import Books
from controller.entries import Entry, NoticeDelivered, RequestSent
from controller.operators import free
from controller.requests import RequestRecord


def came_too_late(record: RequestRecord, now: datetime) -> bool:
    """Whether a person who gets the notice of this request now gets one that was given up."""
    given_up = record.state in ("failed", "overridden") and record.settled is None
    return record.resource == "person" and given_up and not record.releasing and now < record.end


def taken_too_late(delivered: Iterable[NoticeDelivered], books: Books, now: datetime) -> list[Entry]:
    """What the journal is told of notices that a channel took, unknown to whoever sent them: that they went
    out, and that they are taken back.
    """
    late = {one.request: one for one in delivered if one.kind == "notice" and one.result == "taken"}
    entries: list[Entry] = []
    for request, one in late.items():
        record = books.requests.get(request)
        if record is None or not record.sent_sequence < one.sequence <= record.sequence:
            continue
        if came_too_late(record, now):
            entries.append(
                RequestSent(at=one.at, request=request, sequence=one.sequence, attempt=record.attempts + 1)
            )
            entries += free([record], books.epoch, now, "released", "")
    return entries
