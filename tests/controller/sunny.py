"""A bright noon over the small feeder: solar roofs in place of its chargers. The field knows them by the
names of the chargers that it has, as EV00.
"""

from dataclasses import replace
from functools import cache

import numpy as np

from controller.feeder_control import FeederControl
from customers.registry import Device, Registry
from grid_model.load_flow import LoadFlowResult
from grid_model.network import Floats
from grid_model.referee import Referee
from tests.builders import FEEDER, HOUSES, control, registry, small_network
from tests.controller.passes import Passes, calm_evening

ROOFS = HOUSES - 4
RATED_KW = 30.0
ALL_SUN_KW = 22.0
"""of each roof: all of them together are some 300 kW, and the transformer carries 250 kVA back"""


@cache
def _referee() -> Referee:
    return Referee(small_network())


def roofs(
    *,
    floor_kw: float = 0.0,
    chargers: int = 0,
    critical: frozenset[int] = frozenset(),
    notices: frozenset[int] = frozenset(),
) -> Registry:
    """A roof in every house but the last four; the first few have the charger that they had."""
    who = registry(critical=critical, notices=notices)
    devices = tuple(
        device
        if number < chargers
        else Device(device.device, device.service_point, "pv_inverter", RATED_KW, floor_kw)
        for number, device in enumerate(who.devices)
    )
    return replace(who, devices=devices)


def sunny(who: Registry | None = None, **tables: object) -> FeederControl:
    """The feeder with roofs."""
    return control(calm_evening(**tables), roofs() if who is None else who)


class SunnyPasses(Passes):
    """The sun is as it is told: each inverter feeds in what there is of it, or what it may."""

    def __init__(self, of: FeederControl, sun_kw: float = ALL_SUN_KW, base_kw: float = 1.0) -> None:
        super().__init__(of, charging_kw=0.0, base_kw=base_kw)
        self.sun_kw = np.full(HOUSES, sun_kw)
        self.shine()

    def shine(self, *, obeyed: bool = True) -> None:
        """The sun of now on every roof."""
        limits = {}
        if obeyed:
            limits = {
                r.planned.target: r.limit_kw for r in self.books.open_requests(FEEDER) if not r.releasing
            }
        for device in self.of.registry.devices:
            if device.kind == "pv_inverter":
                number = int(device.device[2:])
                possible_kw = min(float(self.sun_kw[number]), device.rated_kw)
                self.field.houses[number].ev_kw = -min(possible_kw, limits.get(device.device, np.inf))

    def obey(self) -> None:
        """Every request that is planned was sent, accepted and started, and its device keeps to it."""
        super().obey()
        self.shine()

    def flow(self, q_kvar: Floats | None = None) -> LoadFlowResult:
        """pandapower's own load flow of the houses as they are; `q_kvar`: where it does not follow p."""
        p_kw = np.array([self.field.meter_kw(number) for number in range(HOUSES)])
        return _referee().solve(p_kw, 0.2 * p_kw if q_kvar is None else q_kvar)
