"""[4] Who makes any one element's value what it is, asked for by people who look; violated or not.

The decision of a cycle knows the worst violation's only. The sums are heavy, so they run beside the loop, one
after the other, and are remembered until the next cycle: many who look at the same cost no more than one.
"""

import asyncio
from functools import partial

import numpy as np
import structlog

from controller import planning
from controller.bookkeeping import Offload
from controller.cycle import Decisions
from controller.situation import Situation
from controller.views import ContributionsView, ContributionView
from customers.registry import Registry
from grid_model.errors import Diverged, UnknownElement
from grid_model.location import Composition, Contribution, compose
from grid_model.network import Floats
from grid_model.violations import Violation, ViolationKind

MOST_CAUSES, MOST_RELIEF = 100, 20
MOST_AT_ONCE = 16
_REMEMBERED = 50
"""elements of one cycle"""
log = structlog.get_logger()


class Contributions:
    """Asks, and remembers the answers of each feeder's latest cycle."""

    def __init__(self, offload: Offload) -> None:
        self._offload = offload
        self._turn = asyncio.Lock()
        self._known: dict[str, tuple[Decisions, dict[str, ContributionsView | None]]] = {}
        self._going: dict[tuple[str, str], asyncio.Task[ContributionsView | None]] = {}

    async def of(self, decided: Decisions, element: str) -> ContributionsView | None:
        """Who makes up an element's value at the end of a cycle; None when nobody can tell. Raises
        UnknownElement.

        What has begun goes on to its end also when whoever asked waits no longer, so that the next to ask the
        same joins it, and is not as far from an answer as the first. At most `MOST_AT_ONCE` wait or are
        worked on: nobody can tell more.
        """
        if element not in decided.situation.control.element_place:
            raise UnknownElement(f"element: expected one of the network's, such as 'line:3'; got {element!r}")
        place = (decided.sample.feeder, element)
        task = self._going.get(place)
        if task is None:
            if len(self._going) >= MOST_AT_ONCE:
                return None
            task = self._going[place] = asyncio.create_task(
                self._found(decided, element), name=f"contributions {element}"
            )
            task.add_done_callback(partial(self._over, place))
        return await asyncio.shield(task)

    def _over(self, place: tuple[str, str], task: asyncio.Task[ContributionsView | None]) -> None:
        del self._going[place]
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("contributions_failed", reason=f"{type(error).__name__}: {error}")

    async def _found(self, decided: Decisions, element: str) -> ContributionsView | None:
        situation = decided.situation
        async with self._turn:
            feeder = decided.sample.feeder
            known = self._known.get(feeder)
            if known is None or known[0] is not decided or len(known[1]) >= _REMEMBERED:
                known = self._known[feeder] = (decided, {})
            if element not in known[1]:
                flexible_kw = flexible_kw_of(situation)  # reads the books, so not beside the loop
                known[1][element] = await self._offload(contributions, situation, element, flexible_kw)
            return known[1][element]


def flexible_kw_of(situation: Situation) -> Floats:
    """(n_sp,) what the devices at each service point could give."""
    flexible_kw = np.zeros(len(situation.control.network.service_points))
    for device in planning.flexible_devices(situation, situation.expectations):
        flexible_kw[device.service_point] += max(device.p_kw - device.min_kw, 0.0)
    return flexible_kw


def contributions(situation: Situation, element: str, flexible_kw: Floats) -> ContributionsView | None:
    """The parts of an element's value; None where it has none, or so near to collapse that nobody can tell.
    Pure.
    """
    control, checked = situation.control, situation.check
    violation = _as_violation(situation, element)
    if violation is None:
        return None
    try:
        (found,) = compose(
            control.network,
            control.load_flow,
            checked.snapshot.p_kw,
            checked.snapshot.q_kvar,
            (violation,),
            flexible_kw,
            slack_scale=checked.slack_scale,
        )
    except Diverged:
        return None
    return _view(situation, found)


def _as_violation(situation: Situation, element: str) -> Violation | None:
    """The element's value and limit, as if it were outside: the same is asked of it."""
    control, result = situation.control, situation.check.result
    if not result.converged:
        return None
    table, place = control.element_place[element]
    limits = control.element_limits
    kind: ViolationKind
    if table == "bus":
        value = float(result.v_pu[place])
        kind = "overvoltage" if value > 1 else "undervoltage"
        limit = float((limits.max_v_pu if value > 1 else limits.min_v_pu)[place])
    elif table == "line":
        kind, value = "line_overload", float(result.line_loading_percent[place])
        limit = float(limits.line_percent[place])
    else:
        kind, value = "transformer_overload", float(result.transformer_loading_percent[place])
        limit = float(limits.transformer_percent[place])
    return Violation(element, kind, value, limit) if np.isfinite(value) else None


def _view(situation: Situation, found: Composition) -> ContributionsView:
    registry = situation.control.registry
    return ContributionsView(
        feeder=situation.control.feeder,
        at=situation.now,
        element=found.violation.element,
        kind=found.violation.kind,
        value=found.violation.value,
        limit=found.violation.limit,
        without_load=found.without_load,
        caused=found.caused,
        losses=found.losses,
        relieved=found.relieved,
        rest=found.rest,
        causes=tuple(_contribution(registry, one) for one in found.causes[:MOST_CAUSES]),
        relief=tuple(_contribution(registry, one) for one in found.relief[:MOST_RELIEF]),
        others=max(len(found.causes) - MOST_CAUSES, 0),
    )


def _contribution(registry: Registry, one: Contribution) -> ContributionView:
    owner = registry.by_service_point.get(one.service_point)
    return ContributionView(
        service_point=one.service_point,
        customer=None if owner is None else owner.customer,
        violation=one.violation,
        share_percent=one.share_percent,
        p_kw=one.p_kw,
        flexible_kw=one.flexible_kw,
    )
