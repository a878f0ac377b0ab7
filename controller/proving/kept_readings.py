"""What the meters showed, however old: from the store, and from the history where the store has let go of it.
Steps [7, 8]; blocks, and reads in the thread in which it is asked.

A day of the history is a file, and is asked for by the hour: the day that was read last is kept until its
last hour was asked for. So one of these is for one thread. Its columns are found by the names that service
points have now; what the network did not have then shows nothing.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import numpy as np
import structlog
from numpy.typing import NDArray

from controller.stores.history import History
from controller.stores.port import FeederSample, LateReading, Record

if TYPE_CHECKING:
    import pandas as pd

_DAY = timedelta(days=1)
_OF_METER, _OF_OTHERS = "p_kw:", "p_kw:#"
Day = tuple[tuple[datetime, ...], NDArray[np.float32]]
"""times, ascending, and (n, n_sp) powers"""
log = structlog.get_logger()


class KeptReadings:
    """Of one site, for one thread."""

    def __init__(self, store: Record, history: History, names: Mapping[str, Sequence[str]]) -> None:
        """`names`: feeder → its service points, in the order of the network."""
        self._store, self._history, self._names = store, history, names
        self._read: tuple[str, date, Day] | None = None

    def samples(self, feeder: str, start: datetime, end: datetime) -> Sequence[FeederSample]:
        """start <= at < end, in order of time. Raises StoreUnavailable, and HistoryUnreadable."""
        stored = self._store.samples(feeder, start, end)
        known = {sample.at for sample in stored}
        past = [one for day in _days(start, end) for one in self._of_day(feeder, day, start, end)]
        missing = [one for one in past if one.at not in known]
        return sorted([*missing, *stored], key=lambda one: one.at) if missing else stored

    def readable(self, feeder: str, start: datetime, end: datetime) -> Sequence[FeederSample]:
        """As `samples`; of a day whose file is damaged only what the store has, and the log tells it."""
        try:
            return self.samples(feeder, start, end)
        except OSError as error:
            log.error("history_not_read", feeder=feeder, reason=str(error))
            return self._store.samples(feeder, start, end)

    def late(self, feeder: str, start: datetime, end: datetime) -> Sequence[LateReading]:
        """Late readings of any source, start <= at < end. Raises as `samples`."""
        stored = self._store.late(feeder, start, end)
        known = {(one.meter, one.at, one.source) for one in stored}
        past = [one for day in _days(start, end) for one in self._history.late(feeder, day)]
        more = [o for o in past if start <= o.at < end and (o.meter, o.at, o.source) not in known]
        return [*more, *stored]

    def _of_day(self, feeder: str, day: date, start: datetime, end: datetime) -> Iterator[FeederSample]:
        if not self._history.file(feeder, day).exists():
            return
        times, p_kw = self._day(feeder, day, whole=end >= _midnight(day + _DAY))
        for place in range(bisect_left(times, start), bisect_left(times, end)):
            yield FeederSample(feeder, times[place], p_kw[place], None, None, None, 0.0)

    def _day(self, feeder: str, day: date, *, whole: bool) -> Day:
        """`whole`: nobody asks for more of it."""
        if self._read is not None and self._read[:2] == (feeder, day):
            found = self._read[2]
        else:
            table = self._history.read(feeder, day)
            found = (
                ((), np.zeros((0, 0), np.float32)) if table is None else _day_of(table, self._names[feeder])
            )
        self._read = None if whole else (feeder, day, found)
        return found


def _day_of(table: "pd.DataFrame", names: Sequence[str]) -> Day:
    """Without the rows of another network."""
    others = [name for name in table.columns if name.startswith(_OF_OTHERS)]
    ours = table[~table[others].notna().any(axis=1)] if others else table
    times = tuple(at.to_pydatetime().astimezone(UTC) for at in ours["at"])
    p_kw = np.full((len(ours), len(names)), np.nan, dtype=np.float32)
    for place, name in enumerate(names):
        if _OF_METER + name in ours.columns:
            p_kw[:, place] = ours[_OF_METER + name].to_numpy()
    return times, p_kw


def _days(start: datetime, end: datetime) -> Iterator[date]:
    """The UTC days that [start, end) touches."""
    day = start.astimezone(UTC).date()
    while _midnight(day) < end:
        yield day
        day += _DAY


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
