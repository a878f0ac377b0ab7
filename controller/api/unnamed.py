"""A feeder's view, orders and the journal's sentences as they are told to who may look and not see customers:
every figure of the network, and of each request how far it got, but not whose it is nor what anybody earned.
Pure.

A request has the id by which its event is told too, so it tells of no device or service point either.
"""

from collections.abc import Iterable
from dataclasses import replace

import msgspec

from controller.api.order_bodies import OrderBody
from controller.api.scope import Sight, is_seen
from controller.narration.personal import impersonal
from controller.occurrences.exports import unsigned
from controller.order_effects import WhatIf
from controller.views import FeederView, RequestView, Told


def unnamed(view: FeederView) -> FeederView:
    """The same view without customers' ids; service points are told by the name that the drawing has."""
    return replace(
        view,
        located=tuple(replace(one, customer=None) for one in view.located),
        requests=tuple(map(_unnamed, view.requests)),
    )


def unnamed_effect(effect: WhatIf) -> WhatIf:
    """What orders would do, with how many customers it affects and not whom, nor whose device takes what."""
    customers = tuple(f"customer {number}" for number in range(1, len(effect.customers) + 1))
    return replace(effect, devices=(), customers=customers, critical_customers=())


def unnamed_order(body: OrderBody) -> OrderBody:
    """An order by how many it is about."""
    return msgspec.structs.replace(
        body,
        target=None if body.target is None else "target 1",
        targets=tuple(f"target {number}" for number in range(1, len(body.targets) + 1)),
        left_out=(),
        effect=None if body.effect is None else unnamed_effect(body.effect),
    )


def sentences(told: Iterable[Told], sight: Sight) -> tuple[Told, ...]:
    """As they are told to who sees customers of these feeders."""
    return tuple(one if is_seen(sight, one.feeder) else impersonal(one) for one in told)


def _unnamed(one: RequestView) -> RequestView:
    # why an operator took something back may name whose it was
    reason = unsigned(one.reason) if one.reason is not None and one.state == "overridden" else one.reason
    return replace(
        one, target=None, customer=None, service_point=None, reduced_kwh=None, points=None, reason=reason
    )
