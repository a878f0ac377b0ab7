"""Settlements as a list: the newest first, by filter, in pages. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from controller.entries import Outcome
from controller.requests import RequestRecord


@dataclass(frozen=True, slots=True)
class SettledRow:
    """One request's settlement that holds now."""

    request: str
    event: str
    feeder: str
    customer: str
    service_point: str
    target: str
    kind: str
    settled_at: datetime
    asked_kwh: float
    reduced_kwh: float
    compliance_percent: float
    points: int
    minor_units: int
    currency: str
    """whose minor units they are, such as `EUR-cent`"""
    outcome: Outcome
    version: int
    """0: as first settled, else the number of the latest correction"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of them."""

    feeders: frozenset[str] | None = None
    """None: all"""
    customer: str | None = None
    outcome: Outcome | None = None

    def has(self, row: SettledRow) -> bool:
        """Whether this is one."""
        return (
            (self.feeders is None or row.feeder in self.feeders)
            and self.customer in (None, row.customer)
            and self.outcome in (None, row.outcome)
        )


def page(
    records: Iterable[RequestRecord], wanted: Wanted, *, after: str | None, limit: int, currency: str
) -> tuple[list[SettledRow], str | None]:
    """At most `limit` rows behind the request `after`, and the `after` of the next page; None: there is none.

    `currency`: of those that do not tell theirs.

    An `after` that is not among them (its detail is forgotten) gives nothing: what stood behind it is older.
    """
    found_all = filter(wanted.has, _rows(records, currency))
    rows = sorted(found_all, key=lambda row: (row.settled_at, row.request), reverse=True)
    begin = 0
    if after is not None:
        begin = next((place for place, row in enumerate(rows, 1) if row.request == after), len(rows))
    found = rows[begin : begin + limit]
    return found, found[-1].request if begin + limit < len(rows) else None


def _rows(records: Iterable[RequestRecord], currency: str) -> Iterator[SettledRow]:
    for record in records:
        settled, planned = record.settled, record.planned
        if settled is None:
            continue
        now = record.corrected or settled
        yield SettledRow(
            request=record.request,
            event=planned.event,
            feeder=planned.feeder,
            customer=planned.customer,
            service_point=planned.service_point,
            target=planned.target,
            kind=planned.kind,
            settled_at=settled.at,
            asked_kwh=now.asked_kwh,
            reduced_kwh=now.reduced_kwh,
            compliance_percent=now.compliance_percent,
            points=now.points,
            minor_units=now.minor_units,
            currency=currency if settled.rules is None else settled.rules.currency,
            outcome=now.outcome,
            version=0 if record.corrected is None else record.corrected.version,
        )
