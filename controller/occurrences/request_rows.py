"""The requests of an event as rows, with the states that each came through. Pure."""

from collections.abc import Iterable
from datetime import datetime

from controller import entries as e
from controller.books import Books
from controller.occurrences.bodies import RequestRow, Settled
from controller.requests import RequestRecord
from controller.stores.port import Numbered


def request_rows(facts: Iterable[Numbered], books: Books) -> tuple[RequestRow, ...]:
    """In the order they were planned; `books` have taken the facts in."""
    states: dict[str, list[tuple[e.RequestState, datetime]]] = {}
    for fact in facts:
        match fact.entry:
            case e.RequestPlanned() as planned:
                states[planned.request] = [("planned", planned.at)]
            case e.RequestMoved() as moved if moved.request in states:
                states[moved.request].append((moved.state, moved.at))
            case _:
                pass
    return tuple(_row(record, tuple(states[name])) for name, record in books.requests.items())


def _row(record: RequestRecord, states: tuple[tuple[e.RequestState, datetime], ...]) -> RequestRow:
    planned = record.planned
    return RequestRow(
        request=record.request,
        resource=record.resource,
        target=planned.target,
        kind=planned.kind,
        customer=planned.customer,
        service_point=planned.service_point,
        state=record.state,
        states=states,
        limits=record.limits,
        p_before_kw=planned.p_before_kw,
        baseline_kw=planned.baseline_kw,
        floor_kw=planned.floor_kw,
        share_percent=planned.share_percent,
        programme=planned.programme,
        start=planned.start,
        end=record.end,
        active_at=record.active_at,
        ended_at=record.ended_at,
        answer=record.answer,
        reason=record.reason or None,
        consent=record.consent,
        settled=_settled(record),
        direction=planned.direction,
    )


def _settled(record: RequestRecord) -> Settled | None:
    first, now = record.settled, record.corrected or record.settled
    if first is None or now is None:
        return None
    return Settled(
        at=first.at,
        outcome=now.outcome,
        asked_kwh=now.asked_kwh,
        reduced_kwh=now.reduced_kwh,
        compliance_percent=now.compliance_percent,
        intervals=now.intervals,
        intervals_measured=now.intervals_measured,
        points=now.points,
        minor_units=now.minor_units,
        corrections=0 if record.corrected is None else record.corrected.version,
    )
