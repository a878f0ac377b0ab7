"""An emulated charger that speaks OCPP 1.6-J or 2.0.1 over a real socket, with a car's physics behind it.

The protocol is the library's charge-point side, so it shares no codec with the daemon. It holds limits by
its own clock, reports power and energy, and keeps a journal of every change of its limit for the judge.
"""

import asyncio
import base64
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, cast

import numpy as np
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from devices.backoff import Backoff
from devices.ports import Clock
from simulations.charger_car import Car
from simulations.charging_profiles import ProfileBook
from simulations.ocpp_points import CONNECTOR, Point16, Point201


@dataclass(frozen=True, slots=True)
class CentralAddress:
    """Where its central system is, and how it proves itself there."""

    url: str
    """without the charge point's id"""
    charge_point: str
    version: Literal["1.6", "2.0.1"] = "1.6"
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class LimitNote:
    """One line of the charger's own journal."""

    at: datetime
    limit_kw: float | None
    """from now on; None: no limit"""


class OcppCharger:
    """One charger with one connector, until cancelled; comes back by itself."""

    def __init__(
        self,
        address: CentralAddress,
        car: Car,
        clock: Clock,
        rng: np.random.Generator,
        *,
        wire_clock: Clock | None = None,
        report_s: float = 30.0,
        step_s: float = 1.0,
    ) -> None:
        """`clock` moves the car and ends limits, `wire_clock` is real time."""
        self.journal: list[LimitNote] = []
        self.profiles = ProfileBook(same_level_is_refused=address.version != "1.6")
        self.clock = clock
        self._address, self._car = address, car
        self._wire_clock = wire_clock or clock
        self._backoff = Backoff(rng)
        self._report_s, self._step_s = report_s, step_s
        self._limit_kw = np.inf
        self._news = asyncio.Event()

    @property
    def limit_kw(self) -> float:
        """In force now; inf when there is none."""
        return self.profiles.limit_kw(CONNECTOR, self.clock.now())

    @property
    def power_kw(self) -> float:
        """What its car takes now."""
        return self._car.power_kw(self.limit_kw)

    def told(self) -> None:
        """Profiles have changed."""
        self._news.set()

    async def run(self) -> None:
        """Live until cancelled: the car goes on whether there is a connection or not."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._stay_connected(), name="charger's connection")
            tasks.create_task(self._live(), name="charger's car")

    async def _live(self) -> None:
        while True:
            now, limit_kw = self.clock.now(), self.limit_kw
            self._car.advance(now, self._limit_kw)
            if limit_kw != self._limit_kw:
                self.journal.append(LimitNote(now, None if np.isinf(limit_kw) else limit_kw))
                self._limit_kw = limit_kw
            self._news.clear()
            with suppress(TimeoutError):
                async with self.clock.timeout(self._step_s):
                    await self._news.wait()

    async def _stay_connected(self) -> None:
        while True:
            with suppress(OSError, WebSocketException, TimeoutError):
                await self._serve()
            await self._wire_clock.sleep(self._backoff.next_wait_s())

    async def _serve(self) -> None:
        address = self._address
        async with connect(
            f"{address.url}/{address.charge_point}",
            subprotocols=cast("Any", [f"ocpp{address.version}"]),
            additional_headers=_headers(address),
            ssl=address.tls,
            proxy=None,
        ) as socket:
            make = Point16 if address.version == "1.6" else Point201
            point = make(address.charge_point, socket, self)
            tasks = [asyncio.create_task(point.start()), asyncio.create_task(self._report(point))]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            for task in done:
                task.result()

    async def _report(self, point: Point16 | Point201) -> None:
        await point.boot()
        self._backoff.reset()
        plugged: bool | None = None
        while True:
            now = self.clock.now()
            if self._car.plugged != plugged:
                plugged = self._car.plugged
                await point.say_status(plugged, now)
            await point.say_meter(self.power_kw, self._car.charged_kwh, now)
            await self.clock.sleep(self._report_s)


def _headers(address: CentralAddress) -> dict[str, str]:
    if address.password is None:
        return {}
    token = base64.b64encode(f"{address.charge_point}:{address.password}".encode()).decode()
    return {"Authorization": f"Basic {token}"}
