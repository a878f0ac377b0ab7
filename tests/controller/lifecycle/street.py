"""The far side of the life-cycle tests: one short street, its real limit holders, and how they misbehave.

Everything here is the truth that the judge looks at. It knows the devices' room and nothing of the
controller.
"""

import json
import tempfile
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Literal

import pandapower

from customers.programmes import Agreements, Enrolment, Programme
from customers.registry import Customer, Device, Registry
from devices.limit_holder import LimitHolder
from devices.messages import Answer, DeviceStatus, LimitCommand, ReadingBatch
from devices.signing import device_key
from grid_model.network import Network, load_network
from simulations.faults.site import Unrefereed

FEEDER = "F1"
SECRET = b"a secret for tests only"
HOUSES = 6
CHARGERS = ("EV0", "EV1", "EV2", "EV3")
CRITICAL_CHARGER = "EV3"
FLOOR_KW = 4.2
EV_KW = 11.0
PEOPLE = ("C1", "C4", "C5")
"""customers who take notices and are in the programme; C1 has a charger, which may be limited too"""
LONGEST_CALL = timedelta(seconds=120)
CALLS_PER_DAY = 2
AGREED = Agreements(
    {
        "evening": Programme(
            "evening",
            asks="both",
            calls_per_day=CALLS_PER_DAY,
            longest_call_s=LONGEST_CALL.total_seconds(),
            points_per_kwh=10,
        )
    },
    tuple(Enrolment(customer, "evening", date(2016, 1, 1)) for customer in PEOPLE),
)
Mood = Literal["obeys", "ignores", "partly", "refuses"]


moved: dict[str, str] = {}
"""charger → the service point at which it is registered now"""


@cache
def network(without: frozenset[str] = frozenset()) -> Network:
    """Six houses on one cable behind a transformer that four chargers at once overload."""
    net = pandapower.create_empty_network(name="short street")
    medium = pandapower.create_bus(net, vn_kv=20.0, name="medium voltage")
    before = pandapower.create_bus(net, vn_kv=0.4, name="busbar")
    pandapower.create_ext_grid(net, medium, vm_pu=1.02)
    pandapower.create_transformer_from_parameters(
        net, medium, before, sn_mva=0.05, vn_hv_kv=20.0, vn_lv_kv=0.4, vkr_percent=1.4, vk_percent=4.0,
        pfe_kw=0.2, i0_percent=0.3, name="transformer",
    )  # fmt: skip
    for number in range(HOUSES):
        bus = pandapower.create_bus(net, vn_kv=0.4, name=f"bus {number}")
        pandapower.create_line(net, before, bus, length_km=0.01, std_type="NAYY 4x150 SE", name=f"c{number}")
        if f"sp{number}" not in without:
            pandapower.create_load(net, bus, p_mw=0.002, q_mvar=0.0004, name=f"sp{number}")
        before = bus
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "street.json"
        pandapower.to_json(net, str(path))
        assert json.loads(path.read_text())
        return load_network(str(path), metered_generation=True)


@cache
def load_flow(without: frozenset[str] = frozenset()) -> Unrefereed:
    return Unrefereed(network(without))


def registry(
    critical: frozenset[str] = frozenset(),
    without: frozenset[str] = frozenset(),
    no_point: frozenset[str] = frozenset(),
    *,
    agreed: bool = False,
) -> Registry:
    """Who lives there. `critical` are devices marked so later on; `without` are devices taken off the list,
    `no_point` service points that the network has not any more. `agreed`: with the programme.
    """
    customers = tuple(
        Customer(f"C{n}", f"sp{n}", f"M{n}", takes_notices=f"C{n}" in PEOPLE)
        for n in range(HOUSES)
        if f"sp{n}" not in no_point
    )
    marked = critical | {CRITICAL_CHARGER}
    devices = tuple(
        Device(name, point, "ev_charger", EV_KW, FLOOR_KW, critical=name in marked)
        for name in CHARGERS
        if name not in without and (point := moved.get(name, f"sp{name[2:]}")) not in no_point
    )
    return Registry(customers, devices, AGREED if agreed else None)


@dataclass
class Charger:
    """One device. Its holder's own floor is 0: only the controller may keep it from being asked too much."""

    name: str
    holder: LimitHolder
    wants_kw: float = EV_KW
    mood: Mood = "obeys"
    online: bool = True
    rounds_up_to_kw: float = 0.0
    """it holds no limit lower than this, and says so"""
    refused: set[str] = field(default_factory=set)
    """requests that its owner took back"""
    highest_epoch: int = 0
    """of all commands that ever reached it, kept apart from what the holder believes"""

    def p_kw(self, now: datetime) -> float:
        limit = self.limit_kw(now)
        if limit is None or self.mood == "ignores":
            return self.wants_kw
        return min(self.wants_kw, limit + (1.8 if self.mood == "partly" else 0.0))

    def limit_kw(self, now: datetime) -> float | None:
        """What it makes of the limit it holds."""
        limit = self.holder.limit_at(now)
        return None if limit is None else max(limit, self.rounds_up_to_kw)

    def receive(self, command: LimitCommand, now: datetime) -> list[Answer]:
        """What it says to a command, if it hears it."""
        if not self.online:
            return []
        self.highest_epoch = max(self.highest_epoch, command.epoch)
        letting_go = command.end <= now
        if not letting_go and (self.mood == "refuses" or command.request in self.refused):
            self.refused.add(command.request)
            held = self.holder.held
            if held is not None and held.request == command.request:
                self.holder._held.clear()
            return [Answer(command.feeder, self.name, command.request, "refused", "owner")]
        answer = self.holder.receive(command, now)
        return [*self.ended(now), *([] if answer is None else [answer])]

    def ended(self, now: datetime) -> list[Answer]:
        """Requests that ended by themselves; a device without contact tells nobody."""
        said: list[Answer] = []
        while (answer := self.holder.expired(now)) is not None:
            said.append(answer)
        return said if self.online else []

    def taken_back(self) -> list[Answer]:
        """Its owner lets it go, here and now."""
        held = self.holder.held
        if held is None:
            return []
        self.refused.add(held.request)
        self.holder._held.clear()
        return [Answer(held.feeder, self.name, held.request, "refused", "owner")] if self.online else []

    def rebooted(self) -> None:
        """It lost the limit it held, but not which commands it has seen."""
        self.holder._held.clear()

    def status(self, now: datetime) -> DeviceStatus:
        limit, held = self.limit_kw(now), self.holder.held
        request = held.request if held is not None and limit is not None else None
        return DeviceStatus(FEEDER, self.name, now, True, round(self.p_kw(now), 3), limit, request)


class Street:
    """All houses and chargers."""

    def __init__(self) -> None:
        self.base_kw = [3.0] * HOUSES
        self.meters_work = True
        self.chargers = {
            name: Charger(name, LimitHolder(name, device_key(SECRET, name), 0.0)) for name in CHARGERS
        }

    def charge(self, wants_kw: float, base_kw: float) -> None:
        self.base_kw = [base_kw] * HOUSES
        for charger in self.chargers.values():
            charger.wants_kw = wants_kw

    def batch(self, now: datetime) -> ReadingBatch | None:
        """Every meter at once, as a concentrator sends them."""
        if not self.meters_work:
            return None
        p_kw = list(self.base_kw)
        for name, charger in self.chargers.items():
            p_kw[int(name[2:])] += charger.p_kw(now)
        return ReadingBatch(
            FEEDER, now, tuple(f"M{n}" for n in range(HOUSES)), tuple(p_kw), tuple(0.2 * kw for kw in p_kw)
        )

    def statuses(self, now: datetime) -> list[DeviceStatus]:
        return [charger.status(now) for charger in self.chargers.values() if charger.online]

    def ended(self, now: datetime) -> list[Answer]:
        return [answer for charger in self.chargers.values() for answer in charger.ended(now)]

    def vanish(self, name: str) -> DeviceStatus:
        """Contact is lost; its will."""
        self.chargers[name].online = False
        return DeviceStatus(FEEDER, name, None, False)
