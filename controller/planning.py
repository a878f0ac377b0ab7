"""[5] Who is to take less, or to feed in less, and how much: the least curtailment that clears the
violations, on devices that can. Pure.

It plans on the *expected* snapshot: what was asked a moment ago and is not visible yet counts as obeyed, for
a bounded time, so that no cycle asks again for what is on its way. A device is asked only while it is online
and tells its power; not when it is protected, is of guard mode and does not show its failsafe, was taken out
by an operator, did not do what it was asked in this event, has had its turn in it (`turns.py`), or was
released a short while ago (that last rule yields above `at_once_percent`). What is limited already may be
limited further, down to its floor. While an event is open it does not wait for a limit to be broken again:
`act_above_share` of it is enough, and so is what may come within the lead (`headroom.py`).

Inverters are asked to feed in less, and only where that relieves what is outside its limits; where it is
feed-in that does it, nobody is asked to take less (`relief.py`). Where a customer
agreed to a programme for devices, its hours and counts bind (`call_rules.py`); who said no to a notice keeps
the devices of the same programme out of the event.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np

from controller import allocation_rules
from controller.baselines import meter_before
from controller.behind_meter import beside_kw
from controller.bounds import at_point, direction_of, turned
from controller.changing import changed
from controller.entries import Entry, EventShort, RequestChanged, RequestPlanned
from controller.failsafes import may_be_asked
from controller.people import call_rules
from controller.reach import lapse_spread_s
from controller.relief import relieves
from controller.requests import RequestRecord, request_id
from controller.situation import Expectation, RunningEvent, Situation, comply_within_s
from customers.registry import Customer, Device
from devices.messages import Direction
from grid_model.allocation import Curtailment, FlexibleDevice, allocate
from grid_model.allocation.missing import missing
from grid_model.errors import Diverged
from grid_model.location import Contribution
from grid_model.network import Floats, Network
from grid_model.snapshot import Quality
from grid_model.violations import Limits, Violation, find_violations

OBEYED_WITHIN_KW = 0.2
"""A device takes no more than it may if it is above its limit by less than this."""
_FAILED_STATES = ("refused", "unanswered", "failed", "overridden")


@dataclass(frozen=True)
class Plan:
    """What is to be asked of devices."""

    entries: tuple[Entry, ...] = ()
    expectations: Mapping[int, Expectation] = field(default_factory=dict)
    cut_at: frozenset[int] = frozenset()
    """service points that give something in this plan"""
    next_number: int = 1
    short_kw: Floats | None = None
    """(n_sp,) what is taken after all that can be asked for, where that does not clear the violations"""


def expected_p_kw(situation: Situation) -> tuple[Floats, dict[int, Expectation]]:
    """(n_sp,) the snapshot with pending requests counted as obeyed, and the expectations that still stand."""
    p_kw, standing = situation.check.snapshot.p_kw, {}
    for position, expectation in (_from_books(situation) | dict(situation.expectations)).items():
        records = [situation.books.requests.get(r) for r in expectation.requests]
        believed = expectation.until > situation.now and all(r is not None and r.is_open for r in records)
        if believed and expectation.is_ahead_of(float(p_kw[position])):
            standing[position] = expectation
    if standing:
        p_kw = p_kw.copy()
        for position, expectation in standing.items():
            p_kw[position] = expectation.p_kw
    return p_kw, standing


def _from_books(situation: Situation) -> dict[int, Expectation]:
    """What was asked a moment ago, as far as the books tell: all that is left of it after a restart."""
    patience = timedelta(seconds=comply_within_s(situation.control))
    found: dict[int, Expectation] = {}
    for record in situation.limited:
        until, position = record.limits[-1][0] + patience, situation.position(record)
        kw = situation.target_kw(record)
        excess_kw = (record.planned.p_before_kw if kw is None else kw) - record.limit_kw
        if until > situation.now and excess_kw > OBEYED_WITHIN_KW:
            shown_kw = float(situation.check.snapshot.p_kw[position])
            before = found.get(position, Expectation(shown_kw, until, ()))
            requests = (*before.requests, record.request)
            moved_kw = before.p_kw - shown_kw - at_point(record, excess_kw)
            found[position] = _expected(shown_kw, moved_kw, until, requests)
    return found


def _expected(shown_kw: float, moved_kw: float, until: datetime, requests: tuple[str, ...]) -> Expectation:
    """What a service point that shows `shown_kw` should show: `moved_kw` above 0 where less is fed in."""
    direction: Direction = "production" if moved_kw > 0 else "consumption"
    return Expectation(shown_kw + moved_kw, until, requests, direction)


def plan(
    situation: Situation, located: Sequence[Contribution] = (), leaving: Mapping[str, float] | None = None
) -> Plan:
    """The cuts that the violations of now ask for. Call only while `situation.may_act`.

    `located`: who causes them, for the record. `leaving`: devices that are freed in any case in this pass,
    with what they will take more, in kW (feed in more: below 0): others give that too.
    """
    event, worst = situation.event, pressing(situation)
    p_kw, standing = expected_p_kw(situation)
    nothing = Plan(expectations=standing, next_number=event.next_number if event else 1)
    if event is None or worst is None:
        return nothing
    control, q_kvar, leaving = situation.control, situation.check.snapshot.q_kvar, leaving or {}
    p_kw = _moved(situation, p_kw, leaving.items())
    if standing and _suffices(situation, p_kw):
        return nothing  # what was asked for is on its way
    staying = (d for d in flexible_devices(situation, standing) if d.device not in leaving)
    flexible = allocation_rules.judged(situation, staying)
    network, limits = _target(situation)
    try:
        allocation = allocate(
            network,
            situation.load_flow,
            p_kw,
            q_kvar,
            flexible,
            limits,
            allocation_rules.rules(control.site.requests, event.event),
        )
    except Diverged:
        return nothing  # nothing is widened on a guess (C19)
    cuts = _worthwhile(situation, p_kw, allocation.curtailments)
    after = _after(situation, p_kw, cuts)
    short = not allocation.cleared and control.element_limits.worst_ratio(situation.solve(after)) > 1
    so_far = replace(nothing, short_kw=after if short else None)
    shares = {c.service_point: c.share_percent for c in located if c.violation == worst.element}
    return _ask(situation, event, cuts, worst=worst, p_kw=p_kw, shares=shares, so_far=so_far)


def pressing(situation: Situation) -> Violation | None:
    """The element that calls for cuts now: the worst violation, or in an open event what is close to one."""
    check, control = situation.check, situation.control
    if situation.worst is not None:
        return situation.worst
    if not check.result.converged or check.worst_ratio <= control.site.requests.act_above_share:
        return None
    close = find_violations(control.target_network, check.result, control.target_limits)
    return close[0] if close else None


def _suffices(situation: Situation, p_kw: Floats) -> bool:
    result, headroom = situation.solve(p_kw), situation.headroom
    if headroom is not None and headroom.limits.worst_ratio(result) > 1:
        return False
    ratio = situation.control.element_limits.worst_ratio(result)
    return ratio <= situation.control.site.requests.act_above_share


def _target(situation: Situation) -> tuple[Network, Limits]:
    """What the allocation aims at."""
    control, headroom = situation.control, situation.headroom
    return (control.target_network, control.target_limits) if headroom is None else headroom.target


def shortfall(
    situation: Situation, worst: Violation, event: str, short_kw: Floats | None = None
) -> EventShort:
    """The entry that says that it does not suffice; `short_kw` is that of the plan."""
    return EventShort(
        at=situation.now,
        event=event,
        feeder=situation.control.feeder,
        element=worst.element,
        value=worst.value,
        limit=worst.limit,
        missing_kw=None if short_kw is None else _missing_kw(situation, short_kw),
    )


def _missing_kw(situation: Situation, p_kw: Floats) -> float | None:
    """What more must go so that the violation that needs most of it is gone; the others may need some too."""
    control, result = situation.control, situation.solve(p_kw)
    if not result.converged:
        return None
    left = find_violations(control.network, result, control.limits)
    try:
        found = missing(control.network, situation.load_flow, p_kw, situation.check.snapshot.q_kvar, left)
    except Diverged:  # so near to collapse that what a kW does cannot be told
        return None
    needed = [one.kw for one in found if one.kw is not None]
    return max(needed) if needed and len(needed) == len(found) else None


def flexible_devices(situation: Situation, standing: Mapping[int, Expectation]) -> Iterator[FlexibleDevice]:
    """All devices that may be asked for something now, with what they take and their floor."""
    control, taken_out = situation.control, situation.left_alone | failed_in_event(situation.event_records)
    for device in control.registry.devices:
        owner = control.registry.by_service_point.get(device.service_point)
        if not relieves(situation, device):
            continue
        if device.device in taken_out or (owner is not None and owner.customer in situation.left_alone):
            continue  # a notice that failed is no reason to leave the customer's devices alone
        if control.registry.is_protected(device) or not _may_be_called(situation, owner):
            continue
        if not may_be_asked(device, situation.state):
            continue
        position = control.device_position[device.device]
        if has_had_turn(situation, device, owner):
            continue
        kw = _can_give(situation, device, position in standing)
        if kw is not None and kw > device.min_kw + OBEYED_WITHIN_KW:
            yield _flexible(device, position, kw)


def _flexible(device: Device, position: int, kw: float) -> FlexibleDevice:
    """With `kw` in its direction, and from there down to its floor."""
    if direction_of(device.kind) == "consumption":
        return FlexibleDevice(device.device, position, kw, device.min_kw)
    return FlexibleDevice(device.device, position, -kw, -kw, max_kw=-device.min_kw)


def has_had_turn(situation: Situation, device: Device, owner: Customer | None) -> bool:
    """Whether it is left alone for the rest of the event; who is limited now may be limited further."""
    name = "" if owner is None else owner.customer
    if situation.books.held_by(situation.control.feeder, device.device) is not None:
        return False
    return situation.has_had_turn(name, device.device)


def _may_be_called(situation: Situation, owner: Customer | None) -> bool:
    """Whether what was agreed lets the owner's devices take part now."""
    if owner is None or situation.control.registry.agreements is None:
        return True
    slot = call_rules.slot(situation, owner, "devices")
    return slot is not None and (owner.customer, slot.name) not in situation.opted_out


def failed_in_event(records: Sequence[RequestRecord]) -> frozenset[str]:
    """Targets that refused, stayed silent, could not be reached or were freed by hand: left alone for the
    event.
    """
    return frozenset(r.planned.target for r in records if r.state in _FAILED_STATES or r.answer == "refused")


def _can_give(situation: Situation, device: Device, pending: bool) -> float | None:
    """The power that counts as the device's present one, in its direction; None when it must not be asked
    now.
    """
    p_kw = situation.device_p_kw(device.device)
    if p_kw is None:
        return None
    p_kw = turned(direction_of(device.kind), p_kw)
    record = situation.books.held_by(situation.control.feeder, device.device)
    if record is None:
        return None if _was_just_released(situation, device.device) else p_kw
    if record.releasing:
        return None
    if p_kw <= record.limit_kw + OBEYED_WITHIN_KW:
        return p_kw
    return (
        record.limit_kw if pending else None
    )  # takes more than it may: it does not obey, more words are useless


def _was_just_released(situation: Situation, device: str) -> bool:
    site = situation.control.site
    released_at = situation.books.last_released_at(situation.control.feeder, device)
    if released_at is None or situation.check.worst_ratio * 100 > site.events.at_once_percent:
        return False
    return (situation.now - released_at).total_seconds() < site.requests.min_between_s


def _after(situation: Situation, p_kw: Floats, cuts: Sequence[Curtailment]) -> Floats:
    return _moved(situation, p_kw, ((cut.device, cut.moved_kw) for cut in cuts))


def _moved(situation: Situation, p_kw: Floats, moves: Iterable[tuple[str, float]]) -> Floats:
    """(n_sp,) with each of these devices taking so much more."""
    p_kw = p_kw.copy()
    for device, more_kw in moves:
        p_kw[situation.control.device_position[device]] += more_kw
    return p_kw


def _worthwhile(situation: Situation, p_kw: Floats, cuts: Sequence[Curtailment]) -> tuple[Curtailment, ...]:
    """The cuts without those too small for a command, as long as the violations clear without them."""
    least_kw = situation.control.site.requests.min_cut_kw
    large = tuple(cut for cut in cuts if cut.curtailed_kw >= least_kw)
    if len(large) == len(cuts):
        return large
    if _suffices(situation, _after(situation, p_kw, large)):
        return large
    return tuple(cut for cut in cuts if cut.curtailed_kw > 0)


@dataclass(frozen=True)
class _Cutting:
    """What all that one plan asks for has in common."""

    situation: Situation
    event: RunningEvent
    worst: Violation
    shares: Mapping[str, float]
    """by service point: how much of the violation it causes, in percent"""
    together: int
    """cuts: their ends are spread"""


_Asked = RequestPlanned | RequestChanged


def _ask(
    situation: Situation,
    event: RunningEvent,
    cuts: Sequence[Curtailment],
    *,
    worst: Violation,
    p_kw: Floats,
    shares: Mapping[str, float],
    so_far: Plan,
) -> Plan:
    """The entries that ask for the cuts, as far as the gate lets them pass."""
    cutting = _Cutting(situation, event, worst, shares, len(cuts))
    number, asked = so_far.next_number, list[tuple[Curtailment, _Asked]]()
    for place, cut in enumerate(cuts):
        entry = _asked(cutting, cut, number, place)
        if entry is not None:
            asked.append((cut, entry))
            number += isinstance(entry, RequestPlanned)
    expected = _expected_of(situation, p_kw, asked)
    return replace(
        so_far,
        entries=tuple(entry for _, entry in asked),
        expectations={**so_far.expectations, **expected},
        cut_at=frozenset(expected),
        next_number=number,
    )


def _expected_of(
    situation: Situation, p_kw: Floats, asked: Iterable[tuple[Curtailment, _Asked]]
) -> dict[int, Expectation]:
    """By service point, once its devices do what they are asked here."""
    until = situation.now + timedelta(seconds=comply_within_s(situation.control))
    together: dict[int, list[tuple[str, float]]] = {}
    for cut, entry in asked:
        position = situation.control.device_position[cut.device]
        together.setdefault(position, []).append((entry.request, cut.moved_kw))
    return {
        position: _expected(
            float(p_kw[position]), sum(kw for _, kw in moved), until, tuple(request for request, _ in moved)
        )
        for position, moved in together.items()
    }


def _asked(cutting: _Cutting, cut: Curtailment, number: int, place: int) -> _Asked | None:
    """A new request (with this number), or a lower limit under the one that holds; None where neither may be.
    `place` is that among those that are planned together.
    """
    situation = cutting.situation
    direction = direction_of(situation.control.registry.device[cut.device].kind)
    # Rounded up to whole watts: never below what was computed, so never below a floor.
    limit_kw = math.ceil(round(turned(direction, cut.limit_kw) * 1000, 6)) / 1000
    held = situation.books.held_by(situation.control.feeder, cut.device)
    if held is not None:
        return _tightened(situation, held, limit_kw)
    request = request_id(cutting.event.event, number)
    planned = _new(cutting, cut, request=request, limit_kw=limit_kw, place=place)
    return planned if situation.gatekeeper.passes_new(planned) else None


def _new(cutting: _Cutting, cut: Curtailment, *, request: str, limit_kw: float, place: int) -> RequestPlanned:
    """The intent to limit a device."""
    situation, control, worst = cutting.situation, cutting.situation.control, cutting.worst
    device, position = control.registry.device[cut.device], control.device_position[cut.device]
    direction, service_point = direction_of(device.kind), control.network.service_points[position]
    owner = control.registry.by_service_point.get(device.service_point)
    slot = None if owner is None else call_rules.slot(situation, owner, "devices")
    customer = "" if owner is None else owner.customer
    return RequestPlanned(
        at=situation.now,
        request=request,
        event=cutting.event.event,
        feeder=control.feeder,
        resource="device",
        target=cut.device,
        kind=device.kind,
        customer=customer,
        service_point=service_point,
        limit_kw=limit_kw,
        p_before_kw=turned(direction, cut.p_kw),
        baseline_kw=device_baseline_kw(situation, position),
        start=situation.now,
        end=_end(situation, cut.device, customer, slot, spread=(place, cutting.together)),
        epoch=situation.epoch,
        sequence=1,
        element=worst.element,
        value=worst.value,
        expected=situation.is_only_expected(worst),
        floor_kw=device.min_kw,
        share_percent=cutting.shares.get(service_point),
        programme=None if slot is None else slot.name,
        direction=direction,
        beside_kw=beside_kw(situation, position, cut.device, direction),
    )


def _end(
    situation: Situation, device: str, customer: str, slot: call_rules.Slot | None, *, spread: tuple[int, int]
) -> datetime:
    """`spread`: the place among so many whose limits begin together, and so must not end together."""
    (place, together), site = spread, situation.control.site
    spread_s = lapse_spread_s(site) * place / together
    end = situation.latest_end(situation.now, spread_s, customer=customer, target=device)
    if slot is None or slot.until is None:
        return end
    return min(end, call_rules.spread_end(site, situation.now, slot.until, (place + 1) / together))


def _tightened(situation: Situation, held: RequestRecord, limit_kw: float) -> RequestChanged | None:
    """A lower limit under the same request; None when it is none, or the gate refuses."""
    if limit_kw >= held.limit_kw:
        return None
    return changed(situation, held, "tightened", limit_kw=limit_kw)


def device_baseline_kw(situation: Situation, position: int) -> float:
    """What the meter shows at the moment a device is chosen for what it takes at this moment.

    The quarter of an hour before would miss a car that has just begun to charge: it would be cut like the
    others and earn nothing.
    """
    known = situation.check.snapshot
    if known.quality[position] == Quality.MEASURED:
        return float(known.p_kw[position])
    return baseline_kw(situation, position)


def baseline_kw(situation: Situation, position: int) -> float:
    """What the meter would show without the request: the quarter of an hour before, or the snapshot at the
    very start.
    """
    before = meter_before(situation.history, position, situation.now)
    p_kw = before.p_kw if before is not None else float(situation.check.snapshot.p_kw[position])
    return p_kw if np.isfinite(p_kw) else 0.0
