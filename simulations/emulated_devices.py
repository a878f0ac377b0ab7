"""Emulated chargers and heat pumps, the far end of [6]: they obey, refuse, answer late or vanish.

Each device holds its limit by `devices.limit_holder`, as a real gateway would, and keeps a journal of its
own: what it was told, and from when until when it was limited. The judge reads that, never the daemon's
account of it. Pure: time is passed in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import numpy as np

from customers.registry import Device
from devices.limit_holder import LimitHolder
from devices.messages import Answer, DeviceStatus, LimitCommand
from devices.signing import device_key
from grid_model.network import Floats
from simulations.draws import stream
from simulations.occurrences import (
    CommandActs,
    Due,
    LimitBoundary,
    LinkDrops,
    LinkReturns,
    Returned,
    Said,
    Vanished,
)
from simulations.population import Population
from simulations.scenario import Scenario


@dataclass(frozen=True, slots=True)
class DeviceNote:
    """One line of a device's own journal."""

    at: datetime
    device: str
    what: Literal["received", "limited", "free", "offline", "online"]
    request: str | None = None
    sequence: int | None = None
    limit_kw: float | None = None
    end: datetime | None = None


class EmulatedDevices:
    """All devices of a feeder, by their position."""

    def __init__(self, feeder: str, population: Population, scenario: Scenario, secret: bytes) -> None:
        self._feeder = feeder
        self._population = population
        self._behaviour = scenario.devices
        self._devices: Sequence[Device] = population.registry.devices
        self._holders = [
            LimitHolder(device.device, device_key(secret, device.device), device.min_kw)
            for device in self._devices
        ]
        self._rngs = [stream(scenario.seed, "reaction", n) for n in range(len(self._devices))]
        self._position = {device.device: n for n, device in enumerate(self._devices)}
        self._in_force: list[LimitCommand | None] = [None] * len(self._devices)
        self._told_before = np.zeros(len(self._devices), dtype=bool)
        self.online = np.ones(len(self._devices), dtype=bool)
        self.limit_kw: Floats = np.full(len(self._devices), np.inf)
        """(n_device,) in force now; inf where there is none"""
        self.journal: list[DeviceNote] = []

    def receive(self, command: LimitCommand, now: datetime) -> list[Due]:
        """A command arrives; unknown devices and those without contact do not hear it."""
        device = self._position.get(command.device)
        if device is None or not self.online[device]:
            return []
        self._note(device, now, "received", command)
        due = [Due(now + self._reaction(device), CommandActs(device, command))]
        if self._population.vanishes[device] and not self._told_before[device]:
            after_s = self._behaviour.vanish_within_s * self._rngs[device].random()
            due.append(Due(now + timedelta(seconds=after_s), LinkDrops(device)))
        self._told_before[device] = True
        return due

    def act(self, what: CommandActs, now: datetime) -> tuple[list[Said], list[Due]]:
        """Decide on a command: what is answered, and when to look at the limit again."""
        device, command = what.device, what.command
        if self._population.refuses[device]:
            refusal = Answer(
                self._feeder, command.device, command.request, "refused", "declined by its owner"
            )
            return self._if_online(device, [refusal]), []
        answer = self._holders[device].receive(command, now)
        said, due = self.look(device, now)
        held = self._holders[device].held
        if held is not None and held.start > now:
            due.append(Due(held.start, LimitBoundary(device)))
        return self._if_online(device, [answer] if answer is not None else []) + said, due

    def look(self, device: int, now: datetime) -> tuple[list[Said], list[Due]]:
        """Bring the limit in force up to date and tell what ended by itself."""
        holder = self._holders[device]
        said: list[Said] = []
        while (ended := holder.expired(now)) is not None:
            said.append(ended)
        limit = holder.limit_at(now)
        in_force = None if limit is None else holder.held
        if in_force is not self._in_force[device]:
            self._note(device, now, "free" if in_force is None else "limited", in_force)
        self._in_force[device] = in_force
        self.limit_kw[device] = np.inf if limit is None else limit
        due = [] if holder.held is None else [Due(holder.held.end, LimitBoundary(device))]
        return self._if_online(device, said), due

    def drop(self, what: LinkDrops, now: datetime) -> tuple[list[Said], list[Due]]:
        """Lose contact; the held limit stays until its end."""
        self.online[what.device] = False
        self._note(what.device, now, "offline")
        back = now + timedelta(seconds=self._behaviour.vanish_for_s)
        return [Vanished(self._devices[what.device].device)], [Due(back, LinkReturns(what.device))]

    def come_back(self, what: LinkReturns, now: datetime, p_kw: float) -> list[Said]:
        """Regain contact and say so."""
        self.online[what.device] = True
        self._note(what.device, now, "online")
        return [Returned(self.status(what.device, now, p_kw))]

    def status(self, device: int, now: datetime, p_kw: float) -> DeviceStatus:
        """What a device says of itself."""
        in_force = self._in_force[device]
        return DeviceStatus(
            feeder=self._feeder,
            device=self._devices[device].device,
            at=now,
            online=True,
            p_kw=round(p_kw, 3),
            limit_kw=None if in_force is None else in_force.limit_kw,
            request=None if in_force is None else in_force.request,
        )

    def _reaction(self, device: int) -> timedelta:
        mean_s = self._behaviour.late_s if self._population.late[device] else self._behaviour.reaction_s
        spread = 0.5 + self._rngs[device].random()
        return timedelta(seconds=mean_s if self._population.late[device] else mean_s * spread)

    def _if_online(self, device: int, said: Sequence[Said]) -> list[Said]:
        return list(said) if self.online[device] else []

    def _note(
        self,
        device: int,
        at: datetime,
        what: Literal["received", "limited", "free", "offline", "online"],
        command: LimitCommand | None = None,
    ) -> None:
        name = self._devices[device].device
        if command is None:
            self.journal.append(DeviceNote(at, name, what))
            return
        self.journal.append(
            DeviceNote(at, name, what, command.request, command.sequence, command.limit_kw, command.end)
        )
