"""The field within this process, for simulated time: telemetry, commands and notices without a wire.

Each step: what the field said on the way, then one batch with every meter, the substation, and every device's
status. In between it wakes for whatever is due. A command is taken as soon as it is sent, as by a broker that
is up.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

import numpy as np

from devices.messages import (
    SUBSTATION,
    Answer,
    CustomerNotice,
    DeviceStatus,
    Failsafe,
    Heartbeat,
    Inbound,
    LimitCommand,
    Reading,
    ReadingBatch,
)
from devices.ports import Clock, Deliver
from simulations.field import FieldModel, Moment
from simulations.occurrences import Returned, Said, Vanished
from simulations.substation import Head, Substation

Looked = Callable[[Moment, Head], None]


@dataclass(frozen=True, slots=True)
class OnTheWire:
    """What the controller sent, as it passed by: evidence that no part of the daemon wrote."""

    at: datetime
    message: LimitCommand | CustomerNotice


class DirectLink:
    """All ports of the field in one; `looked` sees the truth at each step."""

    def __init__(
        self, field: FieldModel, substation: Substation, clock: Clock, step_s: int, looked: Looked
    ) -> None:
        self.wire: list[OnTheWire] = []
        self._field = field
        self._substation = substation
        self._clock = clock
        self._step = timedelta(seconds=step_s)
        self._looked = looked
        self._meters = tuple(c.meter for c in field.population.registry.customers)
        self._disturbed = asyncio.Event()
        self._deliver: Deliver | None = None
        self._heard: list[Said] = []
        """said while a command was handed over; told, and emptied, when the field is shown next"""
        self._shown: tuple[Inbound, ...] = ()
        """the latest step, for whoever begins to listen"""

    @property
    def connected(self) -> bool:
        """Always: nothing is between."""
        return True

    async def send(self, command: LimitCommand) -> None:
        """The device hears it at once, if it has contact."""
        self._catch_up(command)
        self._field.receive(command)
        self._disturbed.set()

    async def notify(self, notice: CustomerNotice) -> None:
        """The person reads it at once."""
        self._catch_up(notice)
        self._field.receive_notice(notice)
        self._disturbed.set()

    async def arm(self, failsafe: Failsafe) -> None:
        """The device hears it at once, if it has contact."""
        self._heard += self._field.advance(self._clock.now())
        self._field.receive_failsafe(failsafe)
        self._disturbed.set()

    async def beat(self, heartbeat: Heartbeat) -> None:
        """All devices that have contact hear it at once."""
        self._heard += self._field.advance(self._clock.now())
        self._field.hear(heartbeat)
        self._disturbed.set()

    async def run(self, deliver: Deliver) -> None:
        """Listen until cancelled, beginning with the latest step."""
        self._deliver = deliver
        try:
            for message in self._shown:
                deliver(message)
            await asyncio.get_running_loop().create_future()
        finally:
            self._deliver = None

    async def live(self) -> None:
        """Move the field step by step until cancelled, whether anybody listens or not."""
        next_step = self._field.now
        while True:
            await self._wait_until(min(next_step, self._field.next_due or next_step))
            now = self._clock.now()
            self._heard += self._field.advance(min(now, next_step))
            self._tell([_message(self._field.feeder, said) for said in self._heard])
            self._heard.clear()
            if now >= next_step:
                self._show()
                next_step += self._step

    def _catch_up(self, message: LimitCommand | CustomerNotice) -> None:
        now = self._clock.now()
        self.wire.append(OnTheWire(now, message))
        self._heard += self._field.advance(now)

    def _show(self) -> None:
        moment = self._field.power()
        head = self._substation.head(moment)
        self._shown = (
            _batch(self._field.feeder, self._meters, moment),
            _substation_reading(self._field.feeder, moment.at, head),
            *self._field.statuses(),
        )
        self._tell(self._shown)
        self._looked(moment, head)

    def _tell(self, messages: Sequence[Inbound]) -> None:
        if self._deliver is not None:
            for message in messages:
                self._deliver(message)

    async def _wait_until(self, at: datetime) -> None:
        """Wait for a time, or for a command that may bring something sooner."""
        self._disturbed.clear()
        seconds = (at - self._clock.now()).total_seconds()
        if seconds <= 0:
            return
        with contextlib.suppress(TimeoutError):
            async with self._clock.timeout(seconds):
                await self._disturbed.wait()


def _message(feeder: str, said: Said) -> Inbound:
    match said:
        case Answer() | DeviceStatus():
            return said
        case Returned(status):
            return status
        case Vanished(device):
            return DeviceStatus(feeder, device, at=None, online=False)
        case _:
            assert_never(said)


def _batch(feeder: str, meters: tuple[str, ...], moment: Moment) -> ReadingBatch:
    """All meters in columns, to the watt as meters show it."""
    return ReadingBatch(
        feeder=feeder,
        at=moment.at,
        meters=meters,
        p_kw=tuple(np.round(moment.p_kw, 3).tolist()),
        q_kvar=tuple(np.round(moment.q_kvar, 3).tolist()),
    )


def _substation_reading(feeder: str, at: datetime, head: Head) -> Reading:
    return Reading(
        feeder=feeder,
        meter=SUBSTATION,
        at=at,
        p_kw=round(head.p_kw, 3),
        q_kvar=round(head.q_kvar, 3),
        v_v=head.v_v,
        i_a=head.i_a,
        energy_kwh=round(head.energy_kwh, 3),
    )
