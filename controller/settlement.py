"""From what the meters prove to the credit, exactly once: step [8] of the path.

Pure: settling again gives the same key and the same content, so the store books it once however often it is
tried. Knows no store; the caller writes all entries of one settlement in one commit.
"""

from collections.abc import Sequence
from datetime import datetime

from controller import ledger
from controller.baselines import MeterSample
from controller.entries import Entry, RequestMoved, RequestSettled
from controller.requests import RequestRecord, next_state
from controller.settings import Rewards
from controller.verification import Verified, verify


def settle(
    record: RequestRecord,
    *,
    beside: Sequence[RequestRecord],
    samples: Sequence[MeterSample],
    position: int | None,
    rewards: Rewards,
    now: datetime,
) -> tuple[Entry, ...]:
    """The entries that settle a request for which `requests.settlement_due` holds; none when it is over
    already.

    `beside`: `Books.beside(record)`. `samples`: of its feeder, in `verification.sample_window(record)` (none
    needed when that is None). `position`: of its service point in the samples; None when the network has no
    such point. First RequestSettled; then LedgerPosted when there is a credit; last RequestMoved when its
    life goes on to `settled`.
    """
    if record.is_over:
        return ()
    assert not record.is_open, f"{record.request} is settled while it is {record.state}"
    verified = None
    if record.active_at is not None and position is not None:
        verified = verify(
            record, beside, samples, position, rewards.interval_s, baseline_holds_s=rewards.baseline_holds_s
        )
    proven = verified is not None and 0.0 < verified.measured_share >= rewards.min_measured_share
    energy_wh = ledger.whole_wh(verified.reduced_kwh) if verified is not None and proven else 0
    posted = ledger.credit(
        at=now,
        feeder=record.planned.feeder,
        request=record.request,
        customer=record.planned.customer,
        energy_wh=energy_wh,
        rewards=rewards,
    )
    told: list[Entry] = [
        _settled(record, verified=verified, proven=proven, energy_wh=energy_wh, rewards=rewards, now=now)
    ]
    if posted is not None:
        told.append(posted)
    if record.state == "ended" or (record.state == "overridden" and record.active_at is not None):
        after = next_state(record.state, "settled", record.resource)
        told.append(RequestMoved(at=now, request=record.request, state=after, reason="settled"))
    return tuple(told)


def _settled(
    record: RequestRecord,
    *,
    verified: Verified | None,
    proven: bool,
    energy_wh: int,
    rewards: Rewards,
    now: datetime,
) -> RequestSettled:
    points = ledger.earned(energy_wh, rewards.points_per_kwh)
    minor_units = ledger.earned(energy_wh, rewards.minor_units_per_kwh)
    return RequestSettled(
        at=now,
        request=record.request,
        asked_kwh=0.0 if verified is None else round(verified.asked_kwh, 6),
        reduced_kwh=energy_wh / 1000.0,
        intervals=0 if verified is None else len(verified.intervals),
        intervals_measured=0 if verified is None else verified.intervals_measured(rewards.min_measured_share),
        compliance_percent=round(verified.compliance_percent, 1) if verified is not None and proven else 0.0,
        points=points,
        minor_units=minor_units,
        outcome=(
            "refused_or_silent"
            if record.active_at is None
            else "too_little_data"
            if not proven
            else "credited"
            if points or minor_units
            else "nothing_shown"
        ),
    )
