"""Shared builders: a small real network, a site, and a field in memory that runs the real `LimitHolder`.

Nothing here sleeps or reads the wall clock: `FakeClock` stands still until it is told to go on.
"""

import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pandapower

from controller import settings
from controller.feeder_control import FeederControl, build_control
from customers.registry import Customer, Device, Registry
from devices.errors import Unreachable
from devices.limit_holder import LimitHolder
from devices.messages import (
    SUBSTATION,
    Answer,
    CustomerNotice,
    DeviceStatus,
    Inbound,
    LimitCommand,
    Reading,
)
from devices.ports import Deliver
from devices.signing import device_key
from grid_model.load_flow import FactoredLoadFlow
from grid_model.network import Network, load_network
from tests.fair_time import fair_timeout
from tests.remembered_load_flow import RememberedLoadFlow

START = datetime(2016, 1, 12, 17, 0, tzinfo=UTC)
SECRET = b"a secret for tests only"
FEEDER = "F1"
HOUSES = 20
EV_KW = 11.0


@cache
def small_network() -> Network:
    """The network of `small_net`."""
    return loaded(small_net())


def loaded(net: Any) -> Network:
    """A pandapower net by way of a file, as the daemon reads it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "small.json"
        pandapower.to_json(net, str(path))
        assert json.loads(path.read_text())
        return load_network(str(path), metered_generation=True)


def small_net() -> Any:
    """20 houses on two cables behind a 250 kVA transformer: 15 kW each is more than that can take."""
    net = pandapower.create_empty_network(name="small")
    medium = pandapower.create_bus(net, vn_kv=20.0, name="medium voltage")
    busbar = pandapower.create_bus(net, vn_kv=0.4, name="busbar")
    pandapower.create_ext_grid(net, medium, vm_pu=1.02)
    pandapower.create_transformer(net, medium, busbar, std_type="0.25 MVA 20/0.4 kV", name="transformer")
    for cable in range(2):
        before = busbar
        for place in range(HOUSES // 2):
            bus = pandapower.create_bus(net, vn_kv=0.4, name=f"bus {cable}.{place}")
            pandapower.create_line(
                net, before, bus, length_km=0.01, std_type="NAYY 4x150 SE", name=f"cable {cable}.{place}"
            )
            number = cable * (HOUSES // 2) + place
            pandapower.create_load(net, bus, p_mw=0.002, q_mvar=0.0004, name=f"sp{number:02d}")
            before = bus
    return net


@cache
def small_load_flow() -> FactoredLoadFlow:
    """The load flow of `small_network`."""
    return RememberedLoadFlow(small_network())


def registry(*, critical: frozenset[int] = frozenset(), notices: frozenset[int] = frozenset()) -> Registry:
    """A customer in every house; an 11 kW charger in every house but the last four."""
    customers = tuple(
        Customer(f"C{n:02d}", f"sp{n:02d}", f"M{n:02d}", critical=n in critical, takes_notices=n in notices)
        for n in range(HOUSES)
    )
    devices = tuple(Device(f"EV{n:02d}", f"sp{n:02d}", "ev_charger", EV_KW, 4.2) for n in range(HOUSES - 4))
    return Registry(customers, devices)


def site(rtu: bool = False, **tables: Any) -> settings.Site:
    """A site with one feeder; tables replace the defaults, as in `site(events=settings.Events(...))`.

    Nobody acts early unless asked to: what a limit that is broken leads to is tested without what may come.
    """
    tables.setdefault("look_ahead", settings.LookAhead(act_early=False))
    feeder = settings.Feeder(
        id=FEEDER,
        network="small",
        customers=Path("customers.csv"),
        devices=Path("devices.csv"),
        rtu=settings.Rtu(host="127.0.0.1") if rtu else None,
    )
    return settings.Site(name="test", feeder=(feeder,), **tables)


def control(of: settings.Site | None = None, who: Registry | None = None) -> FeederControl:
    """The small feeder."""
    of = of or site()
    return build_control(of, of.feeder[0], small_network(), who or registry(), small_load_flow())


async def inline(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """An `Offload` that runs the function right here."""
    return function(*args, **kwargs)


class FakeClock:
    """Stands still until it is told to go on, or somebody sleeps."""

    def __init__(self, start: datetime = START) -> None:
        self.start, self.passed_s = start, 0.0

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.passed_s)

    def monotonic(self) -> float:
        return self.passed_s

    async def sleep(self, seconds: float) -> None:
        self.passed_s += seconds
        await asyncio.sleep(0)

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        """Nothing in memory hangs; what is made to hang on purpose is cut off soon in real time."""
        return fair_timeout(0.5)


class Crash(BaseException):
    """The process dies here: nobody may catch it."""


@dataclass
class House:
    """A house with its charger."""

    base_kw: float = 4.0
    ev_kw: float = 0.0
    """what the charger would take"""
    meter_works: bool = True
    meter_factor: float = 1.0
    """what the meter makes of the truth: -1 for one that was wired the wrong way round"""
    obeys: bool = True
    """False: says accepted and takes what it likes"""
    refuses: bool = False
    silent: bool = False
    """the device hears nothing and says nothing"""
    person_cut_kw: float = 0.0
    """what the people give while they are asked"""


@dataclass
class Field:
    """All houses of the small feeder; carries commands to the chargers at once, and their answers back."""

    clock: FakeClock
    houses: list[House] = field(default_factory=lambda: [House() for _ in range(HOUSES)])
    holders: dict[str, LimitHolder] = field(default_factory=dict)
    commands: list[LimitCommand] = field(default_factory=list)
    notices: list[CustomerNotice] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    """said, not delivered yet"""
    unreachable: bool = False
    substation: bool = False
    substation_scale: float = 1.0
    """of the power that it shows: 1 where it is right"""
    energy_kwh: list[float] = field(default_factory=lambda: [0.0] * HOUSES)
    on_send: Callable[[LimitCommand], Awaitable[None] | None] | None = None
    _asked: dict[str, datetime] = field(default_factory=dict)
    _ticked_at: datetime | None = None

    def __post_init__(self) -> None:
        for device in registry().devices:
            self.holders[device.device] = LimitHolder(
                device.device, device_key(SECRET, device.device), device.min_kw
            )

    # CommandChannel and NoticeChannel

    async def send(self, command: LimitCommand) -> None:
        if self.on_send is not None:
            wait = self.on_send(command)
            if wait is not None:
                await wait
        if self.unreachable:
            raise Unreachable("the field is cut off")
        self.commands.append(command)
        house = self.houses[int(command.device[2:])]
        if house.silent:
            return
        if house.refuses:
            self.answers.append(Answer(command.feeder, command.device, command.request, "refused", "owner"))
            return
        answer = self.holders[command.device].receive(command, self.clock.now())
        if answer is not None:
            self.answers.append(answer)

    async def notify(self, notice: CustomerNotice) -> None:
        if self.unreachable:
            raise Unreachable("the field is cut off")
        self.notices.append(notice)
        self._asked[notice.customer] = notice.end

    # the houses

    def ev_kw(self, number: int) -> float:
        house, now = self.houses[number], self.clock.now()
        holder = self.holders.get(f"EV{number:02d}")
        limit = holder.limit_at(now) if holder is not None and house.obeys else None
        return house.ev_kw if limit is None else min(house.ev_kw, limit)

    def meter_kw(self, number: int) -> float:
        house = self.houses[number]
        asked_until = self._asked.get(f"C{number:02d}")
        gives = house.person_cut_kw if asked_until is not None and asked_until > self.clock.now() else 0.0
        return house.base_kw + self.ev_kw(number) - gives

    def held(self) -> dict[str, float]:
        """The limits in force, by device."""
        limits = {device: holder.limit_at(self.clock.now()) for device, holder in self.holders.items()}
        return {device: limit for device, limit in limits.items() if limit is not None}

    def speak(self, deliver: Deliver) -> None:
        """Every meter and device says what is so now; what was answered arrives."""
        for message in self.messages():
            deliver(message)

    def messages(self) -> list[Inbound]:
        now, said = self.clock.now(), list[Inbound]()
        hours = 0.0 if self._ticked_at is None else (now - self._ticked_at).total_seconds() / 3600
        self._ticked_at = now
        for number, house in enumerate(self.houses):
            p_kw = self.meter_kw(number)
            self.energy_kwh[number] += max(p_kw, 0.0) * hours
            if house.meter_works:
                shown_kw, energy_kwh = house.meter_factor * p_kw, self.energy_kwh[number]
                said.append(
                    Reading(FEEDER, f"M{number:02d}", now, shown_kw, 0.2 * shown_kw, energy_kwh=energy_kwh)
                )
        for device, holder in self.holders.items():
            house = self.houses[int(device[2:])]
            ended = holder.expired(now)
            while ended is not None:
                self.answers.append(ended)
                ended = holder.expired(now)
            if not house.silent:
                held = holder.held
                limit = holder.limit_at(now)
                request = held.request if held is not None and limit is not None else None
                said.append(
                    DeviceStatus(FEEDER, device, now, True, self.ev_kw(int(device[2:])), limit, request)
                )
        if self.substation:
            said.append(self.substation_reading(self.substation_scale))
        said += self.answers
        self.answers = []
        return said

    def substation_reading(self, scale: float = 1.0, v_pu: float | None = None) -> Reading:
        """What the RTU shows: exactly the load flow of the houses as they are, times `scale`."""
        import numpy as np

        p_kw = np.array([self.meter_kw(n) for n in range(HOUSES)])
        result = small_load_flow().solve(p_kw, 0.2 * p_kw)
        v = None if v_pu is None else (v_pu * 400 / 3**0.5,) * 3
        return Reading(FEEDER, SUBSTATION, self.clock.now(), result.supply_kw * scale, v_v=v)
