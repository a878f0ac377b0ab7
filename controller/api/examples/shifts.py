"""Of the shift log, and of how often alarms came."""

from dataclasses import replace
from datetime import timedelta

from controller.alarms.rates import AlarmRate, BadActor, PriorityShare, RatePoint, RateTarget
from controller.api.examples.example import (
    CLOSED,
    EVENT,
    FEEDER,
    NOW,
    OPENED,
    PATH_EXAMPLES,
    Example,
    Examples,
)
from controller.api.shift_bodies import (
    HAND_OVER_EXAMPLE,
    MatterBody,
    NoteBody,
    PastShiftBody,
    PastShiftsBody,
    ShiftBody,
    ToldShiftBody,
)
from controller.shifts.shift_told import ActTold, AlarmsTold, EventTold, PeopleTold, ShiftSummary

_BEGAN = OPENED.replace(hour=14, minute=0, second=0)
_ENDED = _BEGAN + timedelta(hours=8)
_NOTE = NoteBody(
    note=117,
    shift=41,
    at=NOW,
    who="li.wei",
    text="Cable 3 is being mended until Friday",
    feeder=FEEDER,
    pinned=True,
    done=False,
    marked_by=None,
)
_DONE = replace(_NOTE, done=True, marked_by="li.wei")
_MATTER = MatterBody(
    kind="event",
    feeder=FEEDER,
    what=EVENT,
    since=OPENED,
    until=None,
    who=None,
    why=None,
    priority=None,
)
_PAST = PastShiftBody(
    shift=41,
    who="li.wei",
    began_at=_BEGAN,
    ended_at=_ENDED,
    handed_over_by="li.wei",
    taken_over_by="jo.linde",
    remarks="Quiet. Look after the pump at C-017.",
    notes=1,
)
_SUMMARY = ShiftSummary(
    from_at=_BEGAN,
    until_at=_ENDED,
    entries=412,
    complete=True,
    events=(
        EventTold(
            event=EVENT,
            feeder=FEEDER,
            element="trafo:0",
            opened_at=OPENED,
            closed_at=CLOSED,
            peak_percent=112.4,
            requests=91,
            short=False,
        ),
    ),
    events_total=1,
    requests_planned=91,
    requests_by_end={"settled": 88, "unanswered": 3},
    reduced_kwh=128.019,
    points=12745,
    minor_units=3186,
    corrections=1,
    corrected_kwh=-0.41,
    corrected_points=-4,
    corrected_minor_units=-12,
    alarms_by_priority={"low": 2},
    alarms=(AlarmsTold(kind="overload", priority="low", count=2, last_at=OPENED, last_feeder=FEEDER),),
    alarms_shelved=0,
    automatic=(),
    acts=(
        ActTold(
            at=NOW,
            who="li.wei",
            action="limit",
            feeder=FEEDER,
            target="ev-005",
            why="cable 3 is being repaired",
        ),
    ),
    acts_total=1,
    silent=(),
    silent_total=0,
    data=(),
    data_total=0,
    readings_refused={"malformed": 4},
    people=PeopleTold(asked=9, not_reached=0, said_yes=7, said_no=1, want_no_more=0),
    disputes_opened=0,
    disputes_closed=0,
    restarts=0,
)
_RATE = AlarmRate(
    start=NOW - timedelta(hours=24),
    end=NOW,
    operators=1,
    flood_above=10,
    points=(RatePoint(at=OPENED, critical=0, high=0, medium=0, low=2),),
    alarms=2,
    per_ten_minutes=0.01,
    per_operator_hour=0.08,
    per_operator_day=2.0,
    most_in_ten_minutes=2,
    in_flood_percent=0.0,
    verdict="acceptable",
    targets=(RateTarget(name="acceptable", per_ten_minutes=1.0, per_hour=6.0, per_day=150.0),),
    priorities=(PriorityShare(priority="low", share_percent=100.0, goal_percent=80.0),),
    bad_actors=(
        BadActor(
            alarm=str(PATH_EXAMPLES["alarm"]),
            kind="overload",
            feeder=FEEDER,
            subject="trafo:0",
            count=2,
            share_percent=100.0,
        ),
    ),
    chattering=(),
    stale=(),
)
_SHIFT = ShiftBody(
    shift=41,
    who="li.wei",
    since=_BEGAN,
    notes=(_NOTE,),
    standing=(_MATTER,),
    more=0,
    seen=HAND_OVER_EXAMPLE["seen"],
)
_NEXT = replace(_SHIFT, shift=42, who="jo.linde", since=_ENDED, standing=(), seen="42.18..")
EXAMPLES: Examples = {
    "GET /api/v1/shift": Example(answered=_SHIFT),
    "GET /api/v1/shift/summary": Example(answered=_SUMMARY),
    "GET /api/v1/shifts": Example(answered=PastShiftsBody(items=(_PAST,), next=None)),
    "GET /api/v1/shifts/{shift}": Example(
        answered=ToldShiftBody(shift=_PAST, notes=(_NOTE,), standing=(_MATTER,), more=0, summary=_SUMMARY)
    ),
    "POST /api/v1/shift/notes": Example(answered=_NOTE),
    "POST /api/v1/shift/notes/{note}/mark": Example(answered=_DONE),
    "POST /api/v1/shift/hand-over": Example(answered=_NEXT),
    "GET /api/v1/alarms/rate": Example(answered=_RATE),
}
