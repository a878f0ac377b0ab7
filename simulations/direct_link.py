"""The field within this process, for simulated time: telemetry, commands and notices without a wire.

Each step: what the field said on the way, then a batch with the meters of each concentrator, the substation,
and every device's status. In between it wakes for whatever is due. A command is taken as soon as it is sent,
as by a broker that is up; what `carriage.py` makes of messages on their way comes on top. While the broker is
away nothing can be sent, readings and statuses are lost, and answers wait for it, as in a lasting session.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol, assert_never

import numpy as np

from devices.errors import Unreachable
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
from grid_model.network import Floats
from simulations.carriage import Carriage, UnderWay
from simulations.field import FieldModel, Moment
from simulations.metering import Concentrator, Metering
from simulations.occurrences import Returned, Said, Vanished
from simulations.substation import Head, Substation

Looked = Callable[[Moment, Head], None]
Looks = Callable[[Moment, Head, bool], bool]
"""Whether the daemon looks at this step; the last argument: whether something of the field's own is due."""


@dataclass(frozen=True, slots=True)
class OnTheWire:
    """What the controller sent, as it passed by: evidence that no part of the daemon wrote."""

    at: datetime
    message: LimitCommand | CustomerNotice


class DirectLink:
    """All ports of the field in one; `looked` sees the truth at each step."""

    def __init__(
        self,
        field: FieldModel,
        substation: Substation,
        clock: Clock,
        step_s: int,
        looked: Looked,
        *,
        looks: Looks | None = None,
        carriage: Carriage | None = None,
        metering: Metering | None = None,
    ) -> None:
        """Without `carriage` each message arrives at once; without `metering` all meters are right."""
        self.wire: list[OnTheWire] = []
        self._field = field
        self._substation = substation
        self._clock = clock
        self._step = timedelta(seconds=step_s)
        self._looked = looked
        self._looks = looks
        self.watched = True
        """whether the daemon was shown the latest step"""
        self._carriage, self._metering = carriage, metering
        customers = field.population.registry.customers
        self._concentrators = (
            (Concentrator(tuple(c.meter for c in customers), np.arange(len(customers))),)
            if metering is None
            else metering.concentrators
        )
        self._under_way = UnderWay()
        self._waiting: list[Inbound] = []
        """answers that wait for the broker"""
        self.disturbed = asyncio.Event()
        """that something was carried down; whoever moves several links waits for one and the same"""
        self._reached = False
        """whether something was since the field was moved last"""
        self._next_step = field.now
        self._deliver: Deliver | None = None
        self._heard: list[Said] = []
        """said while a command was handed over; told, and emptied, when the field is shown next"""
        self._shown: tuple[Inbound, ...] = ()
        """the latest step, for whoever begins to listen"""

    @property
    def connected(self) -> bool:
        """Whether the broker is there."""
        return self._is_up("broker")

    async def send(self, command: LimitCommand) -> None:
        """The device hears it at once, if it has contact."""
        self._carry(lambda: self._field.receive(command), command)

    async def notify(self, notice: CustomerNotice) -> None:
        """The person reads it at once."""
        self._carry(lambda: self._field.receive_notice(notice), notice)

    async def arm(self, failsafe: Failsafe) -> None:
        """The device hears it at once, if it has contact."""
        self._carry(lambda: self._field.receive_failsafe(failsafe))

    async def beat(self, heartbeat: Heartbeat) -> None:
        """All devices that have contact hear it at once."""
        self._carry(lambda: self._field.hear(heartbeat))

    async def run(self, deliver: Deliver) -> None:
        """Listen until cancelled, beginning with the latest step."""
        self._deliver = deliver
        try:
            self._tell(self._shown)
            await asyncio.get_running_loop().create_future()
        finally:
            self._deliver = None

    @property
    def next_at(self) -> datetime:
        """When something is due by itself."""
        due = (self._next_step, self._field.next_due, self._under_way.next_at)
        return min(at for at in due if at is not None)

    def catch_up(self) -> None:
        """Do what is due by now; where nothing is, and nothing was carried down, the field stays."""
        now = self._clock.now()
        if now < self.next_at and not self._reached:
            return
        self._reached = False
        self._heard += self._field.advance(min(now, self._next_step))
        self._under_way.arrive(now)
        self._tell([_message(self._field.feeder, said) for said in self._heard])
        self._heard.clear()
        if now >= self._next_step:
            self._show()
            self._next_step += self._step

    def _is_up(self, part: str, number: int = 1) -> bool:
        return self._carriage is None or self._carriage.is_up(part, self._clock.now(), number)

    def _fates(self) -> tuple[float, ...]:
        return (0.0,) if self._carriage is None else self._carriage.fates()

    def _carry(
        self, arrive: Callable[[], None], message: LimitCommand | CustomerNotice | None = None
    ) -> None:
        """Bring something down to the field, at once or later. Raises Unreachable without a broker."""
        if not self.connected:
            raise Unreachable("the broker is away")
        now = self._clock.now()
        if message is not None:
            self.wire.append(OnTheWire(now, message))
        self._heard += self._field.advance(now)
        for delay_s in self._fates():
            self._after(delay_s, arrive)
        self._reached = True
        self.disturbed.set()

    def _after(self, delay_s: float, arrive: Callable[[], None]) -> None:
        if delay_s <= 0:
            arrive()
        else:
            self._under_way.add(self._clock.now() + timedelta(seconds=delay_s), arrive)

    def _show(self) -> None:
        moment = self._field.power()
        head = self._substation.head(moment)
        if self._metering is not None and not self._metering.exact:
            moment = replace(moment, shown_kw=self._metering.shown_kw(moment.p_kw, moment.at))
        house_v = head.house_v if self._metering is None else self._metering.shown_v(head.house_v)
        self._looked(moment, head)
        due = self._field.next_due is not None
        self.watched = self._looks is None or self._looks(moment, head, due)
        if not self.watched:
            return
        feeder = self._field.feeder
        batches = (
            _batch(feeder, one, moment, house_v)
            for number, one in enumerate(self._concentrators, start=1)
            if self._is_up("concentrator", number)
        )
        rtu = (_substation_reading(feeder, moment.at, head),) if self._is_up("substation") else ()
        self._shown = (*batches, *rtu, *self._field.statuses())
        self._tell(self._shown)

    def _tell(self, messages: Sequence[Inbound]) -> None:
        """Bring something up to whoever listens, at once or later."""
        if not self.connected:
            self._waiting += [message for message in messages if isinstance(message, Answer)]
            return
        for message in (*self._waiting, *messages):
            for delay_s in self._fates():
                self._after(delay_s, partial(self._hand_over, message))
        self._waiting.clear()

    def _hand_over(self, message: Inbound) -> None:
        if self._deliver is not None:
            self._deliver(message)


async def live_in_turn(links: Sequence[DirectLink], clock: Clock) -> None:
    """Move their fields until cancelled. What is due at the same time happens in their order, whoever was
    woken by what: so a station takes at a step what the feeder behind it takes at that very step."""
    disturbed = asyncio.Event()
    for link in links:
        link.disturbed = disturbed
    while True:
        disturbed.clear()
        await _wait_until(min(link.next_at for link in links), clock, disturbed)
        for link in links:
            link.catch_up()


async def _wait_until(at: datetime, clock: Clock, disturbed: asyncio.Event) -> None:
    """Wait for a time, or for a command that may bring something sooner."""
    seconds = (at - clock.now()).total_seconds()
    if seconds <= 0:
        return
    with contextlib.suppress(TimeoutError):
        async with clock.timeout(seconds):
            await disturbed.wait()


class FieldWays(Protocol):
    """All that the daemon sends down to the field."""

    @property
    def connected(self) -> bool:
        """Whether anything passes."""
        ...

    async def send(self, command: LimitCommand) -> None:
        """A limit to a device."""
        ...

    async def notify(self, notice: CustomerNotice) -> None:
        """A word to a person."""
        ...

    async def arm(self, failsafe: Failsafe) -> None:
        """What holds in silence, to a device."""
        ...

    async def beat(self, heartbeat: Heartbeat) -> None:
        """That the controller lives, to all."""
        ...


class LinksByFeeder:
    """The links of several feeders as one."""

    def __init__(self, links: Mapping[str, DirectLink]) -> None:
        self._links = links

    @property
    def connected(self) -> bool:
        """Whether all are."""
        return all(link.connected for link in self._links.values())

    async def send(self, command: LimitCommand) -> None:
        """To the device's own feeder."""
        await self._links[command.feeder].send(command)

    async def notify(self, notice: CustomerNotice) -> None:
        """To the customer's own feeder."""
        await self._links[notice.feeder].notify(notice)

    async def arm(self, failsafe: Failsafe) -> None:
        """To the device's own feeder."""
        await self._links[failsafe.feeder].arm(failsafe)

    async def beat(self, heartbeat: Heartbeat) -> None:
        """To all."""
        for link in self._links.values():
            await link.beat(heartbeat)


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


def _batch(feeder: str, one: Concentrator, moment: Moment, house_v: Floats | None) -> ReadingBatch:
    """All meters of a concentrator in columns, to the watt as meters show it."""
    shown_kw = moment.p_kw if moment.shown_kw is None else moment.shown_kw
    return ReadingBatch(
        feeder=feeder,
        at=moment.at,
        meters=one.meters,
        p_kw=tuple(np.round(shown_kw[one.places], 3).tolist()),
        q_kvar=tuple(np.round(moment.q_kvar[one.places], 3).tolist()),
        v_v=None if house_v is None else tuple(np.round(house_v[one.places], 1).tolist()),
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
