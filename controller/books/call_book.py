"""When customers were called under each programme. Pure; a part of the books."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from controller.people.calls import CallHistory
from controller.requests import RequestRecord, span_of


@dataclass(slots=True)
class CallBook:
    """Of all feeders."""

    _calls: dict[tuple[str, str, str | None], CallHistory] = field(default_factory=dict)
    """by feeder, customer and programme"""

    def of(self, feeder: str, customer: str, programme: str | None) -> CallHistory:
        """When a customer was called under a programme; None: under the site's own terms."""
        return self._calls.get((feeder, customer, programme), CallHistory())

    def all_of(self, feeder: str) -> dict[tuple[str, str | None], CallHistory]:
        """All calls of a feeder by customer and programme."""
        return {(c, programme): told for (f, c, programme), told in self._calls.items() if f == feeder}

    def take(self, record: RequestRecord, here: Iterable[RequestRecord]) -> None:
        """What all requests of this event to the customer under the programme come to as one call; `here`:
        all that are known at the meter.
        """
        planned = record.planned
        key = (planned.feeder, planned.customer, planned.programme)
        together = (one for one in here if _same_call(one, record))
        spans = [span for one in together if (span := span_of(one)) is not None]
        history = self._calls.get(key, CallHistory())
        if spans:
            begin, until = min(start for start, _ in spans), max(end for _, end in spans)
            self._calls[key] = history.with_call(planned.event, begin, until)
        else:
            self._calls[key] = history.without(planned.event)

    def fork(self) -> "CallBook":
        """A copy that can be written to without touching this one."""
        return CallBook(dict(self._calls))


def _same_call(one: RequestRecord, other: RequestRecord) -> bool:
    this, that = one.planned, other.planned
    return (this.event, this.customer, this.programme) == (that.event, that.customer, that.programme)
