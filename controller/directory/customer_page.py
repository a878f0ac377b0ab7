"""A customer as they are shown to who may not know who they are. Pure.

Reads the books and what the latest cycle decided.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, tzinfo

from controller.books import Books
from controller.cycle import Decisions
from controller.directory.device_page import Field, device_row, excluded_why, request_row
from controller.directory.directory_views import (
    ApplianceRow,
    ConsentRow,
    CustomerPage,
    CustomerRow,
    EnrolmentRow,
    Matched,
    PendingRow,
    Quality,
    RewardsRow,
    SupplyRow,
    WordRow,
)
from controller.entries import MessageDone, NoticeAnswered, NoticeDelivered
from controller.feeder_control import FeederControl
from controller.requests import RequestRecord
from controller.rewards.customer_rewards import standing
from controller.settings import Rewards
from customers.registry import Customer
from customers.tags import TAGS
from grid_model.snapshot import Quality as Known

MOST_REQUESTS = 100
MOST_WORDS = 100
_QUALITIES: dict[int, Quality] = {
    Known.MEASURED: "measured",
    Known.STALE: "stale",
    Known.ESTIMATED: "estimated",
}


def customer_row(
    control: FeederControl, books: Books, customer: Customer, matched: Matched = "id", name: str | None = None
) -> CustomerRow:
    """One row of a list."""
    here = books.at_service_point(control.feeder, customer.service_point)
    return CustomerRow(
        customer=customer.customer,
        feeder=control.feeder,
        service_point=customer.service_point,
        meter=customer.meter,
        critical=customer.critical,
        takes_notices=customer.takes_notices,
        devices=len(control.registry.devices_at.get(customer.service_point, ())),
        open_requests=sum(one.is_open for one in here),
        matched=matched,
        name=name,
    )


def customer_page(
    customer: str,
    supplies: Sequence[tuple[FeederControl, Decisions | None]],
    books: Books,
    field: Field,
    *,
    consent: ConsentRow | None,
    rewards: Rewards,
    zone: tzinfo,
    now: datetime,
) -> CustomerPage:
    """All of one customer, who is supplied on these feeders."""
    records = [
        record
        for control, _ in supplies
        for record in books.at_service_point(control.feeder, control.customer[customer].service_point)
        if record.planned.customer == customer
    ]
    records.sort(key=lambda record: (record.is_open, record.planned.at), reverse=True)
    today = now.astimezone(zone).date()
    return CustomerPage(
        customer=customer,
        supplies=tuple(
            _supply(control, decided, books, field, control.customer[customer], today=today, now=now)
            for control, decided in supplies
        ),
        consent=consent,
        rewards=_rewards(books, rewards, customer, now),
        requests=tuple(map(request_row, records[:MOST_REQUESTS])),
        opted_out=tuple(request_row(one) for one in records if one.consent == "opted_out")[:MOST_REQUESTS],
        words=_words(books, records),
    )


def _rewards(books: Books, rewards: Rewards, customer: str, now: datetime) -> RewardsRow:
    held = standing(books.accounts, rewards, customer, now)
    return RewardsRow(
        balances=held.balances,
        tier=held.tier,
        earned_points=held.earned_points,
        expiring_points=held.expiring_points,
        expiring_on=held.expiring_on,
        pending=tuple(
            PendingRow(one.redemption, one.item, one.points, one.at, one.deadline) for one in held.pending
        ),
    )


def _supply(
    control: FeederControl,
    decided: Decisions | None,
    books: Books,
    field: Field,
    customer: Customer,
    *,
    today: date,
    now: datetime,
) -> SupplyRow:
    p_kw, quality = _power(control, decided, customer)
    devices = control.registry.devices_at.get(customer.service_point, ())
    return SupplyRow(
        feeder=control.feeder,
        service_point=customer.service_point,
        meter=customer.meter,
        critical=customer.critical,
        protected_by=tuple(sorted(tag for tag in customer.tags if TAGS[tag].protected)),
        tags=tuple(sorted(customer.tags)),
        language=customer.language,
        takes_notices=customer.takes_notices,
        p_kw=p_kw,
        quality=quality,
        excluded=excluded_why(control, books, customer.customer, customer.service_point),
        devices=tuple(device_row(control, books, field, device, now) for device in devices),
        appliances=tuple(_appliances(control, customer)),
        programmes=tuple(_programmes(control, customer, today)),
    )


def _power(
    control: FeederControl, decided: Decisions | None, customer: Customer
) -> tuple[float | None, Quality | None]:
    if decided is None:
        return None, None
    known, position = decided.check.snapshot, control.place[customer.service_point]
    return float(known.p_kw[position]), _QUALITIES[int(known.quality[position])]


def _appliances(control: FeederControl, customer: Customer) -> Iterator[ApplianceRow]:
    ownership = control.registry.ownership
    owned = () if ownership is None else ownership.of(customer.service_point, customer.customer)
    for one in owned:
        yield ApplianceRow(one.kind, one.rated_kw, round(one.confidence, 3))


def _programmes(control: FeederControl, customer: Customer, today: date) -> Iterator[EnrolmentRow]:
    agreements = control.registry.agreements
    if agreements is None:
        return
    for one in agreements.of(customer.customer):
        programme = agreements.programmes.get(one.programme)
        names = {} if programme is None else dict(programme.names)
        yield EnrolmentRow(one.programme, names, one.from_day, one.until_day, one.holds_on(today))


def _words(books: Books, records: Iterable[RequestRecord]) -> tuple[WordRow, ...]:
    """What was said to them and what they said, the latest first."""
    found = [word for record in records if record.resource == "person" for word in _of_request(books, record)]
    found.sort(key=lambda word: word.at, reverse=True)
    return tuple(found[:MOST_WORDS])


def _of_request(books: Books, record: RequestRecord) -> Iterator[WordRow]:
    request = record.request
    yield WordRow(record.planned.at, request, "asked", "notice", None, None)
    for word in books.words(request):
        match word:
            case NoticeDelivered():
                yield WordRow(
                    word.at,
                    request,
                    "delivered" if word.result == "taken" else "not_delivered",
                    word.kind,
                    word.channel,
                    word.result,
                )
            case NoticeAnswered():
                yield WordRow(word.at, request, "answered", word.answer, word.via, None)
            case MessageDone():
                kind = word.message.split("/")[-2]
                yield WordRow(word.at, request, "message", kind, None, f"{word.outcome}: {word.reason}")
