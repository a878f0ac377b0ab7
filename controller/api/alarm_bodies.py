"""What is posted about alarms, and what it is answered with, with examples."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from controller.alarms.alarm_list import AlarmView
from controller.api.posted import Words

MOST_AT_ONCE = 200
MAX_MANY_BYTES = 32_768
AlarmId = Annotated[str, msgspec.Meta(pattern=r"^[a-z_]{1,40}-[0-9a-f]{12}(?![\s\S])")]
Occurrence = Annotated[int, msgspec.Meta(ge=1, le=2**31)]


class SeenAlarm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An alarm as it was seen."""

    alarm: AlarmId
    occurrence: Occurrence
    """as the list had it: what was raised again since stays unacknowledged"""


class AcknowledgeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One alarm is acknowledged."""

    occurrence: Occurrence | None = None
    """as it was seen; None: whichever stands"""
    why: Words | None = None
    """a remark"""
    who: Words | None = None
    """needed with the operator token, which names nobody"""


class AcknowledgeManyBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The alarms of a list that was seen; there is no way to acknowledge what was not."""

    alarms: Annotated[tuple[SeenAlarm, ...], msgspec.Meta(min_length=1, max_length=MOST_AT_ONCE)]
    why: Words | None = None
    who: Words | None = None


class ShelveBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An alarm is taken out of sight."""

    until: Annotated[datetime, msgspec.Meta(tz=True)]
    why: Words
    occurrence: Occurrence | None = None
    who: Words | None = None


class UnshelveBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A shelved alarm is to be in sight again."""

    why: Words | None = None
    who: Words | None = None


class AlarmOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one of them."""

    alarm: str
    outcome: Literal["acknowledged", "again", "moved", "unknown", "not_allowed"]
    """again: it was already · moved: it was raised again since · unknown: it is normal or never was"""


class AlarmOutcomes(msgspec.Struct, frozen=True, kw_only=True):
    """Of all that were named, in their order."""

    items: tuple[AlarmOutcome, ...]


class AlarmNow(msgspec.Struct, frozen=True, kw_only=True):
    """One alarm after what was done."""

    alarm: AlarmView | None
    """None: it is normal now"""


_AT = "2026-11-26T21:04:35Z"
ALARM = {
    "alarm": "overload-3f9a2c81d0b4",
    "kind": "overload",
    "priority": "low",
    "state": "unacknowledged",
    "feeder": "F1",
    "subject": "line:3",
    "text": "F1: Line 3 at 104.2 %, its limit is 100.0 %",
    "value": 104.2,
    "limit": 100.0,
    "since": _AT,
    "raised_at": _AT,
    "occurrence": 2,
    "stands": True,
    "returned_at": None,
    "acknowledged_at": None,
    "acknowledged_by": None,
    "shelved": None,
    "cause": None,
    "grouped_under": None,
    "chattering": False,
}
ACKNOWLEDGE_EXAMPLE = {"occurrence": 2, "why": "crew is on its way"}
ACKNOWLEDGE_MANY_EXAMPLE = {"alarms": [{"alarm": "overload-3f9a2c81d0b4", "occurrence": 2}]}
SHELVE_EXAMPLE = {"until": "2026-11-27T02:00:00Z", "why": "meter is being changed", "occurrence": 2}
UNSHELVE_EXAMPLE = {"why": "the meter is changed"}
OUTCOMES_EXAMPLE = {"items": [{"alarm": "overload-3f9a2c81d0b4", "outcome": "acknowledged"}]}
NOW_EXAMPLE = {
    "alarm": {**ALARM, "state": "acknowledged", "acknowledged_at": _AT, "acknowledged_by": "li.wei"}
}
LIST_EXAMPLE = {
    "items": [ALARM],
    "next": None,
    "summary": {
        "counts": [
            {"priority": "critical", "unacknowledged": 0, "acknowledged": 0},
            {"priority": "high", "unacknowledged": 0, "acknowledged": 0},
            {"priority": "medium", "unacknowledged": 0, "acknowledged": 1},
            {"priority": "low", "unacknowledged": 1, "acknowledged": 0},
        ],
        "newest": ALARM,
        "waiting": [],
        "shelved": 0,
        "flood": {"active": False, "since": None, "in_ten_minutes": 2, "grouped": 0},
        "frozen_since": None,
    },
    "out_of_service": [{"kind": "wrong_meter", "feeder": "F1", "priority": "low", "stands": True}],
    "longest_shelf_s": 28800.0,
}
HISTORY_EXAMPLE = {
    "items": [
        {
            "seq": 4711,
            "at": _AT,
            "change": "raised",
            "alarm": "overload-3f9a2c81d0b4",
            "kind": "overload",
            "priority": "low",
            "feeder": "F1",
            "subject": "line:3",
            "text": "F1: Line 3 at 104.2 %, its limit is 100.0 %",
            "value": 104.2,
            "limit": 100.0,
            "who": None,
            "why": None,
            "until": None,
        }
    ],
    "next": "4711",
}
