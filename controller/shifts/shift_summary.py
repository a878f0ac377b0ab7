"""What happened in a shift, told from the journal's entries of its span. Pure: entries in, a summary out.

It is what an operator would otherwise copy out of the journal by hand before going home. Bounded whatever
comes: of each list the latest `MOST_LISTED`, with how many there were in all; counts count everything. An
entry that no rule here names adds to the number of entries and to nothing else.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from controller import entries as e
from controller.alarms.kinds import PRIORITIES, RANK, Priority
from controller.shifts.shift_told import (
    ActTold,
    AlarmsTold,
    DataTold,
    EventTold,
    PeopleTold,
    ShiftSummary,
    SilentTold,
)

MOST_LISTED = 100
_KNOWN_TARGETS = 20_000
"""requests whose targets are remembered, so that one that does not answer can be named"""
_AUTOMATIC = ("automatic_off", "automatic_on")
_NAMED_TARGETS = 3
_BY_REQUEST_STATE = ("refused", "unanswered", "failed", "overridden")


@dataclass(slots=True)
class _Event:
    feeder: str
    element: str | None = None
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    peak_percent: float | None = None
    requests: int = 0
    short: bool = False


@dataclass(slots=True)
class _Alarm:
    count: int
    last_at: datetime
    last_feeder: str | None


@dataclass(slots=True)
class SummaryFold:
    """Takes entries in their order; `summary` may be asked at any time."""

    complete: bool = True
    _from: datetime | None = None
    _until: datetime | None = None
    _counts: Counter[str] = field(default_factory=Counter)
    _refused: Counter[str] = field(default_factory=Counter)
    _events: dict[str, _Event] = field(default_factory=dict)
    _alarms: dict[tuple[str, Priority], _Alarm] = field(default_factory=dict)
    _automatic: list[ActTold] = field(default_factory=list)
    _acts: list[ActTold] = field(default_factory=list)
    _targets: dict[str, tuple[str, str]] = field(default_factory=dict)
    _silent: dict[str, SilentTold] = field(default_factory=dict)
    _data: dict[tuple[str, str, int], DataTold] = field(default_factory=dict)
    _standing: dict[tuple[str, str], int] = field(default_factory=dict)
    """(feeder, kind) → the number of its spell"""
    _reduced_kwh: float = 0.0
    _corrected_kwh: float = 0.0

    def take(self, entry: e.Entry) -> None:  # noqa: C901, PLR0912  one branch per word that is told
        """One more."""
        self._from = self._from or entry.at
        self._until = entry.at
        self._counts["entries"] += 1
        match entry:
            case e.EventOpened() | e.EventShort() | e.EventClosed():
                self._of_event(entry)
            case e.RequestPlanned():
                self._planned(entry)
            case e.RequestMoved():
                self._moved(entry)
            case e.RequestSettled():
                self._reduced_kwh += entry.reduced_kwh
                self._counts["points"] += entry.points
                self._counts["minor_units"] += entry.minor_units
            case e.SettlementCorrected():
                self._corrected(entry)
            case e.DataAlarm():
                self._data_alarm(entry)
            case e.AlarmRaised():
                self._alarm(entry)
            case e.AlarmShelved():
                self._counts["shelved"] += 1
            case e.EmergencyStopped():
                self._stopped(entry)
            case e.ReadingsRefused():
                self._refused[entry.reason] += entry.count
            case e.OperatorActed():
                self._operated(entry)
            case e.NoticeDelivered():
                self._counts["not_reached"] += entry.result != "taken"
            case e.NoticeAnswered():
                self._counts[entry.answer] += 1
            case e.ConsentWithdrawn():
                self._counts["want_no_more"] += 1
            case e.DisputeOpened():
                self._counts["disputes_opened"] += 1
            case e.DisputeClosed():
                self._counts["disputes_closed"] += 1
            case e.ControllerStarted():
                self._counts["restarts"] += 1
            case _:
                pass

    def summary(self) -> ShiftSummary:
        """All that was taken until now."""
        counts = self._counts
        return ShiftSummary(
            from_at=self._from,
            until_at=self._until,
            entries=counts["entries"],
            complete=self.complete,
            events=tuple(_event(event, known) for event, known in self._events.items()),
            events_total=counts["events"],
            requests_planned=counts["planned"],
            requests_by_end={state: counts[state] for state in _BY_REQUEST_STATE},
            reduced_kwh=round(self._reduced_kwh, 3),
            points=counts["points"],
            minor_units=counts["minor_units"],
            corrections=counts["corrections"],
            corrected_kwh=round(self._corrected_kwh, 3),
            corrected_points=counts["corrected_points"],
            corrected_minor_units=counts["corrected_minor_units"],
            alarms_by_priority=self._by_priority(),
            alarms=self._alarms_told(),
            alarms_shelved=counts["shelved"],
            automatic=tuple(self._automatic),
            acts=tuple(self._acts),
            acts_total=counts["acts"],
            silent=tuple(sorted(self._silent.values(), key=lambda one: (-one.times, one.device)))[
                :MOST_LISTED
            ],
            silent_total=counts["silent"],
            data=tuple(self._data.values()),
            data_total=counts["spells"],
            readings_refused=dict(self._refused.most_common(MOST_LISTED)),
            people=PeopleTold(
                asked=counts["asked"],
                not_reached=counts["not_reached"],
                said_yes=counts["opted_in"],
                said_no=counts["opted_out"],
                want_no_more=counts["want_no_more"],
            ),
            disputes_opened=counts["disputes_opened"],
            disputes_closed=counts["disputes_closed"],
            restarts=counts["restarts"],
        )

    def _of_event(self, entry: e.EventOpened | e.EventShort | e.EventClosed) -> None:
        known = self._event(entry.event, entry.feeder)
        match entry:
            case e.EventOpened():
                known.element, known.opened_at = entry.element, entry.at
            case e.EventShort():
                known.element, known.short = known.element or entry.element, True
            case e.EventClosed():
                known.closed_at, known.peak_percent = entry.at, entry.peak_percent

    def _corrected(self, entry: e.SettlementCorrected) -> None:
        """Of a settlement of whichever shift: what it adds here, or takes away."""
        self._counts["corrections"] += 1
        self._corrected_kwh += entry.reduced_kwh - entry.reduced_kwh_before
        self._counts["corrected_points"] += entry.points - entry.points_before
        self._counts["corrected_minor_units"] += entry.minor_units - entry.minor_units_before

    def _planned(self, entry: e.RequestPlanned) -> None:
        self._counts["planned"] += 1
        self._counts["asked"] += entry.resource == "person"
        known = self._events.get(entry.event)
        if known is not None:
            known.requests += 1
        if entry.resource == "device":
            self._targets[entry.request] = (entry.feeder, entry.target)
            _keep_latest(self._targets, _KNOWN_TARGETS)

    def _moved(self, entry: e.RequestMoved) -> None:
        if entry.state in _BY_REQUEST_STATE:
            self._counts[entry.state] += 1
        if entry.state != "unanswered":
            return
        feeder, device = self._targets.get(entry.request, (None, entry.request))
        before = self._silent.get(device)
        self._counts["silent"] += before is None
        self._silent[device] = SilentTold(device, feeder, 1 if before is None else before.times + 1, entry.at)
        _keep_latest(self._silent, 10 * MOST_LISTED)

    def _data_alarm(self, entry: e.DataAlarm) -> None:
        """A spell begins, has more to tell, or is over."""
        place = (entry.feeder, entry.kind)
        number = self._standing.pop(place, None)
        if number is None:
            self._counts["spells"] += 1
            number = self._counts["spells"]
        before = self._data.get((*place, number))
        raised_at = before.raised_at if before is not None else (entry.at if entry.raised else None)
        ended_at = None if entry.raised else entry.at
        self._data[*place, number] = DataTold(entry.feeder, entry.kind, raised_at, ended_at, entry.text)
        if entry.raised:
            self._standing[place] = number
        _keep_latest(self._data, MOST_LISTED)

    def _operated(self, entry: e.OperatorActed) -> None:
        target = entry.target or ", ".join(entry.targets[:_NAMED_TARGETS]) or None
        act = ActTold(entry.at, entry.who, entry.action, entry.feeder, target, entry.why)
        if entry.action in _AUTOMATIC:
            self._automatic.append(act)
            del self._automatic[:-MOST_LISTED]
            return
        self._counts["acts"] += 1
        self._acts.append(act)
        del self._acts[:-MOST_LISTED]

    def _stopped(self, entry: e.EmergencyStopped) -> None:
        feeders = ", ".join(entry.feeders[:_NAMED_TARGETS])
        more = f" (+{len(entry.feeders) - _NAMED_TARGETS})" if len(entry.feeders) > _NAMED_TARGETS else ""
        act = ActTold(entry.at, entry.who, "emergency_stop", feeders + more, None, entry.why)
        self._automatic.append(act)
        del self._automatic[:-MOST_LISTED]

    def _event(self, event: str, feeder: str) -> _Event:
        known = self._events.get(event)
        if known is None:
            self._counts["events"] += 1
            known = self._events[event] = _Event(feeder)
            _keep_latest(self._events, MOST_LISTED)
        return known

    def _alarm(self, entry: e.AlarmRaised) -> None:
        known = self._alarms.get((entry.kind, entry.priority))
        count = 1 if known is None else known.count + 1
        self._alarms[entry.kind, entry.priority] = _Alarm(count, entry.at, entry.feeder)

    def _by_priority(self) -> dict[str, int]:
        counted = Counter[str]()
        for (_, priority), known in self._alarms.items():
            counted[priority] += known.count
        return {priority: counted[priority] for priority in PRIORITIES}

    def _silent_told(self) -> tuple[SilentTold, ...]:
        return tuple(sorted(self._silent.values(), key=lambda one: (-one.times, one.device))[:MOST_LISTED])

    def _alarms_told(self) -> tuple[AlarmsTold, ...]:
        told = sorted(self._alarms.items(), key=lambda one: (RANK[one[0][1]], -one[1].count))
        return tuple(
            AlarmsTold(kind, priority, known.count, known.last_at, known.last_feeder)
            for (kind, priority), known in told[:MOST_LISTED]
        )


def _event(event: str, known: _Event) -> EventTold:
    return EventTold(
        event,
        known.feeder,
        known.element,
        known.opened_at,
        known.closed_at,
        known.peak_percent,
        known.requests,
        known.short,
    )


def _keep_latest(kept: dict[Any, Any], most: int) -> None:
    while len(kept) > most:
        del kept[next(iter(kept))]
