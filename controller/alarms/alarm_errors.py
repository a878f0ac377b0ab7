"""Why something asked of the alarm desk is not done. The message is for a person.

AlarmRefused
├── UnknownAlarm     there is no such alarm, or it is normal again
└── AlarmMoved       it is not any more what was seen: look again
"""


class AlarmRefused(Exception):
    """It cannot be done as the alarm stands."""


class UnknownAlarm(AlarmRefused):
    """There is no such alarm, or it is normal again and so forgotten."""


class AlarmMoved(AlarmRefused):
    """It was raised again since it was looked at."""
