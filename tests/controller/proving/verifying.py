"""One meter's samples verified, for tests."""

import math
from collections.abc import Iterable

from controller.proving.meter_readings import MeterReadings
from controller.proving.verification import Steps, Verified, sample_window, verify_series
from controller.requests import RequestRecord
from controller.stores.port import LateReading
from tests.controller.record_builders import T0, Sample


def verified(
    record: RequestRecord,
    shown: list[Sample],
    beside: tuple[RequestRecord, ...] = (),
    *,
    late: Iterable[LateReading] = (),
    baseline_holds_s: float = math.inf,
    sun: Steps | None = None,
    baseline: Steps | None = None,
) -> Verified:
    """What the samples' first meter, which is called M1, proves in intervals of 15 minutes."""
    readings = MeterReadings.of(shown, late, {"M1": 0})
    series = readings.series(0, sample_window(record) or (T0, T0))
    return verify_series(
        record, beside, series, 900.0, baseline=baseline, baseline_holds_s=baseline_holds_s, sun=sun
    )


def reduced_kwh(told: Verified) -> float:
    """The sum over all intervals."""
    return sum(interval.reduced_kwh for interval in told.intervals)
