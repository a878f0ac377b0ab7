"""[5] What the allocation is told besides the physics: how the site wants a cut spread, who gave before, and
who keeps their word. Pure.
"""

import zlib
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from controller.settings import Requests
from controller.situation import Situation
from grid_model.allocation import FlexibleDevice, Reserve, Rules, fairness_weights


def rules(wanted: Requests, event: str) -> Rules:
    """Among equals each event has another order, the same whenever the journal is replayed."""
    sure = wanted.reserve_probability
    return Rules(
        spread=wanted.fairness_spread,
        rotation=zlib.crc32(event.encode()),
        least_cut_kw=wanted.min_cut_kw,
        reserve=None if sure is None else Reserve(confidence=sure),
    )


def judged(situation: Situation, devices: Iterable[FlexibleDevice]) -> tuple[FlexibleDevice, ...]:
    """The same devices: those of customers who gave much lately are dearer; each with its own compliance
    where a reserve is wanted.
    """
    weight, control, books = _weights(situation), situation.control, situation.books
    wants_reserve = control.site.requests.reserve_probability is not None
    return tuple(
        replace(
            device,
            weight=weight.get(_owner(situation, device.device), 1.0),
            comply=books.compliance(control.feeder, device.device) if wants_reserve else 1.0,
        )
        for device in devices
    )


def _weights(situation: Situation) -> dict[str, float]:
    """By customer, of all who have a device that may be asked."""
    control, books, now = situation.control, situation.books, situation.now
    wanted, registry = control.site.requests, control.registry
    owners = {_owner(situation, d.device) for d in registry.devices if not registry.is_protected(d)}
    customers = sorted(owners - {""})
    given = [books.given_kwh(control.feeder, who, now, wanted.fairness_days) for who in customers]
    found = fairness_weights(np.array(given), wanted.fairness_strength)
    return dict(zip(customers, found.tolist(), strict=True))


def _owner(situation: Situation, device: str) -> str:
    registry = situation.control.registry
    owner = registry.by_service_point.get(registry.device[device].service_point)
    return "" if owner is None else owner.customer
