"""What is posted to the settlement desk over the API, and what it answers with."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from controller.api.posted import Words
from controller.entries import (
    DisputeClosed,
    DisputeOpened,
    Outcome,
    SettledBaseline,
    SettlementCorrected,
)
from controller.proving.settlement_desk import DisputeReason, Settlement

Text = Words
Time = Annotated[datetime, msgspec.Meta(tz=True)]


class LatePoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One reading of one meter."""

    meter: Text
    at: Time
    p_kw: float


class LateBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Readings of one feeder that came late."""

    feeder: Text
    readings: tuple[LatePoint, ...]


class LateAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of them."""

    readings: int
    new: int
    corrected: tuple[str, ...]
    unchanged: int
    decided: tuple[str, ...]
    not_kept: tuple[str, ...]


class DisputeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which settlement somebody does not agree with, and why."""

    request: Text
    reason: DisputeReason
    who: Text | None = None
    """needed with the operator token, which names nobody"""


class DisputeList(msgspec.Struct, frozen=True, kw_only=True):
    """Disputes that nobody has decided yet, the oldest first."""

    disputes: tuple[DisputeOpened, ...]


class GivenReading(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One reading in place of what the meter showed."""

    at: Time
    p_kw: float


class DisputeDecision(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Upheld by one of readings, baseline and reduced_wh, or by what is stored now; or rejected."""

    outcome: Literal["upheld", "rejected"]
    why: Text
    who: Text | None = None
    """needed with the operator token, which names nobody"""
    readings: tuple[GivenReading, ...] = ()
    meter: Text | None = None
    """whose readings they are, where that is known: it must be the request's own"""
    baseline: Text | None = None
    reduced_wh: Annotated[int, msgspec.Meta(ge=0)] | None = None


class DisputeDecided(msgspec.Struct, frozen=True, kw_only=True):
    """The dispute's end, and the settlement that holds now where that changed."""

    closed: DisputeClosed
    correction: SettlementCorrected | None


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """One interval of a request."""

    start: datetime
    asked_wh: int
    reduced_wh: int
    compliance_percent: float | None
    """None where nothing was asked or nothing is proven"""
    measured_s: int
    active_s: int
    proven: bool


class SettlementBody(msgspec.Struct, frozen=True, kw_only=True):
    """The settlement of a request that holds now, and how it came to be."""

    request: str
    event: str
    feeder: str
    customer: str
    settled_at: datetime
    version: int
    """0: as first settled, else the number of the latest correction"""
    asked_kwh: float
    reduced_kwh: float
    compliance_percent: float
    intervals: int
    intervals_measured: int
    points: int
    minor_units: int
    currency: str
    """whose minor units they are, such as `EUR-cent`"""
    outcome: Outcome
    programme: str | None
    baseline: SettledBaseline | None
    by_interval: tuple[Interval, ...]
    corrections: tuple[SettlementCorrected, ...]
    disputes: tuple[DisputeOpened | DisputeClosed, ...]


def body_of(told: Settlement, currency: str) -> SettlementBody:
    """A settlement as the API tells it; `currency`: where it does not tell its own."""
    record = told.record
    settled, corrected = record.settled, record.corrected
    assert settled is not None, f"{record.request} is not settled"
    now = corrected or settled
    return SettlementBody(
        request=record.request,
        event=record.planned.event,
        feeder=record.planned.feeder,
        customer=record.planned.customer,
        settled_at=settled.at,
        version=0 if corrected is None else corrected.version,
        asked_kwh=now.asked_kwh,
        reduced_kwh=now.reduced_kwh,
        compliance_percent=now.compliance_percent,
        intervals=now.intervals,
        intervals_measured=now.intervals_measured,
        points=now.points,
        minor_units=now.minor_units,
        currency=currency if settled.rules is None else settled.rules.currency,
        outcome=now.outcome,
        programme=now.programme,
        baseline=now.baseline,
        by_interval=tuple(
            Interval(
                start=one.start,
                asked_wh=one.asked_wh,
                reduced_wh=one.reduced_wh,
                compliance_percent=(
                    round(100.0 * one.reduced_wh / one.asked_wh, 1) if one.proven and one.asked_wh else None
                ),
                measured_s=one.measured_s,
                active_s=one.active_s,
                proven=one.proven,
            )
            for one in now.by_interval
        ),
        corrections=told.corrections,
        disputes=told.disputes,
    )
