"""What the VTN does with its objects, in both versions; every answer is held against the document."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.devices.openadr import world as w


@pytest_asyncio.fixture
async def world() -> AsyncIterator[w.World]:
    async with w.world() as running:
        yield running


both = pytest.mark.parametrize("version", w.VERSIONS)


@both
async def test_an_object_is_made_read_replaced_and_removed(world: w.World, version: str) -> None:
    made = await world.made("bl", version, "/programs", w.program(intervalPeriod=w.PERIOD))
    path = f"/programs/{made['id']}"
    assert (await world.ask("bl", version, "GET", path)).json() == made
    changed = await world.ask("bl", version, "PUT", path, w.program(programName="another"))
    assert changed.json()["programName"] == "another"
    assert changed.json()["createdDateTime"] == made["createdDateTime"]
    assert (await world.ask("bl", version, "DELETE", path)).json() == changed.json()
    assert (await world.ask("bl", version, "GET", path)).status_code == 404
    assert (await world.ask("bl", version, "DELETE", path)).status_code == 404
    assert (await world.ask("bl", version, "PUT", path, w.program())).status_code == 404


@both
async def test_all_kinds_are_there(world: w.World, version: str) -> None:
    program = await world.made("bl", version, "/programs", w.program())
    event = await world.made("bl", version, "/events", w.event(program["id"]))
    ven = await world.made("ven1", version, "/vens", w.ven(version, "ven1", "home-1"))
    path = f"/vens/{ven['id']}/resources" if version == "3.0.1" else "/resources"
    body = w.resource(version, "ven1", ven["id"], "ven1", "charger")
    made = {
        "/programs": program,
        "/events": event,
        "/vens": ven,
        path: await world.made("ven1", version, path, body),
        "/reports": await world.made(
            "ven1", version, "/reports", w.report(version, program["id"], event["id"])
        ),
        "/subscriptions": await world.made("ven1", version, "/subscriptions", w.subscription(program["id"])),
    }
    for path, expected in made.items():
        listed = (await world.ask("ven1", version, "GET", path)).json()
        assert [one["id"] for one in listed] == [expected["id"]], path
        one = await world.ask("ven1", version, "GET", f"{path}/{expected['id']}")
        assert one.json()["objectType"] == expected["objectType"]
        assert (await world.ask("bl", version, "GET", f"{path}/{expected['id']}")).status_code == 200
    for path in ("/reports", "/subscriptions"):
        body = made[path]
        changed = await world.ask("ven1", version, "PUT", f"{path}/{body['id']}", {**body, "clientName": "x"})
        assert changed.json()["clientName"] == "x"


@both
async def test_names_are_unique(world: w.World, version: str) -> None:
    first = await world.made("bl", version, "/programs", w.program())
    assert (await world.ask("bl", version, "POST", "/programs", w.program())).status_code == 409
    other = await world.made("bl", version, "/programs", w.program(programName="other"))
    renamed = await world.ask("bl", version, "PUT", f"/programs/{other['id']}", w.program())
    assert renamed.status_code == 409
    assert (await world.ask("bl", version, "PUT", f"/programs/{first['id']}", w.program())).status_code == 200
    ven = await world.made("ven1", version, "/vens", w.ven(version, "ven1", "home-1"))
    taken = await world.ask("bl", version, "POST", "/vens", w.ven(version, "bl", "home-1"))
    assert taken.status_code == (409 if version == "3.0.1" else 403)  # 3.1.1 has no 409 here
    path = f"/vens/{ven['id']}/resources" if version == "3.0.1" else "/resources"
    body = w.resource(version, "ven1", ven["id"], "ven1", "charger")
    await world.made("ven1", version, path, body)
    assert (await world.ask("ven1", version, "POST", path, body)).status_code == 409


@both
async def test_what_a_body_refers_to_must_be_there(world: w.World, version: str) -> None:
    assert (await world.ask("bl", version, "POST", "/events", w.event("none"))).status_code == 409
    report = w.report(version, "none", "none")
    assert (await world.ask("ven1", version, "POST", "/reports", report)).status_code == 409
    subscription = w.subscription("none")
    assert (await world.ask("ven1", version, "POST", "/subscriptions", subscription)).status_code == 409
    path = "/vens/none/resources" if version == "3.0.1" else "/resources"
    body = w.resource(version, "bl", "none", "ven1", "x")
    assert (await world.ask("bl", version, "POST", path, body)).status_code == 404


@both
async def test_the_same_report_or_subscription_twice_is_a_conflict(world: w.World, version: str) -> None:
    program = await world.made("bl", version, "/programs", w.program())
    event = await world.made("bl", version, "/events", w.event(program["id"]))
    for path, body in (
        ("/reports", w.report(version, program["id"], event["id"])),
        ("/subscriptions", w.subscription(program["id"])),
    ):
        await world.made("ven1", version, path, body)
        assert (await world.ask("ven1", version, "POST", path, body)).status_code == 409
        await world.made("ven2", version, path, body)


@both
async def test_events_go_with_their_program_and_resources_with_their_ven(
    world: w.World, version: str
) -> None:
    program = await world.made("bl", version, "/programs", w.program())
    event = await world.made("bl", version, "/events", w.event(program["id"]))
    await world.made("ven1", version, "/reports", w.report(version, program["id"], event["id"]))
    changes: list[tuple[str, str]] = []
    world.vtn.repository.listen(lambda change: changes.append((change.kind, change.operation)))
    await world.ask("bl", version, "DELETE", f"/programs/{program['id']}")
    assert changes == [("event", "DELETE"), ("program", "DELETE")]
    assert (await world.ask("ven1", version, "GET", f"/events/{event['id']}")).status_code == 404
    assert len((await world.ask("ven1", version, "GET", "/reports")).json()) == 1, "reports are facts"
    ven = await world.made("ven1", version, "/vens", w.ven(version, "ven1", "home-1"))
    path = f"/vens/{ven['id']}/resources" if version == "3.0.1" else "/resources"
    await world.made("ven1", version, path, w.resource(version, "ven1", ven["id"], "ven1", "charger"))
    changes.clear()
    await world.ask("bl", version, "DELETE", f"/vens/{ven['id']}")
    assert changes == [("resource", "DELETE"), ("ven", "DELETE")]


@both
async def test_pages(world: w.World, version: str) -> None:
    made = [
        (await world.made("bl", version, "/programs", w.program(programName=f"p{i}")))["id"]
        for i in range(55)
    ]
    newest = made[::-1]
    for query, expected in (
        ("", newest[:50]),
        ("?limit=0", []),
        ("?limit=7", newest[:7]),
        ("?skip=50", newest[50:]),
        ("?skip=3&limit=2", newest[3:5]),
        ("?skip=55", []),
    ):
        found = (await world.ask("bl", version, "GET", f"/programs{query}")).json()
        assert [one["id"] for one in found] == expected, query


@pytest.mark.parametrize(
    ("version", "path"),
    [
        ("3.1.1", "/programs?skip=-1"),
        ("3.1.1", "/programs?skip=2147483648"),
        ("3.1.1", "/programs?limit=51"),
        ("3.0.1", "/programs?limit=many"),
        ("3.1.1", "/programs?limit=1&limit=2"),
        ("3.1.1", "/programs?targets="),
        ("3.1.1", "/events?active=maybe"),
        ("3.1.1", "/events?programID=a%20b"),
        ("3.0.1", "/reports?eventID="),
        ("3.1.1", "/reports?clientName="),
        ("3.1.1", "/vens?venName=" + "x" * 129),
        ("3.0.1", "/subscriptions?objects=PLANET"),
    ],
)
async def test_wrong_query_parameters_are_refused_by_name(world: w.World, version: str, path: str) -> None:
    response = await world.ask("bl", version, "GET", path)
    assert response.status_code == 400
    assert path.partition("?")[2].partition("=")[0] in response.json()["detail"]


async def test_filters(world: w.World) -> None:
    one = await world.made("bl", "3.1.1", "/programs", w.program(programName="one"))
    two = await world.made("bl", "3.1.1", "/programs", w.program(programName="two"))
    past = {"start": "2020-01-01T00:00:00Z", "duration": "PT1H"}
    over = await world.made("bl", "3.1.1", "/events", w.event(one["id"], intervalPeriod=past))
    to_come = {"start": "2126-01-01T00:00:00Z", "duration": "PT1H"}
    events = [
        await world.made("bl", "3.1.1", "/events", w.event(one["id"], intervalPeriod=to_come, targets=["a"])),
        await world.made(
            "bl", "3.1.1", "/events", w.event(two["id"], intervalPeriod=to_come, targets=["a", "b"])
        ),
    ]
    ids = [event["id"] for event in events]

    async def found(path: str, version: str = "3.1.1") -> list[str]:
        return [o["id"] for o in (await world.ask("bl", version, "GET", path)).json()]

    assert await found(f"/events?programID={two['id']}") == [ids[1]]
    assert await found("/events?active=true") == ids[::-1]
    assert await found("/events?active=false") == [*ids[::-1], over["id"]]
    assert await found("/events?targets=a") == ids[::-1]
    assert await found("/events?targets=a&targets=b") == [ids[1]]
    assert await found("/events?targetType=GROUP&targetValues=b&targetValues=c", "3.0.1") == [ids[1]]
    assert await found("/events?targetType=VEN_NAME&targetValues=a", "3.0.1") == []
    report = await world.made("ven1", "3.1.1", "/reports", w.report("3.1.1", "", over["id"]))
    assert await found(f"/reports?programID={one['id']}&eventID={over['id']}&clientName=home") == [
        report["id"]
    ]
    assert await found(f"/reports?programID={two['id']}") == []
    only_events = w.subscription(two["id"])
    only_events["objectOperations"][0]["objects"] = ["EVENT"]
    about = await world.made("bl", "3.1.1", "/subscriptions", only_events)
    assert await found("/subscriptions?objects=EVENT&objects=VEN") == [about["id"]]
    assert await found("/subscriptions?objects=VEN") == []
    ven = await world.made("bl", "3.1.1", "/vens", w.ven("3.1.1", "bl", "ven1", targets=["a"]))
    assert await found("/vens?venName=ven1&targets=a") == [ven["id"]]
    assert await found("/vens?venName=ven2") == []
    device = w.resource("3.1.1", "bl", ven["id"], "ven1", "charger")
    made = await world.made("bl", "3.1.1", "/resources", device)
    assert await found(f"/resources?venID={ven['id']}&resourceName=charger") == [made["id"]]
    assert await found("/resources?venID=none") == []


@pytest.mark.parametrize(
    ("version", "kind", "body", "field"),
    [
        ("3.1.1", "programs", {}, "programName"),
        ("3.1.1", "programs", {"programName": ""}, "programName"),
        ("3.1.1", "programs", {"programName": "x" * 129}, "programName"),
        ("3.0.1", "programs", {"programName": 5}, "programName"),
        ("3.0.1", "programs", {"programName": "x", "timeZoneOffset": "one hour"}, "timeZoneOffset"),
        ("3.0.1", "programs", {"programName": "x", "intervalPeriod": {"duration": "PT1H"}}, "start"),
        ("3.0.1", "programs", {"programName": "x", "objectType": "EVENT"}, "objectType"),
        ("3.1.1", "programs", {"programName": "x", "intervalPeriod": {"start": "tomorrow"}}, "start"),
        (
            "3.1.1",
            "programs",
            {"programName": "x", "intervalPeriod": {"start": "2026-02-30T00:00:00Z"}},
            "start",
        ),
        (
            "3.1.1",
            "programs",
            {"programName": "x", "intervalPeriod": {"start": "2026-02-03T00:00:00"}},
            "start",
        ),
        (
            "3.1.1",
            "programs",
            {"programName": "x", "targets": [{"type": "GROUP", "values": ["x"]}]},
            "targets",
        ),
        ("3.0.1", "programs", {"programName": "x", "targets": ["x"]}, "targets"),
        ("3.1.1", "programs", {"programName": "x", "programDescriptions": [{"URL": "no url"}]}, "URL"),
        (
            "3.1.1",
            "programs",
            {"programName": "x", "payloadDescriptors": [{"payloadType": "P"}]},
            "objectType",
        ),
        ("3.1.1", "events", {"programID": "a b"}, "programID"),
        ("3.0.1", "events", {"programID": "a"}, "intervals"),
        ("3.1.1", "events", {"programID": "a", "priority": -1}, "priority"),
        ("3.1.1", "events", {"programID": "a", "priority": 1.5}, "priority"),
        ("3.1.1", "events", {"programID": "a", "intervalPeriod": []}, "intervalPeriod"),
        ("3.1.1", "events", {"programID": None}, "programID"),
        (
            "3.1.1",
            "events",
            {"programID": "a", "intervals": [{"id": 2**31, "payloads": []}]},
            "intervals[0].id",
        ),
        ("3.1.1", "events", {"programID": "a", "intervals": [{"id": 0}]}, "payloads"),
        ("3.1.1", "events", {"programID": "a", "duration": "P1X"}, "duration"),
    ],
)
async def test_wrong_bodies_are_refused_by_field(
    world: w.World, version: str, kind: str, body: dict[str, Any], field: str
) -> None:
    response = await world.ask("bl", version, "POST", f"/{kind}", body)
    assert response.status_code == 400
    assert field in response.json()["detail"]
    assert (await world.ask("bl", version, "GET", f"/{kind}")).json() == []


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"programName":"\\ud800"}']
)
async def test_any_bytes_are_a_body_or_refused(world: w.World, content: bytes) -> None:
    headers = {"content-type": "application/json"}
    response = await world.ask("bl", "3.1.1", "POST", "/programs", content=content, headers=headers)
    assert response.status_code == 400


async def test_a_body_of_another_type_or_too_large_is_refused(world: w.World) -> None:
    wrong = await world.ask(
        "bl", "3.1.1", "POST", "/programs", content=b"{}", headers={"content-type": "text/plain"}
    )
    assert wrong.status_code == 400
    large = await world.ask("bl", "3.1.1", "POST", "/programs", w.program(programName="x" * 1_100_000))
    assert large.status_code == 400
    assert "larger" in large.json()["detail"]
