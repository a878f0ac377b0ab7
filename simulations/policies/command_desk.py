"""Brings a rule's limits to the devices, and remembers what it told whom.

Each limit is a signed command with an end, renewed in time and ended early when the device is free, as the
daemon's are; a device that refused is left alone for the rest of the run. Its books are also where a rule's
look comes from: what a device took before it was limited, and since when it has been taking anything.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from customers.registry import Device
from devices.messages import Answer, LimitCommand
from devices.signing import sign
from grid_model.network import Floats
from simulations.field import Moment
from simulations.occurrences import Returned, Said, Vanished
from simulations.policies.port import Feeder, Flags, Look

_IDLE_KW = 0.1
"""A device that takes less is not asking for anything."""
_BINDS = 0.9
"""A device that takes less than this share of its limit is not held back by it."""
_WATT = 1e-3


@dataclass(frozen=True)
class Told:
    """The limit that one device was told last."""

    command: LimitCommand
    before_kw: float
    """what it took when it was first limited"""
    changed_at: datetime
    """when the limit went up or down last"""


class CommandDesk:
    """All devices of a feeder, by their position."""

    def __init__(
        self,
        feeder_id: str,
        feeder: Feeder,
        devices: tuple[Device, ...],
        secret: bytes,
        renew_before_s: float,
    ) -> None:
        self._id, self._feeder, self._secret = feeder_id, feeder, secret
        self._names = [device.device for device in devices]
        self._position = {name: n for n, name in enumerate(self._names)}
        self._duration = timedelta(seconds=feeder.requests.duration_s)
        self._renew_before = timedelta(seconds=renew_before_s)
        self._told: dict[int, Told] = {}
        self._out: set[int] = set()
        """refused"""
        self._gone: set[int] = set()
        """without contact"""
        self._asking_since: dict[int, datetime] = {}
        self.requests = 0

    def hear(self, said: Iterable[Said]) -> None:
        """What the field said since the last step."""
        for one in said:
            match one:
                case Answer(device=name, answer="refused"):
                    self._out.add(self._position[name])
                    self._told.pop(self._position[name], None)
                case Answer(device=name, request=request, answer="ended"):
                    self._forget(self._position[name], request)
                case Vanished(device=name):
                    self._gone.add(self._position[name])
                case Returned(status=status):
                    self._gone.discard(self._position[status.device])
                case _:
                    pass

    def look(self, moment: Moment) -> Look:
        """What a rule may see of this step."""
        self._note_who_asks(moment)
        open_to = self._open_to()
        since = [self._asking_since.get(n, moment.at) for n in range(len(self._names))]
        return Look(
            at=moment.at,
            p_kw=moment.p_kw,
            q_kvar=moment.q_kvar,
            device_kw=moment.device_kw,
            free_kw=np.where(open_to, self._free_kw(moment.device_kw), moment.device_kw),
            asking_s=np.array([(moment.at - one).total_seconds() for one in since]),
            open_to=open_to,
        )

    def held_kw(self) -> Floats:
        """(n_device,) what each was told last; inf where it is free."""
        held_kw = np.full(len(self._names), np.inf)
        for n, told in self._told.items():
            held_kw[n] = told.command.limit_kw
        return held_kw

    def unchanged_s(self, now: datetime) -> Floats:
        """(n_device,) for how long each limit has been what it is; inf where there is none."""
        seconds = np.full(len(self._names), np.inf)
        for n, told in self._told.items():
            seconds[n] = (now - told.changed_at).total_seconds()
        return seconds

    def commands(self, limit_kw: Floats, look: Look, now: datetime) -> Iterator[LimitCommand]:
        """What must be sent so that the devices are limited like this; they count as told."""
        for n in np.flatnonzero(np.isfinite(limit_kw) | np.isfinite(self.held_kw())):
            command = self._command(int(n), float(limit_kw[n]), float(look.device_kw[n]), now)
            if command is not None:
                yield sign(command, self._secret)

    def _command(self, n: int, limit_kw: float, p_kw: float, now: datetime) -> LimitCommand | None:
        told = self._told.get(n)
        if n in self._gone or n in self._out:
            return None  # nobody would hear it, or obey; a held limit ends by itself
        if math.isinf(limit_kw):
            del self._told[n]
            assert told is not None, "only who is limited or is to be limited is asked about"
            return replace(told.command, end=now, sequence=told.command.sequence + 1, signature="")
        limit_kw = max(math.ceil(round(limit_kw / _WATT, 6)) * _WATT, float(self._feeder.floor_kw[n]))
        if told is None:
            return self._first(n, limit_kw, p_kw, now)
        same = abs(limit_kw - told.command.limit_kw) < _WATT
        if same and told.command.end - now > self._renew_before:
            return None
        command = replace(
            told.command,
            limit_kw=told.command.limit_kw if same else limit_kw,
            end=now + self._duration,
            sequence=told.command.sequence + 1,
            signature="",
        )
        self._told[n] = Told(command, told.before_kw, told.changed_at if same else now)
        return command

    def _first(self, n: int, limit_kw: float, p_kw: float, now: datetime) -> LimitCommand:
        self.requests += 1
        request = f"rule-{self.requests:05}"
        end = now + self._duration
        command = LimitCommand(self._id, self._names[n], request, limit_kw, now, end, epoch=1, sequence=1)
        self._told[n] = Told(command, p_kw, now)
        return command

    def _free_kw(self, device_kw: Floats) -> Floats:
        free_kw = device_kw.copy()
        for n, told in self._told.items():
            if device_kw[n] >= _BINDS * told.command.limit_kw:
                took_kw = (
                    told.before_kw if told.before_kw >= told.command.limit_kw else self._feeder.rated_kw[n]
                )
                free_kw[n] = max(took_kw, device_kw[n])
        return free_kw

    def _note_who_asks(self, moment: Moment) -> None:
        for n, p_kw in enumerate(moment.device_kw):
            if p_kw < _IDLE_KW:
                self._asking_since.pop(n, None)
            else:
                self._asking_since.setdefault(n, moment.at)

    def _open_to(self) -> Flags:
        open_to = self._feeder.may_be_limited & ~self._feeder.feeds_in  # the rules are of what is taken
        open_to[[*self._out, *self._gone]] = False
        return open_to

    def _forget(self, n: int, request: str) -> None:
        told = self._told.get(n)
        if told is not None and told.command.request == request:
            del self._told[n]
