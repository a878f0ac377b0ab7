"""[6] What an operator limits by hand, as requests like any other: of the same states, wire, end and
settlement. Pure.

An order names devices or customers (who stand for all their devices) and what each of them may take at most,
or feed in at most, until when. It reaches those of which that can be bounded, and no others (`bounds.py`).
What never yields to anybody does not yield to it: a device is told no less than its floor, nobody
protected is limited, nobody of guard mode who does not show its failsafe. Nobody is told more than once at a
time: a device that is limited already gets the new limit under the same request, lower or higher. Until the
order's end the automatic may ask it for less, and gives nothing back (`release.py`).

The ends of several are spread before the order's, as those of all requests that are planned together: a
device frees itself at its end, and not all of them in one minute.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

import numpy as np

from controller import failsafes, settings
from controller.behind_meter import beside_kw
from controller.bounds import direction_of, turned
from controller.entries import Entry, OperatorActed, Ordered, RequestChanged, RequestPlanned
from controller.feeder_control import FeederControl
from controller.gatekeeper import Gatekeeper
from controller.operators import check_who_and_why, ordered_target
from controller.order_effects import MOST_TARGETS, LeftOut, ProposedOrder
from controller.people.call_rules import spread_end
from controller.planning import device_baseline_kw
from controller.requests import RequestRecord, order_id, request_id
from controller.safety_gate import Purpose
from controller.situation import Situation
from customers.registry import Device
from devices.messages import Direction

SHORTEST = timedelta(seconds=60)
"""Nobody is limited for less."""
Reason = Literal[
    "feeds_in",
    "no_feed_in",
    "protected",
    "excluded",
    "failsafe_not_shown",
    "power_not_known",
    "being_released",
    "above_rating",
    "gate_refused",
]
REASONS: tuple[Reason, ...] = get_args(Reason)
_TEXTS: dict[Reason, str] = {
    "feeds_in": "it has no consumption to limit",
    "no_feed_in": "it has no feed-in that can be limited",
    "protected": "it or its customer is critical, or is asked by notice only",
    "excluded": "an operator took it or its customer out; an order for it alone may limit it",
    "failsafe_not_shown": "it is of guard mode and does not show its failsafe",
    "power_not_known": "it is offline, or has not told its power lately",
    "being_released": "it is being released just now: order again in a moment",
    "above_rating": "its rated power is no more than that in any case",
    "gate_refused": "the safety gate does not let it pass",
}


@dataclass(frozen=True, slots=True)
class DeviceLimit:
    """One device of an order."""

    device: Device
    direction: Direction
    p_kw: float
    """what it takes now, or feeds in"""
    limit_kw: float
    is_at_floor: bool
    """less was ordered than its guaranteed minimum"""
    end: datetime
    held: RequestRecord | None
    """the request that limits it already"""


@dataclass(frozen=True, slots=True)
class Proposal:
    """An order, looked at."""

    named: tuple[str, ...]
    """devices and customers"""
    limit_kw: float
    direction: Direction
    until: datetime
    limits: tuple[DeviceLimit, ...]
    left_out: tuple[LeftOut, ...]


def propose(situation: Situation, excluded: frozenset[str], order: ProposedOrder) -> Proposal:
    """Whom an order for `limit` reaches, and whom not. Raises ValueError naming what was expected.

    `excluded`: targets that operators took out for longer than an event.
    """
    control, now = situation.control, situation.now
    limit_kw, until = _limit_kw(order), _until(control.site.requests, order, now)
    if not order.named or len(order.named) > MOST_TARGETS:
        raise ValueError(
            f"targets: expected 1 to {MOST_TARGETS} devices or customers, got {len(order.named)}"
        )
    named = tuple(dict.fromkeys(ordered_target(control, situation.books, target) for target in order.named))
    unproven = failsafes.unproven(control, situation.state)
    limits: list[DeviceLimit] = []
    left_out: list[LeftOut] = []
    for device in _devices(control, named):
        allowed_kw = _whole_watts(max(limit_kw, device.min_kw))
        reason = _why_not(situation, device, order.direction, allowed_kw, unproven)
        if reason is None and _is_out(control, device, excluded, named):
            reason = "excluded"
        if reason is not None:
            left_out.append(LeftOut(device.device, reason, _TEXTS[reason]))
            continue
        p_kw, held = _shown_kw(situation, device, order.direction), _held(situation, device)
        is_at_floor = limit_kw < device.min_kw
        limits.append(DeviceLimit(device, order.direction, p_kw, allowed_kw, is_at_floor, until, held))
    spread = tuple(
        replace(one, end=spread_end(control.site, now, until, (place + 1) / len(limits)))
        for place, one in enumerate(limits)
    )
    return Proposal(named, limit_kw, order.direction, until, spread, tuple(left_out))


def order_limit(
    situation: Situation, excluded: frozenset[str], order: ProposedOrder, *, who: str, why: str
) -> tuple[OperatorActed, tuple[Entry, ...]]:
    """The entries of an operator's limit, the order itself first.

    Raises ValueError naming what was expected, also where the order reaches nobody.
    """
    check_who_and_why(who, why)
    proposal = propose(situation, excluded, order)
    control, now = situation.control, situation.now
    given = _order_id(situation)
    gatekeeper = _gatekeeper(situation)
    asked: list[Entry] = []
    left_out = list(proposal.left_out)
    number = 1
    for one in proposal.limits:
        ordered = Ordered(order=given, by=who.strip(), limit_kw=one.limit_kw, until=one.end)
        request = request_id(given, number) if one.held is None else one.held.request
        if not _passes(gatekeeper, request, one, situation.epoch):
            left_out.append(LeftOut(one.device.device, "gate_refused", _TEXTS["gate_refused"]))
            continue
        number += one.held is None
        asked.append(
            _new(situation, request, one, ordered)
            if one.held is None
            else _changed(situation, one, one.held, ordered)
        )
    if not asked:
        raise ValueError(f"targets: nobody can be limited: {_told(left_out)}")
    act = OperatorActed(
        at=now,
        who=who.strip(),
        why=why.strip(),
        action="limit",
        feeder=control.feeder,
        target=proposal.named[0] if len(proposal.named) == 1 else None,
        order=given,
        targets=proposal.named,
        limit_kw=proposal.limit_kw,
        until=proposal.until,
        left_out=tuple((one.device, one.reason) for one in left_out),
        direction=proposal.direction,
    )
    return act, (act, *asked)


def _limit_kw(order: ProposedOrder) -> float:
    limit_kw, directions = order.limit_kw, get_args(Direction)
    if order.direction not in directions:
        raise ValueError(f"direction: expected one of {', '.join(directions)}, got {order.direction!r}")
    if limit_kw is None or not math.isfinite(limit_kw) or limit_kw < 0:
        does = "take" if order.direction == "consumption" else "feed in"
        raise ValueError(f"limit_kw: expected what each device may {does} at most, 0 or more; got {limit_kw}")
    return limit_kw


def _until(rules: settings.Requests, order: ProposedOrder, now: datetime) -> datetime:
    latest = now + timedelta(seconds=max(rules.longest_order_s, SHORTEST.total_seconds()))
    if order.until is None:
        return min(now + timedelta(seconds=rules.duration_s), latest)
    if order.until.tzinfo is None:
        raise ValueError(f"until: expected a time with its zone, got {order.until}")
    earliest = now + SHORTEST
    if not earliest <= order.until <= latest:
        raise ValueError(
            f"until: expected a time from {earliest:%FT%TZ} to {latest:%FT%TZ}, got {order.until:%FT%T%z}"
        )
    return order.until.astimezone(UTC)


def _is_out(control: FeederControl, device: Device, excluded: frozenset[str], named: tuple[str, ...]) -> bool:
    """Whether an operator took it out. An order for it alone limits it all the same: among many it was not
    meant.
    """
    owner = control.registry.by_service_point.get(device.service_point)
    customer = None if owner is None else owner.customer
    by_customer = customer in excluded and named != (customer,)
    return named != (device.device,) and (device.device in excluded or by_customer)


def _devices(control: FeederControl, named: Sequence[str]) -> Iterator[Device]:
    """Once each, in the registry's order."""
    wanted, registry = frozenset(named), control.registry
    for device in registry.devices:
        owner = registry.by_service_point.get(device.service_point)
        if device.device in wanted or (owner is not None and owner.customer in wanted):
            yield device


def _why_not(
    situation: Situation,
    device: Device,
    direction: Direction,
    allowed_kw: float,
    unproven: frozenset[str],
) -> Reason | None:
    """The first rule that keeps a device out, whoever orders it."""
    registry, held = situation.control.registry, _held(situation, device)
    rules: tuple[tuple[Reason, bool], ...] = (
        ("feeds_in" if direction == "consumption" else "no_feed_in", direction_of(device.kind) != direction),
        ("protected", registry.is_protected(device)),
        ("failsafe_not_shown", device.device in unproven),
        ("power_not_known", situation.device_p_kw(device.device) is None),
        ("being_released", held is not None and held.releasing),
        ("above_rating", allowed_kw >= device.rated_kw),
    )
    return next((reason for reason, holds in rules if holds), None)


def _shown_kw(situation: Situation, device: Device, direction: Direction) -> float:
    """What it takes, or feeds in: at night an inverter takes a little, and feeds in nothing."""
    p_kw = situation.device_p_kw(device.device)
    assert p_kw is not None, "a device whose power is not known is left out"
    return p_kw if direction == "consumption" else max(0.0, turned(direction, p_kw))


def _held(situation: Situation, device: Device) -> RequestRecord | None:
    return situation.books.held_by(situation.control.feeder, device.device)


def _whole_watts(limit_kw: float) -> float:
    """Rounded up: never below what was ordered, so never below a floor."""
    return math.ceil(round(limit_kw * 1000, 6)) / 1000


def _order_id(situation: Situation) -> str:
    feeder, number = situation.control.feeder, 1
    while (found := order_id(feeder, situation.now, number)) in situation.books.events:
        number += 1
    return found


def _gatekeeper(situation: Situation) -> Gatekeeper:
    """Reach is for people to agree on, and data that keep the automatic out do not keep a person out."""
    longest_s = max(situation.control.site.requests.longest_order_s, SHORTEST.total_seconds())
    return Gatekeeper(
        control=situation.control,
        books=situation.books,
        now=situation.now,
        epoch=situation.epoch,
        event_ends_by=situation.now + timedelta(seconds=longest_s),
        data_good=True,
        feeder_budget_kw=float("inf"),
        fleet_budget_kw=float("inf"),
        unproven=failsafes.unproven(situation.control, situation.state),
    )


def _passes(gatekeeper: Gatekeeper, request: str, one: DeviceLimit, epoch: int) -> bool:
    purpose: Purpose = "new" if one.held is None else "renewed"
    return gatekeeper.passes(
        request,
        "device",
        one.device.device,
        purpose,
        limit_kw=one.limit_kw,
        start=gatekeeper.now if one.held is None else one.held.planned.start,
        end=one.end,
        epoch=epoch,
        moves_kw=max(one.p_kw - one.limit_kw, 0.0),
        direction=one.direction,
    )


def _new(situation: Situation, request: str, one: DeviceLimit, ordered: Ordered) -> RequestPlanned:
    control, device = situation.control, one.device
    position = control.device_position[device.device]
    owner = control.registry.by_service_point.get(device.service_point)
    element, value = _most_loaded(situation)
    return RequestPlanned(
        at=situation.now,
        request=request,
        event=ordered.order,
        feeder=control.feeder,
        resource="device",
        target=device.device,
        kind=device.kind,
        customer=owner.customer if owner else "",
        service_point=control.network.service_points[position],
        limit_kw=one.limit_kw,
        p_before_kw=one.p_kw,
        baseline_kw=device_baseline_kw(situation, position),
        start=situation.now,
        end=one.end,
        epoch=situation.epoch,
        sequence=1,
        element=element,
        value=value,
        floor_kw=device.min_kw,
        ordered=ordered,
        beside_kw=beside_kw(situation, position, device.device, one.direction),
        direction=one.direction,
    )


def _changed(situation: Situation, one: DeviceLimit, held: RequestRecord, ordered: Ordered) -> RequestChanged:
    reason: Literal["tightened", "relaxed", "renewed"] = "renewed"
    if one.limit_kw != held.limit_kw:
        reason = "tightened" if one.limit_kw < held.limit_kw else "relaxed"
    return RequestChanged(
        at=situation.now,
        request=held.request,
        limit_kw=one.limit_kw,
        end=one.end,
        epoch=situation.epoch,
        sequence=held.sequence + 1,
        reason=reason,
        ordered=ordered,
    )


def _most_loaded(situation: Situation) -> tuple[str, float]:
    """The worst violation, or else the element that is loaded most; neither where nothing is known."""
    check, network = situation.check, situation.control.network
    if check.violations:
        return check.violations[0].element, check.violations[0].value
    loadings = np.concatenate((check.result.line_loading_percent, check.result.transformer_loading_percent))
    if not check.result.converged or not loadings.size or np.isnan(loadings).all():
        return "", 0.0
    place = int(np.nanargmax(loadings))
    return (*network.lines.ids, *network.transformers.ids)[place], float(loadings[place])


def _told(left_out: Sequence[LeftOut]) -> str:
    shown = "; ".join(f"{one.device}: {one.text}" for one in left_out[:3])
    return shown or "no device is named" if len(left_out) <= 3 else f"{shown}; and {len(left_out) - 3} more"
