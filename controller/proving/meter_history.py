"""What the meters showed on the days before, for published baselines: step [7]. Blocks; runs in a thread.

Reads an hour of samples at a time, makes means of quarters of an hour of them and keeps these, so that an
hour is read once. Knows no rule.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from controller.proving.holiday_calendar import holidays_of
from controller.proving.meter_readings import MeterReadings
from controller.proving.settlement_baseline import MeterHistories, QuarterMeans, joined, quarter_means
from controller.stores.port import FeederSample, LateReading

SamplesOf = Callable[[str, datetime, datetime], Sequence[FeederSample]]
"""(feeder, start, end) → samples with start <= at < end, however old"""
LateOf = Callable[[str, datetime, datetime], Sequence[LateReading]]
"""the same of late readings, whatever their source"""
_HOUR = timedelta(hours=1)
_KEPT = timedelta(days=1)
"""hours older than anybody wants are dropped"""


class MeterHistory:
    """All feeders' hours."""

    def __init__(
        self, samples: SamplesOf, *, min_share: float, zone: tzinfo, holidays: str | None = None
    ) -> None:
        """`min_share`: of a quarter's samples that must show a meter. `holidays`: a calendar's name."""
        self._samples, self._min_share = samples, min_share
        self._zone, self._holidays = zone, holidays
        self._hours: dict[tuple[str, datetime], QuarterMeans] = {}

    def missing(self, feeder: str, since: datetime, now: datetime) -> tuple[datetime, ...]:
        """Begins of whole hours of the time since then that were not read yet, oldest first."""
        return tuple(hour for hour in _hours(since, now) if (feeder, hour) not in self._hours)

    def read(self, feeder: str, width: int, hour: datetime) -> None:
        """Read one whole hour. Raises StoreUnavailable."""
        self._hours[feeder, hour] = self._means(feeder, width, hour, hour + _HOUR)

    def of(self, feeder: str, width: int, since: datetime, now: datetime) -> MeterHistories:
        """All that is known of the time since then; reads what is missing, and the present hour each time.

        `width`: of the network as it is; samples of another are of other service points.
        """
        for hour in self.missing(feeder, since, now):
            self.read(feeder, width, hour)
        for old in [key for key in self._hours if key[0] == feeder and key[1] < since - _KEPT]:
            del self._hours[old]
        parts = [self._hours[feeder, hour] for hour in _hours(since, now)]
        means = joined([*parts, self._means(feeder, width, _hour_of(now), now)])
        years = range(since.year, now.year + 2)
        holidays = frozenset() if self._holidays is None else holidays_of(self._holidays, years)
        return MeterHistories(means, self._zone, holidays)

    def _means(self, feeder: str, width: int, begin: datetime, end: datetime) -> QuarterMeans:
        samples = [s for s in self._samples(feeder, begin, end) if len(s.p_kw) == width]
        return quarter_means(MeterReadings.of(samples), self._min_share)


def _hour_of(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _hours(since: datetime, now: datetime) -> tuple[datetime, ...]:
    """Begins of the whole hours (UTC) from that of `since` until the one before now."""
    first = _hour_of(since)
    return tuple(first + n * _HOUR for n in range((_hour_of(now) - first) // _HOUR))
