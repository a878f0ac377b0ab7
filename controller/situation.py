"""[4] All that one pass over a feeder decides on, as one value. Pure; decides nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar

from controller.books import Books
from controller.bounds import turned
from controller.entries import EmergencyStopped
from controller.feeder_check import Check
from controller.feeder_control import FeederControl
from controller.feeder_state import FeederState
from controller.gatekeeper import Gatekeeper
from controller.headroom import Headroom
from controller.requests import RequestRecord
from controller.stores.port import FeederSample
from controller.turns import Turn, turn_of
from devices.messages import Direction
from grid_model.load_flow import FactoredLoadFlow, LoadFlowResult
from grid_model.network import Floats
from grid_model.violations import Violation

STATUS_FRESH = 2
"""A device's own word counts this many times as long as a meter's reading: devices speak when something
changes.
"""
_Known = TypeVar("_Known")

FedIn = Mapping[str, float]
"""kW by inverter, of those that nobody held back"""


@dataclass(frozen=True)
class RunningEvent:
    """The open event, perhaps opened in this very cycle."""

    event: str
    opened_at: datetime
    next_number: int


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a service point should show once its devices obey what they were asked a moment ago."""

    p_kw: float
    until: datetime
    """not believed after this"""
    requests: tuple[str, ...]
    direction: Direction = "consumption"
    """of what is to become less there"""

    def is_ahead_of(self, shown_kw: float) -> bool:
        """Whether what its meter shows has not come so far yet."""
        return turned(self.direction, shown_kw) > turned(self.direction, self.p_kw)


@dataclass(frozen=True)
class Situation:
    """One feeder at one time."""

    control: FeederControl
    books: Books
    """read only"""
    state: FeederState
    check: Check
    event: RunningEvent | None
    now: datetime
    epoch: int
    good: bool
    """the data are good enough to act on"""
    automatic: bool
    """no operator keeps the automatic out"""
    left_alone: frozenset[str]
    """targets that an operator took out"""
    history: Sequence[FeederSample]
    """of the last quarter of an hour"""
    gatekeeper: Gatekeeper
    expectations: Mapping[int, Expectation] = field(default_factory=dict)
    """by service point"""
    sun: Mapping[datetime, FedIn] = field(default_factory=dict)
    """by when limits on feed-in began: what was fed in then"""
    proves: bool = True
    """a load flow proves that somebody may be released: no voltage contradicts the network"""
    headroom: Headroom | None = None
    """what may come before the next look; None where nobody acts early"""

    @property
    def may_act(self) -> bool:
        """Whether the automatic may ask anybody for anything now."""
        return self.good and self.automatic and self.event is not None

    @property
    def stop(self) -> EmergencyStopped | None:
        """The emergency stop that holds on this feeder."""
        return self.books.order_book.stopped(self.control.feeder)

    @cached_property
    def load_flow(self) -> FactoredLoadFlow:
        """The load flow on the voltage that the RTU shows, for whoever linearises it or solves many."""
        return self.control.load_flow.at_voltage(self.check.slack_scale)

    def solve(self, p_kw: Floats) -> LoadFlowResult:
        """The load flow with the service points at `p_kw` (n_sp,), all else as in the check."""
        check = self.check
        return self.control.load_flow.solve(p_kw, check.snapshot.q_kvar, slack_scale=check.slack_scale)

    @cached_property
    def worst(self) -> Violation | None:
        """The worst violation, or else the worst that is expected within the lead and has its room kept."""
        found = self.check.violations or self.near
        return found[0] if found else None

    @cached_property
    def expected(self) -> tuple[Violation, ...]:
        """Violations that are there or may come within the lead; none where nobody acts early."""
        return () if self.headroom is None else self.headroom.expected(self.check.result)

    @cached_property
    def near(self) -> tuple[Violation, ...]:
        """Those of them that nobody is to wait for: what is kept free for them is not free."""
        return () if self.headroom is None else self.headroom.room.expected(self.check.result)

    def is_only_expected(self, violation: Violation) -> bool:
        """Whether it is not there yet."""
        return violation not in self.check.violations and violation in self.near

    @cached_property
    def event_records(self) -> tuple[RequestRecord, ...]:
        """The event's requests, and of those that operators ordered what ended since it opened, or is held
        past its order.
        """
        if self.event is None:
            return ()
        opened_at, feeder = self.event.opened_at, self.control.feeder
        ordered = (
            record
            for record in self.books.ordered_requests(feeder)
            if (not record.is_ordered(self.now) if record.is_open else record.since >= opened_at)
        )
        return (*self.books.requests_of(self.event.event), *ordered)

    def once(self, reckon: Callable[["Situation"], _Known]) -> _Known:
        """What `reckon` makes of this situation: reckoned when first asked for, the same for all who ask."""
        if reckon not in self._reckoned:
            self._reckoned[reckon] = reckon(self)
        known: _Known = self._reckoned[reckon]
        return known

    @cached_property
    def _reckoned(self) -> dict[Callable[["Situation"], Any], Any]:
        return {}

    @cached_property
    def opted_out(self) -> frozenset[tuple[str, str | None]]:
        """(customer, programme) of those who said no to a notice of this event."""
        said_no = (r.planned for r in self.event_records if r.consent == "opted_out")
        return frozenset((planned.customer, planned.programme) for planned in said_no)

    @cached_property
    def limited(self) -> tuple[RequestRecord, ...]:
        """Open requests to devices that are not being released, at service points of this network."""
        return tuple(record for record in self._unreleased if self.is_placed(record))

    @cached_property
    def astray(self) -> tuple[RequestRecord, ...]:
        """The same at service points that the network has not any more: all that can be done is to free
        them.
        """
        return tuple(record for record in self._unreleased if not self.is_placed(record))

    @cached_property
    def _unreleased(self) -> tuple[RequestRecord, ...]:
        records = self.books.open_requests(self.control.feeder)
        return tuple(r for r in records if r.resource == "device" and not r.releasing)

    def is_placed(self, record: RequestRecord) -> bool:
        """Whether the network has the service point of a request: it may have been changed since."""
        return record.planned.service_point in self.control.place

    def position(self, record: RequestRecord) -> int:
        """The service point of a request that `is_placed`."""
        return self.control.place[record.planned.service_point]

    def device_p_kw(self, device: str) -> float | None:
        """What a device takes by its own word, None when that is not known."""
        return self.state.device_p_kw(device, self.now, STATUS_FRESH * self.control.site.cycle.fresh_s)

    def target_kw(self, record: RequestRecord) -> float | None:
        """The same of a request's target, in the direction that the request bounds."""
        p_kw = self.device_p_kw(record.planned.target)
        return None if p_kw is None else turned(record.planned.direction, p_kw)

    def shown_limit_kw(self, record: RequestRecord) -> float | None:
        """The limit that the target shows of this request, in its direction: what it was told since may not
        have come to it. None where it shows none.
        """
        device = self.state.devices.get(record.planned.target)
        if device is None:
            return None
        limit_kw, request = device.shows(record.planned.direction)
        return limit_kw if request == record.request else None

    @property
    def turns(self) -> Mapping[str, Turn]:
        """Of those whom the running event asked; see `turns.py`."""
        return self.gatekeeper.turns

    def turn(self, customer: str, target: str) -> Turn | None:
        """Theirs; None for whom this event did not ask yet."""
        return turn_of(self.turns, customer, target)

    def latest_end(
        self, now: datetime, spread_s: float = 0.0, *, customer: str = "", target: str = ""
    ) -> datetime:
        """The end of a request that is made now: never beyond the turn of whom it asks."""
        site = self.control.site
        end = now + timedelta(seconds=site.requests.duration_s + spread_s)
        return min(end, self.turn_ends_by(customer, target))

    def turn_ends_by(self, customer: str, target: str) -> datetime:
        """When all that this event asks of them must have ended; their turn begins now if they had none."""
        return (self.turn(customer, target) or Turn(self.now, 0)).ends_by(self.control.site.events)

    def has_had_turn(self, customer: str, target: str) -> bool:
        """Whether too little is left of their turn to begin a limit anew (C5)."""
        turn, site = self.turn(customer, target), self.control.site
        least = timedelta(seconds=site.requests.min_between_s)
        return turn is not None and self.now + least > turn.leaves_at(site)


def comply_within_s(control: FeederControl) -> float:
    """How long a device and its meter have to show that it obeys."""
    site, believed_s = control.site, control.site.requests.believed_for_s
    if believed_s is not None:
        return max(believed_s, site.cycle.period_s)
    return max(site.requests.answer_within_s + 2 * site.cycle.fresh_s, 3 * site.cycle.period_s)
