"""What a feeder shows: readings that were refused, data that are not good enough, violations, and those
that are expected.
"""

from datetime import datetime
from typing import Literal

from controller.entries.journal_entry import JournalEntry


class ReadingsRefused(JournalEntry, frozen=True, kw_only=True, tag="readings_refused"):
    """Input that was not used in one cycle, by reason; a sample is kept."""

    feeder: str | None
    reason: str
    count: int
    sample: str


class DataAlarm(JournalEntry, frozen=True, kw_only=True, tag="data_alarm"):
    """The feeder's data are not good enough (raised) or are again. While raised nothing is asked, but for
    `near_collapse`, which is about the feeder itself, `wrong_meter`, which is left out, `network_voltages`
    where the network carries more than believed,
    `failsafe_unconfirmed`, whose devices are, and `failsafe_not_lifted` and `heartbeats_not_heard`, which are
    about what devices do in silence."""

    feeder: str
    kind: str
    """too_few_meters, substation_silent, feeder_sum, busbar_voltage, network_voltages, diverged,
    near_collapse, wrong_meter, failsafe_unconfirmed, failsafe_not_lifted, heartbeats_not_heard; raised again
    when it has more to tell"""
    raised: bool
    text: str


class ViolationAppeared(JournalEntry, frozen=True, kw_only=True, tag="violation_appeared"):
    """An element went outside its limit."""

    feeder: str
    element: str
    kind: str
    value: float
    limit: float


class ViolationCleared(JournalEntry, frozen=True, kw_only=True, tag="violation_cleared"):
    """An element is inside its limit again."""

    feeder: str
    element: str
    kind: str


class OverloadExpected(JournalEntry, frozen=True, kw_only=True, tag="overload_expected"):
    """An element is expected to leave its limits: announced before it does."""

    feeder: str
    element: str
    kind: str
    expected_at: datetime
    value: float
    """loading in percent, or voltage in pu, that is expected then"""
    limit: float
    probability: float


class ExpectationEnded(JournalEntry, frozen=True, kw_only=True, tag="expectation_ended"):
    """What was announced came, or is not expected any more."""

    feeder: str
    element: str
    kind: str
    outcome: Literal["came", "withdrawn"]
