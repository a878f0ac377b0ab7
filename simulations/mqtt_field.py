"""The field on real protocols: meters, devices and people over MQTT, the substation's RTU over Modbus TCP.

The same `FieldModel` as in simulated time, moved by a given clock, so that an evening may pass in minutes.
Everything crosses the wire in the codec's words. Devices that may vanish, or all of them, have a connection
of their own with a will; the others share one, because a hundred sessions are a burden for a small machine.
"""

import asyncio
import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Literal, assert_never

import numpy as np

from devices.messages import (
    SUBSTATION,
    Answer,
    CustomerNotice,
    DeviceStatus,
    Failsafe,
    Heartbeat,
    LimitCommand,
    Reading,
)
from devices.mqtt import codec
from devices.mqtt.topics import Topics
from devices.ports import Clock
from simulations.carriage import Carriage, UnderWay
from simulations.field import FieldModel, Moment
from simulations.metering import Metering
from simulations.mqtt_connection import Address, FieldConnection, Outgoing
from simulations.occurrences import Returned, Said, Vanished
from simulations.rtu_server import RtuServer
from simulations.substation import Head, Substation
from simulations.wire_meters import WireMeters

Connections = Literal["shared", "per_device"]


@dataclass(frozen=True)
class Wiring:
    """How the field is wired to the broker."""

    host: str
    port: int
    topics: Topics = field(default_factory=Topics)
    username: str | None = None
    password: str | None = None
    connections: Connections = "shared"
    concentrated: float = 0.0
    """share of the meters that a concentrator reports in batches; the others speak for themselves"""


class MqttField:
    """One feeder's field until cancelled."""

    def __init__(
        self,
        model: FieldModel,
        substation: Substation,
        wiring: Wiring,
        *,
        clock: Clock,
        wire_clock: Clock,
        rng: np.random.Generator,
        step_s: float,
        rtu: RtuServer | None = None,
        metering: Metering | None = None,
        carriage: Carriage | None = None,
    ) -> None:
        """`clock` moves the field, `wire_clock` is real time; readings go out every `step_s` of `clock`.
        Without `metering` all meters are there and right, without `carriage` no message is lost or late."""
        self._field, self._substation, self._rtu = model, substation, rtu
        self._clock, self._wire_clock, self._rng = clock, wire_clock, rng
        self._wiring, self._step = wiring, timedelta(seconds=step_s)
        self._meters = WireMeters(model, wiring.topics, concentrated=wiring.concentrated, metering=metering)
        self._carriage, self._under_way = carriage, UnderWay()
        self._disturbed = asyncio.Event()
        self._own: dict[str, FieldConnection] = {}
        self._meter_line = self._connect("meters")
        own = self._with_own_line()
        requests = [
            topic
            for d in model.population.registry.devices
            if d.device not in own and d.device not in model.real.parts.devices
            for topic in self._heard_by(d.device)
        ]
        notices = [
            self._topics.notice(model.feeder, c.customer)
            for c in model.population.registry.customers
            if c.takes_notices
        ]
        self._device_line = self._connect("devices", list(dict.fromkeys(requests)))
        self._people_line = self._connect("people", notices)
        for device in own:
            self._own[device] = self._connect_device(device)

    @property
    def model(self) -> FieldModel:
        """The field itself: its journals are evidence."""
        return self._field

    @property
    def published(self) -> int:
        """Messages that went out so far."""
        return sum(line.published for line in self._lines())

    async def wait_until_up(self) -> None:
        """Returns as soon as every connection stands; bound it with a time-out."""
        await asyncio.gather(*(line.wait_until_up() for line in self._lines()))

    async def run(self) -> None:
        """Live until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for line in self._lines():
                tasks.create_task(line.run(), name="field line")
            tasks.create_task(self._live(), name="field")

    async def _live(self) -> None:
        self._advance(self._clock.now())
        next_step = self._clock.now()
        while True:
            due = (next_step, self._field.next_due, self._under_way.next_at)
            await self._wait_until(min(at for at in due if at is not None))
            now = self._clock.now()
            self._advance(now)
            self._under_way.arrive(now)
            if now >= next_step:
                self._show()
                # a machine that is too slow leaves steps out; the newest reading is the one that counts
                next_step += self._step * max(1, math.ceil((now - next_step) / self._step))

    async def _wait_until(self, at: datetime) -> None:
        self._disturbed.clear()
        seconds = (at - self._clock.now()).total_seconds()
        if seconds <= 0:
            return
        with contextlib.suppress(TimeoutError):
            async with self._clock.timeout(seconds):
                await self._disturbed.wait()

    def _advance(self, to: datetime) -> None:
        for said in self._field.advance(max(to, self._field.now)):
            self._say(said)

    # ---- in ----------------------------------------------------------------------------------------------

    def _heard(self, topic: str, payload: bytes) -> None:
        self._carry(partial(self._take, topic, payload))
        self._disturbed.set()

    def _take(self, topic: str, payload: bytes) -> None:
        command = codec.decode_command(topic, payload, topics=self._topics)
        if isinstance(command, LimitCommand):
            self._take_command(command)
            return
        if self._heard_of_silence(topic, payload):
            return
        notice = codec.decode_notice(topic, payload, topics=self._topics)
        if isinstance(notice, CustomerNotice):
            self._advance(self._clock.now())
            self._field.receive_notice(notice)
            self._disturbed.set()

    def _heard_of_silence(self, topic: str, payload: bytes) -> bool:
        heartbeat = codec.decode_heartbeat(topic, payload, topics=self._topics)
        failsafe = codec.decode_failsafe(topic, payload, topics=self._topics)
        if isinstance(heartbeat, Heartbeat):
            self._advance(self._clock.now())
            self._field.hear(heartbeat)
        elif isinstance(failsafe, Failsafe):
            self._advance(self._clock.now())
            self._field.receive_failsafe(failsafe)
        else:
            return False
        self._disturbed.set()
        return True

    def _take_command(self, command: LimitCommand) -> None:
        self._advance(self._clock.now())
        self._field.receive(command)
        self._disturbed.set()

    # ---- out ---------------------------------------------------------------------------------------------

    def _say(self, said: Said) -> None:
        feeder = self._field.feeder
        match said:
            case Answer():
                topic = self._topics.answer(feeder, said.device)
                self._put(self._line(said.device), Outgoing(topic, codec.encode_answer(said), qos=1))
            case DeviceStatus():
                self._put(self._line(said.device), self._status(said))
            case Vanished(device):
                self._line(device).cut()
            case Returned(status):
                self._line(status.device).mend()
            case _:
                assert_never(said)

    def _show(self) -> None:
        moment = self._field.power()
        head = self._substation.head(moment)
        for reading in self._meters.readings(
            moment, head, lambda number: self._is_up("concentrator", number)
        ):
            self._put(self._meter_line, reading)
        for status in self._field.statuses():
            self._put(self._line(status.device), self._status(status))
        self._show_substation(moment, head)

    def _show_substation(self, moment: Moment, head: Head) -> None:
        up = self._is_up("substation")
        if self._rtu is not None:
            self._rtu.silent = not up
            self._rtu.update(head.p_kw, head.q_kvar, head.v_v, head.i_a, head.energy_kwh)
            return
        if not up:
            return
        reading = Reading(
            feeder=self._field.feeder,
            meter=SUBSTATION,
            at=moment.at,
            p_kw=round(head.p_kw, 3),
            q_kvar=round(head.q_kvar, 3),
            v_v=head.v_v,
            i_a=head.i_a,
            energy_kwh=round(head.energy_kwh, 3),
        )
        topic = self._topics.substation_reading(self._field.feeder)
        self._put(self._meter_line, Outgoing(topic, codec.encode_reading(reading)))

    # ---- on the way --------------------------------------------------------------------------------------

    def _put(self, line: FieldConnection, message: Outgoing) -> None:
        self._carry(partial(line.put, message))

    def _carry(self, arrive: Callable[[], None]) -> None:
        """Let a message arrive as often as it does, at once or later."""
        for delay_s in (0.0,) if self._carriage is None else self._carriage.fates():
            if delay_s <= 0:
                arrive()
            else:
                self._under_way.add(self._clock.now() + timedelta(seconds=delay_s), arrive)

    def _is_up(self, part: str, number: int = 1) -> bool:
        return self._carriage is None or self._carriage.is_up(part, self._clock.now(), number)

    # ---- lines -------------------------------------------------------------------------------------------

    @property
    def _topics(self) -> Topics:
        return self._wiring.topics

    def _heard_by(self, device: str) -> list[str]:
        """What a device listens to: one of guard mode also to what holds in silence, and to our life."""
        feeder = self._field.feeder
        topics = [self._topics.request(feeder, device)]
        if self._field.population.registry.device[device].on_contact_loss == "guard":
            topics += [self._topics.failsafe(feeder, device), self._topics.heartbeat]
        return topics

    def _with_own_line(self) -> Sequence[str]:
        population = self._field.population
        return [
            device.device
            for device, vanishes in zip(population.registry.devices, population.vanishes, strict=True)
            if (vanishes or self._wiring.connections == "per_device")
            and device.device not in self._field.real.parts.devices
        ]

    def _lines(self) -> Sequence[FieldConnection]:
        return [self._meter_line, self._device_line, self._people_line, *self._own.values()]

    def _line(self, device: str) -> FieldConnection:
        return self._own.get(device, self._device_line)

    def _address(self, name: str) -> Address:
        wiring = self._wiring
        client_id = f"gridward-field-{self._field.feeder}-{name}"
        return Address(wiring.host, wiring.port, client_id, wiring.username, wiring.password)

    def _connect(self, name: str, subscriptions: Sequence[str] = ()) -> FieldConnection:
        return FieldConnection(
            self._address(name),
            self._wire_clock,
            self._rng,
            subscriptions=subscriptions,
            heard=self._heard,
        )

    def _connect_device(self, device: str) -> FieldConnection:
        feeder = self._field.feeder
        gone = DeviceStatus(feeder, device, at=None, online=False)
        return FieldConnection(
            self._address(device),
            self._wire_clock,
            self._rng,
            subscriptions=self._heard_by(device),
            heard=self._heard,
            greeting=lambda: [self._status(s) for s in self._field.statuses() if s.device == device],
            will=self._status(gone),
        )

    def _status(self, status: DeviceStatus) -> Outgoing:
        topic = self._topics.status(self._field.feeder, status.device)
        return Outgoing(topic, codec.encode_status(status), qos=0 if status.online else 1, retain=True)
