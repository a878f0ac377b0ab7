"""All Modbus/TCP units of a site: readings in, limits out [1, 6]. What each part does is in its own module.

Every host and port has one connection (`link.py`), all of them at the same time; every unit is polled by its
own period, at its own phase (`station.py`). What is said to a unit and what its answers mean is the unit's
own subject (`dialogue.py`): a register map's `MappedUnit`, or another kind of unit. Nothing is queued for a
unit that is away: a limit that goes out minutes late is worse than one that does not.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence

import numpy as np

from devices.command_rules import CommandRules, check_limit
from devices.errors import CommandRejected
from devices.messages import SUBSTATION, Failsafe, Heartbeat, LimitCommand, Refused
from devices.modbus.link import Link
from devices.modbus.session import Surroundings
from devices.modbus.settings import FieldSettings, FieldUnit, LinkPlace, check_units
from devices.modbus.station import Station
from devices.modbus.tally import Tally
from devices.ports import Clock, Deliver, LinkHealth


class ModbusField:
    """TelemetrySource, CommandChannel, FailsafeChannel, HeartbeatChannel and LinkHealth of all units."""

    def __init__(
        self,
        units: Sequence[FieldUnit],
        clock: Clock,
        rng: np.random.Generator,
        wire_clock: Clock | None = None,
        settings: FieldSettings | None = None,
    ) -> None:
        """`wire_clock` is for waits on the network, when `clock` (periods, time of day) is not real time.

        Raises ProfileRejected when the units contradict each other.
        """
        check_units(units)
        settings, wire_clock = settings or FieldSettings(), wire_clock or clock
        self.tally = Tally()
        self.sent = 0
        """commands that a unit answered"""
        self._clock = clock
        self._rules = CommandRules()
        self._armed: dict[tuple[str, str], tuple[int, int]] = {}
        self._newest_beat = (-1, -1)
        self._deliver: Deliver | None = None
        places = dict.fromkeys(unit.link for unit in units)
        self.links: Mapping[LinkPlace, Link] = {
            place: Link(
                place,
                settings=settings,
                wire_clock=wire_clock,
                rng=rng,
                tally=self.tally,
                refuse=self._refuse,
            )
            for place in places
        }
        around = Surroundings(settings, clock, wire_clock, self.tally, self._rules)
        self.stations = tuple(Station(unit, self.links[unit.link], around, rng) for unit in units)
        self._by_device = {
            (station.place.feeder, station.place.device): station
            for station in self.stations
            if station.place.device is not None
        }

    @property
    def connected(self) -> bool:
        """True while at least one unit answers."""
        return any(station.online for station in self.stations)

    @property
    def received(self) -> int:
        """Answers that came in, good or refused."""
        return self.tally.received

    @property
    def devices(self) -> frozenset[tuple[str, str]]:
        """(feeder, device) of all that are reached here."""
        return frozenset(
            (s.place.feeder, s.place.device) for s in self.stations if s.place.device is not None
        )

    @property
    def health(self) -> dict[str, LinkHealth]:
        """Whose loss is worth a line of its own, by name: each feeder's own RTU, and all others together."""
        rtus = {f"rtu {s.place.source}": s for s in self.stations if s.place.meter == SUBSTATION}
        others = any(s.place.meter != SUBSTATION for s in self.stations)
        return {**rtus, **({"modbus": self} if others else {})}

    async def run(self, deliver: Deliver) -> None:
        """Poll all until cancelled."""
        self._deliver = deliver
        async with asyncio.TaskGroup() as tasks:
            for link in self.links.values():
                tasks.create_task(link.run(), name=link.place.name)
            for station in self.stations:
                tasks.create_task(station.run(deliver), name=station.place.source)

    async def send(self, command: LimitCommand) -> None:
        """Carry a command to its unit; see `devices.ports.CommandChannel.send`.

        The unit itself is the next hop, so its Answer is delivered before this returns.
        """
        station = self._by_device.get((command.feeder, command.device))
        if station is None:
            raise CommandRejected(f"device {command.device!r} of feeder {command.feeder!r} is no unit here")
        release = command.end <= self._clock.now()
        if not release:
            check_limit(command, station.place.floor_kw)
        self._rules.admit(command)
        await station.command(command, release=release)
        self.sent += 1

    async def arm(self, failsafe: Failsafe) -> None:
        """Tell a unit its failsafe; see `devices.ports.FailsafeChannel.arm`."""
        station = self._by_device.get((failsafe.feeder, failsafe.device))
        if station is None:
            raise CommandRejected(f"device {failsafe.device!r} of feeder {failsafe.feeder!r} is no unit here")
        floor_kw = station.place.floor_kw
        if not math.isfinite(failsafe.failsafe_kw) or failsafe.failsafe_kw < floor_kw:
            raise CommandRejected(
                f"failsafe of {failsafe.device}: failsafe_kw is {failsafe.failsafe_kw}, expected at least its"
                f" floor, {floor_kw:g}"
            )
        key, newest = (failsafe.feeder, failsafe.device), (failsafe.epoch, failsafe.sequence)
        if newest < self._armed.get(key, newest):
            raise CommandRejected(f"failsafe {newest} of {failsafe.device}: a later one has gone out")
        self._armed[key] = newest
        await station.arm(failsafe)

    async def beat(self, heartbeat: Heartbeat) -> None:
        """Pass it on to all units that wait for one; see `devices.ports.HeartbeatChannel.beat`. Those that
        are not there get none: an old heartbeat is a lie.
        """
        newest = heartbeat.epoch, heartbeat.sequence
        if newest <= self._newest_beat:
            return
        self._newest_beat = newest
        for station in self.stations:
            station.beat()

    def _refuse(self, refused: Refused) -> None:
        self.tally.refused += 1
        if self._deliver is not None:
            self._deliver(refused)
