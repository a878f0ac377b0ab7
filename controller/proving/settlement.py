"""From what the meters prove to the credit, exactly once: step [8] of the path.

Pure: settling again gives the same key and the same content, so the store books it once however often it is
tried. Knows no store; the caller writes all entries of one settlement in one commit.

The rounding rule: what an interval proves, and what was asked in it, is rounded down to whole watt-hours; a
request is the sum of its intervals. So all published figures add up, and never more is credited than was
shown. An interval of which too little was measured proves nothing, and a request of which too few samples
show the meter proves nothing in any interval.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from controller.baselines import MeterSample
from controller.entries import (
    Entry,
    Outcome,
    RequestMoved,
    RequestSettled,
    SettledBaseline,
    SettledInterval,
    SettledRules,
    SettledSun,
)
from controller.proving.meter_readings import MeterReadings, MeterSeries
from controller.proving.sun_seen import steps_of
from controller.proving.verification import Steps, Verified, sample_window, verify_series
from controller.requests import RequestRecord, next_state
from controller.rewards import ledger
from controller.settings import Rewards


@dataclass(frozen=True, slots=True, eq=False)
class RuleBaseline:
    """What a published rule gave for one request."""

    told: SettledBaseline
    steps: Steps | None
    """None where the rule gives none, and the live meter counts"""


@dataclass(frozen=True, slots=True)
class Assessed:
    """What one request comes to by given readings and rates."""

    asked_kwh: float
    """over the whole active time"""
    by_interval: tuple[SettledInterval, ...]
    outcome: Outcome
    points: int
    minor_units: int
    programme: str
    baseline: SettledBaseline | None
    decided_wh: int | None = None
    """what a person decided instead of the meters"""
    readings: str | None = None
    """digest of the samples that it was calculated from; None where none was looked at"""
    sun: SettledSun | None = None
    """what other roofs told of the sun; None where that plays no part"""

    @property
    def reduced_wh(self) -> int:
        """The sum of the intervals, or what was decided."""
        if self.decided_wh is not None:
            return self.decided_wh
        return sum(interval.reduced_wh for interval in self.by_interval)

    @property
    def intervals_measured(self) -> int:
        """Those of which enough was measured."""
        return sum(interval.proven for interval in self.by_interval)

    @property
    def compliance_percent(self) -> float:
        """Reduced of what was asked, over the intervals that prove something; 0 when nothing was asked."""
        asked_wh = sum(interval.asked_wh for interval in self.by_interval if interval.proven)
        if self.decided_wh is not None:
            asked_wh = ledger.whole_wh(self.asked_kwh)
        return round(100.0 * self.reduced_wh / asked_wh, 1) if asked_wh else 0.0


def assess(
    record: RequestRecord,
    beside: Sequence[RequestRecord],
    series: MeterSeries | None,
    rewards: Rewards,
    baseline: RuleBaseline | None = None,
    *,
    counts: bool = True,
    sun: SettledSun | None = None,
) -> Assessed:
    """What a request comes to; arguments as for `settle_series`."""
    verified = None
    if record.active_at is not None and series is not None and counts:
        verified = verify_series(
            record,
            beside,
            series,
            rewards.interval_s,
            baseline=None if baseline is None else baseline.steps,
            baseline_holds_s=rewards.baseline_holds_s,
            sun=steps_of(sun),
        )
    by_interval = () if verified is None else _whole(verified, rewards.min_measured_share)
    energy_wh = sum(interval.reduced_wh for interval in by_interval)
    points = ledger.earned(energy_wh, rewards.points_per_kwh)
    minor_units = ledger.earned(energy_wh, rewards.minor_units_per_kwh)
    return Assessed(
        asked_kwh=0.0 if verified is None else round(verified.asked_kwh, 6),
        by_interval=by_interval,
        outcome=outcome_of(
            in_force=record.active_at is not None and counts,
            proven=any(interval.proven for interval in by_interval),
            credited=bool(points or minor_units),
        ),
        points=points,
        minor_units=minor_units,
        programme=rewards.programme,
        baseline=None if baseline is None or verified is None else baseline.told,
        readings=None if series is None or verified is None else series.digest(),
        sun=None if verified is None else sun,
    )


def outcome_of(*, in_force: bool, proven: bool, credited: bool) -> Outcome:
    """The outcome in one word."""
    if not in_force:
        return "refused_or_silent"
    if not proven:
        return "too_little_data"
    return "credited" if credited else "nothing_shown"


def settle(
    record: RequestRecord,
    *,
    beside: Sequence[RequestRecord],
    samples: Sequence[MeterSample],
    position: int | None,
    rewards: Rewards,
    now: datetime,
) -> tuple[Entry, ...]:
    """As `settle_series`, from the samples of its feeder in `verification.sample_window(record)`, in any
    order. `position`: of its service point in them; None when the network has no such point.
    """
    window = sample_window(record)
    series = None
    if window is not None and position is not None:
        series = MeterReadings.of(samples).series(position, window)
    return settle_series(record, beside=beside, series=series, rewards=rewards, now=now)


def settle_series(
    record: RequestRecord,
    *,
    beside: Sequence[RequestRecord],
    series: MeterSeries | None,
    rewards: Rewards,
    now: datetime,
    baseline: RuleBaseline | None = None,
    counts: bool = True,
    sun: SettledSun | None = None,
) -> tuple[Entry, ...]:
    """The entries that settle a request for which `requests.settlement_due` holds; none when it is over
    already.

    `beside`: `Books.beside(record)`. `series`: its meter in `verification.sample_window(record)` (none needed
    when that is None); None when the network has no such point. `baseline`: what the rule of its programme
    gives, where that has one. `sun`: what `sun_seen` tells. `counts`: False where a person did not say the
    yes that their programme needs; then `beside` of others does not hold it either. First RequestSettled;
    then LedgerPosted when there is a credit; last RequestMoved when its life goes on to `settled`.
    """
    if record.is_over:
        return ()
    assert not record.is_open, f"{record.request} is settled while it is {record.state}"
    found = assess(record, beside, series, rewards, baseline, counts=counts, sun=sun)
    told: list[Entry] = [_settled(record, found, rewards, now)]
    posted = ledger.credit(
        at=now,
        feeder=record.planned.feeder,
        request=record.request,
        customer=record.planned.customer,
        energy_wh=found.reduced_wh,
        rewards=rewards,
    )
    if posted is not None:
        told.append(posted)
    if record.moves_when_settled:
        after = next_state(record.state, "settled", record.resource)
        told.append(RequestMoved(at=now, request=record.request, state=after, reason="settled"))
    return tuple(told)


def _settled(record: RequestRecord, found: Assessed, rewards: Rewards, now: datetime) -> RequestSettled:
    return RequestSettled(
        at=now,
        request=record.request,
        asked_kwh=found.asked_kwh,
        reduced_kwh=found.reduced_wh / 1000.0,
        intervals=len(found.by_interval),
        intervals_measured=found.intervals_measured,
        compliance_percent=found.compliance_percent,
        points=found.points,
        minor_units=found.minor_units,
        outcome=found.outcome,
        programme=found.programme,
        by_interval=found.by_interval,
        baseline=found.baseline,
        rules=SettledRules(
            points_per_kwh=rewards.points_per_kwh,
            minor_units_per_kwh=rewards.minor_units_per_kwh,
            currency=rewards.currency,
            interval_s=rewards.interval_s,
            baseline_holds_s=rewards.baseline_holds_s,
            min_measured_share=rewards.min_measured_share,
        ),
        readings=found.readings,
        sun=found.sun,
    )


def _whole(verified: Verified, min_share: float) -> tuple[SettledInterval, ...]:
    """Intervals in whole watt-hours; nothing is reduced where too little was measured."""
    enough = 0.0 < verified.measured_share >= min_share
    return tuple(
        SettledInterval(
            start=interval.start,
            asked_wh=ledger.whole_wh(interval.asked_kwh),
            reduced_wh=ledger.whole_wh(interval.reduced_kwh) if proven else 0,
            measured_s=round(interval.measured_s),
            active_s=round(interval.active_s),
            proven=proven,
        )
        for interval in verified.intervals
        for proven in (enough and interval.is_measured(min_share),)
    )
