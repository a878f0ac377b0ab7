"""What the journal says of alarms, as sentences. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import assert_never

from controller import entries as e
from controller.narration.sentence import Sentence, Severity

AlarmEntry = e.AlarmRaised | e.AlarmReturned | e.AlarmAcknowledged | e.AlarmShelved | e.AlarmUnshelved
_SEVERITY: Mapping[str, Severity] = {"critical": "alarm", "high": "alarm", "medium": "warning", "low": "info"}


def alarm_sentence(entry: AlarmEntry) -> Sentence:
    """Severity and sentence."""
    match entry:
        case e.AlarmRaised():
            return _SEVERITY[entry.priority], f"Alarm ({entry.priority}): {entry.text}"
        case e.AlarmReturned():
            return "info", f"Alarm over: {_named(entry)}"
        case e.AlarmAcknowledged():
            remark = f" ({entry.why})" if entry.why else ""
            return "info", f"{entry.who} acknowledged {_these(entry.alarms)}{remark}"
        case e.AlarmShelved():
            return "warning", f"{entry.who} shelved {_named(entry)} until {_clock(entry.until)} ({entry.why})"
        case e.AlarmUnshelved():
            if entry.cause == "expired":
                return "info", f"No longer shelved, its time is over: {_named(entry)}"
            reason = f" ({entry.why})" if entry.why else ""
            return "info", f"{entry.who} took {_named(entry)} back from the shelf{reason}"
        case _:
            assert_never(entry)


def _these(alarms: tuple[e.AlarmNamed, ...]) -> str:
    first = ", ".join(_named(one) for one in alarms[:3])
    return first if len(alarms) <= 3 else f"{first} and {len(alarms) - 3} more"


def _named(one: e.AlarmNamed | e.AlarmReturned | e.AlarmShelved | e.AlarmUnshelved) -> str:
    subject = f" {one.subject}" if one.subject else ""
    where = "" if one.feeder is None else f" on {one.feeder}"
    return f"{one.kind}{subject}{where}"


def _clock(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
