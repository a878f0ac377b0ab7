"""What the meters prove of a request, what corrects that, and who does not agree with it."""

from datetime import date, datetime
from typing import Literal

import msgspec

from controller.entries.journal_entry import JournalEntry

Outcome = Literal["credited", "nothing_shown", "too_little_data", "refused_or_silent"]


class SettledInterval(msgspec.Struct, frozen=True, array_like=True):
    """What the meter proves of one interval of a request."""

    start: datetime
    asked_wh: int
    """over the measured time"""
    reduced_wh: int
    measured_s: int
    active_s: int
    proven: bool = True
    """False where too little of it was read to prove anything: nothing counts then"""


class SettledBaseline(msgspec.Struct, frozen=True, kw_only=True):
    """What a published rule says would have been used in a request's time, instead of the live meter."""

    rule: str
    """the rule that the request's programme names"""
    method: str
    """what was used in the end: the rule, another that it falls back on, or `live meter`"""
    baseline_kwh: float
    """over the active time"""
    p_kw: tuple[float, ...] = ()
    """of each quarter of an hour that the active time touches; none where the live meter was used"""
    days: tuple[date, ...] = ()
    """local days that make it, newest first"""
    adjustment: str | None = None
    """what the event's own day did to it, in words with figures"""
    reasons: tuple[str, ...] = ()
    """what an auditor should know, in order"""


class SettledRules(msgspec.Struct, frozen=True, array_like=True):
    """By what a request was settled, so that it can be calculated anew by the same."""

    points_per_kwh: int
    minor_units_per_kwh: int
    currency: str
    interval_s: float
    baseline_holds_s: float
    min_measured_share: float


class SettledSun(msgspec.Struct, frozen=True, kw_only=True):
    """What the meters of roofs that nobody asked tell of the sun in a request's time."""

    begin: datetime
    step_s: float
    gone: tuple[float | None, ...]
    """in each step from `begin` on the part of what was fed in at the start that is not any more, 0 to 1,
    rounded up; None where nobody was read"""


class RequestSettled(JournalEntry, frozen=True, kw_only=True, tag="request_settled"):
    """What the meters prove, and the credit for it. Written in one commit with its LedgerPosted."""

    request: str
    asked_kwh: float
    reduced_kwh: float
    intervals: int
    intervals_measured: int
    compliance_percent: float
    points: int
    minor_units: int
    outcome: Outcome
    programme: str | None = None
    """None in entries from before it was told"""
    by_interval: tuple[SettledInterval, ...] = ()
    baseline: SettledBaseline | None = None
    """None where the live meter's was used, as the programme has it"""
    rules: SettledRules | None = None
    """None in entries from before they were told"""
    readings: str | None = None
    """digest of the stored samples that it was calculated from (`MeterSeries.digest`); None where none could
    prove anything, and in entries from before it was told"""
    sun: SettledSun | None = None
    """where feed-in was limited; None where nobody could tell, and in entries from before it was told"""


class SettlementCorrected(JournalEntry, frozen=True, kw_only=True, tag="settlement_corrected"):
    """A settlement was calculated anew: the first one stays, this one holds. Written in one commit with the
    LedgerPosted that books the difference.
    """

    request: str
    feeder: str
    customer: str
    version: int
    """1 for the first correction of a request, then 2 ..."""
    cause: Literal["late_readings", "dispute"]
    dispute: str | None
    asked_kwh: float
    reduced_kwh: float
    intervals: int
    intervals_measured: int
    compliance_percent: float
    points: int
    """that the request earns in all, not the difference"""
    minor_units: int
    outcome: Outcome
    reduced_kwh_before: float
    points_before: int
    minor_units_before: int
    """what held until now"""
    by_interval: tuple[SettledInterval, ...] = ()
    programme: str | None = None
    """whose budget the difference moves"""
    baseline: SettledBaseline | None = None
    readings: str | None = None
    """as in RequestSettled; None where no stored sample decided: by readings of a dispute, or by a figure"""


class DisputeOpened(JournalEntry, frozen=True, kw_only=True, tag="dispute_opened"):
    """A customer, or somebody for them, does not agree with a settlement."""

    dispute: str
    request: str
    reason: Literal["readings_missing", "meter_wrong", "limit_not_received", "baseline_wrong", "other"]
    who: str
    """the role that entered it, never a name"""


class DisputeClosed(JournalEntry, frozen=True, kw_only=True, tag="dispute_closed"):
    """What came of a dispute; an upheld one stands beside its SettlementCorrected."""

    dispute: str
    request: str
    outcome: Literal["upheld", "rejected"]
    who: str
    why: str
