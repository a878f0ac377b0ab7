"""What happens when things go wrong, for both versions: the fault table of the README, row by row."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from structlog.testing import capture_logs
from websockets.asyncio.client import ClientConnection, connect

from devices.errors import Unreachable
from devices.messages import DeviceStatus, Refused
from devices.ocpp.driver import CentralSystem
from devices.ocpp.settings import Charger, ChargerDevice
from tests.brokers import free_port
from tests.devices.live import WITHIN_S, Deliveries, until
from tests.devices.ocpp.conftest import DEVICE, Join, central
from tests.devices.ocpp.test_codec import composite
from tests.devices.ocpp.test_driver import CP1, NONSENSE, answers, command, release_of, shown, shows
from tests.fair_time import fair_sleep

CP2 = Charger("cp2", (ChargerDevice("f1", "ev2"),))
BEAT = '[2,"b","Heartbeat",{}]'


def refused(deliveries: Deliveries) -> list[str]:
    return [m.reason for m in deliveries if isinstance(m, Refused)]


def is_online(deliveries: Deliveries, device: str = "ev1") -> bool:
    status = shown(deliveries, device)
    return status is not None and status.online


@asynccontextmanager
async def bare(system: CentralSystem, version: str, **more: Any) -> AsyncIterator[ClientConnection]:
    """A WebSocket that says what it is told, frame by frame."""
    url = f"ws://127.0.0.1:{system.port}/ocpp/cp1"
    values = {"subprotocols": [f"ocpp{version}"], "proxy": None, **more}
    async with connect(url, **values) as client:
        yield client


# ---- connect refused ---------------------------------------------------------------------------------------


async def test_connect_refused(version: str, point_at: Join) -> None:
    port = free_port()
    with socket.socket() as taken, capture_logs() as logs:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        async with central(CP1, port=port, wait=False) as (system, got):
            await until(lambda: bool(logs))
            with pytest.raises(Unreachable, match="not connected"):
                await system.send(command())
            await asyncio.sleep(0.3)  # several more attempts fail
            assert [line["event"] for line in logs] == ["cannot listen for chargers"]
            taken.close()
            point = point_at(system, version)
            while (await point.try_to_join())["event"] == "failed":
                pass
            await point.do("boot")
            await until(lambda: is_online(got))


# ---- half-open socket --------------------------------------------------------------------------------------


@asynccontextmanager
async def deaf(system: CentralSystem, version: str) -> AsyncIterator[None]:
    """A charger that connects and then neither reads nor says goodbye, as one whose cable was cut."""
    reader, writer = await asyncio.open_connection("127.0.0.1", system.port)
    lines = (
        "GET /ocpp/cp1 HTTP/1.1",
        "Host: x",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Protocol: ocpp{version}",
    )
    writer.write("\r\n".join((*lines, "", "")).encode())
    await reader.readuntil(b"\r\n\r\n")
    yield
    writer.close()


async def test_half_open_socket(version: str) -> None:
    impatient = {"ping_interval_s": 0.4, "ping_deadline_s": 0.4, "call_deadline_s": 0.1}
    async with central(CP1, **impatient) as (system, got), deaf(system, version):
        await until(lambda: system.connected)
        with pytest.raises(Unreachable):
            await system.send(command())
        await until(lambda: not system.connected)
        assert not is_online(got)
        with pytest.raises(Unreachable, match="not connected"):
            await system.send(command())


async def test_a_charger_behind_a_half_open_socket_takes_over(version: str, point_at: Join) -> None:
    async with central(CP1) as (system, got), deaf(system, version):
        await until(lambda: system.connected)
        point = point_at(system, version)
        await point.join()
        await system.send(command())
        assert await point.limit_kw() == 4.2
        assert is_online(got)
        assert not any(isinstance(m, DeviceStatus) and not m.online for m in got)
        assert system.connections == 2


# ---- slow answer -------------------------------------------------------------------------------------------


async def test_slow_answer(version: str, point_at: Join) -> None:
    async with central(CP1, call_deadline_s=1.0) as (system, got):
        point = point_at(system, version)
        await point.join()
        await system.send(command())
        # from now on it takes limits, and answers them when it is told to
        await point.mood(mute=True)
        with pytest.raises(Unreachable, match="no answer within 1 s"):
            await system.send(command(sequence=2, limit_kw=6.0))
        assert len(answers(got)) == 1
        await point.do("speak")
        await until(lambda: len(answers(got)) == 2)
        assert answers(got)[-1] == ("r1", "accepted", None)
        await until(lambda: shows(got, 6.0, "r1"))


async def test_a_late_answer_to_what_was_overtaken_says_nothing(version: str) -> None:
    async with central(CP1, call_deadline_s=0.3) as (system, got), bare(system, version) as charger:
        wanted: dict[str, str] = {}

        async def collect() -> None:
            async for frame in charger:
                _, number, action, _ = json.loads(frame)
                if action == "SetChargingProfile":
                    wanted[f"set {len(wanted)}"] = number
                else:
                    status = "Unknown" if action == "ClearChargingProfile" else "Rejected"
                    await charger.send(json.dumps([3, number, {"status": status}]))

        collecting = asyncio.create_task(collect())
        first = command()
        with pytest.raises(Unreachable):
            await system.send(first)
        await system.send(command(-1.0, start=first.start, sequence=2))  # a release
        assert answers(got) == [("r1", "ended", "not held any more")]
        await charger.send(json.dumps([3, wanted["set 0"], {"status": "Accepted"}]))
        await charger.send(NONSENSE[version])
        await until(lambda: bool(refused(got)))  # so the late answer has been heard too
        assert len(answers(got)) == 1
        assert not any(isinstance(m, DeviceStatus) and m.limit_kw is not None for m in got)
        collecting.cancel()


@asynccontextmanager
async def scripted(
    system: CentralSystem, version: str, answer: Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]
) -> AsyncIterator[None]:
    """A charger that answers every call as it is written."""
    async with bare(system, version) as charger:

        async def answering() -> None:
            async for frame in charger:
                _, number, action, payload = json.loads(frame)
                await charger.send(json.dumps([3, number, await answer(action, payload)]))

        task = asyncio.create_task(answering())
        await until(lambda: system.connected)
        yield
        task.cancel()


async def test_all_calls_of_one_command_share_its_deadline(version: str) -> None:
    """A connector's release is two calls; each alone would be in time."""
    connector = Charger("cp1", (replace(DEVICE, connector=1),))

    async def answer(action: str, _: dict[str, Any]) -> dict[str, Any]:
        if action == "ClearChargingProfile":
            await fair_sleep(0.35)
        return {"status": "Accepted" if action.endswith("ChargingProfile") else "Rejected"}

    async with central(connector, call_deadline_s=0.5) as (system, got), scripted(system, version, answer):
        limit = command()
        await system.send(limit)
        with pytest.raises(Unreachable, match=r"no answer within 0\.5 s"):
            await system.send(release_of(limit))
        await until(lambda: answers(got)[-1] == ("r1", "ended", "released"))  # said late, and heard


@pytest.mark.parametrize("level_is_known", [True, False])
@pytest.mark.parametrize("restarted", [True, False])
async def test_a_charger_that_knows_no_such_profile_but_holds_the_limit_is_not_believed(
    version: str, level_is_known: bool, restarted: bool
) -> None:
    held, cleared = [False], []

    async def answer(action: str, payload: dict[str, Any]) -> dict[str, Any]:
        if action == "ClearChargingProfile":
            by_number = "id" in payload or "chargingProfileId" in payload
            cleared.append("number" if by_number else "level")
            if by_number or not level_is_known:
                return {"status": "Unknown"}
            held[0] = False
        elif action == "SetChargingProfile":
            held[0] = True
        elif action == "GetCompositeSchedule":
            watt = 4200 if held[0] else 11000
            return json.loads(composite(version, "W", [{"startPeriod": 0, "limit": watt}]))
        return {"status": "Accepted" if action.endswith("ChargingProfile") else "Rejected"}

    async with central(CP1) as (system, got), scripted(system, version, answer):
        limit = command()
        if restarted:  # whoever set it is not there any more
            held[0] = True
            limit = replace(limit, sequence=3)
        else:
            await system.send(limit)
        if level_is_known or restarted:
            await system.send(release_of(limit))
            reason = "released" if level_is_known else "not held any more"
            assert answers(got)[-1] == ("r1", "ended", reason)
        else:
            with pytest.raises(Unreachable, match="still holds"):
                await system.send(release_of(limit))
            assert answers(got)[-1][1] == "accepted"
        assert cleared == ["number", "level"]


# ---- wrong type, out of range, malformed -------------------------------------------------------------------

FAR = {
    "1.6": '[2,"n2","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-01-12T18:00:00Z",'
    '"sampledValue":[{"value":"1e12","measurand":"Power.Active.Import"}]}]}]',
    "2.0.1": '[2,"n2","MeterValues",{"evseId":1,"meterValue":[{"timestamp":"2026-01-12T18:00:00Z",'
    '"sampledValue":[{"value":1e12,"measurand":"Power.Active.Import"}]}]}]',
}


async def test_wrong_type_out_of_range_and_unknown_calls_are_told_and_counted(version: str) -> None:
    async with central(CP1, boot_grace_s=60) as (system, got), bare(system, version) as charger:
        for frame in (NONSENSE[version], FAR[version], '[2,"n3","MakeCoffee",{}]'):
            await charger.send(frame)
        replies = [json.loads(await charger.recv()) for _ in range(3)]
        assert [reply[:3] for reply in replies] == [
            [4, "n1", "TypeConstraintViolation"],
            [4, "n2", "PropertyConstraintViolation"],
            [4, "n3", "NotImplemented"],
        ]
        assert refused(got) == ["wrong_type", "out_of_range", "unknown_topic"]
        assert all(m.source == "ocpp://cp1" for m in got if isinstance(m, Refused))
        assert system.tally.refused == 3


async def test_malformed_frames_are_counted_and_the_link_lives_on(version: str) -> None:
    async with central(CP1, boot_grace_s=60) as (system, got), bare(system, version) as charger:
        frames: list[str | bytes] = ["", "{}", '[2,"1"', b"\xff\x00", '[3,"nobody asked",{}]', "[" * 5000]
        for frame in frames:
            await charger.send(frame)
        await charger.send(BEAT)
        assert json.loads(await charger.recv())[:2] == [3, "b"]
        assert refused(got) == ["malformed"] * 6
        assert is_online(got)


async def test_an_answer_that_cannot_be_read_is_no_answer(version: str) -> None:
    async with central(CP1) as (system, got), bare(system, version) as charger:

        async def answer() -> None:
            async for frame in charger:
                await charger.send(json.dumps([3, json.loads(frame)[1], {"status": 7}]))

        answering = asyncio.create_task(answer())
        await until(lambda: system.connected)
        with pytest.raises(Unreachable, match="cannot be read"):
            await system.send(command())
        assert answers(got) == []
        assert "wrong_type" in refused(got)
        answering.cancel()


@pytest.mark.parametrize(("code", "kind"), [("NotSupported", "refused"), ("InternalError", None)])
async def test_an_error_is_a_refusal_unless_it_may_pass(version: str, code: str, kind: str | None) -> None:
    async with central(CP1) as (system, got), bare(system, version) as charger:

        async def answer() -> None:
            async for frame in charger:
                await charger.send(json.dumps([4, json.loads(frame)[1], code, "so it is", {}]))

        answering = asyncio.create_task(answer())
        await until(lambda: system.connected)
        if kind is None:
            with pytest.raises(Unreachable, match="InternalError so it is"):
                await system.send(command())
            assert answers(got) == []
        else:
            await system.send(command())
            assert answers(got) == [("r1", kind, f"{code} so it is")]
        answering.cancel()


async def test_too_large_a_message_is_counted_and_closes_the_link(version: str, point_at: Join) -> None:
    async with central(CP1, max_message_bytes=2000) as (system, got):
        point = point_at(system, version)
        await point.join()
        await point.do("say", frames=["x" * 3000])
        await until(lambda: not system.connected)
        assert refused(got) == ["too_large"]
        await until(lambda: bool(point.events("parted")))
        assert point.events("parted")[0]["code"] == 1009
        await point.join(anew=False)
        await until(lambda: is_online(got))


async def test_a_link_survives_a_thousand_damaged_frames(version: str) -> None:
    rng = np.random.default_rng(7)
    sound = [NONSENSE[version], FAR[version], BEAT, '[3,"1",{"status":"Accepted"}]', '[4,"1","x","y",{}]']
    async with (
        central(CP1, boot_grace_s=60, messages_burst=2000) as (system, got),
        bare(system, version) as charger,
    ):
        for _ in range(1000):
            frame = bytearray(rng.choice(sound).encode())
            for _ in range(rng.integers(1, 4)):
                frame[rng.integers(len(frame))] = rng.integers(256)
            await charger.send(bytes(frame[: rng.integers(1, len(frame) + 1)]))
        await charger.send('[2,"last","Heartbeat",{}]')
        async with asyncio.timeout(WITHIN_S):
            while json.loads(await charger.recv())[1] != "last":
                pass
        assert is_online(got)
        assert system.tally.received == 1001
        assert set(refused(got)) <= {
            "malformed",
            "unknown_topic",
            "missing_field",
            "wrong_type",
            "out_of_range",
        }


# ---- flood -------------------------------------------------------------------------------------------------


async def test_flood(version: str, point_at: Join) -> None:
    async with central(CP1, CP2, messages_per_s=1, messages_burst=40) as (system, got):
        loud, quiet = point_at(system, version), point_at(system, version, "cp2")
        await loud.join()
        await quiet.join()
        await loud.do("say", frames=[BEAT] * 300)
        await quiet.do("meter", 3.5, None, 0)
        assert (status := shown(got, "ev2")) is not None
        assert status.p_kw == pytest.approx(3.5)
        await until(lambda: bool(loud.events("parted")))
        assert loud.events("parted")[0]["code"] == 1008
        assert set(refused(got)) == {"flood"}
        assert 40 <= len(refused(got)) <= 300
        await until(lambda: not is_online(got, "ev1"))
        assert is_online(got, "ev2")


async def test_connections_that_do_not_say_who_they_are_are_bounded(version: str, point_at: Join) -> None:
    async with central(CP1, max_opening=3, opening_deadline_s=0.5) as (system, got):
        loiterers = [await asyncio.open_connection("127.0.0.1", system.port) for _ in range(10)]
        await until(lambda: system._doorway.closed_at_once == 7)
        # those who have room do not keep it
        await until(lambda: system._doorway.opening == 0)
        await point_at(system, version).join()
        await until(lambda: is_online(got))
        for _, writer in loiterers:
            writer.close()


# ---- duplicate answer --------------------------------------------------------------------------------------


async def test_duplicate_answer(version: str, point_at: Join) -> None:
    async with central(CP1) as (system, got):
        point = point_at(system, version)
        await point.join()
        await system.send(command())
        await point.mood(stammers=True)
        await system.send(command(sequence=2))
        await until(lambda: bool(refused(got)))
        assert answers(got) == [("r1", "accepted", None)] * 2
        assert set(refused(got)) == {"malformed"}
        assert is_online(got)


# ---- device clock off by an hour ---------------------------------------------------------------------------


@pytest.mark.parametrize("off_s", [3600, -3600], ids=["ahead", "behind"])
async def test_device_clock_off_by_an_hour(version: str, off_s: int, point_at: Join) -> None:
    async with central(CP1) as (system, got):
        point = point_at(system, version, moods={"clock_off_s": off_s, "takes_time": False})
        await point.join()
        await point.do("meter", 7.5, 12.5, 0)
        with pytest.raises(Unreachable, match=r"its clock is off by [+-]3[56]"):
            await system.send(command())
        await system.send(command(-1.0, sequence=2))  # a release always goes out
        assert await point.heard("set") == []
        assert (status := shown(got)) is not None
        assert status.p_kw is None or status.p_kw == 0.0  # nothing of another time is shown as present
        if off_s > 0:
            assert "out_of_range" in refused(got)
        # it is asked for a heartbeat, whose answer has our time
        await point.mood(takes_time=True)
        await accepted_in_the_end(system)
        assert await point.limit_kw() == 4.2
        await until(lambda: shows(got, 4.2, "r1"))


async def accepted_in_the_end(system: CentralSystem) -> None:
    async with asyncio.timeout(WITHIN_S):
        while True:
            try:
                await system.send(command(sequence=200))
            except Unreachable:
                await asyncio.sleep(0.05)
            else:
                return


# ---- who is who --------------------------------------------------------------------------------------------


async def test_an_unknown_charger_is_turned_away_and_counted(version: str, point_at: Join) -> None:
    async with central(CP1) as (system, got):
        stranger = point_at(system, version, "cp9")
        assert (await stranger.try_to_join())["status"] == 404
        assert refused(got) == ["unauthorised"]
        assert system.turned_away == {"unknown charge point": 1}


async def test_after_a_reconnect_storm_everything_is_booked_to_its_own_charger(
    version: str, point_at: Join
) -> None:
    async with central(CP1, CP2) as (system, got):
        first, second = point_at(system, version), point_at(system, version, "cp2")
        for _ in range(3):
            await asyncio.gather(first.join(anew=False, boot=False), second.join(anew=False, boot=False))
        await until(lambda: system.connections == 6)
        await first.do("meter", 1.5, None, 0)
        await second.do("meter", 2.5, None, 0)
        one, two = shown(got, "ev1"), shown(got, "ev2")
        assert one is not None
        assert two is not None
        assert (one.p_kw, two.p_kw) == (pytest.approx(1.5), pytest.approx(2.5))
        await system.send(command())
        assert await first.limit_kw() == 4.2
        assert await second.limit_kw() == 11.0


async def test_the_version_is_the_first_that_both_speak(point_at: Join) -> None:
    async with central(CP1) as (system, _):
        point = point_at(system, "1.6")
        await point.join(subprotocols=["ocpp2.1", "ocpp1.6", "ocpp2.0.1"])
        assert point.events("joined")[0]["subprotocol"] == "ocpp1.6"
        for offer in (["ocpp1.5"], None):
            assert (await point_at(system, "1.6").try_to_join(subprotocols=offer))["event"] != "joined"
