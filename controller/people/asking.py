"""[5] Which customers are asked by notice to use less. Pure.

A person may or may not answer, so nobody counts on them: the plan for devices is made without them, and what
they give is a bonus that their meter proves. Asked are customers who agreed to it and may be called now
(`call_rules.py`), are not critical, contribute to the worst violation, and have no device in the plan or
under a limit; each at most once per event, whatever they answered. First come those who can give most by what
they own (`customers/appliances`) and have no device connected: they are asked for a share of that. Then the
largest contributors, who are asked for a share of all they take, and those whose tags ask for care
(`customers/tags.py`) after all others; nobody to less than their own floor. What was announced and has not
begun when the event could be over is taken back.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from controller.behind_meter import beside_kw
from controller.bounds import feeds_in
from controller.entries import Entry, RequestMoved, RequestPlanned
from controller.operators import free
from controller.people import call_rules
from controller.people.call_rules import Slot
from controller.planning import OBEYED_WITHIN_KW, baseline_kw
from controller.requests import request_id
from controller.situation import RunningEvent, Situation
from controller.without_control import held_back_kw
from customers.registry import Customer
from grid_model.location import Contribution
from grid_model.violations import Violation

MAX_PER_CYCLE = 10
"""Contributors asked in one cycle: the next cycle may ask more."""
LEAST_KNOWN_KW = 0.1
"""A limit is told in tenths of a kW. Lists are never complete: where what is known does not cover what
everybody is asked for, or is less than this, a customer is asked as everybody is.
"""


def asks(
    situation: Situation,
    event: RunningEvent,
    contributions: Sequence[Contribution],
    cut_at: frozenset[int],
    next_number: int,
) -> tuple[RequestPlanned, ...]:
    """The notices to plan now. `cut_at` are service points that give something through a device already."""
    worst = situation.worst
    if not situation.control.site.requests.notices or worst is None:
        return ()
    planned: list[RequestPlanned] = []
    for candidate in _candidates(situation, contributions, worst, cut_at):
        slot = call_rules.slot(situation, candidate.customer, "people")
        if slot is None:
            continue
        request = request_id(event.event, next_number + len(planned))
        entry = _notice(situation, event, candidate, slot, request=request, worst=worst)
        if entry is not None:
            planned.append(entry)
        if len(planned) == MAX_PER_CYCLE:
            break
    return tuple(planned)


def taken_back(situation: Situation, *, over: bool) -> tuple[Entry, ...]:
    """Notices that have not begun, once only people keep the event open: `over` says that it is, but for
    whoever is asked.
    """
    asked = situation.books.open_requests(situation.control.feeder)
    if not over or any(record.resource == "device" for record in asked):
        return ()
    entries: list[Entry] = []
    for record in asked:
        if record.state not in ("planned", "sent") or record.planned.start <= situation.now:
            continue
        if record.sent_sequence > 0:
            entries += free((record,), situation.epoch, situation.now, "released", "")
        why = "there was room again before it began"
        entries.append(RequestMoved(at=situation.now, request=record.request, state="overridden", reason=why))
    return tuple(entries)


@dataclass(frozen=True, slots=True)
class _Candidate:
    customer: Customer
    share_percent: float
    cut_kw: float = 0.0
    """to be asked for by what they own; 0 where that is not known, or too little to ask for"""
    gives_percent: float = 0.0
    """what that is of the violation's flow"""


def _candidates(
    situation: Situation, contributions: Sequence[Contribution], worst: Violation, cut_at: frozenset[int]
) -> list[_Candidate]:
    """Who could be asked, in the order in which they are."""
    limited_here = cut_at | _give_already(situation)
    asked = {r.planned.target for r in situation.event_records if r.resource == "person"}
    owners = situation.control.registry.by_service_point
    found = [
        _candidate(situation, customer, contribution.share_percent)
        for contribution in contributions
        if contribution.violation == worst.element and contribution.share_percent > 0
        if contribution.p_kw > 0  # who feeds in causes it too, and taking less would not help
        if (customer := owners.get(contribution.service_point)) is not None
        if customer.customer not in asked and _takes_word(situation, customer)
        if not situation.has_had_turn(customer.customer, customer.customer)
        if situation.control.customer_position[customer.customer] not in limited_here
    ]
    return sorted(found, key=lambda one: (one.customer.manner.asked_last, -one.gives_percent))


def _give_already(situation: Situation) -> set[int]:
    """Where a device takes less by its limit, or a roof could feed in more: a limit on what a roof feeds in
    takes nothing off a house in the dark.
    """
    taking = {situation.position(record) for record in situation.limited if not feeds_in(record)}
    return taking | {place for place, kw in held_back_kw(situation).items() if kw > OBEYED_WITHIN_KW}


def _candidate(situation: Situation, customer: Customer, share_percent: float) -> _Candidate:
    control, rules = situation.control, situation.control.site.requests
    ownership = control.registry.ownership
    if ownership is None or customer.service_point in control.registry.connected:
        return _Candidate(customer, share_percent)
    owned = ownership.of(customer.service_point, customer.customer)
    baseline = baseline_kw(situation, control.customer_position[customer.customer]) if owned else 0.0
    local = situation.now.astimezone(call_rules.zone_of(control.site))
    flexible_kw = ownership.flexible_kw(owned, baseline, _floor_kw(situation, customer), local)
    cut_kw = rules.notice_cut_share * flexible_kw
    covers = flexible_kw >= rules.notice_cut_share * baseline
    if not covers or cut_kw < max(rules.min_cut_kw, LEAST_KNOWN_KW):
        return _Candidate(customer, share_percent)
    return _Candidate(customer, share_percent, cut_kw, share_percent * cut_kw / baseline)


def _takes_word(situation: Situation, customer: Customer) -> bool:
    """Whether the customer may get a notice at all now."""
    control, name = situation.control, customer.customer
    if not customer.takes_notices or customer.critical or name in situation.left_alone:
        return False
    if call_rules.is_quiet_at(control.site, customer, situation.now):
        return False
    return situation.books.held_by(control.feeder, name, "person") is None


def _end(situation: Situation, customer: str, slot: Slot) -> datetime:
    """A notice is one word with one end, never renewed: under a programme it lasts as long as a call may."""
    usual = situation.latest_end(slot.start, customer=customer, target=customer)
    if slot.until is None:
        return usual
    if slot.programme.longest_call_s is None:
        return min(usual, slot.until)
    return min(slot.until, situation.turn_ends_by(customer, customer))


def _notice(
    situation: Situation,
    event: RunningEvent,
    candidate: _Candidate,
    slot: Slot,
    *,
    request: str,
    worst: Violation,
) -> RequestPlanned | None:
    """The intent to ask; None where it would be for too little or too short, or the gate refuses."""
    control, customer = situation.control, candidate.customer.customer
    position = control.customer_position[customer]
    baseline, floor_kw = baseline_kw(situation, position), _floor_kw(situation, candidate.customer)
    limit_kw = _limit_kw(situation, candidate, baseline, floor_kw)
    end = _end(situation, customer, slot)
    if baseline - limit_kw < control.site.requests.min_cut_kw:
        return None
    if slot.name is not None and end - slot.start < call_rules.SHORTEST:
        return None  # the event ends before it would be worth it
    planned = RequestPlanned(
        at=situation.now,
        request=request,
        event=event.event,
        feeder=control.feeder,
        resource="person",
        target=customer,
        kind="person",
        customer=customer,
        service_point=control.network.service_points[position],
        limit_kw=limit_kw,
        p_before_kw=float(situation.check.snapshot.p_kw[position]),
        baseline_kw=baseline,
        start=slot.start,
        end=end,
        epoch=situation.epoch,
        sequence=1,
        element=worst.element,
        value=worst.value,
        expected=situation.is_only_expected(worst),
        floor_kw=floor_kw,
        share_percent=candidate.share_percent,
        programme=slot.name,
        beside_kw=beside_kw(situation, position, customer, "consumption"),
    )
    return planned if situation.gatekeeper.passes_new(planned) else None


def _floor_kw(situation: Situation, customer: Customer) -> float:
    return max(situation.control.site.requests.notice_min_kw, customer.manner.least_kw)


def _limit_kw(situation: Situation, candidate: _Candidate, baseline: float, floor_kw: float) -> float:
    """By what they own, where that is known; else a share of all they take."""
    known_kw, rules = candidate.cut_kw, situation.control.site.requests
    share_kw = baseline - known_kw if known_kw > 0 else (1 - rules.notice_cut_share) * baseline
    return max(round(share_kw, 1), math.ceil(round(floor_kw * 10, 6)) / 10)  # never below the floor
