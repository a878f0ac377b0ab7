"""The VTN on real sockets: an independent client, TLS, a restart, and clients that mean no good."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import toadr3

from devices.errors import Unreachable
from devices.openadr.http_server import PatientProtocol
from devices.openadr.object_store import ObjectStore
from devices.openadr.settings import VtnSettings, server_tls_context
from devices.openadr.vtn import Vtn
from devices.ports import TelemetrySource
from tests.devices.live import WITHIN_S, RealClock, until
from tests.devices.ocpp.certificates import Authority
from tests.devices.openadr import world as w


@asynccontextmanager
async def running(settings: VtnSettings, file: Path | None = None) -> AsyncIterator[Vtn]:
    vtn = Vtn(settings, ObjectStore(file), RealClock(), np.random.default_rng(1), w.loopback)
    task = asyncio.create_task(vtn.run())
    try:
        await until(lambda: vtn.connected or task.done())
        yield vtn
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert not vtn.connected


@asynccontextmanager
async def toadr(vtn: Vtn, client_id: str) -> AsyncIterator[toadr3.ToadrClient]:
    base = f"http://127.0.0.1:{vtn.port}/openadr3/3.0.1"
    config = toadr3.OAuthScopeConfig(f"{base}/auth/token", "client_credentials", "", client_id, w.SECRET)
    async with toadr3.ToadrClient(base, config) as client:
        yield client


async def test_toadr3_reads_programs_and_events_and_reports_back() -> None:
    async with running(w.settings()) as vtn, toadr(vtn, "ven1") as ven:
        repository = vtn.repository
        program = await repository.create("program", w.program())
        await repository.create("ven", {"venName": "home-1", "clientID": "ven1", "targets": ["home-1"]})
        event = await repository.create("event", w.event(program["id"], targets=["home-1"]))
        await repository.create("event", w.event(program["id"], targets=["others"]))
        assert [one.program_name for one in await ven.get_programs()] == ["evening relief"]
        (seen,) = await ven.get_events(program_id=program["id"])
        assert (seen.id, seen.intervals[0].payloads[0].values) == (event["id"], [4.2])
        assert seen.interval_period is not None
        assert seen.interval_period.duration is not None
        assert len(await ven.get_events(target_type="GROUP", target_values=["home-1"], limit=5)) == 1
        assert await ven.get_events(target_type="GROUP", target_values=["others"]) == []
        report = toadr3.models.Report.model_validate(w.report("3.0.1", program["id"], event["id"]))
        posted = await ven.post_report(report)
        assert posted.id is not None
        assert [one.id for one in await ven.get_reports(event_id=event["id"])] == [posted.id]
        (held,) = await repository.find("report", {"eventID": event["id"]})
        assert (held["id"], held["clientID"]) == (posted.id, "ven1")


async def test_toadr3_subscribes_and_is_refused_what_is_not_its_business() -> None:
    async with running(w.settings()) as vtn, toadr(vtn, "ven1") as ven, toadr(vtn, "ven2") as other:
        program = await vtn.repository.create("program", w.program())
        body = w.subscription(program["id"])
        body["objectOperations"][0]["operations"] = ["POST", "PUT", "DELETE"]  # as 3.0.0 names them
        wanted = toadr3.models.Subscription.model_validate(body)
        made = await ven.post_subscription(wanted)
        assert made.id is not None
        assert (await ven.get_subscription(made.id)).object_operations == wanted.object_operations
        assert await other.get_subscriptions() == []
        assert await other.get_subscription(made.id) is None, "not found"
        await other.delete_subscription(made.id)
        assert len(await ven.get_subscriptions()) == 1
        assert (await _refusal(ven.delete_program(program["id"]))).status_code == 403
        assert (await _refusal(ven.post_subscription(wanted))).status_code == 409
        await ven.delete_subscription(made.id)
        assert await ven.get_subscriptions() == []


async def _refusal(attempt: Any) -> toadr3.ToadrError:
    try:
        await attempt
    except toadr3.ToadrError as error:
        return error
    raise AssertionError("it was not refused")


async def test_toadr3_with_a_wrong_secret() -> None:
    async with running(w.settings()) as vtn:
        base = f"http://127.0.0.1:{vtn.port}/openadr3/3.0.1"
        config = toadr3.OAuthScopeConfig(f"{base}/auth/token", "client_credentials", "", "ven1", "wrong")
        async with toadr3.ToadrClient(base, config) as client:
            refused = await _refusal(client.get_programs())
        assert "invalid_client" in str(refused)


async def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "state" / "openadr.sqlite3"
    async with w.world(file) as world:
        program = await world.made("bl", "3.0.1", "/programs", w.program(retailerName="us"))
        ven = await world.made("bl", "3.1.1", "/vens", w.ven("3.1.1", "bl", "ven1", targets=["x"]))
        event = await world.made("bl", "3.1.1", "/events", w.event(program["id"], targets=["x"]))
        hook = await world.made("ven1", "3.0.1", "/subscriptions", w.subscription(program["id"]))
        token = world.token("ven1", "3.0.1")
    assert file.stat().st_mode & 0o777 == 0o600
    async with running(w.settings(), file) as vtn:
        base = f"http://127.0.0.1:{vtn.port}/openadr3"
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=base, headers=headers, verify=w.TRUST) as http:
            assert (await http.get(f"/3.0.1/programs/{program['id']}")).json() == program
            assert (await http.get(f"/3.1.1/events/{event['id']}")).json() == event
            assert (await http.get(f"/3.1.1/vens/{ven['id']}")).json() == ven
            assert (await http.get(f"/3.0.1/subscriptions/{hook['id']}")).json() == hook
            taken = {"venName": "another", "objectType": "VEN_VEN_REQUEST"}
            assert (await http.post("/3.1.1/vens", json=taken)).status_code == 403, (
                "it has one, says the file"
            )


async def test_with_tls_nothing_goes_in_clear_text(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    issued = authority.issue("vtn")
    tls = server_tls_context(issued.certificate, issued.key)
    trust = ssl.create_default_context(cafile=str(authority.file))
    async with running(w.settings(tls=tls)) as vtn:
        async with httpx.AsyncClient(verify=trust) as http:
            told = await http.get(f"https://127.0.0.1:{vtn.port}/openadr3/3.1.1/auth/server")
        assert told.json()["tokenURL"] == f"https://127.0.0.1:{vtn.port}/openadr3/3.1.1/auth/token"
        async with httpx.AsyncClient(verify=w.TRUST) as plain:
            with contextlib.suppress(httpx.HTTPError):
                answer = await plain.get(f"http://127.0.0.1:{vtn.port}/openadr3/3.1.1/auth/server")
                raise AssertionError(answer)


async def _sent(port: int, data: bytes) -> bytes:
    """All that comes back until the VTN closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    async with asyncio.timeout(WITHIN_S):
        answer = await reader.read()
    writer.close()
    return answer


async def test_who_dawdles_is_cut_off() -> None:
    settings = w.settings(header_deadline_s=0.1, body_deadline_s=0.1, keep_alive_s=1)
    async with running(settings) as vtn:
        assert await _sent(vtn.port, b"") == b""
        assert await _sent(vtn.port, b"GET /openadr3/3.1.1/programs HTTP/1.1\r\nHost: x\r\n") == b""
        form = b"Host: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n"
        slow = b"POST /openadr3/3.1.1/auth/token HTTP/1.1\r\n" + form + b"\r\na=b"
        assert (await _sent(vtn.port, slow)).startswith(b"HTTP/1.1 400")
        whole = b"GET /openadr3/3.1.1/auth/server HTTP/1.1\r\nHost: x\r\n\r\n"
        answer = await _sent(vtn.port, whole + b"GET /half")
        assert answer.count(b"HTTP/1.1 200") == 1
        assert (await _sent(vtn.port, whole)).startswith(b"HTTP/1.1 200"), "closed after its idle time"


async def test_nonsense_is_answered_or_cut_off_and_harms_nobody() -> None:
    async with running(w.settings()) as vtn:
        for nonsense in (b"\x16\x03\x01\x00", b"GET\r\n\r\n", b"X" * 100_000, b"GET /\xff HTTP/1.1\r\n\r\n"):
            answer = await _sent(vtn.port, nonsense + b"\r\n\r\n")
            assert answer == b"" or answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 404")), nonsense[:10]
        assert vtn.connected


async def test_a_flood_of_connections_leaves_room_for_those_that_are_there() -> None:
    async with running(w.settings(max_connections=10)) as vtn:
        base = f"http://127.0.0.1:{vtn.port}/openadr3/3.1.1"
        async with httpx.AsyncClient(verify=w.TRUST) as known:
            assert (await known.get(f"{base}/auth/server")).status_code == 200
            flood = [await asyncio.open_connection("127.0.0.1", vtn.port) for _ in range(130)]
            # beyond the limit and its leeway they are cut off at once
            await until(lambda: sum(_is_closed(reader) for reader, _ in flood) >= 20)
            assert (await known.get(f"{base}/auth/server")).status_code == 503
            for _, writer in flood:
                writer.close()
            async with asyncio.timeout(WITHIN_S):
                while (await known.get(f"{base}/auth/server")).status_code != 200:
                    await asyncio.sleep(0.01)


def _is_closed(reader: asyncio.StreamReader) -> bool:
    return reader.at_eof() or reader.exception() is not None


async def test_it_waits_for_an_address_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        vtn = Vtn(w.settings(port=port), ObjectStore(None), RealClock(), np.random.default_rng(1))
        task = asyncio.create_task(vtn.run())
        await until(lambda: vtn._told_of_loss)
        assert not vtn.connected
        taken.close()
        await until(lambda: vtn.connected)
        task.cancel()
        await asyncio.wait([task])


async def test_a_file_that_is_of_no_use_stops_nobody_else(tmp_path: Path) -> None:
    file = tmp_path / "objects.sqlite3"
    file.write_bytes(b"no database" * 1000)
    vtn: TelemetrySource = Vtn(w.settings(), ObjectStore(file), RealClock(), np.random.default_rng(1))
    assert isinstance(vtn, Vtn)
    task = asyncio.create_task(vtn.run(lambda _: None))
    await until(lambda: vtn._told_of_loss)
    with pytest.raises(Unreachable, match="no file of the VTN"):
        await vtn.repository.create("program", w.program())
    file.unlink()
    await until(lambda: vtn.connected)
    await vtn.repository.create("program", w.program())
    task.cancel()
    await asyncio.wait([task])


async def test_a_client_that_reads_nothing_does_not_hold_up_our_stop() -> None:
    async with running(w.settings(goodbye_s=0.2)) as vtn:
        for number in range(50):
            await vtn.repository.create("program", {"programName": f"{number}" + "x" * 120})
        _, writer = await asyncio.open_connection("127.0.0.1", vtn.port)
        token = vtn.app._exchange.tokens.issue("bl", "BL", frozenset({"read_all"}), RealClock().now())
        head = f"GET /openadr3/3.1.1/programs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
        writer.write(head.encode() * 200)
        stopped_at = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - stopped_at < WITHIN_S / 2
    writer.close()


async def test_the_rest_of_a_body_that_is_answered_holds_no_connection() -> None:
    slow = w.settings(header_deadline_s=0.3, keep_alive_s=1)
    async with running(slow) as vtn:
        reader, writer = await asyncio.open_connection("127.0.0.1", vtn.port)
        try:
            writer.write(
                b"GET /openadr3/3.1.1/programs HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
            )
            assert b" 401 " in await reader.readuntil(b"\r\n\r\n")
            writer.write(b"x")
            with contextlib.suppress(ConnectionError):
                await asyncio.wait_for(reader.read(), WITHIN_S)  # to the end
        finally:
            writer.close()


async def test_a_client_that_reads_nothing_of_its_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    lost: list[PatientProtocol] = []

    def noted(protocol: PatientProtocol, error: Exception | None) -> None:
        lost.append(protocol)
        closed(protocol, error)

    closed = PatientProtocol.connection_lost
    monkeypatch.setattr(PatientProtocol, "connection_lost", noted)
    async with running(w.settings(write_deadline_s=0.3)) as vtn:
        for number in range(50):
            more = {"attributes": [{"type": "X", "values": ["y" * 60_000]}] * 4}
            await vtn.repository.create("program", w.program(programName=f"p{number}") | more)
        async with httpx.AsyncClient(verify=w.TRUST) as http:
            token = w.World(vtn, http).token("bl")
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.setblocking(False)
            await asyncio.get_running_loop().sock_connect(deaf, ("127.0.0.1", vtn.port))
            head = (
                f"GET /openadr3/3.1.1/programs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
            )
            deaf.send(head.encode())
            await until(lambda: bool(lost))


async def test_it_may_run_a_second_time() -> None:
    vtn = Vtn(w.settings(), ObjectStore(None), RealClock(), np.random.default_rng(1), w.loopback)
    form = {"grant_type": "client_credentials", "client_id": "bl", "client_secret": w.SECRET}
    for _ in range(2):
        task = asyncio.create_task(vtn.run())
        await until(lambda: vtn.connected)
        async with httpx.AsyncClient(verify=w.TRUST) as http:
            answer = await http.post(f"http://127.0.0.1:{vtn.port}/openadr3/3.1.1/auth/token", data=form)
        assert answer.status_code == 200
        task.cancel()
        await asyncio.wait([task])
