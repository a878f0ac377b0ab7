"""Business logic over HTTP: every request judged by the published document; a VTN that fails in every way."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devices.errors import CommandRejected, ProfileRejected, Unreachable
from devices.messages import LimitCommand
from devices.mqtt.settings import tls_context
from devices.openadr.channel import OpenAdrChannel
from devices.openadr.channel_settings import ChannelSettings, Version
from devices.openadr.client import VtnAccess, VtnClient
from devices.openadr.settings import server_tls_context
from devices.openadr.vtn_token import Credentials
from tests.devices.live import Deliveries, RealClock, until
from tests.devices.ocpp.certificates import Authority
from tests.devices.openadr.channel_rig import DEVICE, FAST, NO_TLS, in_background
from tests.devices.openadr.document_vtn import DocumentVtn, listening

VERSIONS: list[Version] = ["3.0.1", "3.1.1"]
CREDENTIALS = Credentials("bl", "secret")


def client_of(url: str, version: Version = "3.1.1", **changes: Any) -> VtnClient:
    values = {"credentials": CREDENTIALS, "tls": NO_TLS, "plain_http": True, "deadline_s": 2.0, **changes}
    return VtnClient(VtnAccess(url, version, **values), RealClock())


@asynccontextmanager
async def document_vtn(version: Version, **changes: Any) -> AsyncIterator[tuple[DocumentVtn, VtnClient]]:
    app = DocumentVtn(version)
    async with listening(app) as url, client_of(url, version, **changes) as client:
        yield app, client


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_channel_s_whole_day_is_as_the_document_says(version: Version) -> None:
    async with document_vtn(version) as (app, client):
        settings = ChannelSettings((DEVICE,), version, poll_reports_s=0.05, **FAST)
        channel = OpenAdrChannel(settings, client, RealClock(), np.random.default_rng(7))
        async with in_background(channel.run(Deliveries())):
            now = datetime.now(UTC)
            for sequence, end in ((1, timedelta(minutes=5)), (2, timedelta(minutes=9)), (3, timedelta())):
                await channel.send(LimitCommand("f1", "ev1", "r1", 6.0, now, now + end, 1, sequence))
            await until(lambda: any(request == "GET /reports" for request in app.requests))
            await channel._keeper._delete(next(iter(channel._keeper.standing)))
        assert app.faults == []
        events = [value for path, value in app.objects.items() if path.startswith("/events/")]
        assert [event["intervals"][0]["id"] for event in events] == [3]
        assert app.tokens == 1


async def test_resources_of_3_0_lie_below_their_ven() -> None:
    async with document_vtn("3.0.1") as (app, client):
        ven = await client.create("ven", {"venName": "home-1"})
        made = await client.create("resource", {"resourceName": "wallbox", "venID": ven["id"]})
        await client.replace("resource", made["id"], {"resourceName": "boiler", "venID": ven["id"]})
        (found,) = await client.find("resource", {})
        assert found["resourceName"] == "boiler"
        assert await client.find("resource", {"venID": ven["id"]}) == [found]
        await client.delete("resource", made["id"])
        await client.delete("resource", made["id"])
        assert await client.find("resource", {}) == []
        assert app.faults == []


async def test_all_pages_are_found() -> None:
    async with document_vtn("3.1.1") as (app, client):
        app.objects = {f"/programs/id-{n}": {"id": f"id-{n}"} for n in range(120)}
        assert len(await client.find("program", {})) == 120
        assert app.requests.count("GET /programs") == 3
        assert app.faults == []


async def test_what_is_gone_is_gone() -> None:
    async with document_vtn("3.1.1") as (_, client):
        await client.delete("event", "nothing-of-the-kind")


# ---- tokens ----------------------------------------------------------------------------------------------


async def test_a_token_that_is_refused_is_got_anew_once() -> None:
    async with document_vtn("3.1.1") as (app, client):
        await client.find("program", {})
        app.void_tokens = {"token-1"}
        await client.find("program", {})
        assert app.tokens == 2
        app.void_tokens = {f"token-{n}" for n in range(9)}
        with pytest.raises(CommandRejected, match="401"):
            await client.find("program", {})
        assert app.tokens == 3


async def test_in_3_0_1_a_403_may_be_a_token_that_is_void() -> None:
    async with document_vtn("3.0.1") as (app, client):
        await client.find("program", {})
        app.void_tokens = {"token-1"}
        await client.find("program", {})
        assert app.tokens == 2


async def test_a_token_is_not_used_in_its_last_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.devices.openadr.document_vtn.TOKEN_LIFE_S", 0)
    async with document_vtn("3.1.1") as (app, client):
        for _ in range(3):
            await client.find("program", {})
        assert app.tokens == 3


async def test_many_at_once_share_one_token() -> None:
    async with document_vtn("3.1.1") as (app, client):
        await asyncio.gather(*(client.find("program", {}) for _ in range(5)))
        assert app.tokens == 1


async def test_wrong_credentials_are_a_no() -> None:
    async with document_vtn("3.0.1", credentials=Credentials("bl", "wrong")) as (_, client):
        with pytest.raises(CommandRejected, match="invalid_client"):
            await client.find("program", {})


async def test_a_vtn_cannot_send_our_secret_elsewhere() -> None:
    heard: list[str] = []

    async def elsewhere(scope: Any, receive: Any, send: Any) -> None:
        heard.append(scope["path"])
        await answer(send, 200, b'{"tokenURL": "http://127.0.0.2:1/auth/token"}')

    async with listening(elsewhere) as url, client_of(url) as client:
        with pytest.raises(CommandRejected, match="token_url"):
            await client.find("program", {})
        assert heard == ["/auth/server"]


# ---- a VTN that fails ------------------------------------------------------------------------------------


async def answer(send: Any, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})


def always(status: int, body: bytes = b"[]", *headers: tuple[bytes, bytes]) -> Callable[..., Awaitable[None]]:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await answer(send, status, body, *headers)

    return app


OUT_OF_ORDER = [408, 425, 429, 500, 502, 503, 504]
NO = [301, 302, 307, 400, 403, 404, 405, 409, 422, 501]


@pytest.mark.parametrize("status", OUT_OF_ORDER)
async def test_out_of_order_may_be_tried_again(status: int) -> None:
    async with listening(always(status, b"<html>")) as url, client_of(url, credentials=None) as client:
        with pytest.raises(Unreachable, match=str(status)):
            await client.create("event", {"programID": "p1"})


@pytest.mark.parametrize("status", NO)
async def test_a_no_may_not(status: int) -> None:
    problem = b'{"title": "No", "detail": "because"}'
    elsewhere = (b"location", b"http://127.0.0.1:1/")
    async with (
        listening(always(status, problem, elsewhere)) as url,
        client_of(url, credentials=None) as client,
    ):
        with pytest.raises(CommandRejected, match=f"{status} 'No: because'"):
            await client.create("event", {"programID": "p1"})


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"<html>welcome</html>", ()),
        (b"", ()),
        (b'{"id": "x"}', ()),
        (b"[1, 2]", ()),
        (b'[{"id": 5}]', ()),
        (b"[" * 100_000, ()),
        (b"[" + b" " * 70_000 + b"]", ()),
        (b"[]", ((b"content-encoding", b"gzip"),)),
    ],
)
async def test_an_answer_that_is_none_is_unreachable(
    body: bytes, headers: tuple[tuple[bytes, bytes], ...]
) -> None:
    app = always(200, body, *headers)
    async with listening(app) as url, client_of(url, credentials=None, max_answer_bytes=65_536) as client:
        with pytest.raises(Unreachable):
            await client.find("event", {})


async def test_a_vtn_that_gives_the_same_page_for_ever_ends() -> None:
    page = b"[" + b",".join(b'{"id": "x%d"}' % n for n in range(50)) + b"]"
    async with listening(always(200, page)) as url, client_of(url, credentials=None) as client:
        assert len(await client.find("event", {})) == 50


async def test_more_objects_than_anybody_has_are_a_no() -> None:
    async with document_vtn("3.1.1", max_objects=99) as (app, client):
        app.objects = {f"/programs/id-{n}": {"id": f"id-{n}"} for n in range(120)}
        with pytest.raises(CommandRejected, match="more than 99"):
            await client.find("program", {})


async def test_nobody_there_is_unreachable() -> None:
    async with client_of("http://127.0.0.1:1") as client:
        with pytest.raises(Unreachable, match="ConnectError"):
            await client.find("event", {})


async def test_a_half_open_socket_and_a_slow_answer_end_at_the_deadline() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, client_of(f"http://127.0.0.1:{port}", credentials=None, deadline_s=0.2) as client:
        with pytest.raises(Unreachable):
            await client.find("event", {})

    async def drips(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(50):
            await send({"type": "http.response.body", "body": b" ", "more_body": True})
            await asyncio.sleep(0.05)

    async with listening(drips) as url, client_of(url, credentials=None, deadline_s=0.2) as client:
        with pytest.raises(Unreachable, match=r"0\.2 s"):
            await client.find("event", {})


async def test_a_kept_connection_that_was_closed_is_no_failure_of_what_may_be_said_twice() -> None:
    answered = 0

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal answered
        await reader.readuntil(b"\r\n\r\n")
        answered += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")
        if answered == 1:
            await reader.readuntil(b"\r\n\r\n")  # the next request is cut off
        writer.close()

    server = await asyncio.start_server(once, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, client_of(f"http://127.0.0.1:{port}", credentials=None) as client:
        assert await client.find("event", {}) == []
        assert await client.find("event", {}) == []
    assert answered == 2


@pytest.mark.parametrize("object_id", ["../programs/1", "a b", "", "x" * 129, "ä"])
async def test_an_id_is_no_way_into_another_path(object_id: str) -> None:
    async with client_of("http://127.0.0.1:1", credentials=None) as client:
        with pytest.raises(CommandRejected, match="no id"):
            await client.replace("event", object_id, {})


@pytest.mark.parametrize(
    "changes",
    [
        {"base_url": "http://vtn.example/openadr3"},
        {"base_url": "vtn.example"},
        {"base_url": "https://user:password@vtn.example"},
        {"credentials": Credentials("bl", "secret", "http://id.example/token")},
    ],
)
def test_a_vtn_without_tls_is_not_used(changes: dict[str, Any]) -> None:
    values = {
        "base_url": "https://vtn.example/openadr3",
        "credentials": CREDENTIALS,
        "tls": NO_TLS,
        **changes,
    }
    with pytest.raises(ProfileRejected, match="expected https"):
        VtnClient(VtnAccess(**values), RealClock())


async def test_a_vtn_proves_itself_by_the_authority_that_we_know(tmp_path: Path) -> None:
    authority, stranger = Authority(tmp_path, "authority"), Authority(tmp_path, "stranger")
    issued = authority.issue("vtn")
    tls = server_tls_context(issued.certificate, issued.key)
    async with listening(DocumentVtn("3.1.1"), tls) as url:
        async with client_of(url, tls=tls_context(authority.file), plain_http=False) as client:
            assert await client.find("program", {}) == []
        async with client_of(url, tls=tls_context(stranger.file), plain_http=False) as client:
            with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
                await client.find("program", {})
