"""A feeder's view and the journal's sentences as they are told to who may look and not see customers: every
figure of the network, and of each request how far it got, but not whose it is nor what anybody earned. Pure.

A request has the id by which its event is told too, so it tells of no device or service point either.
"""

from collections.abc import Iterable
from dataclasses import replace

from controller.api.scope import Sight, is_seen
from controller.narration_personal import impersonal
from controller.occurrences.exports import unsigned
from controller.views import FeederView, RequestView, Told


def unnamed(view: FeederView) -> FeederView:
    """The same view without customers' ids; service points are told by the name that the drawing has."""
    return replace(
        view,
        located=tuple(replace(one, customer=None) for one in view.located),
        requests=tuple(map(_unnamed, view.requests)),
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
