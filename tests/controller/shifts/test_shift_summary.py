"""What of a shift is told, from entries alone."""

from datetime import datetime
from typing import Any

from controller import entries as e
from controller.shifts.shift_summary import MOST_LISTED, SummaryFold
from controller.shifts.shift_told import DataTold, EventTold, ShiftSummary
from tests.controller.record_builders import EVENT, T0, after, closed, moved, opened, planned


def told(*entries: e.Entry) -> ShiftSummary:
    fold = SummaryFold()
    for entry in entries:
        fold.take(entry)
    return fold.summary()


def alarm(kind: str, at: datetime, raised: bool = True, feeder: str = "dorf") -> e.DataAlarm:
    return e.DataAlarm(at=at, feeder=feeder, kind=kind, raised=raised, text=f"{kind} {raised}")


def acted(action: e.OperatorAction, target: str | None = None) -> e.OperatorActed:
    return e.OperatorActed(at=T0, who="mara", why="works", action=action, feeder="dorf", target=target)


def settled(points: int, kwh: float) -> e.RequestSettled:
    return e.RequestSettled(
        at=T0,
        request="R",
        asked_kwh=2.0,
        reduced_kwh=kwh,
        intervals=1,
        intervals_measured=1,
        compliance_percent=50.0,
        points=points,
        minor_units=3,
        outcome="credited",
    )


def test_nothing_happened() -> None:
    summary = told()
    assert (summary.entries, summary.from_at, summary.events, summary.complete) == (0, None, (), True)
    assert summary.alarms_by_priority == {"critical": 0, "high": 0, "medium": 0, "low": 0}


def test_an_event_with_its_requests() -> None:
    short = e.EventShort(at=after(60), event=EVENT, feeder="dorf", element="line:3", value=110.0, limit=100.0)
    person = planned(3, resource="person", target="C-003", kind="person")
    summary = told(opened(), planned(1), planned(2), person, short, closed(at=after(900)), settled(7, 1.25))
    assert summary.events == (EventTold(EVENT, "dorf", "line:3", T0, after(900), 127.4, 3, short=True),)
    assert (summary.requests_planned, summary.people.asked, summary.reduced_kwh) == (3, 1, 1.25)
    assert (summary.points, summary.minor_units, summary.events_total) == (7, 3, 1)
    assert summary.events[0].short


def corrected(points: int, kwh: float, version: int = 1) -> e.SettlementCorrected:
    return e.SettlementCorrected(
        at=T0,
        request="R",
        feeder="dorf",
        customer="C1",
        version=version,
        cause="late_readings",
        dispute=None,
        asked_kwh=2.0,
        reduced_kwh=kwh,
        intervals=1,
        intervals_measured=1,
        compliance_percent=50.0,
        points=points,
        minor_units=2,
        outcome="credited",
        reduced_kwh_before=1.25,
        points_before=7,
        minor_units_before=3,
    )


def test_corrections_are_told_beside_what_was_settled() -> None:
    summary = told(settled(7, 1.25), corrected(9, 1.5), corrected(4, 0.5, version=2))
    assert (summary.reduced_kwh, summary.points, summary.minor_units) == (1.25, 7, 3)
    assert (summary.corrections, summary.corrected_kwh) == (2, -0.5)
    assert (summary.corrected_points, summary.corrected_minor_units) == (-1, -2)
    assert told(settled(7, 1.25)).corrections == 0


def test_an_event_of_the_shift_before_has_no_begin() -> None:
    (event,) = told(closed()).events
    assert (event.opened_at, event.closed_at, event.requests) == (None, T0, 0)


def test_devices_that_do_not_answer_are_named_the_worst_first() -> None:
    one, two = planned(1).request, planned(2).request
    summary = told(
        planned(1),
        planned(2),
        moved(two, "unanswered", T0),
        moved(one, "unanswered", T0),
        moved(two, "unanswered", after(5)),
        moved("E-long-ago-R1", "unanswered", after(6)),
        moved(one, "refused", T0),
    )
    assert [(s.device, s.feeder, s.times) for s in summary.silent] == [
        ("ev-002", "dorf", 2),
        ("E-long-ago-R1", None, 1),
        ("ev-001", "dorf", 1),
    ]
    assert summary.requests_by_end == {"refused": 1, "unanswered": 4, "failed": 0, "overridden": 0}
    assert summary.silent_total == 3


def test_spells_of_bad_data() -> None:
    summary = told(
        alarm("substation_silent", T0),
        alarm("wrong_meter", after(10)),
        alarm("substation_silent", after(60), raised=False),
        alarm("diverged", after(70), raised=False),
        alarm("substation_silent", after(80)),
        alarm("substation_silent", after(90)),
    )
    assert [(d.kind, d.raised_at, d.ended_at) for d in summary.data] == [
        ("substation_silent", T0, after(60)),
        ("wrong_meter", after(10), None),
        ("diverged", None, after(70)),
        ("substation_silent", after(80), None),
    ]
    assert summary.data[-1] == DataTold(
        "dorf", "substation_silent", after(80), None, "substation_silent True"
    )


def test_alarms_by_priority_the_most_urgent_first() -> None:
    def raised(kind: str, priority: Any, feeder: str | None = "dorf") -> e.AlarmRaised:
        return e.AlarmRaised(
            at=T0, alarm=f"{kind}/{feeder}", kind=kind, feeder=feeder, subject="", priority=priority, text="x"
        )

    shelved = e.AlarmShelved(
        at=T0, alarm="a", kind="overload", feeder="dorf", subject="", until=after(60), who="mara", why="works"
    )
    summary = told(
        raised("overload", "low"),
        raised("event_short", "high"),
        raised("overload", "low", "stadt"),
        raised("link_down", "medium", None),
        raised("overload", "medium"),
        shelved,
    )
    assert [(a.kind, a.priority, a.count, a.last_feeder) for a in summary.alarms] == [
        ("event_short", "high", 1, "dorf"),
        ("link_down", "medium", 1, None),
        ("overload", "medium", 1, "dorf"),
        ("overload", "low", 2, "stadt"),
    ]
    assert summary.alarms_by_priority == {"critical": 0, "high": 1, "medium": 2, "low": 2}
    assert summary.alarms_shelved == 1


def test_what_operators_did() -> None:
    stopped = e.EmergencyStopped(
        at=T0, stop="S1", who="jo", why="smoke", manner="at_once", feeders=("a", "b", "c", "d")
    )
    summary = told(acted("automatic_off"), acted("exclude", "C-001"), acted("automatic_on"), stopped)
    assert [(one.action, one.feeder) for one in summary.automatic] == [
        ("automatic_off", "dorf"),
        ("automatic_on", "dorf"),
        ("emergency_stop", "a, b, c (+1)"),
    ]
    assert [(one.action, one.target, one.who, one.why) for one in summary.acts] == [
        ("exclude", "C-001", "mara", "works")
    ]


def test_people_readings_disputes_and_restarts_are_counted() -> None:
    def noticed(result: str) -> e.NoticeDelivered:
        return e.NoticeDelivered(at=T0, request="R", kind="notice", sequence=1, channel="sms", result=result)

    summary = told(
        noticed("taken"),
        noticed("unreachable"),
        noticed("no_address"),
        e.NoticeAnswered(at=T0, request="R", answer="opted_out", via="link"),
        e.ConsentWithdrawn(at=T0, customer="C", via="sms"),
        e.ReadingsRefused(at=T0, feeder="dorf", reason="stale", count=4, sample="M1"),
        e.ReadingsRefused(at=T0, feeder=None, reason="stale", count=1, sample="M1"),
        e.DisputeOpened(at=T0, dispute="D1", request="R", reason="other", who="office"),
        e.ControllerStarted(at=T0, epoch=2, version="0", feeders=("dorf",)),
    )
    people = summary.people
    assert (people.not_reached, people.said_no, people.said_yes, people.want_no_more) == (2, 1, 0, 1)
    assert summary.readings_refused == {"stale": 5}
    assert (summary.disputes_opened, summary.disputes_closed, summary.restarts) == (1, 0, 1)


def test_however_long_the_shift_lists_are_bounded_and_counts_are_not() -> None:
    many = 3 * MOST_LISTED
    entries: list[e.Entry] = []
    for number in range(many):
        entries += [
            opened(f"E{number}"),
            acted("exclude", f"C{number}"),
            alarm("diverged", T0, feeder=f"F{number}"),
        ]
    summary = told(*entries)
    assert len(summary.events) == len(summary.acts) == len(summary.data) == MOST_LISTED
    assert (summary.events_total, summary.acts_total, summary.data_total) == (many, many, many)
    assert summary.events[-1].event == f"E{many - 1}"
