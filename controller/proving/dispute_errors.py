"""What the settlement desk refuses. Nothing was written then; each message says what was expected.

SettlementRefused
├── UnknownSettlement    no such feeder, request or dispute
├── NotPossible          not as things stand: too late, disputed already, no difference, not kept any more
└── ReadingsRejected     late readings that cannot be; the message lists the first of them
"""

from collections.abc import Iterator
from itertools import islice

from controller.errors import ControllerError

_FAULTS_TOLD = 5


class SettlementRefused(ControllerError):
    """Cannot be done."""


class UnknownSettlement(SettlementRefused):
    """There is no such thing."""


class NotPossible(SettlementRefused):
    """Not as things stand."""


class ReadingsRejected(SettlementRefused):
    """None of the readings was taken."""


def reject_if_any(faults: Iterator[str]) -> None:
    """Raise ReadingsRejected with the first of them."""
    told = list(islice(faults, _FAULTS_TOLD + 1))
    if told:
        more = "; and more" if len(told) > _FAULTS_TOLD else ""
        raise ReadingsRejected("; ".join(told[:_FAULTS_TOLD]) + more)
