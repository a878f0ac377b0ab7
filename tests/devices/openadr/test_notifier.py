"""Notifications by MQTT through a real Mosquitto: to whom they belong, after a loss, nothing of others."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import msgspec
import numpy as np
import pytest
from structlog.testing import capture_logs

from devices.errors import ProfileRejected
from devices.mqtt.settings import tls_context
from devices.openadr.changes import Change
from devices.openadr.notifier import MqttNotifier, NotifierSettings, check_notifier_settings
from devices.openadr.notifier_audience import Audience
from devices.openadr.notifier_topics import ENDPOINTS, NotifierTopics, mosquitto_acl
from devices.openadr.ports import Body, ObjectKind
from tests.brokers import Mosquitto, tool
from tests.devices.live import WITHIN_S, RealClock, until
from tests.devices.mqtt.clients import Subscriber, subscribed
from tests.devices.ocpp.certificates import Authority
from tests.devices.openadr.channel_rig import in_background
from tests.devices.openadr.openapi_document import document, faults

META = {"createdDateTime": "2026-01-01T00:00:00Z", "modificationDateTime": "2026-01-01T00:00:00Z"}
VENS = [
    {"id": "v1", "venName": "home-1", "clientID": "c1", "targets": ["group-1"]},
    {"id": "v2", "venName": "home-2", "clientID": "c2", "targets": []},
]
RESOURCES = [{"id": "r1", "resourceName": "wallbox", "venID": "v1", "targets": ["RESOURCE_NAME:wallbox"]}]
TOPICS = NotifierTopics()


def event(**changes: Any) -> Body:
    body = {"id": "e1", "objectType": "EVENT", "programID": "p1", "intervals": [], **META}
    return {**body, "targets": ["RESOURCE_NAME:wallbox"], **changes}


class Vens:
    """Business logic that has vens, and may need a moment."""

    async def find(self, kind: ObjectKind, query: Mapping[str, str]) -> list[Body]:
        return {"ven": VENS, "resource": RESOURCES}[kind]  # type: ignore[index]

    async def create(self, kind: ObjectKind, body: Body) -> Body:
        raise NotImplementedError

    async def replace(self, kind: ObjectKind, object_id: str, body: Body) -> Body:
        raise NotImplementedError

    async def delete(self, kind: ObjectKind, object_id: str) -> None:
        raise NotImplementedError


@asynccontextmanager
async def notifying(port: int, **changes: Any) -> AsyncIterator[MqttNotifier]:
    values = {"uris": (f"mqtt://127.0.0.1:{port}",), "first_retry_s": 0.05, "longest_retry_s": 0.1, **changes}
    notifier = MqttNotifier(
        NotifierSettings("127.0.0.1", port, **values), Vens(), RealClock(), np.random.default_rng(7)
    )
    async with in_background(notifier.run()):
        yield notifier


async def told(subscriber: Subscriber) -> tuple[str, dict[str, Any]]:
    """Topic and notification."""
    topic, _, payload = (await subscriber.line()).partition(" ")
    return topic, msgspec.json.decode(payload)


# ---- topics ----------------------------------------------------------------------------------------------


def test_every_topic_endpoint_of_the_document_is_there_and_answers_as_it_says() -> None:
    below = "/notifiers/mqtt/topics/"
    paths = {p.removeprefix(below) for p in document("3.1.1")["paths"] if p.startswith(below)}
    assert set(ENDPOINTS) == paths
    answers = {each: TOPICS.response(each, {"programID": "p1", "venID": "v1"}) for each in ENDPOINTS}
    assert {each: faults("3.1.1", "notifierTopicsResponse", body) for each, body in answers.items()} == {
        each: [] for each in ENDPOINTS
    }
    topics = [topic for body in answers.values() for topic in body["topics"].values()]
    assert len(topics) == len(set(topics))
    assert answers["vens/{venID}/events"]["topics"]["ALL"] == "openadr/vens/v1/events/+"
    assert "CREATE" not in answers["programs/{programID}"]["topics"]


def test_a_ven_that_asks_by_program_is_told_its_own_topics() -> None:
    for endpoint, kind in (("programs/{programID}/events", "events"), ("programs", "programs")):
        body = TOPICS.response(endpoint, {"programID": "p1"}, "v1")
        assert body["topics"]["ALL"] == f"openadr/vens/v1/{kind}/+"
        assert faults("3.1.1", "notifierTopicsResponse", body) == []


def test_what_is_told_of_the_broker_is_as_the_document_says() -> None:
    settings = NotifierSettings("127.0.0.1", 1, ("mqtts://broker.example:8883",))
    assert faults("3.1.1", "notifiersResponse", settings.response()) == []


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"uris": ()}, "uris"),
        ({"uris": ("broker.example",)}, "uris"),
        ({"authentication": {"method": "PASSWORD"}}, "method"),
        ({"authentication": {"method": "OAUTH2_BEARER_TOKEN"}}, "username"),
    ],
)
def test_what_would_tell_vens_nothing_is_rejected(changes: dict[str, Any], word: str) -> None:
    values = {"uris": ("mqtts://broker.example:8883",), **changes}
    with pytest.raises(ProfileRejected, match=word):
        check_notifier_settings(NotifierSettings("127.0.0.1", 1, **values))


MINE = ("v1",)
WHERE = [
    (Change("program", "CREATE", {"id": "p1"}), "programs vens/v1/programs vens/v2/programs"),
    (Change("program", "UPDATE", {"id": "p1", "targets": ["x"]}), "programs programs/p1"),
    (Change("event", "CREATE", event(), MINE), "events programs/p1/events vens/v1/events"),
    (Change("event", "DELETE", event(), ()), "events programs/p1/events"),
    (Change("report", "CREATE", {"id": "x"}, MINE), "reports"),
    (Change("subscription", "DELETE", {"id": "x"}, MINE), "subscriptions"),
    (Change("ven", "CREATE", {"id": "v1"}, MINE), "vens"),
    (Change("ven", "UPDATE", {"id": "v1"}, MINE), "vens vens/v1"),
    (Change("resource", "UPDATE", {"id": "x"}, MINE), "resources vens/v1/resources"),
]


@pytest.mark.parametrize(("change", "paths"), WHERE)
def test_a_change_goes_to_business_logic_and_to_those_whom_it_concerns(change: Change, paths: str) -> None:
    addressed = TOPICS.addressed(change, ("v1", "v2"))
    operation = change.operation.lower()
    assert [each.topic for each in addressed] == [f"openadr/{path}/{operation}" for path in paths.split()]
    for each in addressed:
        of_a_ven = each.topic.startswith("openadr/vens/v")
        assert each.ven_id == (each.topic.split("/")[2] if of_a_ven else None)


def test_to_a_ven_that_may_not_see_it_any_more_an_event_is_gone() -> None:
    before = event(targets=["group-2"])
    change = Change("event", "UPDATE", event(), ("v1",), before, ("v2",))
    told = {each.topic: (each.operation, each.body) for each in TOPICS.addressed(change, ("v1", "v2"))}
    assert told["openadr/events/update"] == ("UPDATE", event())
    assert told["openadr/vens/v1/events/create"] == ("CREATE", event())
    assert told["openadr/vens/v2/events/delete"] == ("DELETE", before)
    assert len(told) == 4


def test_a_ven_sees_of_targets_its_own_only() -> None:
    audience = Audience()
    audience.seed(VENS, RESOURCES)
    body = event(targets=["RESOURCE_NAME:wallbox", "group-1", "VEN_NAME:home-2", "secret"])
    assert audience.shown_to("v1", body)["targets"] == ["RESOURCE_NAME:wallbox", "group-1"]
    assert audience.shown_to("v2", body)["targets"] == ["VEN_NAME:home-2"]
    audience.learn(Change("resource", "DELETE", RESOURCES[0]))
    assert audience.shown_to("v1", body)["targets"] == ["group-1"]
    audience.learn(Change("ven", "DELETE", VENS[0]))
    assert audience.everybody == ("v2",)
    assert audience.shown_to("v1", body)["targets"] == []


# ---- through the broker ----------------------------------------------------------------------------------


async def test_a_change_is_the_document_s_notification(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker:
        async with subscribed(broker.port, "openadr/#") as subscriber, notifying(broker.port) as notifier:
            notifier.changed(
                Change("event", "CREATE", event(targets=["RESOURCE_NAME:wallbox", "other"]), ("v1",))
            )
            found = dict([await told(subscriber) for _ in range(3)])
            assert set(found) == {
                "openadr/events/create",
                "openadr/programs/p1/events/create",
                "openadr/vens/v1/events/create",
            }
            for notification in found.values():
                assert faults("3.1.1", "notification", notification) == []
                assert (notification["objectType"], notification["operation"]) == ("EVENT", "CREATE")
            assert found["openadr/events/create"]["object"]["targets"] == ["RESOURCE_NAME:wallbox", "other"]
            assert found["openadr/vens/v1/events/create"]["object"]["targets"] == ["RESOURCE_NAME:wallbox"]
            await until(lambda: notifier.published == 3)
        async with subscribed(broker.port, "openadr/#") as late, notifying(broker.port) as notifier:
            notifier.changed(Change("program", "DELETE", {"id": "p1", "targets": ["x"]}))
            assert (await told(late))[0] == "openadr/programs/delete"  # nothing was retained


async def test_a_lost_broker_gets_what_the_queue_holds_when_it_is_back(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    broker.start()
    try:
        async with notifying(broker.port, queue_bound=3, publish_deadline_s=0.5) as notifier:
            await until(lambda: notifier.connected)
            with capture_logs() as logs:
                broker.kill()
                await until(lambda: not notifier.connected)
                for number in range(5):
                    notifier.changed(Change("report", "CREATE", {"id": f"x{number}"}))
                assert (notifier.dropped, notifier.queued) == (2, 3)
                broker.start()
                await until(lambda: notifier.published == 3)
        assert [line["log_level"] for line in logs] == ["warning", "info"]
    finally:
        broker.kill()


async def test_a_frozen_broker_loses_nothing(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker:
        async with subscribed(broker.port, "openadr/#") as subscriber:
            async with notifying(broker.port, publish_deadline_s=0.2, connect_deadline_s=0.3) as notifier:
                await until(lambda: notifier.connected)
                broker.freeze()
                notifier.changed(Change("report", "CREATE", {"id": "x1"}))
                notifier.changed(Change("report", "CREATE", {"id": "x2"}))
                await until(lambda: not notifier.connected)
                broker.thaw()
                await until(lambda: notifier.published == 2)
            heard = [(await told(subscriber))[1]["object"]["id"] for _ in range(2)]
            while heard[-1] != "x2":
                heard.append((await told(subscriber))[1]["object"]["id"])
            assert list(dict.fromkeys(heard)) == ["x1", "x2"]  # perhaps twice, never out of order


async def test_a_ven_reads_its_own_topics_and_nobody_else_s(tmp_path: Path) -> None:
    """By the ACL that we give, with user names and passwords."""
    passwords, acl = tmp_path / "passwords", tmp_path / "acl"
    acl.write_text(mosquitto_acl(TOPICS, "vtn"))
    for number, user in enumerate(("vtn", "v1", "v2")):
        process = await asyncio.create_subprocess_exec(
            tool("mosquitto_passwd"), "-b", *(["-c"] if number == 0 else []), str(passwords), user, "secret",
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        assert await process.wait() == 0
    for file in (passwords, acl):
        file.chmod(0o600)
    with Mosquitto(
        tmp_path, "allow_anonymous false", f"password_file {passwords}", f"acl_file {acl}"
    ) as broker:
        as_ven = [("-u", user, "-P", "secret") for user in ("v1", "v2")]
        async with (
            subscribed(broker.port, "openadr/#", *as_ven[0]) as first,
            subscribed(broker.port, "openadr/#", *as_ven[1]) as second,
            notifying(broker.port, username="vtn", password="secret") as notifier,
        ):
            notifier.changed(Change("event", "CREATE", event(), ("v1",)))
            notifier.changed(Change("event", "CREATE", event(id="e2", targets=None)))
            assert [(await told(first))[0] for _ in range(2)] == ["openadr/vens/v1/events/create"] * 2
            topic, notification = await told(second)
            assert (topic, notification["object"]["id"]) == ("openadr/vens/v2/events/create", "e2")


async def test_the_notifier_comes_with_a_certificate_over_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    server, publisher = authority.issue("localhost"), authority.issue("vtn")
    settings = [
        f"cafile {authority.file}",
        f"certfile {server.certificate}",
        f"keyfile {server.key}",
        "require_certificate true",
        "use_identity_as_username true",
    ]
    with Mosquitto(tmp_path, *settings) as broker:
        tls = tls_context(authority.file, publisher.certificate, publisher.key)
        async with notifying(broker.port, tls=tls) as notifier:
            notifier.changed(Change("report", "CREATE", {"id": "x1"}))
            await until(lambda: notifier.published == 1)


async def test_a_message_that_the_broker_does_not_take_stops_none_of_the_others(tmp_path: Path) -> None:
    with Mosquitto(tmp_path, "allow_anonymous true", "message_size_limit 5000") as broker:
        async with notifying(broker.port, max_message_bytes=20_000) as notifier:
            notifier.changed(Change("report", "CREATE", {"id": "a", "x": "a" * 30_000}))
            notifier.changed(Change("report", "CREATE", {"id": "b", "x": "b" * 10_000}))
            notifier.changed(Change("event", "DELETE", event(), ("v1",)))
            await until(lambda: notifier.published > 0 and not notifier.queued)
            assert (notifier.too_large, notifier.given_up) == (1, 1)


async def test_it_ends_when_that_is_said_together_with_an_acknowledgement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`asyncio.wait_for` before Python 3.12, by which aiomqtt waits, loses a cancellation that comes then."""
    acknowledged = aiomqtt.Client._on_publish

    def acknowledged_and_over(client: aiomqtt.Client, *told: Any) -> None:
        acknowledged(client, *told)
        running.cancel()

    monkeypatch.setattr(aiomqtt.Client, "_on_publish", acknowledged_and_over)
    with Mosquitto(tmp_path) as broker:
        notifier = MqttNotifier(
            NotifierSettings("127.0.0.1", broker.port, ("mqtt://127.0.0.1",)),
            Vens(),
            RealClock(),
            np.random.default_rng(7),
        )
        notifier.changed(Change("report", "CREATE", {"id": "x1"}))
        running = asyncio.create_task(notifier.run())
        await asyncio.wait([running], timeout=WITHIN_S)
        ended = running.done()
        running.cancel()
        await asyncio.wait([running])
    assert (ended, notifier.published) == (True, 1)


def test_a_resource_that_goes_over_to_another_ven_takes_its_targets_along() -> None:
    audience = Audience()
    audience.seed(VENS, RESOURCES)
    audience.learn(Change("resource", "UPDATE", {**RESOURCES[0], "venID": "v2"}))
    targets = {"targets": ["RESOURCE_NAME:wallbox"]}
    assert audience.shown_to("v1", targets)["targets"] == []
    assert audience.shown_to("v2", targets) == targets
