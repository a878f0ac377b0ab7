"""Our events in our own VTN, seen by a VEN that we did not write (toadr3, OpenADR 3.0.1), and its reports."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import aiohttp
import numpy as np
import pytest
import toadr3
from toadr3.models import Interval, IntervalPeriod, Report, ReportData, ReportPayloadDescriptor, ValuesMap

from devices.messages import LimitCommand
from devices.openadr.channel import OpenAdrChannel
from devices.openadr.channel_settings import ChannelSettings
from devices.openadr.object_store import ObjectStore
from tests.devices.live import Deliveries, RealClock, until
from tests.devices.openadr.channel_rig import (
    DEVICE,
    FAST,
    OTHER,
    SECRET,
    ChannelRig,
    FaultyVtn,
    ShiftedClock,
    in_background,
    serving,
)


@dataclass
class Home:
    """A toadr3 client as one home's VEN."""

    client: toadr3.ToadrClient
    name: str

    async def limits(self) -> list[toadr3.models.Event]:
        """Events that it may see and that limit something."""
        return [event for event in await self.client.get_events() if event.intervals]

    async def say(self, event: toadr3.models.Event, interval: int, **payloads: float | str) -> None:
        now = datetime.now(UTC)
        resource = ReportData(
            resource_name="wallbox",
            intervals=[
                Interval(
                    id=interval,
                    interval_period=IntervalPeriod(start=now),
                    payloads=[ValuesMap(type=name, values=[value]) for name, value in payloads.items()],
                )
            ],
        )
        descriptors = [ReportPayloadDescriptor(payload_type=name, units="KW") for name in payloads]
        assert event.id is not None
        report = Report(
            program_id=event.program_id,
            event_id=event.id,
            client_name=self.name,
            payload_descriptors=descriptors,
            resources=[resource],
        )
        await self.client.post_report(report)


@asynccontextmanager
async def with_homes() -> AsyncIterator[tuple[ChannelRig, Home, Home]]:
    """A channel in the VTN's own process, and two homes that speak to it over HTTP."""
    clock, deliveries = ShiftedClock(), Deliveries()
    async with serving(ObjectStore(None)) as vtn, aiohttp.ClientSession() as session:
        channel = OpenAdrChannel(
            ChannelSettings((DEVICE, OTHER), **FAST), vtn.repository, clock, np.random.default_rng(7)
        )
        vtn.repository.listen(channel.changed)
        url = f"http://127.0.0.1:{vtn.port}/openadr3/3.0.1"

        def home(client_id: str, name: str) -> Home:
            config = toadr3.OAuthConfig(
                f"{url}/auth/token", "client_credentials", {"audience": "vtn"}, client_id, SECRET
            )
            return Home(toadr3.ToadrClient(url, config, session), name)

        async with in_background(channel.run(deliveries)):
            await until(lambda: channel.connected)
            await channel._keeper.program()
            rig = ChannelRig(channel, vtn.repository, FaultyVtn(vtn.repository), clock, deliveries)
            yield rig, home("client-1", "home-1"), home("client-2", "home-2")


def command(**changes: object) -> LimitCommand:
    now = RealClock().now()
    values = {"limit_kw": 6.0, "epoch": 2, "sequence": 2, **changes}
    return LimitCommand("f1", "ev1", "r1", start=now, end=now + timedelta(minutes=10), **values)  # type: ignore[arg-type]


async def test_toadr3_sees_its_limit_and_its_report_is_our_answer() -> None:
    async with with_homes() as (rig, home, other):
        await rig.channel.send(command())
        (event,) = await home.limits()
        assert await other.limits() == []  # nothing of others
        assert event.interval_period is not None
        assert event.interval_period.duration in (timedelta(seconds=599), timedelta(seconds=600))
        (interval,) = event.intervals
        (payload,) = interval.payloads
        assert (interval.id, payload.type, payload.values) == (2, "IMPORT_CAPACITY_LIMIT", [6.0])
        assert [(target.type, target.values) for target in event.targets or ()] == [
            ("RESOURCE_NAME", ["wallbox"])
        ]
        await home.say(event, interval.id, SETPOINT=6.0, OPERATING_STATE="RUNNING_CURTAILED", READING=5.9)
        await until(lambda: rig.answers == [("r1", "accepted", None)])
        status = rig.statuses[-1]
        assert (status.p_kw, status.limit_kw, status.request) == (5.9, 6.0, "r1")
        assert [reading.p_kw for reading in rig.readings] == [5.9]


async def test_toadr3_s_own_report_helper_is_understood() -> None:
    """It writes interval 0, one payload, and the event's whole window."""
    async with with_homes() as (rig, home, _):
        await rig.channel.send(command())
        (event,) = await home.limits()
        made = Report.create_report(event, "home-1", "OPERATING_STATE", ["RUNNING_CURTAILED"])
        await home.client.post_report(made)
        await until(lambda: rig.answers == [("r1", "accepted", None)])


async def test_toadr3_sees_the_release_and_ends_it() -> None:
    async with with_homes() as (rig, home, _):
        await rig.channel.send(command())
        (event,) = await home.limits()
        await home.say(event, 2, SETPOINT=6.0)
        await rig.channel.send(LimitCommand("f1", "ev1", "r1", 6.0, command().start, command().start, 2, 3))
        (released,) = await home.limits()
        assert released.id == event.id
        assert released.interval_period is not None
        assert isinstance(released.interval_period.start, datetime)
        assert released.interval_period.start + released.interval_period.duration <= datetime.now(UTC)
        await home.say(released, 3, OPERATING_STATE="NORMAL")
        await until(lambda: rig.answers == [("r1", "accepted", None), ("r1", "ended", "released")])


async def test_a_home_cannot_answer_for_another() -> None:
    async with with_homes() as (rig, home, other):
        await rig.channel.send(command())
        (event,) = await home.limits()
        with pytest.raises(toadr3.ToadrError):
            await other.say(event, 2, OPERATING_STATE="RUNNING_CURTAILED")
        assert rig.answers == []
        await home.say(event, 2, OPERATING_STATE="RUNNING_CURTAILED")
        await until(lambda: rig.answers == [("r1", "accepted", None)])
