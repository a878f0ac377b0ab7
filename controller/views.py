"""What the daemon shows: frozen values made at the end of each cycle, read by the API and nobody else.

The API's JSON is these dataclasses as they stand. Asked, acknowledged and observed are told apart (C16):
`state` is what we asked and what the device answered,
`observed_kw` is what its meter or the device itself reports.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from controller.entries import Entry
from controller.order_effects import ProposedOrder, WhatIf
from controller.orders.giving import Warrant
from controller.settings import Site
from devices.messages import Direction
from grid_model.network import Network


@dataclass(frozen=True, slots=True)
class ElementLoading:
    """A line's or transformer's loading."""

    id: str
    loading_percent: float


@dataclass(frozen=True, slots=True)
class BusVoltage:
    """A bus voltage."""

    id: str
    v_pu: float


@dataclass(frozen=True, slots=True)
class ViolationView:
    """An element outside its limit."""

    id: str
    kind: str
    value: float
    limit: float
    since: datetime
    low: float | None = None
    """end of the value's 95 % interval; None where all was measured"""
    high: float | None = None
    probability: float | None = None
    """that the element truly is outside its limit"""


@dataclass(frozen=True, slots=True)
class ExpectedView:
    """An element that is expected outside its limit, as it was announced."""

    id: str
    kind: str
    expected_at: datetime
    value: float
    limit: float
    probability: float
    announced_at: datetime


@dataclass(frozen=True, slots=True)
class ForecastPoint:
    """What is expected of one quarter-hour if nobody were limited: the highest loadings in percent, with the
    ends of the 80 % interval of the feeder's sum; None where the load flow has no solution."""

    at: datetime
    """its middle"""
    transformer_percent: float | None
    transformer_low: float | None
    transformer_high: float | None
    line_percent: float | None
    line_low: float | None
    line_high: float | None


@dataclass(frozen=True, slots=True)
class ContributionsView:
    """Who makes one element's value what it is: value = without_load + caused + losses + relieved + rest."""

    feeder: str
    at: datetime
    element: str
    kind: str
    """line_overload, transformer_overload, undervoltage or overvoltage, also where it is within its limit"""
    value: float
    """loading in percent, or voltage in pu"""
    limit: float
    without_load: float
    caused: float
    losses: float
    relieved: float
    rest: float
    causes: tuple["ContributionView", ...]
    """the largest first, at most 100; shares are of what all cause"""
    relief: tuple["ContributionView", ...]
    """who makes it less, most first, at most 20"""
    others: int
    """how many more cause it"""


@dataclass(frozen=True, slots=True)
class ContributionView:
    """Who causes a violation."""

    service_point: str
    customer: str | None
    violation: str
    share_percent: float
    p_kw: float
    flexible_kw: float


@dataclass(frozen=True, slots=True)
class RequestView:
    """One request, as far as it got."""

    request: str
    event: str
    resource: str
    target: str | None
    """null for who may not see customers, as `customer` and `service_point`, `reduced_kwh` and `points`"""
    kind: str
    customer: str | None
    service_point: str | None
    state: str
    limit_kw: float
    p_before_kw: float
    observed_kw: float | None
    start: datetime
    end: datetime
    reduced_kwh: float | None
    points: int | None
    reason: str | None
    shown_limit_kw: float | None = None
    """what the device itself says it holds for this request; `limit_kw` is asked, `state` acknowledged,
    `observed_kw` measured"""
    ordered_by: str | None = None
    """the operator by whose order it is; None: the automatic's"""
    ordered_until: datetime | None = None
    """so long the automatic gives nothing of it back"""
    direction: Direction = "consumption"
    """what is bounded; with `production` every kW of the request is of what is fed in"""


@dataclass(frozen=True, slots=True)
class EventView:
    """One occurrence."""

    event: str
    opened_at: datetime
    closed_at: datetime | None
    element: str
    value: float
    limit: float
    peak_percent: float
    requests: int
    curtailed_kw: float
    """by the limits in force now: what the targets took before, less what they take now, never below 0"""


@dataclass(frozen=True, slots=True)
class DataQuality:
    """How good the feeder's data are."""

    measured: int
    stale: int
    estimated: int
    alarm: str | None
    substation_p_kw: float | None
    model_p_kw: float | None
    """what the load flow says the substation should show"""


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums since the journal began."""

    events: int
    requests_planned: int
    requests_sent: int
    """to devices: a notice to a person has no answer to wait for"""
    requests_answered: int
    curtailed_kwh: float
    credited_points: int
    credited_minor_units: int
    currency: str
    readings_refused: int


@dataclass(frozen=True, slots=True)
class ByHandView:
    """Who took the automatic out, and why."""

    who: str
    why: str
    since: datetime
    is_stop: bool = False
    """by an emergency stop"""


@dataclass(frozen=True, slots=True)
class FeederView:
    """A feeder after its latest cycle."""

    feeder: str
    at: datetime
    cycle: int
    automatic: bool
    converged: bool
    quality: DataQuality
    transformers: tuple[ElementLoading, ...]
    lines: tuple[ElementLoading, ...]
    buses: tuple[BusVoltage, ...]
    service_point_kw: tuple[float | None, ...]
    """in the order of the network's service points"""
    violations: tuple[ViolationView, ...]
    located: tuple[ContributionView, ...]
    """the largest contributors of the worst violation, at most 12"""
    event: EventView | None
    requests: tuple[RequestView, ...]
    """open ones, then the latest that ended, at most 200"""
    without_control_percent: float | None
    """estimated highest loading if nobody were limited now"""
    totals: Totals
    expected: tuple[ExpectedView, ...] = ()
    """what was announced and has neither come nor been withdrawn, the soonest first"""
    service_point_quality: tuple[int, ...] = ()
    """in the order of the network's service points: 0 measured, 1 stale, 2 estimated"""
    forecast: tuple[ForecastPoint, ...] = ()
    """of the next six hours; empty until a day was seen, or where nothing is announced"""
    looked_at: datetime | None = None
    """when the forecast was made; None: never"""
    forecast_is_old: bool = False
    """two looks ahead or more have failed to come since"""
    by_hand: ByHandView | None = None
    """who took the automatic out; None while it is in, or where an operator released everybody"""


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """One cycle in the trend."""

    at: datetime
    transformer_loading_percent: float | None
    max_line_loading_percent: float | None
    without_control_percent: float | None
    curtailed_kw: float


@dataclass(frozen=True, slots=True)
class Told:
    """A journal entry as a sentence."""

    seq: int
    at: datetime
    feeder: str | None
    entry: str
    """the entry's tag"""
    severity: str
    """info, good, warning, alarm"""
    text: str
    personal: bool = True
    """it says of whom something was asked, or what a customer did: who may not see customers is told less"""


class LiveViews(Protocol):
    """What the API needs from the daemon. All calls are on the loop's thread and return at once."""

    @property
    def site(self) -> Site:
        """The settings in force."""
        ...

    def now(self) -> datetime:
        """The site's own time, which runs elsewhere and faster where it is simulated."""
        ...

    def network(self, feeder: str) -> Network | None:
        """A feeder's network, or None when there is no such feeder."""
        ...

    def feeder_view(self, feeder: str) -> FeederView | None:
        """The latest view, or None before the first cycle."""
        ...

    def trend(self, feeder: str) -> tuple[TrendPoint, ...]:
        """Bounded: the latest 2,000 cycles."""
        ...

    def told(self, after: int = 0) -> tuple[Told, ...]:
        """Bounded: the latest 500 sentences with a sequence above `after`, oldest first."""
        ...

    def changes(self) -> tuple[Told, ...]:
        """Bounded: the latest 2,000 sentences of what a shift is told when it takes over (`live.CHANGES`),
        oldest first.
        """
        ...

    def subscribe_told(self, heard: Callable[[], None]) -> Callable[[], None]:
        """Call `heard()` after each new sentence; the returned function ends that. It must not block."""
        ...

    async def contributions(self, feeder: str, element: str) -> ContributionsView | None:
        """Who makes an element's value what it was at the latest cycle; None when nobody can tell, before the
        first cycle or near collapse. Raises UnknownElement naming what was expected.
        """
        ...

    def subscribe(self, changed: Callable[[str], None]) -> Callable[[], None]:
        """Call `changed(feeder)` after each cycle; the returned function ends that. It must not block."""
        ...

    async def operate(
        self,
        feeder: str,
        action: str,
        target: str | None,
        who: str,
        why: str,
        *,
        limit_kw: float | None = None,
        until: datetime | None = None,
        targets: Sequence[str] | None = None,
        direction: Direction = "consumption",
        warrant: Warrant | None = None,
    ) -> Entry:
        """Carry an operator's action out ahead of all else; answers with its journal entry.

        `limit_kw`, `until`, `direction` and `targets` (instead of `target`) are for `limit`. Raises
        ValueError naming what was expected; StoreUnavailable for `limit` and `automatic_on`, when nothing was
        done; what `warrant` raises (`orders.giving`).
        """
        ...

    async def what_if(self, feeder: str, *orders: ProposedOrder) -> WhatIf:
        """What these orders together would do, by load flow on the latest snapshot; changes nothing.

        Raises ValueError naming what was expected, `order_effects.NotNow` when there is no answer in time.
        """
        ...
