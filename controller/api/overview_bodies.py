"""What the overview says of each feeder and of the site: the bodies of `overview`, as an answer and in the
stream.
"""

from datetime import datetime
from typing import Any, Literal

import msgspec

FeederState = Literal["overloaded", "not_converged", "no_data", "warning", "normal"]
"""the most severe first · overloaded: an element is outside its limit, be it loading or voltage ·
not_converged: the load flow found no state · no_data: no cycle lately, or no meter is read · warning: see
`OverviewRow.warnings`"""
WarningKind = Literal["near_limit", "expected", "data_alarm", "event", "automatic_out"]
"""near_limit: loaded to 90 % of its limit or more · expected: an overload is announced · data_alarm: its data
are not good · event: one is running · automatic_out: the automatic asks nobody"""
Automatic = Literal["on", "off", "released", "suspended", "stopped"]
"""on: it may act · off: an operator took it out · stopped: an emergency stop did · released: an operator
released everybody, until the event closes · suspended: the data are not good enough to act on"""


class _Body(msgspec.Struct, frozen=True, kw_only=True):
    pass


class Loaded(_Body, frozen=True, kw_only=True):
    """The element that is nearest to its limit, or furthest beyond."""

    element: str
    loading_percent: float
    limit_percent: float


class VoltageAt(_Body, frozen=True, kw_only=True):
    """A voltage and where it is."""

    bus: str
    v_pu: float


class Running(_Body, frozen=True, kw_only=True):
    """The event that runs."""

    event: str
    since: datetime
    element: str
    peak_percent: float
    requests: int
    curtailed_kw: float


class AutomaticBody(_Body, frozen=True, kw_only=True):
    """Whether the automatic may act, and why not."""

    state: Automatic
    who: str | None = None
    why: str | None = None
    since: datetime | None = None


class DataBody(_Body, frozen=True, kw_only=True):
    """How good the data are."""

    measured_percent: float | None
    """of the service points, by a fresh reading; null without any"""
    alarm: str | None


class ExpectedBody(_Body, frozen=True, kw_only=True):
    """The overload that is expected soonest."""

    element: str
    kind: str
    at: datetime
    value: float
    limit: float
    probability: float


class OverviewRow(_Body, frozen=True, kw_only=True):
    """One feeder as it stands."""

    id: str
    name: str
    state: FeederState
    warnings: tuple[WarningKind, ...]
    overloads: int
    """lines and transformers over their limits"""
    voltage_violations: int
    highest: Loaded | None
    """null where the load flow tells nothing, and where its latest is old: as all figures are then"""
    lowest_voltage: VoltageAt | None
    highest_voltage: VoltageAt | None
    p_kw: float | None
    """through the substation, by the load flow"""
    free_kw: float | None
    """what more its transformers could carry at the present mix of loads, an estimate: negative when they are
    overloaded, null where they carry next to nothing or feed back"""
    event: Running | None
    automatic: AutomaticBody
    data: DataBody
    expected: ExpectedBody | None
    last_at: datetime | None
    """of the latest cycle, told only where the state is `no_data`"""


class OverviewTotals(_Body, frozen=True, kw_only=True):
    """The site in figures: how many feeders each."""

    feeders: int
    overloaded: int
    """outside a limit, be it loading or voltage"""
    voltage_only: int
    """of these, where no line and no transformer is over its limit"""
    not_converged: int
    no_data: int
    warning: int
    normal: int
    events: int
    """that run"""
    automatic_out: int
    data_alarms: int
    expected: int
    curtailed_kw: float
    p_kw: float
    not_in_sum: int
    """feeders whose power nobody knows now, so that `p_kw` is without them"""


class Change(_Body, frozen=True, kw_only=True):
    """Something that changed, as a journal entry tells it."""

    seq: int
    at: datetime
    feeder: str | None
    entry: str
    """the journal's word for it: event_opened, event_closed, event_short, data_alarm, operator_acted,
    emergency_stopped, alarm_shelved, controller_started"""
    severity: str
    text: str


class Changes(_Body, frozen=True, kw_only=True):
    """What changed since a time."""

    since: datetime
    is_whole: bool
    """false: more changed than is remembered, so the oldest are missing"""
    by_entry: dict[str, int]
    """how many of each; of data alarms only those that were raised"""
    latest: tuple[Change, ...]
    """the newest first, at most 200"""


class Overview(_Body, frozen=True, kw_only=True):
    """All feeders, the most severe first."""

    site: str
    at: datetime | None
    """of the newest cycle; null before the first"""
    totals: OverviewTotals
    rows: tuple[OverviewRow, ...]
    changes: Changes | None
    """where `since` was asked for"""


class OverviewEvent(_Body, frozen=True, kw_only=True):
    """The data of an `overview` event of the stream."""

    whole: bool
    """true: `rows` are all feeders; false: those that changed since the `overview` before"""
    at: datetime | None
    totals: OverviewTotals
    rows: tuple[OverviewRow, ...]
    """in no order"""


EXAMPLE: dict[str, Any] = {
    "site": "Westend",
    "at": "2026-01-12T17:04:00Z",
    "totals": {
        "feeders": 1, "overloaded": 1, "voltage_only": 0, "not_converged": 0, "no_data": 0, "warning": 0,
        "normal": 0, "events": 1, "automatic_out": 0, "data_alarms": 0, "expected": 0, "curtailed_kw": 21.4,
        "p_kw": 402.0, "not_in_sum": 0,
    },
    "rows": [
        {
            "id": "dorf", "name": "dorf", "state": "overloaded", "warnings": ["near_limit", "event"],
            "overloads": 1, "voltage_violations": 0,
            "highest": {"element": "trafo:0", "loading_percent": 104.2, "limit_percent": 100.0},
            "lowest_voltage": {"bus": "bus:44", "v_pu": 0.942},
            "highest_voltage": {"bus": "bus:1", "v_pu": 1.01},
            "p_kw": 402.0, "free_kw": -16.0,
            "event": {
                "event": "dorf-20260112T165800Z", "since": "2026-01-12T16:58:00Z", "element": "trafo:0",
                "peak_percent": 112.9, "requests": 9, "curtailed_kw": 21.4,
            },
            "automatic": {"state": "on", "who": None, "why": None, "since": None},
            "data": {"measured_percent": 98.0, "alarm": None}, "expected": None, "last_at": None,
        }
    ],
    "changes": {
        "since": "2026-01-12T14:00:00Z", "is_whole": True, "by_entry": {"event_opened": 1},
        "latest": [
            {
                "seq": 812, "at": "2026-01-12T16:58:00Z", "feeder": "dorf", "entry": "event_opened",
                "severity": "alarm", "text": "Transformer 0 at 108.1 %, over its limit of 100.0 %: opened",
            }
        ],
    },
}  # fmt: skip
