"""[6, 8] Which further words are due to people about their requests. Pure: (books, meters, time) → entries.

Three kinds, each at most once per request: a follow-up while it runs, when the meter shows more than asked;
after the settlement thanks, or why nothing was credited. None to people whose tags say that it is night for
them (after the settlement it waits until morning), to those who said no, and, after a day, none at all: after
an upgrade or a long stop nobody is thanked for last week.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Literal

import numpy as np

from controller.books import Books
from controller.entries import MessagePlanned
from controller.feeder_control import FeederControl
from controller.feeder_state import FeederState
from controller.people.call_rules import is_quiet_at, programme_of
from controller.requests import RequestRecord
from customers.registry import Customer

TOLD_WITHIN = timedelta(hours=24)
MOST_PER_ROUND = 50
FOLLOW_UP_SHARE = 1.05
"""of what was asked that a meter may show before somebody is reminded"""
WORTH_IT = timedelta(minutes=2)
"""Nobody is reminded of a request that ends sooner."""

MeterShows = Callable[[RequestRecord], float | None]
"""What the meter of a request shows now, in kW; None when it was not read lately"""


def meter_kw(
    control: FeederControl, state: FeederState, record: RequestRecord, now: datetime
) -> float | None:
    """What the meter of a request shows, while that is fresh: a `MeterShows` of one feeder's state."""
    position = control.place.get(record.planned.service_point)
    if position is None:
        return None
    age_s = now.timestamp() - float(state.readings.at_s[position])
    p_kw = float(state.readings.p_kw[position])
    return p_kw if age_s <= control.site.cycle.fresh_s and np.isfinite(p_kw) else None


def messages_due(
    control: FeederControl, books: Books, shows: MeterShows, now: datetime
) -> tuple[MessagePlanned, ...]:
    """The further words to plan now for one feeder, at most `MOST_PER_ROUND`."""
    due: list[MessagePlanned] = []
    for planned in (*_follow_ups(control, books, shows, now), *_after_settlement(control, books, now)):
        due.append(planned)
        if len(due) == MOST_PER_ROUND:
            break
    return tuple(due)


def _follow_ups(
    control: FeederControl, books: Books, shows: MeterShows, now: datetime
) -> Iterator[MessagePlanned]:
    for record in books.open_requests(control.feeder):
        if _is_to_be_reminded(control, record, now) and _takes_word(control, record, now) is not None:
            p_kw = shows(record)
            if p_kw is not None and p_kw > record.limit_kw * FOLLOW_UP_SHARE:
                yield _planned(record, "follow_up", now, p_kw=round(p_kw, 3))


def _is_to_be_reminded(control: FeederControl, record: RequestRecord, now: datetime) -> bool:
    if record.resource != "person" or record.state != "active" or record.releasing:
        return False
    programme = programme_of(control, record.planned.programme)
    if programme.follow_up_s is None or record.active_at is None or _was_told(record, "follow_up"):
        return False
    if not programme.takes_part(record.consent):
        return False
    return now - record.active_at >= timedelta(seconds=programme.follow_up_s) and record.end - now >= WORTH_IT


def _after_settlement(control: FeederControl, books: Books, now: datetime) -> Iterator[MessagePlanned]:
    for record in books.untold(control.feeder):
        settled = record.settled
        if settled is None or (record.consent == "opted_out" and settled.outcome != "credited"):
            continue  # who said no needs no explanation
        if now - settled.at > TOLD_WITHIN or _takes_word(control, record, now) is None:
            continue
        kind: Literal["thanks", "explanation"] = "thanks" if settled.outcome == "credited" else "explanation"
        yield _planned(record, kind, now, reduced_kwh=settled.reduced_kwh, points=settled.points)


def _takes_word(control: FeederControl, record: RequestRecord, now: datetime) -> Customer | None:
    """The customer of a request, if they may be told anything now."""
    customer = control.customer.get(record.planned.customer)
    if customer is None or not customer.takes_notices or customer.critical:
        return None
    return None if is_quiet_at(control.site, customer, now) else customer


def _was_told(record: RequestRecord, kind: str) -> bool:
    return any(message.startswith(f"{record.request}/{kind}/") for message in record.messages)


def _planned(
    record: RequestRecord,
    kind: Literal["follow_up", "thanks", "explanation"],
    now: datetime,
    *,
    p_kw: float | None = None,
    reduced_kwh: float | None = None,
    points: int | None = None,
) -> MessagePlanned:
    return MessagePlanned(
        at=now,
        message=f"{record.request}/{kind}/1",
        request=record.request,
        customer=record.planned.customer,
        kind=kind,
        p_kw=p_kw,
        reduced_kwh=reduced_kwh,
        points=points,
    )
