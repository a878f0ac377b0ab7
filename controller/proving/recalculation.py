"""A settlement calculated anew: the difference as a correction, or nothing where there is none. Step [8].
Pure.

The first settlement stays; the correction is a new entry that tells what held before and what holds now, with
the transaction that reverses and books anew, both to be written in one commit. The same figures again give
nothing, so that whoever is not sure whether a correction was written calculates once more.

What was settled by rates and a baseline that the journal tells is calculated anew by these, whatever settings
and samples say now.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec

from controller.entries import Entry, RequestSettled, SettlementCorrected
from controller.proving.settlement import Assessed, outcome_of
from controller.requests import RequestRecord
from controller.rewards import ledger
from controller.settings import Rewards

Held = RequestSettled | SettlementCorrected


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a settlement is calculated anew."""

    cause: Literal["late_readings", "dispute"]
    dispute: str | None = None


LATE = Cause("late_readings")


def held(record: RequestRecord) -> Held:
    """The settlement that holds: the latest correction, or else the first."""
    assert record.settled is not None, f"{record.request} is not settled"
    return record.corrected or record.settled


def rewards_of(record: RequestRecord, now_in_force: Rewards) -> Rewards:
    """The rules that a request was settled by; those in force where the journal does not tell them."""
    settled = record.settled
    assert settled is not None, f"{record.request} is not settled"
    programme = settled.programme or now_in_force.programme
    if settled.rules is None:
        return msgspec.structs.replace(now_in_force, programme=programme)
    rules = settled.rules
    return msgspec.structs.replace(
        now_in_force,
        programme=programme,
        points_per_kwh=rules.points_per_kwh,
        minor_units_per_kwh=rules.minor_units_per_kwh,
        currency=rules.currency,
        interval_s=rules.interval_s,
        baseline_holds_s=rules.baseline_holds_s,
        min_measured_share=rules.min_measured_share,
    )


def by_figure(record: RequestRecord, reduced_wh: int, rewards: Rewards) -> Assessed:
    """What a figure that a person decided comes to. Raises ValueError unless it is within what was asked."""
    now = held(record)
    most_wh = ledger.whole_wh(now.asked_kwh)
    if not 0 <= reduced_wh <= most_wh:
        raise ValueError(f"reduced_wh: expected 0 to {most_wh}, what was asked; got {reduced_wh}")
    points = ledger.earned(reduced_wh, rewards.points_per_kwh)
    minor_units = ledger.earned(reduced_wh, rewards.minor_units_per_kwh)
    return Assessed(
        asked_kwh=now.asked_kwh,
        by_interval=(),
        outcome=outcome_of(
            in_force=record.active_at is not None, proven=True, credited=bool(points or minor_units)
        ),
        points=points,
        minor_units=minor_units,
        programme=rewards.programme,
        baseline=None,
        decided_wh=reduced_wh,
    )


def corrected(
    record: RequestRecord, found: Assessed, *, version: int, why: Cause, rewards: Rewards, now: datetime
) -> tuple[Entry, ...]:
    """The entries that make `found` hold; none when it holds already. `version`: `Books.next_correction`.

    First SettlementCorrected, then LedgerPosted where the credit differs. `rewards`: as `rewards_of`.
    """
    before = held(record)
    correction = SettlementCorrected(
        at=now,
        request=record.request,
        feeder=record.planned.feeder,
        customer=record.planned.customer,
        version=version,
        cause=why.cause,
        dispute=why.dispute,
        asked_kwh=found.asked_kwh,
        reduced_kwh=found.reduced_wh / 1000.0,
        intervals=len(found.by_interval) or before.intervals,
        intervals_measured=found.intervals_measured if found.by_interval else before.intervals_measured,
        compliance_percent=found.compliance_percent,
        points=found.points,
        minor_units=found.minor_units,
        outcome=found.outcome,
        reduced_kwh_before=before.reduced_kwh,
        points_before=before.points,
        minor_units_before=before.minor_units,
        by_interval=found.by_interval,
        programme=found.programme,
        baseline=found.baseline,
        readings=found.readings,
    )
    if _figures(correction) == _figures(before):
        return ()
    posted = ledger.correction(
        at=now,
        feeder=record.planned.feeder,
        request=record.request,
        customer=record.planned.customer,
        version=version,
        before=(before.points, before.minor_units),
        after=(found.points, found.minor_units),
        cause=why.cause,
        rewards=rewards,
    )
    return (correction,) if posted is None else (correction, posted)


def _figures(told: Held) -> tuple[object, ...]:
    """What a settlement says, without how it came to be. Entries from before intervals were told say less."""
    return (
        told.asked_kwh,
        told.reduced_kwh,
        told.intervals,
        told.intervals_measured,
        told.points,
        told.minor_units,
        told.outcome,
    )
