"""The phases of an event: which step is of which, and when each was. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, get_args

from controller import entries as e
from controller.occurrences.bodies import PhaseSpan
from controller.occurrences.index import Occurrence
from controller.reach import freed_at
from controller.requests import RequestRecord

Phase = Literal["detection", "asking", "holding", "releasing", "closing", "settlement", "afterwards"]
"""detection: until it opens · asking: planned, sent, answered · holding: limits are in force · releasing:
they are given back · closing · settlement: proof and credit · afterwards: corrections and disputes"""
PHASES: tuple[Phase, ...] = get_args(Phase)

_ASKING = (e.RoundPlanned, e.RequestPlanned, e.RequestSent, e.RequestAnswered, e.NoticeAnswered)
_AFTERWARDS = (e.SettlementCorrected, e.DisputeOpened, e.DisputeClosed)
_OF_STATE: dict[e.RequestState, Phase] = {
    "active": "holding",
    "ended": "releasing",
    "overridden": "releasing",
    "settled": "settlement",
}
_OF_MESSAGE: dict[str, Phase] = {
    "notice": "asking",
    "follow_up": "holding",
    "taken_back": "releasing",
    "thanks": "settlement",
    "explanation": "settlement",
}


def phase_of(entry: e.Entry, occurrence: Occurrence) -> Phase:  # noqa: C901, PLR0911  one line per kind
    """Of a step."""
    match entry:
        case e.RequestMoved():
            return _OF_STATE.get(entry.state, "asking")
        case e.RequestChanged():
            return "holding" if entry.reason in ("renewed", "tightened", "raised", "relaxed") else "releasing"
        case e.EventClosed():
            return "closing"
        case e.RequestSettled():
            return "settlement"
        case e.LedgerPosted():
            return "settlement" if entry.corrects is None else "afterwards"
        case e.MessagePlanned() | e.NoticeDelivered():
            return _OF_MESSAGE[entry.kind]
        case e.MessageDone():
            return _OF_MESSAGE.get(entry.message.split("/")[-2], "settlement")
        case _ if isinstance(entry, _ASKING):
            return "asking"
        case _ if isinstance(entry, _AFTERWARDS):
            return "afterwards"
        case e.EventOpened():
            return "detection"
        case _:
            return "detection" if entry.at < occurrence.opened.at else "holding"


def spans(occurrence: Occurrence, begun: datetime, records: Sequence[RequestRecord]) -> tuple[PhaseSpan, ...]:
    """When each phase was, for a chart: they overlap, for some are still asked while others are given back.
    Those that have not begun are left out, one that lasts has no end. `begun`: of the first of its entries.
    """
    held = [record for record in records if record.active_at is not None]
    opened, closed = occurrence.opened.at, None if occurrence.closed is None else occurrence.closed.at
    begins = [record.active_at for record in held if record.active_at is not None]
    frees = [at for record in held if (at := freed_at(record)) is not None]
    found = [PhaseSpan("detection", begun, opened)]
    found.append(PhaseSpan("asking", opened, max(begins, default=closed)))
    if begins:
        found.append(PhaseSpan("holding", min(begins), max(frees) if len(frees) == len(held) else None))
    if frees:
        found.append(PhaseSpan("releasing", min(frees), closed))
    if closed is not None and records:
        settled = [record.settled.at for record in records if record.settled is not None]
        found.append(PhaseSpan("settlement", closed, _last(settled, records)))
    return tuple(span for span in found if span.until is None or span.until > span.start)


def _last(settled: Sequence[datetime], records: Sequence[RequestRecord]) -> datetime | None:
    return max(settled) if len(settled) == len(records) else None
