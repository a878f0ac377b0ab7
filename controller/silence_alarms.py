"""[6] Names the devices whose behaviour in silence is not as declared. Pure.

Knows since when each of them is so, by kind of alarm; who they are, `failsafes.py` tells. These alarms stop
nobody but the devices that the first one names.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta

from controller.books import Books
from controller.entries import DataAlarm
from devices.messages import HEARTBEAT_TIMEOUT_S

UNCONFIRMED = "failsafe_unconfirmed"
"""there, and does not show its failsafe"""
NOT_LIFTED = "failsafe_not_lifted"
"""there, and shows one although silence must not limit it"""
UNHEARD = "heartbeats_not_heard"
"""there, and by its own word at its failsafe although we live"""
FAILSAFE_ALARMS = (UNCONFIRMED, NOT_LIFTED, UNHEARD)
ALARM_AFTER_S = 120.0
UNHEARD_AFTER_S = 2.0 * HEARTBEAT_TIMEOUT_S
"""A device leaves its failsafe at the latest one time-out after heartbeats are back."""
NAMED = 10
"""So many devices are named in an alarm."""
_RULES = (
    (UNCONFIRMED, ALARM_AFTER_S, "all devices of guard mode that are there show their failsafe"),
    (NOT_LIFTED, ALARM_AFTER_S, "nobody who is there shows a failsafe that is to limit nothing"),
    (UNHEARD, UNHEARD_AFTER_S, "no device of guard mode that is there is at its failsafe"),
)
"""kind, patience, and what to say when it is over"""


def silence_alarms(
    feeder: str,
    books: Books,
    since: Mapping[str, Mapping[str, datetime]],
    *,
    looked_since: datetime,
    now: datetime,
) -> Iterator[DataAlarm]:
    """What there is to tell: `since` is by kind and device. Nothing is over before it was looked at for as
    long as it takes to be raised: after a restart of ours nobody has spoken yet.
    """
    raised = {alarm.kind: alarm for alarm in books.alarms(feeder)}
    for kind, after_s, over in _RULES:
        due = now - timedelta(seconds=after_s)
        overdue = [name for name, at in since[kind].items() if at <= due]
        known = raised.get(kind)
        if overdue:
            text = _named(overdue)
            if known is None or not _is_told(known.text, text):
                yield DataAlarm(at=now, feeder=feeder, kind=kind, raised=True, text=text)
        elif known is not None and not since[kind] and looked_since <= due:
            yield DataAlarm(at=now, feeder=feeder, kind=kind, raised=False, text=over)


def _named(devices: Collection[str]) -> str:
    more = f" and {len(devices) - NAMED} more" if len(devices) > NAMED else ""
    return f"{', '.join(sorted(devices)[:NAMED])}{more}"


def _is_told(known: str, text: str) -> bool:
    """Where more are meant than can be named, how many that are now is no news."""
    return known == text or (known.endswith(" more") and text.endswith(" more"))
