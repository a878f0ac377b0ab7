"""Callbacks: who is told what, over real sockets; and where we never call."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import pytest

from devices.openadr.callback_guard import CallbackGuard, CallbackRules, is_public
from devices.openadr.notifications import Notification
from devices.openadr.problems import Problem
from devices.openadr.webhooks import Webhooks, WebhookSettings
from tests.devices.live import RealClock, until
from tests.devices.openadr import world as w
from tests.devices.openadr.documents import check_object, schema


@dataclass
class Receiver:
    """A webhook receiver, as plain as can be: one request a connection."""

    port: int = 0
    answers: list[bytes] = field(default_factory=list)
    """to POSTs, one each; then 200"""
    echo: bool = True
    took: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    hold: asyncio.Event | None = None

    @property
    def bodies(self) -> list[Any]:
        return [body for _, _, body in self.took]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        headers = {n.lower(): v for n, _, v in (line.partition(": ") for line in head[1:] if line)}
        content = await reader.readexactly(int(headers.get("content-length", 0)))
        method, target, _ = head[0].split(" ")
        status, text = b"200 OK", b""
        if method == "GET":
            text = target.partition("echo=")[2].encode() if self.echo else b"no"
        else:
            if self.hold is not None:
                await self.hold.wait()
            self.took.append((target, headers, msgspec.json.decode(content)))
            if self.answers:
                status = self.answers.pop(0)
        writer.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: %d\r\n\r\n" % len(text) + text)
        writer.close()


@asynccontextmanager
async def receiver(**how: Any) -> AsyncIterator[Receiver]:
    here = Receiver(**how)
    server = await asyncio.start_server(here.serve, "127.0.0.1", 0)
    here.port = server.sockets[0].getsockname()[1]
    try:
        yield here
    finally:
        server.close()


def url(here: Receiver, path: str = "/hook") -> str:
    return f"http://hooks.test:{here.port}{path}"


@pytest.mark.parametrize("version", w.VERSIONS)
async def test_a_subscriber_is_told_of_every_change_in_the_words_of_its_version(version: str) -> None:
    async with receiver() as here, w.world() as world:
        program = await world.made("bl", version, "/programs", w.program())
        await world.made("ven1", version, "/subscriptions", w.subscription(program["id"], url(here)))
        event = await world.made("bl", version, "/events", w.event(program["id"]))
        await world.ask("bl", version, "PUT", f"/events/{event['id']}", w.event(program["id"], priority=1))
        await world.ask("bl", version, "DELETE", f"/events/{event['id']}")
        await until(lambda: len(here.took) == 4)
        verbs = (
            ["CREATE", "CREATE", "UPDATE", "DELETE"]
            if version == "3.1.1"
            else ["POST", "POST", "PUT", "DELETE"]
        )
        assert [body["operation"] for body in here.bodies] == verbs
        assert [body["objectType"] for body in here.bodies] == ["SUBSCRIPTION", "EVENT", "EVENT", "EVENT"]
        assert here.bodies[1]["object"] == event
        assert "t0ken" not in str(here.bodies[0]), "tokens are told to nobody"
        _, headers, _ = here.took[1]
        assert headers["authorization"] == "Bearer t0ken"
        assert headers["host"] == f"hooks.test:{here.port}"
        _check_notifications(version, here.bodies)
        await until(lambda: world.vtn.webhooks.delivered == 4)


def _check_notifications(version: str, bodies: list[Any]) -> None:
    """Against the document's `notification`."""
    notification = schema(version).raw_schema["components"]["schemas"]["notification"]
    for body in bodies:
        assert set(notification["required"]) <= set(body)
        assert body["operation"] in notification["properties"]["operation"]["enum"]
        check_object(version, body["objectType"].lower(), body["object"])


@pytest.mark.parametrize("version", w.VERSIONS)
async def test_a_subscription_may_name_operations_by_their_verbs(version: str) -> None:
    async with receiver() as here, w.world(checked=False) as world:
        program = await world.made("bl", version, "/programs", w.program())
        body = w.subscription(program["id"], url(here))
        body["objectOperations"][0] |= {"objects": ["EVENT"], "operations": ["POST", "DELETE"]}
        made = await world.made("ven1", version, "/subscriptions", body)
        assert made["objectOperations"] == body["objectOperations"], "as it was written"
        event = await world.made("bl", version, "/events", w.event(program["id"]))
        await world.ask("bl", version, "PUT", f"/events/{event['id']}", w.event(program["id"], priority=1))
        await world.ask("bl", version, "DELETE", f"/events/{event['id']}")
        await until(lambda: world.vtn.webhooks.delivered == 2)
        first = "CREATE" if version == "3.1.1" else "POST"
        assert [told["operation"] for told in here.bodies] == [first, "DELETE"]


async def test_a_ven_is_told_only_of_what_it_may_see() -> None:
    async with receiver() as here, w.world() as world:
        program = await world.made("bl", "3.1.1", "/programs", w.program())
        for who in ("ven1", "bl"):
            await world.made("bl", "3.1.1", "/vens", w.ven("3.1.1", "bl", who, targets=[who]))
            body = w.subscription(program["id"], url(here, f"/{who}"))
            body["objectOperations"][0]["objects"] = ["EVENT", "REPORT", "VEN"]
            await world.made(who, "3.1.1", "/subscriptions", body)
        event = await world.made("bl", "3.1.1", "/events", w.event(program["id"], targets=["ven1", "bl"]))
        await world.made("bl", "3.1.1", "/events", w.event(program["id"], targets=["other"]))
        await world.made("ven2", "3.1.1", "/vens", w.ven("3.1.1", "ven2", "home-2"))
        body = w.event(program["id"], targets=["bl"])
        await world.ask("bl", "3.1.1", "PUT", f"/events/{event['id']}", body)
        await until(lambda: len(here.took) == 6)
        told = [
            (body["operation"], body["object"].get("targets"))
            for path, _, body in here.took
            if path == "/ven1"
        ]
        assert told == [("CREATE", ["ven1"]), ("DELETE", ["ven1"])], (
            "it is gone for ven1, and others' are hidden"
        )


async def test_what_is_not_taken_is_sent_again_and_then_given_up() -> None:
    async with receiver(answers=[b"500 No", b"302 Elsewhere"]) as here, w.world() as world:
        await world.made("bl", "3.1.1", "/subscriptions", w.subscription(None, url(here)))
        await until(lambda: world.vtn.webhooks.delivered == 1)
        assert len(here.took) == 3
        here.answers = [b"500 No"] * 4
        await world.made("bl", "3.1.1", "/programs", w.program())
        await until(lambda: world.vtn.webhooks.given_up == 1)
        assert len(here.took) == 7, "four attempts"


async def test_redirects_are_not_followed() -> None:
    async with receiver() as inside:
        there = f"302 Found\r\nlocation: http://127.0.0.1:{inside.port}/secret".encode()
        async with receiver(answers=[there] * 2) as here:
            webhooks = _lone(here, attempts=2)
            async with delivering(webhooks):
                webhooks.notify(Notification("s", url(here), None, {}))
                await until(lambda: webhooks.given_up == 1)
        assert (len(here.took), inside.took) == (2, [])


def _lone(here: Receiver, **how: Any) -> Webhooks:
    rules = CallbackRules(allow_http=True, allowed_hosts=frozenset({"hooks.test"}))
    guard = CallbackGuard(rules, RealClock(), w.loopback)
    made = WebhookSettings(tls=w.TRUST, first_retry_s=0.001, longest_retry_s=0.002, **how)
    return Webhooks(made, guard, RealClock(), np.random.default_rng(1))


@asynccontextmanager
async def delivering(webhooks: Webhooks) -> AsyncIterator[None]:
    task = asyncio.create_task(webhooks.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_a_full_lane_drops_its_oldest_and_keeps_the_order() -> None:
    async with receiver(hold=asyncio.Event()) as here:
        webhooks = _lone(here, lane_bound=3)
        for number in range(5):
            webhooks.notify(Notification("s", url(here), None, {"n": number}))
        assert webhooks.dropped == 2
        async with delivering(webhooks):
            assert here.hold is not None
            here.hold.set()
            await until(lambda: webhooks.delivered == 3)
        assert [body["n"] for body in here.bodies] == [2, 3, 4]


async def test_a_callback_that_never_takes_anything_rests() -> None:
    async with receiver(answers=[b"500 No"] * 10) as here:
        webhooks = _lone(here, attempts=1, failures_to_rest=2, rest_s=60.0)
        async with delivering(webhooks):
            for number in range(4):
                webhooks.notify(Notification("s", url(here), None, {"n": number}))
            await until(lambda: webhooks.given_up == 2)
            await until(lambda: webhooks.dropped == 2)
            webhooks.notify(Notification("s", url(here), None, {}))
            assert (len(here.took), webhooks.dropped) == (2, 3)


async def test_a_slow_callback_holds_up_nobody_else() -> None:
    async with receiver(hold=asyncio.Event()) as slow, receiver() as quick:
        webhooks = _lone(slow, deadline_s=0.2, attempts=1)
        async with delivering(webhooks):
            webhooks.notify(Notification("slow", url(slow), None, {}))
            webhooks.notify(Notification("quick", url(quick), None, {}))
            await until(lambda: webhooks.delivered == 1)
            assert webhooks.given_up == 0
            await until(lambda: webhooks.given_up == 1)  # by its deadline


@pytest.mark.parametrize(("echo", "status"), [(True, 201), (False, 403)])
async def test_a_callback_must_echo_our_challenge(echo: bool, status: int) -> None:
    webhooks = WebhookSettings(challenge=True, tls=w.TRUST, deadline_s=2.0)
    async with receiver(echo=echo) as here, w.world(webhooks=webhooks) as world:
        for version in w.VERSIONS:
            program = await world.made("bl", version, "/programs", w.program(programName=version))
            body = w.subscription(program["id"], url(here))
            assert (await world.ask("ven1", version, "POST", "/subscriptions", body)).status_code == status
        body = w.subscription(None, "http://127.0.0.1:1/nobody")
        assert (await world.ask("ven1", "3.1.1", "POST", "/subscriptions", body)).status_code == 403


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_public_addresses(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("http://public.test/", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("gopher://public.test/", "scheme"),
        ("https://user:secret@public.test/", "user name"),
        ("https:///x", "host"),
        ("https://inside.test/", "no public address"),
        ("https://both.test/", "no public address"),
        ("https://nowhere.test/", "no address"),
        ("https://127.0.0.1/", "no public address"),
    ],
)
async def test_where_we_never_call(text: str, why: str) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        known = {
            "public.test": ["8.8.8.8"],
            "inside.test": ["10.0.0.1"],
            "both.test": ["8.8.8.8", "10.0.0.1"],
        }
        if host == "nowhere.test":
            raise OSError
        return known.get(host, [host])

    guard = CallbackGuard(CallbackRules(), RealClock(), resolve)
    with pytest.raises(Problem, match=why) as caught:
        await guard.callee(text)
    assert caught.value.status == 403


async def test_the_address_that_was_looked_at_is_the_one_that_is_called() -> None:
    """A name that is public at first and private the next time leads nowhere."""
    turns = iter([["8.8.8.8"], ["127.0.0.1"]])

    async def rebinding(host: str, port: int) -> list[str]:
        return next(turns)

    guard = CallbackGuard(CallbackRules(), RealClock(), rebinding)
    callee = await guard.callee("https://rebind.test:8443/x")
    assert str(callee.url) == "https://8.8.8.8:8443/x"
    assert (callee.headers, callee.extensions) == (
        {"Host": "rebind.test:8443"},
        {"sni_hostname": "rebind.test"},
    )
    with pytest.raises(Problem, match="no public address"):
        await guard.callee("https://rebind.test:8443/x")


async def test_allowed_hosts_are_the_only_ones() -> None:
    rules = CallbackRules(allowed_hosts=frozenset({"hooks.test"}))
    guard = CallbackGuard(rules, RealClock(), w.loopback)
    assert (await guard.callee("https://HOOKS.test/x")).url.host == "127.0.0.1"
    with pytest.raises(Problem, match="not allowed"):
        await guard.callee("https://public.test/")


def _settings(**changes: Any) -> WebhookSettings:
    how = {
        "challenge": True,
        "tls": w.TRUST,
        "deadline_s": 2.0,
        "first_retry_s": 0.01,
        "attempts": 1,
        **changes,
    }
    return WebhookSettings(**how)


async def test_callbacks_that_never_answer_a_challenge_hold_up_no_delivery() -> None:
    open_now = most = 0

    async def tarpit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        with contextlib.suppress(OSError):
            await reader.read()  # to the end, which is when the other side gives up
        open_now -= 1
        writer.close()

    server = await asyncio.start_server(tarpit, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    hooks = _settings(deadline_s=0.3, check_deadline_s=0.6)
    async with receiver() as here, w.world(webhooks=hooks) as world:
        program = await world.made("bl", "3.1.1", "/programs", w.program())
        await world.made("bl", "3.1.1", "/subscriptions", w.subscription(program["id"], url(here)))
        entries = w.subscription(None)["objectOperations"]
        many = [{**entries[0], "callbackUrl": f"http://hooks.test:{port}/{n}"} for n in range(10)]
        body = {"clientName": "x", "objectOperations": many}
        asked = [
            asyncio.create_task(world.ask("ven1", "3.1.1", "POST", "/subscriptions", body)) for _ in range(6)
        ]
        await until(lambda: most > 0)
        await world.made("bl", "3.1.1", "/events", w.event(program["id"]))
        await until(lambda: len(here.took) == 1)
        statuses = sorted([answer.status_code for answer in await asyncio.gather(*asked)])
        assert statuses == [403, 403, 403, 403, 500, 500]
        # one of a client at a time, of four that wait; what is given up may close after the next opens
        assert most <= 2
    server.close()


async def test_slow_callbacks_of_one_client_leave_places_to_the_others() -> None:
    hold = asyncio.Event()
    async with receiver(hold=hold) as slow, receiver() as here:
        hooks = Webhooks(
            _settings(challenge=False, at_once=3),
            CallbackGuard(CallbackRules(True, frozenset({"hooks.test"})), RealClock(), w.loopback),
            RealClock(),
            np.random.default_rng(1),
        )
        task = asyncio.create_task(hooks.run())
        for number in range(5):
            hooks.notify(Notification(f"s{number}", url(slow), None, {}, "greedy"))
        hooks.notify(Notification("other", url(here), None, {}, "modest"))
        await until(lambda: len(here.took) == 1)
        hold.set()
        await until(lambda: hooks.delivered == 6)
        task.cancel()
        await asyncio.wait([task])


async def test_what_waits_for_a_callback_is_bounded_by_bytes() -> None:
    hooks = Webhooks(
        _settings(lane_bytes=1000),
        CallbackGuard(CallbackRules(), RealClock(), w.loopback),
        RealClock(),
        np.random.default_rng(1),
    )
    for number in range(5):
        hooks.notify(Notification("s", "http://x/", None, {"n": number}, "c", size=400))
    assert [one.body["n"] for one in hooks._lanes["s"].waiting] == [3, 4]
    hooks.notify(Notification("s", "http://x/", None, {"n": 5}, "c", size=5000))
    assert [one.body["n"] for one in hooks._lanes["s"].waiting] == [5], "one may always"
    assert hooks.dropped == 5
