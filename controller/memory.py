"""What the daemon remembers of a feeder from cycle to cycle beside the journal. Pure; replaced, never
changed.

All of it may be lost at any time: after a restart readings come again, counters begin anew, and what must
last is in the books.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from controller.announcements import AnnouncerState
from controller.data_alarms import AlarmState
from controller.events import Tracker
from controller.failsafes import FailsafeMemory
from controller.feeder_check import CheckState
from controller.feeder_control import FeederControl
from controller.feeder_state import FeederState, Readings
from controller.look_ahead import LookAhead, fresh
from controller.refusal_log import RefusalLog
from controller.shortfalls import Shortfalls
from controller.situation import Expectation, FedIn
from controller.stores.port import FeederSample
from grid_model.forecast.trend import Trend


@dataclass(frozen=True)
class Memory:
    """One feeder's."""

    state: FeederState
    check: CheckState = field(default_factory=CheckState)
    alarms: AlarmState = field(default_factory=AlarmState)
    tracker: Tracker = field(default_factory=Tracker)
    refusals: RefusalLog = field(default_factory=RefusalLog)
    look_ahead: LookAhead | None = None
    """None where nothing is announced"""
    announced: AnnouncerState = field(default_factory=AnnouncerState)
    trend: Trend | None = None
    """of the loadings as they would be without control"""
    expectations: Mapping[int, Expectation] = field(default_factory=dict)
    sun: Mapping[datetime, FedIn] = field(default_factory=dict)
    """by when the limits on feed-in began that are in force: what other roofs fed in then"""
    history: tuple[FeederSample, ...] = ()
    """of the last quarter of an hour, for baselines"""
    acknowledged: Mapping[str, int] = field(default_factory=dict)
    """request to the newest sequence that its device answered"""
    not_held: Mapping[str, int] = field(default_factory=dict)
    """request to the consecutive cycles in which its device did not show the limit"""
    told_ahead: Mapping[str, datetime] = field(default_factory=dict)
    """request to since when a clock that was ahead is known to have told it"""
    failsafes: FailsafeMemory = field(default_factory=FailsafeMemory)
    shortfalls: Shortfalls = field(default_factory=Shortfalls)
    """what was told of the running event"""
    cycle: int = 0


def fresh_memory(control: FeederControl, history: tuple[FeederSample, ...] = ()) -> Memory:
    """Before the first reading."""
    nothing = FeederState(Readings.nothing(len(control.network.service_points)))
    ahead = fresh(control) if control.site.look_ahead.announce else None
    return Memory(nothing, look_ahead=ahead, history=history)
