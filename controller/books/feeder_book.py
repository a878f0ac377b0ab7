"""What each feeder shows: violations and overloads that are expected until they are over, and alarms about
its data. Pure; a part of the books.
"""

from dataclasses import dataclass, field
from typing import assert_never

from controller.entries import (
    DataAlarm,
    ExpectationEnded,
    OverloadExpected,
    ViolationAppeared,
    ViolationCleared,
)

FeederEntry = DataAlarm | ExpectationEnded | OverloadExpected | ViolationAppeared | ViolationCleared
Place = tuple[str, str]
"""(element, kind)"""


@dataclass(slots=True)
class FeederBook:
    """Of all feeders; in each the oldest first."""

    _violations: dict[str, dict[Place, ViolationAppeared]] = field(default_factory=dict)
    _expected: dict[str, dict[Place, OverloadExpected]] = field(default_factory=dict)
    _alarms: dict[str, dict[str, DataAlarm]] = field(default_factory=dict)

    def violations(self, feeder: str) -> tuple[ViolationAppeared, ...]:
        """Those that appeared and have not cleared."""
        return tuple(self._violations.get(feeder, {}).values())

    def expected(self, feeder: str) -> tuple[OverloadExpected, ...]:
        """Those that were announced, and neither came nor were withdrawn."""
        return tuple(self._expected.get(feeder, {}).values())

    def alarms(self, feeder: str) -> tuple[DataAlarm, ...]:
        """Those that are raised."""
        return tuple(self._alarms.get(feeder, {}).values())

    def take(self, entry: FeederEntry) -> None:
        """Take one entry in."""
        match entry:
            case DataAlarm():
                _toggle(self._alarms.setdefault(entry.feeder, {}), entry)
            case ViolationAppeared():
                self._violations.setdefault(entry.feeder, {})[entry.element, entry.kind] = entry
            case ViolationCleared():
                self._violations.setdefault(entry.feeder, {}).pop((entry.element, entry.kind), None)
            case OverloadExpected():
                self._expected.setdefault(entry.feeder, {})[entry.element, entry.kind] = entry
            case ExpectationEnded():
                self._expected.setdefault(entry.feeder, {}).pop((entry.element, entry.kind), None)
            case _:
                assert_never(entry)

    def fork(self) -> "FeederBook":
        """A copy that can be written to without touching this one."""
        return FeederBook(
            {feeder: dict(of) for feeder, of in self._violations.items()},
            {feeder: dict(of) for feeder, of in self._expected.items()},
            {feeder: dict(of) for feeder, of in self._alarms.items()},
        )


def _toggle(raised: dict[str, DataAlarm], alarm: DataAlarm) -> None:
    if alarm.raised:
        raised[alarm.kind] = alarm
    else:
        raised.pop(alarm.kind, None)
