"""Emulated devices, the far end of [6]: chargers, heat pumps and all else that can be limited. They obey,
refuse, answer late or vanish.

Each device holds its limit by `devices.limit_holder`, and what holds in silence by `devices.failsafe`, as a
real gateway would, and keeps a journal of its own: what it was told, and from when until when it was limited.
The judge reads that, never the daemon's account of it. Pure: time is passed in.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import numpy as np

from customers.registry import Device
from devices.failsafe import GuardedDevice
from devices.limit_holder import LimitHolder
from devices.messages import Answer, DeviceStatus, Direction, Failsafe, Heartbeat, LimitCommand
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
    SilenceTurns,
    Vanished,
)
from simulations.population import Population
from simulations.scenario import Scenario

NoteKind = Literal["received", "limited", "free", "offline", "online", "armed", "failsafe"]
"""armed: told what holds in silence · failsafe: limited by silence, not by a request"""


@dataclass(frozen=True, slots=True)
class DeviceNote:
    """One line of a device's own journal."""

    at: datetime
    device: str
    what: NoteKind
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
        keys = [device_key(secret, device.device) for device in self._devices]
        self._guarded = [
            GuardedDevice(LimitHolder(device.device, key, device.min_kw, [_direction(device)]), key)
            for device, key in zip(self._devices, keys, strict=True)
        ]
        self._direction = [_direction(device) for device in self._devices]
        self._hears_heartbeats = [n for n, d in enumerate(self._devices) if d.on_contact_loss == "guard"]
        self._rngs = [stream(scenario.seed, "reaction", n) for n in range(len(self._devices))]
        self._position = {device.device: n for n, device in enumerate(self._devices)}
        self._in_force: list[tuple[LimitCommand | None, float | None]] = [(None, None)] * len(self._devices)
        """the request that limits each, and to what; no request while silence does"""
        self._look_at: list[datetime | None] = [None] * len(self._devices)
        """when silence alone may change something, as it was planned last"""
        self._told_before = np.zeros(len(self._devices), dtype=bool)
        self.online = np.ones(len(self._devices), dtype=bool)
        self.limit_kw: Floats = np.full(len(self._devices), np.inf)
        """(n_device,) in force now; inf where there is none. Of inverters: what they may feed in"""
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
        if self._population.refuses[device] and self._declines(now):
            refusal = Answer(
                self._feeder, command.device, command.request, "refused", "declined by its owner"
            )
            return self._if_online(device, [refusal]), []
        answer = self._guarded[device].receive(command, now, now.timestamp())
        said, due = self.look(device, now)
        held = self._guarded[device].holder.held_in(self._direction[device])
        if held is not None and held.start > now:
            due.append(Due(held.start, LimitBoundary(device)))
        return self._if_online(device, [answer] if answer is not None else []) + said, due

    def look(self, device: int, now: datetime) -> tuple[list[Said], list[Due]]:
        """Bring the limit in force up to date and tell what ended by itself."""
        holder = self._guarded[device].holder
        said: list[Said] = []
        while (ended := holder.expired(now)) is not None:
            said.append(ended)
        self._bring_up_to_date(device, now)
        held = holder.held_in(self._direction[device])
        due = [] if held is None else [Due(held.end, LimitBoundary(device))]
        return self._if_online(device, said), due

    def look_again(self, device: int, now: datetime) -> list[Due]:
        """A time that silence was planned to change something has come; heartbeats may have moved it on."""
        self._bring_up_to_date(device, now)
        return self._next_turn(device, now)

    def arm(self, failsafe: Failsafe, now: datetime) -> list[Due]:
        """What holds in silence arrives; unknown devices and those without contact do not hear it."""
        device = self._position.get(failsafe.device)
        if device is None or not self.online[device]:
            return []
        if self._guarded[device].arm(failsafe, now.timestamp()) is not None:
            return []
        name = self._devices[device].device
        self.journal.append(DeviceNote(now, name, "armed", limit_kw=failsafe.failsafe_kw))
        return self.look_again(device, now)

    def hear(self, heartbeat: Heartbeat, now: datetime) -> list[Due]:
        """The controller lives: told to all who have contact."""
        due: list[Due] = []
        for device in self._hears_heartbeats:
            if self.online[device] and self._guarded[device].hear(heartbeat, now.timestamp()):
                due += self.look_again(device, now)
        return due

    def _bring_up_to_date(self, device: int, now: datetime) -> None:
        guarded = self._guarded[device]
        direction = self._direction[device]
        limit_kw = guarded.limit_at(now, now.timestamp(), direction)
        by_request = limit_kw is not None and guarded.holder.limit_at(now, direction) == limit_kw
        in_force = guarded.holder.held_in(direction) if by_request else None
        if (in_force, limit_kw) != self._in_force[device]:
            if limit_kw is None or by_request:
                self._note(device, now, "free" if in_force is None else "limited", in_force)
            else:
                name = self._devices[device].device
                self.journal.append(DeviceNote(now, name, "failsafe", limit_kw=limit_kw))
        self._in_force[device] = (in_force, limit_kw)
        self.limit_kw[device] = np.inf if limit_kw is None else limit_kw

    def _next_turn(self, device: int, now: datetime) -> list[Due]:
        """When silence alone may change something; rounded up, or one would look a moment too early for
        ever.
        """
        seconds, planned = self._guarded[device].next_turn_s(now.timestamp()), self._look_at[device]
        if seconds is None:
            return []
        at = now + timedelta(milliseconds=math.floor(max(seconds, 0.0) * 1000) + 1)
        if planned is not None and now < planned <= at:
            return []  # by then it is known better
        self._look_at[device] = at
        return [Due(at, SilenceTurns(device))]

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
        request, limit_kw = self._in_force[device]
        guarded, feeds_in = self._guarded[device], self._direction[device] == "production"
        failsafe, held_by = guarded.failsafe, None if request is None else request.request
        return DeviceStatus(
            feeder=self._feeder,
            device=self._devices[device].device,
            at=now,
            online=True,
            p_kw=round(p_kw, 3),
            limit_kw=None if feeds_in else limit_kw,
            request=None if feeds_in else held_by,
            production_limit_kw=limit_kw if feeds_in else None,
            production_request=held_by if feeds_in else None,
            failsafe_kw=None if failsafe is None else failsafe.failsafe_kw,
            failsafe_s=None if failsafe is None else failsafe.failsafe_s,
            heartbeat_timeout_s=None if failsafe is None else failsafe.heartbeat_timeout_s,
            nominal_kw=None if failsafe is None else self._devices[device].rated_kw,
            state=None if failsafe is None else guarded.state(now, now.timestamp()),
        )

    def _declines(self, now: datetime) -> bool:
        return self._behaviour.refuse_from is None or now >= self._behaviour.refuse_from

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
        what: NoteKind,
        command: LimitCommand | None = None,
    ) -> None:
        name = self._devices[device].device
        if command is None:
            self.journal.append(DeviceNote(at, name, what))
            return
        self.journal.append(
            DeviceNote(at, name, what, command.request, command.sequence, command.limit_kw, command.end)
        )


def _direction(device: Device) -> Direction:
    """What can be limited there: an inverter's feeding in, all others' taking."""
    return "production" if device.kind == "pv_inverter" else "consumption"
