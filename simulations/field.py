"""The field: every house, device and person of one feeder, moved through time. Pure: no clock, no sockets.

`advance` moves it, doing on the way whatever is due (a command that was thought about, a limit that ends,
somebody who switches things off); `power` looks at it. Two shells show it: `direct_link.py` within one
process, `mqtt_field.py` on the real protocols. Powers are held from one look to the next, so energy is
exactly power times time.
"""

import heapq
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import assert_never

import numpy as np

from devices.messages import CustomerNotice, DeviceStatus, Failsafe, Heartbeat, LimitCommand
from grid_model.network import Floats
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
from simulations.real_parts import NOTHING_REAL, RealParts, RealPower
from simulations.scenario import Scenario
from simulations.weather import outdoor_c


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


class FieldModel:
    """One feeder's field under one scenario."""

    def __init__(
        self,
        population: Population,
        base: BaseLoad,
        scenario: Scenario,
        secret: bytes,
        real: RealParts = NOTHING_REAL,
    ) -> None:
        self.population = population
        self.real = RealPower(real, population.registry)
        self.feeder = scenario.network.feeder
        self.now = scenario.time.start.astimezone(UTC)
        self._start = self.now
        self._zone = scenario.time.start.tzinfo
        """of the scenario's own hours"""
        self._longest_step = timedelta(seconds=max(scenario.time.step_s, 60))
        self._weather = scenario.weather
        self._tan_phi = math.tan(math.acos(scenario.heat_pump.power_factor))
        sessions = draw_sessions(
            scenario.ev,
            population.ev_count,
            scenario.time.start,
            scenario.time.days,
            stream(scenario.seed, "ev"),
        )
        self.cars = EvFleet(scenario.ev, sessions)
        self.heat_pumps = HeatPumpFleet(scenario.heat_pump, population.houses)
        self.households = Households(base, scenario.people, population.cut_share)
        self.devices = EmulatedDevices(self.feeder, population, scenario, secret)
        self.residents = Residents(population, scenario)
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
        cars, places = self.population.ev_count, self.population.device_place
        p_kw = p_kw + np.bincount(places, device_kw, len(p_kw))
        q_kvar = q_kvar + np.bincount(places[cars:], self._tan_phi * device_kw[cars:], len(p_kw))
        p_kw, q_kvar = self.real.in_service_points(p_kw, q_kvar)
        return Moment(self.now, p_kw, q_kvar, device_kw, self.devices.limit_kw.copy())

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

    def _device_kw(self, seconds: float) -> Floats:
        limit, cars = self.devices.limit_kw, self.population.ev_count
        simulated = [self.cars.power_kw(seconds, limit[:cars]), self.heat_pumps.power_kw(limit[cars:])]
        return self.real.in_devices(np.concatenate(simulated))

    def _hold_until(self, to: datetime) -> None:
        """Let time pass in steps short enough for thermostats."""
        limit, cars = self.devices.limit_kw, self.population.ev_count
        while self.now < to:
            until = min(to, self.now + self._longest_step)
            from_s, to_s = self._seconds(), (until - self._start).total_seconds()
            self.cars.advance(from_s, to_s, limit[:cars])
            outdoor = outdoor_c(self._weather, self.now.astimezone(self._zone))
            self.heat_pumps.advance((to_s - from_s) / 3600, outdoor, limit[cars:])
            self.households.advance(from_s, to_s)
            self.now = until

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
