"""The small feeder of `tests/builders.py` as policies see it: twenty houses, sixteen chargers, 250 kVA."""

from dataclasses import replace

import numpy as np

from grid_model.network import Floats
from simulations.policies.port import Feeder, Look
from tests.builders import START, control

CHARGERS = 16


def feeder() -> Feeder:
    built = control()
    places = np.arange(CHARGERS)
    return Feeder(
        network=built.network,
        load_flow=built.load_flow,
        limits=built.limits,
        element_limits=built.element_limits,
        target_network=built.target_network,
        target_limits=built.target_limits,
        requests=built.site.requests,
        place=places,
        floor_kw=np.full(CHARGERS, 4.2),
        rated_kw=np.full(CHARGERS, 11.0),
        may_be_limited=np.ones(CHARGERS, dtype=bool),
        feeds_in=np.zeros(CHARGERS, dtype=bool),
        refuses=np.zeros(CHARGERS, dtype=bool),
    )


def look(house_kw: float, device_kw: Floats, **changes: object) -> Look:
    """All houses at `house_kw` besides their chargers at `device_kw` (16,)."""
    p_kw = np.full(20, house_kw)
    p_kw[:CHARGERS] += device_kw
    seen = Look(
        at=START,
        p_kw=p_kw,
        q_kvar=np.zeros(20),
        device_kw=device_kw,
        free_kw=device_kw,
        asking_s=60.0 * np.arange(CHARGERS),
        open_to=np.ones(CHARGERS, dtype=bool),
    )
    return replace(seen, **changes)
