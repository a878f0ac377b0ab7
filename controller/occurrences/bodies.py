"""What is told of events: values as the API shows them and the exports write them. Frozen; no logic.

Times are UTC. Power in kW, energy in kWh, loadings in percent, voltages in pu; None is what nobody knows.
"""

from datetime import datetime
from typing import Any

import msgspec

from controller.entries import Outcome, RequestState, Resource
from devices.messages import Direction


class EventRow(msgspec.Struct, frozen=True, kw_only=True):
    """One event in a list."""

    event: str
    feeder: str
    opened_at: datetime
    closed_at: datetime | None
    """None while it runs"""
    element: str
    kind: str
    value: float
    limit: float
    """of the violation that opened it: percent, or pu for a bus"""
    expected: bool
    """it opened early, before the limit was broken"""
    probability: float | None
    peak_percent: float | None
    """highest loading of any element; None while it runs"""
    short: bool
    """at some time all that could be asked for did not suffice"""
    devices: int
    people: int
    """requests to devices, and notices to people"""
    not_done: int
    """of these refused, not answered, or not reached"""
    overridden: int
    settled: int
    reduced_kwh: float
    """proven by meters so far, corrections included"""
    points: int
    minor_units: int
    open_disputes: int


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened, or was decided."""

    seq: int | None
    """the entry of the journal that proves it; None for what follows from several"""
    at: datetime
    phase: str
    """detection, asking, holding, releasing, closing, settlement, afterwards"""
    key: str
    """by what it is told in any language"""
    severity: str
    """info, good, warning, alarm"""
    text: str
    """it in English"""
    request: str | None
    values: dict[str, Any]
    """the numbers behind it, by name and unit; `load_flow_checked` of a release is by the rule of today: the
    journal does not tell it"""


class PhaseSpan(msgspec.Struct, frozen=True):
    """When a phase was; phases may overlap: the first release is not the last limit."""

    phase: str
    start: datetime
    until: datetime | None
    """None: it lasts"""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who was asked in a round, and why they."""

    request: str
    resource: Resource
    target: str
    kind: str
    customer: str
    service_point: str
    p_before_kw: float
    limit_kw: float
    floor_kw: float | None
    """guaranteed: never asked for less"""
    cut_kw: float
    """that this round takes away"""
    share_percent: float | None
    """of the violation, that the service point causes"""
    effect_per_kw: float | None
    """what a kW of it adds to the element: percentage points, or pu"""
    programme: str | None
    direction: Direction = "consumption"
    """what is bounded; with `production` every kW is of what is fed in"""


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """Devices that a round asked for nothing."""

    reason: str
    count: int
    devices: tuple[str, ...]
    """the first of them"""


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One round of planning."""

    seq: int | None
    """None where the journal holds its requests only: of before rounds were told"""
    at: datetime
    element: str
    kind: str | None
    value: float
    limit: float | None
    expected: bool
    cut_kw: float
    asked: tuple[Asked, ...]
    left: tuple[Left, ...] | None
    """None where nobody noted it"""
    gate_refused: tuple[tuple[str, int], ...]


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """What a request came to, as it holds now."""

    at: datetime
    outcome: Outcome
    asked_kwh: float
    reduced_kwh: float
    compliance_percent: float
    intervals: int
    intervals_measured: int
    points: int
    minor_units: int
    corrections: int


class RequestRow(msgspec.Struct, frozen=True, kw_only=True):
    """One request of an event, with its whole life."""

    request: str
    resource: Resource
    target: str
    kind: str
    customer: str
    service_point: str
    state: RequestState
    states: tuple[tuple[RequestState, datetime], ...]
    """each one it came into"""
    limits: tuple[tuple[datetime, float], ...]
    """(from, kW): each limit it ever had"""
    p_before_kw: float
    baseline_kw: float | None
    """None for who may not see customers; so is what was settled"""
    floor_kw: float | None
    share_percent: float | None
    programme: str | None
    start: datetime
    end: datetime
    active_at: datetime | None
    ended_at: datetime | None
    answer: str | None
    reason: str | None
    consent: str | None
    """what a person answered"""
    settled: Settled | None
    direction: Direction = "consumption"
    """what is bounded; with `production` every kW but the baseline's is of what is fed in"""


class EventBody(msgspec.Struct, frozen=True, kw_only=True):
    """All about one event."""

    summary: EventRow
    currency: str
    phases: tuple[PhaseSpan, ...]
    steps: tuple[Step, ...]
    """in the order of the journal"""
    steps_total: int
    """more than there are where an event has very many: then the first of those about single requests"""
    rounds: tuple[Round, ...]
    requests: tuple[RequestRow, ...]
