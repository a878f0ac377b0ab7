"""[6] Gathers the facts that the safety gate asks for, asks it about every command, and keeps count. Pure.

One gatekeeper serves one pass over one feeder: it lets no more power pass than the budgets have left, and
remembers what was refused and why, for the metrics and the log.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import assert_never

from controller import safety_gate
from controller.books import Books
from controller.bounds import direction_of
from controller.entries import RequestPlanned, Resource
from controller.feeder_control import FeederControl
from controller.reach import below_orders_kw_since, limited_kw_since
from controller.safety_gate import Ask, Facts, Passed, Purpose, Refused
from controller.turns import Turn, turn_of
from devices.messages import Direction


@dataclass
class Gatekeeper:
    """Asks the gate on behalf of one feeder at one time."""

    control: FeederControl
    books: Books
    now: datetime
    epoch: int
    """the epoch in force"""
    event_ends_by: datetime | None
    """for whom the event did not ask yet; None without an event"""
    data_good: bool
    feeder_budget_kw: float
    fleet_budget_kw: float
    unproven: frozenset[str] = frozenset()
    """devices of guard mode that do not show their failsafe"""
    knows_orders: bool = False
    """what an operator ordered passes to its own end, without an event and whatever the data are"""
    read_turns: Callable[[], Mapping[str, Turn]] = dict
    """of those whom the event asked; read where they are needed first"""
    refused: Counter[str] = field(default_factory=Counter)
    moved_kw: float = 0.0
    """what passed in this pass"""

    @cached_property
    def turns(self) -> Mapping[str, Turn]:
        """Of those whom the event asked, by customer and by target (`turns.py`)."""
        return self.read_turns()

    def passes(
        self,
        request: str,
        resource: Resource,
        target: str,
        purpose: Purpose,
        *,
        limit_kw: float,
        start: datetime,
        end: datetime,
        epoch: int,
        moves_kw: float = 0.0,
        direction: Direction = "consumption",
    ) -> bool:
        """Whether the gate lets this command through; what it moves is taken off the budgets."""
        ask = Ask(target, purpose, limit_kw, start, end, epoch, moves_kw, direction)
        verdict = safety_gate.judge(ask, self._facts(request, resource, target))
        match verdict:
            case Passed():
                self.moved_kw += moves_kw
                return True
            case Refused(reason):
                self.refused[reason] += 1
                return False
            case _:
                assert_never(verdict)

    def passes_new(self, planned: RequestPlanned) -> bool:
        """The same for a request that is not in the books yet. Nobody counts on what a person is asked for:
        it moves nothing.
        """
        is_device = planned.resource == "device"
        return self.passes(
            planned.request,
            planned.resource,
            planned.target,
            "new",
            limit_kw=planned.limit_kw,
            start=planned.start,
            end=planned.end,
            epoch=planned.epoch,
            moves_kw=planned.p_before_kw - planned.limit_kw if is_device else 0.0,
            direction=planned.direction,
        )

    def _facts(self, request: str, resource: Resource, target: str) -> Facts:
        registry, holder = self.control.registry, self.books.held_by(self.control.feeder, target, resource)
        direction: Direction = "consumption"
        if resource == "device":
            device = registry.device.get(target)
            known, floor_kw = device is not None, device.min_kw if device else 0.0
            direction = direction if device is None else direction_of(device.kind)
            protected = device is not None and registry.is_protected(device)
        else:
            customer = self.control.customer.get(target)
            own_kw = 0.0 if customer is None else customer.manner.least_kw
            known, floor_kw = customer is not None, max(self.control.site.requests.notice_min_kw, own_kw)
            protected = customer is not None and customer.critical
        event_ends_by, is_ordered = self._order(request, self._turn_ends_by(resource, target))
        return Facts(
            now=self.now,
            known=known,
            protected=protected,
            floor_kw=floor_kw,
            epoch=self.epoch,
            event_ends_by=event_ends_by,
            limited_by_other=holder is not None and holder.request != request,
            data_good=self.data_good or (is_ordered and self.knows_orders),
            feeder_budget_kw=self.feeder_budget_kw - self.moved_kw,
            fleet_budget_kw=self.fleet_budget_kw - self.moved_kw,
            failsafe_proven=resource != "device" or target not in self.unproven,
            direction=direction,
        )

    def _turn_ends_by(self, resource: Resource, target: str) -> datetime | None:
        registry, names = self.control.registry, [target]
        device = registry.device.get(target) if resource == "device" else None
        if device is not None and (owner := registry.by_service_point.get(device.service_point)) is not None:
            names.append(owner.customer)
        turn = turn_of(self.turns, *names)
        if turn is None or self.event_ends_by is None:
            return self.event_ends_by
        return turn.ends_by(self.control.site.events)

    def _order(self, request: str, turn_ends_by: datetime | None) -> tuple[datetime | None, bool]:
        """When the last limit must have ended: by the turn in the event, or later by an order that stands;
        and whether one does.
        """
        record = self.books.requests.get(request)
        if record is None or record.ordered is None or not record.is_ordered(self.now):
            return turn_ends_by, False
        until = record.ordered.until
        return until if turn_ends_by is None else max(turn_ends_by, until), True


def feeder_budget_kw(control: FeederControl, books: Books, now: datetime) -> float:
    """What may still be limited on this feeder in the running window."""
    if books.order_book.has_more_reach(control.feeder, now):
        return float("inf")  # two operators let the automatic go further
    share = control.site.safety.feeder_share_per_minute
    return share * control.controllable_kw - moved_lately_kw(control, books, now)


def moved_lately_kw(control: FeederControl, books: Books, now: datetime) -> float:
    """What the automatic limited on this feeder in the running window, also below what operators ordered."""
    event = books.latest_event(control.feeder)
    asked = () if event is None else books.requests_of(event.event)
    since, ordered = now - safety_gate.BUDGET_WINDOW, books.ordered_requests(control.feeder)
    return limited_kw_since(asked, since, now) + below_orders_kw_since(ordered, since, now)
