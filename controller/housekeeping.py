"""What is forgotten and when: samples leave the store after `keep_samples_days`, and the history of readings
after `keep_history_days`. Before a sample is forgotten it is in the history. Part of the shell: blocks on the
disk, in steps that are short.

Whole UTC days are moved, one day of one feeder at a time. What cannot be written to the history is not
forgotten: the store then grows until it can.

A clock that is wrong by years must not cost the history. Time counts here as it goes on from what is known:
at the first step from the newest readings that are there, and then by at most `_FASTEST` from turn to turn.
The daemon takes a turn an hour: after a long pause the samples stay some days longer, and a clock that is
ahead makes it forget twice as fast as it should for as long as it is wrong, and no more.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

from controller import settings
from controller.stores.history import History
from controller.stores.port import FeederSample, Store

_DAY = timedelta(days=1)
_AT_ONCE = timedelta(hours=1)
"""of samples that are read in one turn, so that a commit does not wait for a whole day"""
_DAYS_AT_ONCE = 30
"""without samples that are looked at in one step"""
_FASTEST = timedelta(hours=2)
"""by which time goes on from one turn to the next"""


class Housekeeping:
    """Of one site. Calls take turns: one thread at a time."""

    def __init__(
        self,
        store: Store,
        kept: settings.Store,
        service_points: Mapping[str, Sequence[str]],
        history: History | None,
    ) -> None:
        """`service_points`: feeder → their names. Without a history samples are forgotten, and that is it."""
        self._store, self._service_points, self._history = store, service_points, history
        self._keep_samples = timedelta(days=kept.keep_samples_days)
        self._keep_history = timedelta(days=kept.keep_history_days)
        self._next: dict[str, date] = {}
        """feeder → the first day that is not known to be in the history"""
        self._pruned_before: datetime | None = None
        self._now: datetime | None = None
        """the time that counts, of this turn or the last"""
        self._under_way = False
        """a turn has begun and is not over"""

    def step(self, now: datetime) -> bool:
        """Do one piece of what is due; whether there is more. Raises StoreUnavailable and OSError."""
        if self._now is None or not self._under_way:
            self._now, self._under_way = self._believed(now), True
        self._under_way = self._one_piece(self._now)
        return self._under_way

    def _believed(self, now: datetime) -> datetime:
        if self._now is not None:
            return min(now, self._now + _FASTEST)
        newest = [self._store.last_sample_at(feeder) for feeder in self._service_points]
        if self._history is not None:
            days = (self._history.days(feeder) for feeder in self._service_points)
            newest += [_midnight(filed[-1]) for filed in days if filed]
        return min(now, max((at for at in newest if at is not None), default=now) + _DAY)

    def _one_piece(self, now: datetime) -> bool:
        before = now - self._keep_samples
        if self._history is not None:
            before = _midnight(before.date())
            oldest = (now - self._keep_history).date()
            for feeder in self._service_points:
                if self._move_a_day(self._history, feeder, oldest, before.date()):
                    return True
            self._history.prune(oldest)
        if before != self._pruned_before:  # it reads the whole table: with a history once a day is enough
            self._store.prune_samples(before)
            self._pruned_before = before
        return False

    def _move_a_day(self, history: History, feeder: str, oldest: date, before: date) -> bool:
        """Write the first day of a feeder that has samples and is due; whether there may be more."""
        day = max(self._next.get(feeder, oldest), oldest)
        end = min(before, day + _DAYS_AT_ONCE * _DAY)
        while day < end:
            samples = self._samples(feeder, day)
            late = self._store.late(feeder, _midnight(day), _midnight(day + _DAY))
            if late:
                history.write_late(feeder, day, late)
            if samples:
                history.write(feeder, day, samples, self._service_points[feeder])
            day += _DAY
            self._next[feeder] = day
            if samples:
                return True
        return day < before

    def _samples(self, feeder: str, day: date) -> tuple[FeederSample, ...]:
        start, end = _midnight(day), _midnight(day + _DAY)
        found: list[FeederSample] = []
        while start < end:
            found += self._store.samples(feeder, start, start + _AT_ONCE)
            start += _AT_ONCE
        return tuple(found)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
