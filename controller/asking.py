"""[5] Which customers are asked by notice to use less. Pure.

A person may or may not answer, so nobody counts on them: the plan for devices is made without them, and what
they give is a bonus that their meter proves. Asked are customers who agreed to it, are not critical,
contribute to the worst violation, and have no device in the plan or under a limit; each at most once per
event, the largest contributors first.
"""

from collections.abc import Sequence

from controller.entries import RequestPlanned
from controller.planning import baseline_kw
from controller.requests import request_id
from controller.situation import RunningEvent, Situation
from customers.registry import Customer
from grid_model.location import Contribution
from grid_model.violations import Violation

MAX_PER_CYCLE = 10
"""Contributors asked in one cycle: the next cycle may ask more."""


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
    for contribution in contributions:
        if contribution.violation != worst.element or contribution.share_percent <= 0:
            continue
        customer = situation.control.registry.by_service_point.get(contribution.service_point)
        if customer is None or not _may_be_asked(situation, customer, cut_at):
            continue
        request = request_id(event.event, next_number + len(planned))
        entry = _notice(situation, event, customer, request=request, worst=worst)
        if entry is not None:
            planned.append(entry)
        if len(planned) == MAX_PER_CYCLE:
            break
    return tuple(planned)


def _may_be_asked(situation: Situation, customer: Customer, cut_at: frozenset[int]) -> bool:
    control, feeder, name = situation.control, situation.control.feeder, customer.customer
    if not customer.takes_notices or customer.critical or name in situation.left_alone:
        return False
    position = control.customer_position[name]
    limited_here = cut_at | {situation.position(record) for record in situation.limited}
    asked_before = any(r.planned.target == name and r.resource == "person" for r in situation.event_records)
    held = situation.books.held_by(feeder, name, "person") is not None
    return not (position in limited_here or asked_before or held)


def _notice(
    situation: Situation, event: RunningEvent, customer: Customer, *, request: str, worst: Violation
) -> RequestPlanned | None:
    rules, now = situation.control.site.requests, situation.now
    position = situation.control.customer_position[customer.customer]
    baseline = baseline_kw(situation, position)
    limit_kw = round(max(rules.notice_min_kw, (1 - rules.notice_cut_share) * baseline), 1)
    if baseline - limit_kw < rules.min_cut_kw:
        return None
    end = situation.latest_end(now)
    if not situation.gatekeeper.passes(
        request,
        "person",
        customer.customer,
        "new",
        limit_kw=limit_kw,
        start=now,
        end=end,
        epoch=situation.epoch,
    ):
        return None
    return RequestPlanned(
        at=now,
        request=request,
        event=event.event,
        feeder=situation.control.feeder,
        resource="person",
        target=customer.customer,
        kind="person",
        customer=customer.customer,
        service_point=situation.control.network.service_points[position],
        limit_kw=limit_kw,
        p_before_kw=float(situation.check.snapshot.p_kw[position]),
        baseline_kw=baseline,
        start=now,
        end=end,
        epoch=situation.epoch,
        sequence=1,
        element=worst.element,
        value=worst.value,
        expected=situation.is_only_expected(worst),
    )
