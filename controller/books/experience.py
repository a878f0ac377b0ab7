"""[8] What settled requests tell of customers, devices and meters: who gave how much, who keeps their word,
and when each was asked. Pure; a part of the books.
"""

from dataclasses import dataclass, field
from datetime import datetime

from controller.burdens import Burdens
from controller.compliance import Compliance
from controller.entries import RequestSettled
from controller.proving.asked_times import AskedTimes, Span
from controller.requests import RequestRecord


@dataclass(slots=True)
class Experience:
    """By feeder."""

    _burdens: dict[str, Burdens] = field(default_factory=dict)
    _compliance: dict[str, Compliance] = field(default_factory=dict)
    _asked: dict[str, AskedTimes] = field(default_factory=dict)

    def given_kwh(self, feeder: str, customer: str, now: datetime, days: int) -> float:
        """What the meters of a customer proved in the last `days` (up to `burdens.KEEP_DAYS`)."""
        burdens = self._burdens.get(feeder)
        return 0.0 if burdens is None else burdens.given_kwh(customer, now, days)

    def compliance(self, feeder: str, device: str) -> float:
        """The probability that a device does what it is asked."""
        return self._compliance.get(feeder, Compliance()).probability(device)

    def asked_spans(self, feeder: str, service_point: str) -> tuple[Span, ...]:
        """When requests were in force at this meter, those of the last `asked_times.KEEP` that have ended."""
        return self._asked.get(feeder, AskedTimes()).spans(service_point)

    def ended(self, record: RequestRecord) -> None:
        """A request has just ended: its meter was asked from when it came into force."""
        if record.active_at is not None and record.ended_at is not None:
            asked = self._asked.setdefault(record.planned.feeder, AskedTimes())
            asked.add(record.planned.service_point, record.active_at, record.ended_at)

    def settled(self, record: RequestRecord, entry: RequestSettled) -> None:
        """What a settlement tells of the customer, and of the device unless meter or operator decided it."""
        planned = record.planned
        self._burdens.setdefault(planned.feeder, Burdens()).add(planned.customer, entry.at, entry.reduced_kwh)
        told = entry.outcome != "too_little_data" and record.state != "overridden"
        if planned.direction == "production" and entry.reduced_kwh == 0:
            told = False  # a cloud may have left nothing to hold back
        if record.beside and entry.reduced_kwh == 0:
            told = False  # what it did cannot be told from what others behind its meter may have done
        if record.resource == "device" and told:
            known = self._compliance.setdefault(planned.feeder, Compliance())
            known.add(planned.target, entry.reduced_kwh > 0)  # also where a kWh earns nothing

    def fork(self) -> "Experience":
        """A copy that can be written to without touching this one."""
        return Experience(
            {feeder: of.fork() for feeder, of in self._burdens.items()},
            {feeder: of.fork() for feeder, of in self._compliance.items()},
            {feeder: of.fork() for feeder, of in self._asked.items()},
        )
