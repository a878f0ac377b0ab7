"""The emulated VEN under our own VTN and channel: limits by its own clock, told by polling or by MQTT."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from devices.messages import Answer, LimitCommand
from devices.openadr.channel import OpenAdrChannel
from devices.openadr.channel_settings import ChannelSettings
from devices.openadr.notifier import MqttNotifier, NotifierSettings
from devices.openadr.object_store import ObjectStore
from devices.openadr.vtn import Vtn
from simulations.mqtt_connection import Address
from simulations.openadr_events import EventShelf, read_duration, read_event
from simulations.openadr_ven import OpenAdrVen, VtnAddress
from tests.brokers import Mosquitto
from tests.cancelling import Part, ends_at_every_step
from tests.devices.live import Deliveries, RealClock, until
from tests.devices.openadr.channel_rig import DEVICE, FAST, NO_TLS, OTHER, SECRET, in_background, serving

AT = datetime(2026, 1, 10, 18, 0, tzinfo=UTC)


def event(**changes: Any) -> dict[str, Any]:
    body = {
        "id": "e1",
        "programID": "p1",
        "intervalPeriod": {"start": "2026-01-10T18:00:00Z", "duration": "PT15M"},
        "intervals": [{"id": 1, "payloads": [{"type": "IMPORT_CAPACITY_LIMIT", "values": [4.2]}]}],
    }
    return {**body, **changes}


def test_a_limit_holds_for_its_window() -> None:
    shelf = EventShelf()
    shelf.put(event())
    assert shelf.limit_kw(AT - timedelta(seconds=1)) == np.inf
    assert shelf.limit_kw(AT) == 4.2
    assert shelf.limit_kw(AT + timedelta(minutes=15)) == np.inf


@pytest.mark.parametrize("duration", [None, "PT0S", "P9999Y", "P1M", "soon"])
def test_an_event_without_an_end_is_not_obeyed(duration: str | None) -> None:
    assert read_event(event(intervalPeriod={"start": "2026-01-10T18:00:00Z", "duration": duration})) is None
    assert read_duration("P1DT2H3M4.5S") == timedelta(days=1, hours=2, minutes=3, seconds=4.5)


def test_the_higher_priority_goes_first_and_of_equals_the_lower_limit() -> None:
    shelf = EventShelf()
    five = [{"id": 1, "payloads": [{"type": "IMPORT_CAPACITY_LIMIT", "values": [5.0]}]}]
    shelf.replace_all([event(priority=1), event(id="e2", priority=0, intervals=five)])
    assert shelf.limit_kw(AT) == 5.0
    shelf.put(event(id="e3", priority=0))
    assert shelf.limit_kw(AT) == 4.2
    shelf.replace_all([event(id="e2", intervals=five)])
    assert shelf.limit_kw(AT) == 5.0


@dataclass
class Site:
    """A VTN with our channel in its process, and what comes of it."""

    vtn: Vtn
    channel: OpenAdrChannel
    stack: AsyncExitStack
    deliveries: Deliveries = field(default_factory=Deliveries)

    def ven(
        self, version: Literal["3.0.1", "3.1.1"] = "3.1.1", number: int = 1, **changes: Any
    ) -> OpenAdrVen:
        """One home's, not running yet."""
        resource = ("wallbox", "wallbox-2")[number - 1]
        address = VtnAddress(
            f"http://127.0.0.1:{self.vtn.port}/openadr3/{version}",
            f"client-{number}",
            SECRET,
            f"home-{number}",
            resource,
            version,
            (f"RESOURCE_NAME:{resource}",) if version == "3.1.1" else (),
            NO_TLS,
            changes.pop("broker", None),
        )
        rates = {"poll_s": 0.03, "report_s": 0.1, "step_s": 0.02, **changes}
        return OpenAdrVen(address, lambda _: 11.0, RealClock(), np.random.default_rng(number), **rates)

    async def send(self, seconds: float, sequence: int = 1) -> None:
        now = datetime.now(UTC)
        end = now + timedelta(seconds=seconds)
        await self.channel.send(LimitCommand("f1", "ev1", "r1", 4.2, now, end, 1, sequence))

    @property
    def answers(self) -> list[tuple[str, str | None]]:
        return [(m.answer, m.reason) for m in self.deliveries if isinstance(m, Answer)]


@asynccontextmanager
async def site(**settings: Any) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        vtn = await stack.enter_async_context(serving(ObjectStore(None), **settings))
        channel = OpenAdrChannel(
            ChannelSettings((DEVICE, OTHER), **FAST), vtn.repository, RealClock(), np.random.default_rng(7)
        )
        vtn.repository.listen(channel.changed)
        made = Site(vtn, channel, stack)
        async with in_background(channel.run(made.deliveries)):
            await until(lambda: channel.connected)
            await channel._keeper.program()
            yield made


@pytest.mark.parametrize("version", ["3.0.1", "3.1.1"])
async def test_a_limit_is_held_until_its_end_with_the_vtn_dead(version: Literal["3.0.1", "3.1.1"]) -> None:
    async with site() as home:
        ven = home.ven(version)
        async with in_background(ven.run()):
            await until(lambda: bool(ven.events.standing))
            await home.send(2.0)
            await until(lambda: home.answers == [("accepted", None)])
            assert ven.power_kw == 4.2
            await home.stack.aclose()  # the VTN and all of it
            assert ven.power_kw == 4.2
            await until(lambda: len(ven.journal) == 2)
            assert ven.power_kw == 11.0
    assert [note.limit_kw for note in ven.journal] == [4.2, None]
    assert timedelta(seconds=0.5) < ven.journal[1].at - ven.journal[0].at < timedelta(seconds=2.1)


async def test_the_end_is_told_when_it_comes_by_itself_or_by_a_release() -> None:
    async with site() as home:
        ven = home.ven()
        async with in_background(ven.run()):
            await home.send(1.5)
            await until(lambda: home.answers == [("accepted", None), ("ended", "end reached")])
            await home.send(60.0, sequence=2)
            await until(lambda: home.answers[2:] == [("accepted", None)])
            await home.send(0.0, sequence=3)
            await until(lambda: home.answers[3:] == [("ended", "released")])
            assert ven.power_kw == 11.0


async def test_an_event_that_is_gone_is_cancelled() -> None:
    async with site() as home:
        ven = home.ven()
        async with in_background(ven.run()):
            await home.send(60.0)
            await until(lambda: ven.power_kw == 4.2)
            (event,) = [e for e in await home.vtn.repository.find("event", {}) if e["intervals"]]
            await home.vtn.repository.delete("event", event["id"])
            await until(lambda: ven.power_kw == 11.0)


async def test_one_that_has_opted_out_refuses() -> None:
    async with site() as home:
        ven = home.ven(opted_out=True)
        async with in_background(ven.run()):
            await home.send(60.0)
            await until(lambda: home.answers == [("refused", "opted out")])
            assert ven.power_kw == 11.0


@asynccontextmanager
async def notified(settings: NotifierSettings, home: Site) -> AsyncIterator[None]:
    """VENs are told of changes by MQTT."""
    notifier = MqttNotifier(settings, home.vtn.repository, RealClock(), np.random.default_rng(3))
    home.vtn.repository.listen(notifier.changed)
    async with in_background(notifier.run()):
        yield


async def test_a_ven_behind_nat_is_told_by_mqtt_and_of_nothing_else(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker:
        settings = NotifierSettings("127.0.0.1", broker.port, (f"mqtt://127.0.0.1:{broker.port}",), **FAST)
        async with site(mqtt=settings) as home, notified(settings, home):
            rates = {"poll_s": 600.0, "report_s": 0.1}
            first = home.ven(broker=Address("127.0.0.1", broker.port, "one"), **rates)
            second = home.ven(number=2, broker=Address("127.0.0.1", broker.port, "two"), **rates)
            async with in_background(first.run()), in_background(second.run()):
                await until(lambda: bool(first.events.standing) and bool(second.events.standing))
                await home.send(60.0)
                await until(lambda: home.answers == [("accepted", None)])
                assert (first.told, first.power_kw) == (1, 4.2)
                await home.send(0.0, sequence=2)
                await until(lambda: home.answers[1:] == [("ended", "released")])
                await asyncio.sleep(0.1)
                assert (first.told, second.told) == (2, 0)
                assert second.journal == []


@pytest.mark.mosquitto
@pytest.mark.parametrize("by", ["polling", "mqtt"])
async def test_it_ends_at_any_step(by: str, tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker:
        settings = NotifierSettings("127.0.0.1", broker.port, (f"mqtt://127.0.0.1:{broker.port}",), **FAST)
        address = Address("127.0.0.1", broker.port, "one") if by == "mqtt" else None
        sequences = itertools.count(1)
        async with site(mqtt=settings) as home, notified(settings, home):

            def make() -> Part:
                ven = home.ven(broker=address)

                async def use() -> None:
                    await until(lambda: bool(ven.events.standing))
                    answered = len(home.answers)
                    await home.send(60.0, next(sequences))
                    await until(lambda: len(home.answers) > answered)

                return ven.run, use

            assert await ends_at_every_step(make, stride=5) > 10
