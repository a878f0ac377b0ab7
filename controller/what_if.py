"""What orders would do, before anybody gives them: by load flow, on a feeder's latest snapshot. Pure.

The same rules that carry an order out say whom it reaches (`ordered_limits.py`), and the same load flow that
checks the feeder says what becomes of it. A device that would be limited is taken at its limit, one that
would be freed at what it took before (`release.py`), all others as they stand. Nothing is foreseen: neither
what comes by itself nor what the automatic would answer.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import fsum
from typing import Literal

from controller.bounds import at_point, turned
from controller.operators import freed_by, named_by
from controller.order_effects import (
    MOST_ORDERS,
    Caution,
    DeviceEffect,
    EventEffect,
    LeftOut,
    ProposedOrder,
    WhatIf,
)
from controller.ordered_limits import DeviceLimit, propose
from controller.outlook import columns, element_effects, outlook, value_of, voltage_effects
from controller.requests import RequestRecord
from controller.situation import Situation
from controller.without_control import comes_back_kw
from grid_model.load_flow import LoadFlowResult
from grid_model.network import Floats

CautionCode = Literal[
    "data_not_good",
    "no_solution_now",
    "no_solution_then",
    "new_violations",
    "still_violated",
    "was_excluded",
    "automatic_stays_out",
    "automatic_takes_over",
    "power_not_known",
]
CAUTIONS: Mapping[CautionCode, str] = {
    "data_not_good": "the data are not good: what is shown may not be so",
    "no_solution_now": "no load flow exists for the latest snapshot: nothing is known",
    "no_solution_then": "no load flow exists then: the voltage may collapse",
    "new_violations": "something would leave its limits that is within them now",
    "still_violated": "something stays outside its limits",
    "was_excluded": "an operator took it out before, and it would be limited all the same",
    "automatic_stays_out": "the automatic asks nobody afterwards, whatever comes",
    "automatic_takes_over": "the automatic decides afterwards, and may ask for more",
    "power_not_known": "what comes back at some is not known: they are offline or silent",
}


@dataclass
class _Gathered:
    """What the orders come to together; the later one counts where two are about one device."""

    situation: Situation
    excluded: frozenset[str]
    limited: dict[str, DeviceLimit] = field(default_factory=dict)
    """by device"""
    freed: dict[str, RequestRecord] = field(default_factory=dict)
    """by request"""
    left_out: dict[str, LeftOut] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)
    cautions: set[CautionCode] = field(default_factory=set)

    def take(self, order: ProposedOrder) -> None:
        """One order more. Raises ValueError naming what was expected."""
        if order.action == "limit":
            self._limit(order)
            return
        situation = self.situation
        feeder = situation.control.feeder
        named = named_by(situation.control, situation.books, order.action, order.target)
        if named is not None:
            self.named.add(named)
        match order.action:
            case "release" | "release_all" | "exclude":
                self._free(freed_by(situation.books, feeder, order.action, named, situation.now), named)
            case "include":
                self.excluded -= {str(named)}
        if order.action in ("automatic_off", "release_all"):
            self.cautions.add("automatic_stays_out")
        elif order.action == "automatic_on":
            self.cautions.add("automatic_takes_over")
        elif order.action == "exclude":
            self.excluded |= {str(named)}

    def _limit(self, order: ProposedOrder) -> None:
        proposal = propose(self.situation, self.excluded, order)
        self.named.update(proposal.named)
        self.left_out |= {one.device: one for one in proposal.left_out}
        if proposal.limits and not self.excluded.isdisjoint(proposal.named):
            self.cautions.add("was_excluded")
        for one in proposal.limits:
            self.limited[one.device.device] = one
            self.left_out.pop(one.device.device, None)
            if one.held is not None:
                self.freed.pop(one.held.request, None)

    def _free(self, records: Sequence[RequestRecord], named: str | None) -> None:
        for record in records:
            if record.is_open:
                self.freed[record.request] = record
        owners = self.situation.control.registry.by_service_point
        for device, one in tuple(self.limited.items()):
            owner = owners.get(one.device.service_point)
            if named is None or named in (device, None if owner is None else owner.customer):
                del self.limited[device]


def what_if(
    situation: Situation, excluded: frozenset[str], orders: Sequence[ProposedOrder], at: datetime
) -> WhatIf:
    """What these orders together would do to the feeder. `at`: the time of the check.

    Raises ValueError naming what was expected.
    """
    if not 1 <= len(orders) <= MOST_ORDERS:
        raise ValueError(f"orders: expected 1 to {MOST_ORDERS}, got {len(orders)}")
    gathered = _Gathered(situation, excluded)
    for order in orders:
        gathered.take(order)
    devices = _with_or_without_sun(situation, (*_limited(gathered), *_freed(gathered)))
    control, before = situation.control, situation.check.result
    p_kw = _p_kw(situation, devices)
    after = situation.solve(p_kw)
    now, then = outlook(control, before), outlook(control, after)
    reach_kw = sum(map(_reach_kw, gathered.limited.values()))
    return WhatIf(
        feeder=control.feeder,
        at=at,
        is_data_good=situation.good,
        before=now,
        after=then,
        elements=element_effects(control, before, after),
        voltages=voltage_effects(control, before, after),
        devices=devices,
        left_out=tuple(gathered.left_out.values()),
        event=_event(situation, after),
        curtailed_kw=float((situation.check.snapshot.p_kw - p_kw).sum()),
        less_fed_in_kw=fsum(one.after_kw - one.before_kw for one in devices if one.direction == "production"),
        customers=tuple(dict.fromkeys(one.customer for one in devices if one.customer)),
        critical_customers=_critical(gathered),
        reach_kw=reach_kw,
        reach_percent=100 * reach_kw / control.controllable_kw if control.controllable_kw > 0 else 0.0,
        cautions=_cautions(gathered, {v.id for v in now.violations}, {v.id for v in then.violations}, after),
        columns_after=columns(after, p_kw),
    )


def _with_or_without_sun(situation: Situation, devices: tuple[DeviceEffect, ...]) -> tuple[DeviceEffect, ...]:
    """Inverters that may feed in more back to what they fed in, or left where they are, whichever is worse
    for the feeder: nobody is told that a roof makes room for a car after the sun has set.
    """
    without = tuple(
        replace(one, after_kw=one.before_kw, curtailed_kw=0.0) if _feeds_in_more(one) else one
        for one in devices
    )
    if without == devices:
        return devices
    ratio, ratio_without = (
        situation.control.element_limits.worst_ratio(situation.solve(_p_kw(situation, effects)))
        for effects in (devices, without)
    )
    return without if ratio_without > ratio else devices


def _feeds_in_more(one: DeviceEffect) -> bool:
    return one.direction == "production" and one.after_kw < one.before_kw


def _limited(gathered: _Gathered) -> Iterator[DeviceEffect]:
    situation = gathered.situation
    owners = situation.control.registry.by_service_point
    for one in gathered.limited.values():
        device, held = one.device, one.held
        wanted_kw = one.p_kw if held is None else one.p_kw + comes_back_kw(situation, held)
        then_kw = min(max(wanted_kw, 0.0), one.limit_kw)
        owner = owners.get(device.service_point)
        before_kw, after_kw = (turned(one.direction, kw) + 0.0 for kw in (one.p_kw, then_kw))  # no -0
        yield DeviceEffect(
            device=device.device,
            kind=device.kind,
            service_point=device.service_point,
            customer=None if owner is None else owner.customer,
            direction=one.direction,
            before_kw=before_kw,
            after_kw=after_kw,
            limit_kw=one.limit_kw,
            floor_kw=device.min_kw,
            is_at_floor=one.is_at_floor,
            until=one.end,
            curtailed_kw=before_kw - after_kw,
        )


def _freed(gathered: _Gathered) -> Iterator[DeviceEffect]:
    situation = gathered.situation
    for record in gathered.freed.values():
        planned = record.planned
        if not situation.is_placed(record):
            continue
        before_kw, back_kw = _now_kw(gathered, record), 0.0
        if record.resource == "device" and not record.releasing:
            back_kw = at_point(record, comes_back_kw(situation, record))
        elif record.resource == "person" and record.state == "active":
            back_kw = max(planned.p_before_kw - before_kw, 0.0)
        yield DeviceEffect(
            device=planned.target,
            kind=planned.kind,
            service_point=planned.service_point,
            customer=planned.customer or None,
            direction=planned.direction,
            before_kw=before_kw,
            after_kw=before_kw + back_kw,
            limit_kw=None,
            floor_kw=planned.floor_kw or 0.0,
            is_at_floor=False,
            until=None,
            curtailed_kw=-back_kw,
        )


def _now_kw(gathered: _Gathered, record: RequestRecord) -> float:
    """What a target takes now: the device by its own word, or as much as it may; a person by their meter."""
    situation = gathered.situation
    if record.resource == "person":
        return float(situation.check.snapshot.p_kw[situation.position(record)])
    p_kw = situation.device_p_kw(record.planned.target)
    if p_kw is None:
        gathered.cautions.add("power_not_known")
    return at_point(record, record.limit_kw) if p_kw is None else p_kw


def _p_kw(situation: Situation, devices: Sequence[DeviceEffect]) -> Floats:
    """(n_sp,) what is taken then. A person's part shows at the same meter as that of a device, so of what
    both would give back the larger counts (as in `release.curtailed_kw`).
    """
    by_device: dict[int, float] = {}
    by_person: dict[int, float] = {}
    p_kw = situation.check.snapshot.p_kw.copy()
    for one in devices:
        position = situation.control.place[one.service_point]
        if one.direction == "production":
            p_kw[position] -= one.curtailed_kw
            continue
        moved = by_person if one.kind == "person" else by_device
        moved[position] = moved.get(position, 0.0) - one.curtailed_kw
    for position in by_device.keys() | by_person.keys():
        ours_kw, theirs_kw = by_device.get(position, 0.0), by_person.get(position, 0.0)
        p_kw[position] += max(ours_kw, theirs_kw) if ours_kw >= 0 else ours_kw + theirs_kw
    return p_kw


def _reach_kw(one: DeviceLimit) -> float:
    """What a limit takes from what its device may take without it, whether it does so now or not."""
    may_kw = one.device.rated_kw if one.held is None else one.held.limit_kw
    return max(may_kw - one.limit_kw, 0.0)


def _event(situation: Situation, after: LoadFlowResult) -> EventEffect | None:
    control, record = situation.control, situation.books.open_event(situation.control.feeder)
    if record is None:
        return None
    opened, worst_ratio = record.opened, control.element_limits.worst_ratio(after)
    return EventEffect(
        event=opened.event,
        element=opened.element,
        limit=opened.limit,
        value_before=value_of(control, situation.check.result, opened.element),
        value_after=value_of(control, after, opened.element),
        is_cleared=worst_ratio <= 1,
        would_wind_down=worst_ratio < control.site.events.close_below,
    )


def _critical(gathered: _Gathered) -> tuple[str, ...]:
    """Critical customers whom the orders name, themselves or by a device."""
    registry, named = gathered.situation.control.registry, gathered.named | gathered.left_out.keys()
    places = {d.service_point for d in registry.devices if d.device in named}
    return tuple(
        one.customer
        for one in registry.customers
        if one.critical and (one.customer in named or one.service_point in places)
    )


def _cautions(
    gathered: _Gathered, before: set[str], after: set[str], result: LoadFlowResult
) -> tuple[Caution, ...]:
    situation, codes = gathered.situation, gathered.cautions
    if not situation.good:
        codes.add("data_not_good")
    if not situation.check.result.converged:
        codes.add("no_solution_now")
    if not result.converged:
        codes.add("no_solution_then")
    if after - before:
        codes.add("new_violations")
    if after & before:
        codes.add("still_violated")
    return tuple(Caution(code, text) for code, text in CAUTIONS.items() if code in codes)
