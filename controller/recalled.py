"""What the console is shown of the time before the daemon's start: the trend, from the samples in the store.

A page that comes back after a restart misses no point, as far back as the trend reaches. Blocks: for a
thread.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from controller.live import TREND_POINTS
from controller.stores.port import Record
from controller.views import TrendPoint

MOST_SAMPLES = 100_000
"""of all feeders: nobody is in control while they are read, a second or so on a slow disk"""


def recalled_trend(
    record: Record, feeders: Sequence[str], now: datetime, period_s: float
) -> dict[str, tuple[TrendPoint, ...]]:
    """By feeder the trend up to `now`, oldest first: as many points as are shown, and `MOST_SAMPLES` in all.
    Raises StoreUnavailable.
    """
    each = min(TREND_POINTS, MOST_SAMPLES // max(len(feeders), 1))
    start = now - timedelta(seconds=each * period_s)
    return {feeder: _trend(record, feeder, start, now) for feeder in feeders}


def _trend(record: Record, feeder: str, start: datetime, end: datetime) -> tuple[TrendPoint, ...]:
    return tuple(
        TrendPoint(
            at=sample.at,
            transformer_loading_percent=sample.transformer_loading_percent,
            max_line_loading_percent=sample.max_line_loading_percent,
            without_control_percent=sample.without_control_percent,
            curtailed_kw=sample.curtailed_kw,
        )
        for sample in record.samples(feeder, start, end)
    )
