"""The field: every house, device and person of one feeder, moved through time. Pure: no clock, no sockets.

`advance` moves it, doing on the way whatever is due (a command that was thought about, a limit that ends,
somebody who switches things off); `power` looks at it. Two shells show it: `direct_link.py` within one
process, `mqtt_field.py` on the real protocols. Powers are held from one look to the next, so energy is
exactly power times time.
"""

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import assert_never

import numpy as np

from devices.messages import CustomerNotice, DeviceStatus, Failsafe, Heartbeat, LimitCommand
from grid_model.network import Floats
from simulations.air_conditioner import AirConditionerFleet
from simulations.battery import BatteryFleet
from simulations.draws import stream
from simulations.emulated_devices import EmulatedDevices
from simulations.ev import EvFleet, draw_sessions
from simulations.heat_pump import HeatPumpFleet
from simulations.households import Households
from simulations.occurrences import (
    CommandActs,
    Due,
    LimitBoundary,
    LinkDrops,
    LinkReturns,
    Occurrence,
    PersonActs,
    Said,
    SilenceTurns,
)
from simulations.people import Residents
from simulations.population import Population
from simulations.profiles import BaseLoad
from simulations.pv import PvFleet
from simulations.real_parts import NOTHING_REAL, RealParts, RealPower
from simulations.scenario import Scenario
from simulations.weather import Outdoors, outdoors_of


@dataclass(frozen=True)
class Moment:
    """The true state at one time; consumption positive."""

    at: datetime
    p_kw: Floats
    """(n_sp,) at the meters, devices included"""
    q_kvar: Floats
    """(n_sp,)"""
    device_kw: Floats
    """(n_device,)"""
    limit_kw: Floats
    """(n_device,) in force; inf where there is none"""
    shown_kw: Floats | None = None
    """(n_sp,) what the meters show of it; None: the same"""


class FieldModel:
    """One feeder's field under one scenario."""

    def __init__(
        self,
        population: Population,
        base: BaseLoad,
        scenario: Scenario,
        secret: bytes,
        real: RealParts = NOTHING_REAL,
        *,
        outdoors: Outdoors | None = None,
    ) -> None:
        self.population = population
        self.real = RealPower(real, population.registry)
        self.feeder = scenario.network.feeder
        self.now = scenario.time.start.astimezone(UTC)
        self._start = self.now
        self._zone = scenario.time.start.tzinfo
        """of the scenario's own hours"""
        self._longest_step = timedelta(seconds=max(scenario.time.step_s, 60))
        self._outdoors = outdoors or outdoors_of(scenario)
        self._tan_phi = _tan_phi(population, scenario)
        sessions = draw_sessions(
            scenario.ev,
            population.ev_count,
            scenario.time.start,
            scenario.time.days,
            stream(scenario.seed, "ev"),
        )
        self.cars = EvFleet(scenario.ev, sessions, scenario.time.step_s)
        self.heat_pumps = HeatPumpFleet(scenario.heat_pump, population.houses)
        self.coolers = AirConditionerFleet(scenario.air_conditioner, population.coolers)
        self.roofs = PvFleet(scenario.pv, population.roofs)
        self.batteries = BatteryFleet(scenario.battery, population.storages)
        counts = (
            population.ev_count,
            len(population.houses.rated_kw),
            len(population.coolers.rated_kw),
            len(population.roofs.modules_kw),
            len(population.storages.rated_kw),
        )
        self._cars, self._pumps, self._cooled, self._solar, self._stored = _slices(counts)
        self.households = Households(
            base, scenario.people, population.cut_share, self._longest_step.total_seconds() / 3600
        )
        self.devices = EmulatedDevices(self.feeder, population, scenario, secret)
        self.residents = Residents(population, scenario)
        self._carried: dict[int, tuple[float, float]] = {}
        self._due: list[tuple[datetime, int, Occurrence]] = []
        self._counted = 0

    @property
    def next_due(self) -> datetime | None:
        """When something happens by itself, at the earliest."""
        return self._due[0][0] if self._due else None

    def receive(self, command: LimitCommand) -> None:
        """A command reaches its device now."""
        self._plan(self.devices.receive(command, self.now))

    def receive_failsafe(self, failsafe: Failsafe) -> None:
        """What holds in silence reaches its device now."""
        self._plan(self.devices.arm(failsafe, self.now))

    def hear(self, heartbeat: Heartbeat) -> None:
        """That the controller lives reaches all devices now."""
        self._plan(self.devices.hear(heartbeat, self.now))

    def receive_notice(self, notice: CustomerNotice) -> None:
        """A notice reaches its reader now."""
        self._plan(self.residents.receive(notice, self.now))

    def advance(self, to: datetime) -> list[Said]:
        """Move to a time that is not before `now`; returns what was said on the way, in order."""
        said: list[Said] = []
        to = to.astimezone(UTC)
        while self._due and self._due[0][0] <= to:
            at, _, what = heapq.heappop(self._due)
            self._hold_until(max(at, self.now))
            said += self._happen(what)
        self._hold_until(to)
        return said

    def power(self) -> Moment:
        """The powers now."""
        seconds = self._seconds()
        device_kw = self._device_kw(seconds)
        p_kw, q_kvar = self.households.power(seconds)
        places = self.population.device_place
        p_kw = p_kw + np.bincount(places, device_kw, len(p_kw))
        q_kvar = q_kvar + np.bincount(places, self._tan_phi * device_kw, len(p_kw))
        p_kw, q_kvar = self.real.in_service_points(p_kw, q_kvar)
        for place, carried in self._carried.items():
            p_kw[place], q_kvar[place] = carried
        return Moment(self.now, p_kw, q_kvar, device_kw, self.devices.limit_kw.copy())

    def carry(self, place: int, p_kw: float, q_kvar: float) -> None:
        """This service point's load is what another feeder takes, until told anew."""
        self._carried[place] = (p_kw, q_kvar)

    def wanted_kw(self) -> Floats:
        """(n_device,) what each device would take now if nobody limited it."""
        return self._device_kw(self._seconds(), np.full(len(self.devices.limit_kw), np.inf))

    def statuses(self) -> list[DeviceStatus]:
        """What every simulated device that has contact says of itself now."""
        device_kw = self._device_kw(self._seconds())
        statuses = (
            self.devices.status(int(n), self.now, float(device_kw[n]))
            for n in np.flatnonzero(self.devices.online)
        )
        return [status for status in statuses if status.device not in self.real.parts.devices]

    def _seconds(self) -> float:
        return (self.now - self._start).total_seconds()

    def _device_kw(self, seconds: float, limit_kw: Floats | None = None) -> Floats:
        limit = self.devices.limit_kw if limit_kw is None else limit_kw
        taken = [
            self.cars.power_kw(seconds, limit[self._cars]),
            self.heat_pumps.power_kw(limit[self._pumps]),
            self.coolers.power_kw(limit[self._cooled]),
            self.roofs.power_kw(self._sun_kw(), limit[self._solar]),
        ]
        taken.append(self._battery_kw(seconds, taken, limit[self._stored]))
        return self.real.in_devices(np.concatenate(taken))

    def _sun_kw(self) -> Floats:
        """(n_pv,) what the sun gives now."""
        if self._solar.start == self._solar.stop:
            return np.zeros(0)
        at = self._local()
        sun = self._outdoors.sun(at)
        return self.roofs.possible_kw(sun, self._outdoors.sun_w_per_m2(at, sun))

    def _battery_kw(self, seconds: float, taken: Sequence[Floats], limit_kw: Floats) -> Floats:
        """They look at all else behind their meter."""
        if not len(limit_kw):
            return np.zeros(0)
        places = self.population.device_place
        house_kw, _ = self.households.power(seconds)
        others = np.bincount(places[: self._stored.start], np.concatenate(taken), len(house_kw))
        local = self._local()
        hour = local.hour + local.minute / 60
        return self.batteries.power_kw(
            (house_kw + others)[places[self._stored]],
            hour,
            self._longest_step.total_seconds() / 3600,
            limit_kw,
        )

    def _local(self) -> datetime:
        return self.now.astimezone(self._zone)

    def _hold_until(self, to: datetime) -> None:
        """Let time pass in steps short enough for thermostats."""
        limit = self.devices.limit_kw
        while self.now < to:
            until = min(to, self.now + self._longest_step)
            from_s, to_s = self._seconds(), (until - self._start).total_seconds()
            hours = (to_s - from_s) / 3600
            self._hold_roofs_and_batteries(from_s, hours)
            self.cars.advance(from_s, to_s, limit[self._cars])
            outdoor = self._outdoors.outdoor_c(self._local())
            self.heat_pumps.advance(hours, outdoor, limit[self._pumps])
            if self._cooled.start < self._cooled.stop:
                sun = self._outdoors.sun_w_per_m2(self._local())
                self.coolers.advance(hours, outdoor, sun, limit[self._cooled])
            self.households.advance(from_s, to_s)
            self.now = until

    def _hold_roofs_and_batteries(self, from_s: float, hours: float) -> None:
        """Before anybody else moves: batteries look at the others' power of now."""
        if self._solar.start == self._stored.stop:
            return
        device_kw = self._device_kw(from_s)
        self.roofs.advance(hours, self._sun_kw(), device_kw[self._solar])
        self.batteries.advance(hours, device_kw[self._stored])

    def _happen(self, what: Occurrence) -> list[Said]:
        due: list[Due] = []
        said: list[Said] = []
        match what:
            case CommandActs():
                said, due = self.devices.act(what, self.now)
            case LimitBoundary(device):
                said, due = self.devices.look(device, self.now)
            case SilenceTurns(device):
                due = self.devices.look_again(device, self.now)
            case LinkDrops():
                said, due = self.devices.drop(what, self.now)
            case LinkReturns(device):
                said = self.devices.come_back(what, self.now, float(self._device_kw(self._seconds())[device]))
            case PersonActs(service_point, cutting):
                if self.residents.still_due(what, self.now):
                    self.households.cut(service_point, cutting)
            case _:
                assert_never(what)
        self._plan(due)
        return said

    def _plan(self, due: list[Due]) -> None:
        for item in due:
            self._counted += 1
            heapq.heappush(self._due, (item.at, self._counted, item.what))


def _slices(counts: Sequence[int]) -> tuple[slice, ...]:
    """Where each kind stands among all devices."""
    ends = np.cumsum(counts).tolist()
    return tuple(slice(end - count, end) for count, end in zip(counts, ends, strict=True))


def _tan_phi(population: Population, scenario: Scenario) -> Floats:
    """(n_device,) reactive per active power: motors draw some, power electronics none."""
    factor = {
        "heat_pump": scenario.heat_pump.power_factor,
        "air_conditioner": scenario.air_conditioner.power_factor,
    }
    return np.array(
        [math.tan(math.acos(factor.get(device.kind, 1.0))) for device in population.registry.devices]
    )
