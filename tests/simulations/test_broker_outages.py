"""The embedded broker goes away and comes back by the scenario's clock."""

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from devices.mqtt.embedded_broker import EmbeddedBroker
from simulations.broker_outages import outages_of
from simulations.scenario_faults import Outage
from simulations.virtual_time import VirtualClock, run_virtual
from tests.simulations.small_field import START


class Noting:
    """A broker that notes when it is stopped and started."""

    def __init__(self, clock: VirtualClock) -> None:
        self.noted: list[tuple[str, float]] = []
        self._clock = clock

    async def stop(self) -> None:
        self.noted.append(("stop", self._minutes()))

    async def start(self) -> None:
        self.noted.append(("start", self._minutes()))

    def _minutes(self) -> float:
        return (self._clock.now() - START).total_seconds() / 60


def outages(*rows: tuple[str, float, float]) -> list[Outage]:
    minutes = timedelta(minutes=1)
    raw = [{"of": of, "begin": START + a * minutes, "end": START + b * minutes} for of, a, b in rows]
    return msgspec.convert(raw, list[Outage])


def noted(begin: float, *rows: tuple[str, float, float]) -> list[tuple[str, float]]:
    async def live() -> list[tuple[str, float]]:
        clock = VirtualClock(START + timedelta(minutes=begin))
        broker: Any = Noting(clock)
        await outages_of(broker, outages(*rows), clock)
        return list(broker.noted)

    return run_virtual(live())


def test_it_is_away_from_begin_to_end_and_once_where_times_overlap() -> None:
    rows = [("broker", 30, 40), ("broker", 5, 10), ("substation", 1, 99), ("broker", 35, 50)]
    assert noted(0, *rows) == [("stop", 5), ("start", 10), ("stop", 30), ("start", 50)]


def test_what_is_over_is_left_out_and_what_has_begun_begins_at_once() -> None:
    assert noted(32, ("broker", 5, 10), ("broker", 30, 40)) == [("stop", 32), ("start", 40)]


async def test_the_broker_comes_back_on_its_port() -> None:
    async with EmbeddedBroker() as broker:
        port = broker.port
        await broker.stop()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(broker.host, port)
        await broker.start()
        _, writer = await asyncio.open_connection(broker.host, port)
        writer.close()
        assert broker.port == port
