"""Reads what a recalculation needs and calculates: the journal, samples, late readings, the days before. Step
[8]; blocks, and runs in a thread of its own, because a long journal is read from its first entry.

Decides nothing and writes nothing: `settlement_desk` does.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from controller import settings
from controller.baselines.rules import Programme
from controller.bounds import feeds_in
from controller.entries import RequestPlanned
from controller.feeder_control import FeederControl
from controller.proving.kept_readings import KeptReadings
from controller.proving.meter_readings import MeterReadings, MeterSeries
from controller.proving.past_requests import PastRequests, past_requests, plan_of
from controller.proving.recalculation import rewards_of
from controller.proving.settlement import Assessed, RuleBaseline, assess
from controller.proving.settlement_baseline import history_from, ready_at, rule_baseline, told_baseline
from controller.proving.settlement_terms import TermsOf, counting
from controller.proving.settling import (
    asked_of,
    event_from,
    groups_of,
    history_of,
    imported_in,
    measured_in,
    not_asked,
)
from controller.proving.verification import sample_window
from controller.requests import RequestRecord
from controller.settings import Rewards
from controller.stores.port import IMPORTED, LateReading, Store


@dataclass(frozen=True, slots=True)
class Anew:
    """One settled request, calculated anew."""

    record: RequestRecord
    found: Assessed
    rewards: Rewards


@dataclass(frozen=True, slots=True)
class LateAnew:
    """What late readings lead to."""

    anew: tuple[Anew, ...]
    decided: tuple[str, ...]
    """requests that a dispute has settled: late readings change these no more"""
    not_kept: tuple[str, ...]
    """requests from before the samples that are kept begin: they stay as they are"""


class Recalculator:
    """Of one site."""

    def __init__(
        self,
        site: settings.Site,
        controls: Mapping[str, FeederControl],
        store: Store,
        terms: TermsOf,
        past: KeptReadings | None = None,
    ) -> None:
        """`terms`: as for `settling.Settling`. `past`: of days that the store does not keep any more."""
        self._controls, self._store, self._terms = controls, store, terms
        self._samples = store.samples if past is None else past.samples
        self._late = store.late if past is None else past.late
        self._history = history_of(site, self._samples)
        self.kept = timedelta(days=site.store.keep_samples_days)
        """so far back the store has samples"""
        self._known = (
            self.kept if past is None else max(self.kept, timedelta(days=site.store.keep_history_days))
        )

    def plan(self, request: str) -> RequestPlanned | None:
        """How a request was planned, from the journal."""
        return plan_of(self._store.replay(), request)

    def rewards(self, record: RequestRecord) -> Rewards:
        """The rates and rules that a request was settled by."""
        return rewards_of(record, self._terms(record.planned.programme).rewards)

    def past(self, feeder: str, points: Iterable[str]) -> PastRequests:
        """What the journal tells of a feeder's service points."""
        return past_requests(self._store.replay(), feeder, frozenset(points))

    def known_late(self, readings: Sequence[LateReading]) -> dict[tuple[str, datetime], float]:
        """(meter, time) → power of the imported readings in the time of these, all of one feeder."""
        start, end = min(one.at for one in readings), max(one.at for one in readings)
        known = self._store.late(readings[0].feeder, start, end + timedelta(microseconds=1))
        return {(one.meter, one.at): one.p_kw for one in known if one.source == IMPORTED}

    def evidence(self, record: RequestRecord, dispute: str) -> list[LateReading]:
        """The readings that are kept for a dispute of a request that came into force."""
        window = sample_window(record)
        assert window is not None, f"{record.request} was never active"
        return [one for one in self._late(record.planned.feeder, *window) if one.source == dispute]

    def late(self, feeder: str, readings: Sequence[LateReading], now: datetime) -> LateAnew:
        """All settled requests that late readings of their meters, which are stored already, fall into."""
        control = self._controls[feeder]
        names = control.network.service_points
        at_point: dict[str, list[datetime]] = {}
        for one in readings:
            at_point.setdefault(names[control.meter_position[one.meter]], []).append(one.at)
        spelt = {spelling for spelling, place in control.place.items() if names[place] in at_point}
        past = self.past(feeder, spelt)
        met = [record for record in past.settled if _falls_into(record, control, names, at_point)]
        decided = {r.request for r in met if r.corrected is not None and r.corrected.cause == "dispute"}
        old = {r.request for r in met if not self.is_kept(r, now)} - decided
        due = [record for record in met if record.request not in decided | old]
        return LateAnew(tuple(self._anew(control, past, due)), tuple(decided), tuple(old))

    def is_kept(self, record: RequestRecord, now: datetime) -> bool:
        """Whether the samples of a request are all in the store still."""
        return _begins_after(record, now - self.kept)

    def is_known(self, record: RequestRecord, now: datetime) -> bool:
        """Whether the samples of a request are all in the store or in the history still."""
        return _begins_after(record, now - self._known)

    def with_rule(self, past: PastRequests, record: RequestRecord, rule: Programme, now: datetime) -> Anew:
        """One request with the baseline of a published rule. Raises ValueError as `as_stored`, and where the
        rule looks at hours that are still to come.
        """
        if feeds_in(record):
            raise ValueError(f"{rule.name} is of what is taken; {record.request} is of what is fed in")
        control, position = self._placed(record)
        assert record.ended_at is not None, f"{record.request} has not ended"
        if now < (ready := ready_at(rule, record.ended_at)):
            raise ValueError(
                f"{rule.name} looks at hours after the event: wait until {ready:%Y-%m-%d %H:%M} UTC"
            )
        since = history_from(rule, event_from(past.books, record))
        histories = self._history.of(control.feeder, len(control.network.service_points), since, now)
        others = not_asked(control, rule, past.asked_points[record.planned.event])
        asked = asked_of(control, past.books, record, position, others)
        return self._of(past, record, self._series(record), rule_baseline(record, rule, histories, asked))

    def with_readings(
        self, past: PastRequests, record: RequestRecord, readings: Sequence[LateReading]
    ) -> Anew:
        """One request with other readings in place of all that its meter showed."""
        ordered = {one.at.timestamp(): one.p_kw for one in sorted(readings, key=lambda one: one.at)}
        series = MeterSeries(np.array(list(ordered)), np.array(list(ordered.values())))
        anew = self._of(past, record, series, _baseline(record))
        return replace(anew, found=replace(anew.found, readings=None))  # no stored sample decides it

    def as_stored(self, past: PastRequests, record: RequestRecord) -> Anew:
        """One request by what is stored now. Raises ValueError as `_series`."""
        return self._of(past, record, self._series(record), _baseline(record))

    def _series(self, record: RequestRecord) -> MeterSeries:
        """The meter of a request as it is stored. Raises ValueError where its samples are others than those
        that the request was settled by: late readings may have come, but a sample never changes.
        """
        window = sample_window(record)
        assert window is not None, f"{record.request} was never active"
        control, position = self._placed(record)
        series = self._readings(control, window).series(position, window)
        seen = None if record.settled is None else record.settled.readings
        if seen is not None and seen != series.digest():
            raise ValueError(
                "the samples differ from those that the settlement saw: give readings or a figure"
            )
        return series

    def _readings(self, control: FeederControl, window: tuple[datetime, datetime]) -> MeterReadings:
        samples = measured_in(self._samples, control, window)
        late = imported_in(self._late, control, window)
        return MeterReadings.of(samples, late, control.meter_position)

    def _placed(self, record: RequestRecord) -> tuple[FeederControl, int]:
        """Feeder and position of a request's meter. Raises ValueError where the network has it no more."""
        control = self._controls[record.planned.feeder]
        position = control.place.get(record.planned.service_point)
        if position is None:
            raise ValueError(
                f"{record.planned.service_point} is not in the network of {control.feeder} any more"
            )
        return control, position

    def _anew(
        self, control: FeederControl, past: PastRequests, records: Sequence[RequestRecord]
    ) -> Iterable[Anew]:
        for group in groups_of(records):
            readings = None if group.window is None else self._readings(control, group.window)
            for request in group.requests:
                record = past.books.requests[request]
                window, position = sample_window(record), control.place.get(record.planned.service_point)
                if readings is not None and window is not None and position is not None:
                    yield self._of(past, record, readings.series(position, window), _baseline(record))

    def _of(
        self, past: PastRequests, record: RequestRecord, series: MeterSeries, baseline: RuleBaseline | None
    ) -> Anew:
        rewards = self.rewards(record)
        beside = counting(self._terms, past.books.beside(record))
        counts = self._terms(record.planned.programme).counts(record)
        sun = None if record.settled is None else record.settled.sun
        found = assess(record, beside, series, rewards, baseline, counts=counts, sun=sun)
        return Anew(record, found, rewards)


def _baseline(record: RequestRecord) -> RuleBaseline | None:
    """The published rule's baseline that it was settled by; None for the live meter's."""
    corrected, settled = record.corrected, record.settled
    told = None if corrected is None else corrected.baseline
    told = told or (None if settled is None else settled.baseline)
    return None if told is None else told_baseline(record, told)


def _begins_after(record: RequestRecord, at: datetime) -> bool:
    window = sample_window(record)
    return window is not None and window[0] >= at


def _falls_into(
    record: RequestRecord,
    control: FeederControl,
    names: Sequence[str],
    at_point: Mapping[str, Sequence[datetime]],
) -> bool:
    window, place = sample_window(record), control.place.get(record.planned.service_point)
    if window is None or place is None:
        return False
    return any(window[0] <= at < window[1] for at in at_point.get(names[place], ()))
