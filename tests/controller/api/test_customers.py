"""Customers and devices over the API: a real daemon after some cycles, and real contacts."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from controller.access.roles import Role
from controller.directory import customer_desk
from controller.entries import NoticeDelivered
from tests.builders import FEEDER
from tests.controller.directory.directory_world import Directory, directory_in


@pytest.fixture
async def world(tmp_path: Path) -> Directory:
    world = directory_in(tmp_path)
    await world.daemon.start()
    return world


async def got(client: httpx.AsyncClient, path: str, **query: Any) -> Any:
    answer = await client.get(f"/api/v1{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def ids(client: httpx.AsyncClient, q: str = "", **query: Any) -> list[str]:
    """All pages."""
    found: list[str] = []
    after = {}
    while True:
        page = await got(client, "/customers", q=q, **query, **after)
        found += [one["customer"] for one in page["items"]]
        if page["next"] is None:
            return found
        after = {"after": page["next"]}


async def test_customers_are_found_by_their_numbers_and_those_of_what_is_theirs(world: Directory) -> None:
    async with world.as_of() as client:
        assert len(await ids(client, limit=7)) == 20
        assert await ids(client, "c03") == ["C03"]
        assert await ids(client, "sp04") == ["C04"]
        assert await ids(client, "M05") == ["C05"]
        assert await ids(client, "ev06") == ["C06"]
        assert await ids(client, "1", limit=1) == [f"C{n:02d}" for n in (1, *range(10, 20))]
        assert await ids(client, "nothing") == []
        (row,) = (await got(client, "/customers", q="C02"))["items"]
        assert row == {
            "customer": "C02", "feeder": FEEDER, "service_point": "sp02", "meter": "M02", "critical": True,
            "takes_notices": False, "devices": 1, "open_requests": 0, "matched": "id", "name": None,
        }  # fmt: skip


async def test_names_are_sought_only_for_who_may_know_them_and_it_is_noted(world: Directory) -> None:
    async with world.as_of("operator") as client:
        assert await ids(client, "Lovelace") == []
    async with world.as_of("supervisor", {FEEDER}) as client:
        assert await ids(client, "Lovelace") == []
    assert world.noted("C03") == []
    async with world.as_of("supervisor") as client:
        page = await got(client, "/customers", q="lovelace")
        assert [(one["customer"], one["name"], one["matched"]) for one in page["items"]] == [
            ("C03", "Ada Lovelace", "name")
        ]
        assert (page["personal"], page["next"]) == (True, None)
    assert world.noted("C03") == [("mara", "found", "a search in the console")]


FOUND_BY = [
    ("james's sq", "C03", "address"),
    ("ADA@", "C03", "email"),
    ("020 7946 0018", "C03", "phone"),
    ("小明", "C15", "name"),
    ("138-0013", "C15", "phone"),
    ("100%", "C04", "address"),
    ("04_b", "C04", "address"),
    ("MÜLLER", "C16", "name"),
    ("ärztehaus", "C16", "address"),
    ("STRAßE", "C16", "address"),
]


async def test_by_what_somebody_is_found_and_that_signs_of_a_pattern_mean_themselves(
    world: Directory,
) -> None:
    async with world.as_of("supervisor") as client:
        for q, customer, matched in FOUND_BY:
            found = (await got(client, "/customers", q=q))["items"]
            assert [(one["customer"], one["matched"]) for one in found] == [(customer, matched)], q
        for q in ("%%", "__", "0!0", "7946x", "möller", "äß"):
            assert await ids(client, q) == [], q


async def test_a_search_goes_on_from_numbers_into_names_page_by_page(
    world: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(customer_desk, "KNOWN_AT_ONCE", 1)
    async with world.as_of("supervisor") as client:
        assert await ids(client, "04", limit=1) == ["C04"], (
            "found by its number, not once more by its address"
        )
        assert await ids(client, "ace", limit=1) == ["C03", "C04"]
        assert world.noted("C04")[-1][1] == "found"
        assert await ids(client, "Ada", limit=1) == ["C03"]
        assert world.noted("gone") == [], "nobody who is not supplied here is shown"
        assert await ids(client, "明") == [], "one letter is too little to seek people by"


async def test_a_customer_is_shown_whole_but_without_who_they_are(world: Directory) -> None:
    world.charge()
    await world.tick(8)
    asked = next(one for one in world.daemon.books.requests.values() if one.resource == "device")
    async with world.as_of() as client:
        page = await got(client, f"/customers/{asked.planned.customer}")
        (supply,) = page["supplies"]
        assert (supply["service_point"], supply["quality"]) == (asked.planned.service_point, "measured")
        assert supply["p_kw"] == pytest.approx(4.0 + asked.limit_kw, abs=0.1)
        (device,) = supply["devices"]
        assert (device["device"], device["asked_kw"]) == (asked.planned.target, asked.limit_kw)
        assert [one["request"] for one in page["requests"]] == [asked.request]
        assert page["rewards"] | {"earned_points": 0} == {
            "balances": {}, "tier": None, "earned_points": 0, "expiring_points": None, "expiring_on": None,
            "pending": [],
        }  # fmt: skip
        page = await got(client, "/customers/C03")
        assert page["consent"] == {
            "standing": "agreed", "consented_on": "2015-05-01", "withdrawn_on": None, "ended_on": None,
        }  # fmt: skip
        assert "Lovelace" not in str(page)
        assert (await got(client, "/customers/C05"))["consent"]["standing"] == "not_held"
    assert world.noted("C03") == []


async def test_what_was_said_to_a_person_and_by_them(world: Directory) -> None:
    world.charge(16.0)
    await world.tick(8)
    asked = next(one for one in world.daemon.books.requests.values() if one.resource == "person")
    delivered = NoticeDelivered(
        at=world.clock.now(), request=asked.request, kind="notice", sequence=1, channel="sms", result="taken"
    )
    await world.daemon._keeper.write((delivered,))
    await world.daemon.desks.people.answer(asked.request, "opted_out", "api")
    async with world.as_of() as client:
        page = await got(client, f"/customers/{asked.planned.customer}")
        assert [(one["what"], one["kind"], one["via"]) for one in page["words"]] == [
            ("delivered", "notice", "sms"),
            ("answered", "opted_out", "api"),
            ("asked", "notice", None),
        ]
        assert [one["request"] for one in page["opted_out"]] == [asked.request]


async def test_who_a_customer_is_takes_the_role_and_a_reason_and_leaves_a_note(world: Directory) -> None:
    async with world.as_of("operator") as client:
        assert (await client.get("/api/v1/customers/C03/contact?why=she+called")).status_code == 403
    async with world.as_of("supervisor") as client:
        assert (await client.get("/api/v1/customers/C03/contact")).status_code == 422
        page = await got(client, "/customers/C03/contact", why="she called")
        assert (page["name"], page["phone"]) == ("Ada Lovelace", "+44 (0)20 7946-0018")
        assert page["accesses"][0] | {"at": ""} == {
            "at": "", "who": "mara", "action": "looked", "why": "she called",
        }  # fmt: skip
        assert (await client.get("/api/v1/customers/C05/contact?why=she+called")).status_code == 404
        assert (await client.get("/api/v1/customers/gone/contact?why=she+called")).status_code == 404
    assert world.noted("C03") == [("mara", "looked", "she called")]


async def test_customers_of_other_feeders_are_not_told(world: Directory) -> None:
    async with world.as_of("operator", {"elsewhere"}) as client:
        assert await ids(client) == []
        assert (await client.get("/api/v1/customers/C03")).status_code == 404
        assert (await client.get(f"/api/v1/customers?feeder={FEEDER}")).status_code == 403
    async with world.as_of("viewer") as client:
        assert (await client.get("/api/v1/customers")).status_code == 403
    async with world.as_of("operator", {FEEDER}) as client:
        assert len(await ids(client)) == 20


WRONG = [
    ("/customers?feeder=nowhere", 404),
    ("/customers?after=p.C01", 422),
    ("/customers?after=1.x", 422),
    ("/customers?after=٣.٣", 422),
    ("/customers?limit=101", 422),
    ("/customers/nobody", 404),
    ("/devices?feeder=nowhere", 404),
    ("/devices?after=zero", 422),
    ("/devices?health=well", 422),
    ("/devices/nothing", 404),
    ("/devices/EV00?feeder=nowhere", 404),
]


async def test_what_is_not_there_or_cannot_be(world: Directory) -> None:
    async with world.as_of() as client:
        for path, status in WRONG:
            assert (await client.get(f"/api/v1{path}")).status_code == status, path


async def test_devices_that_need_somebody_come_first(world: Directory) -> None:
    world.field.houses[7].silent = True
    await world.tick(2)
    async with world.as_of("viewer") as client:
        first = await got(client, "/devices", limit=1)
        assert [(one["device"], one["health"]) for one in first["items"]] == [("EV07", "never_heard")]
        assert (first["counts"]["never_heard"], first["counts"]["good"]) == (1, 15)
        second = await got(client, "/devices", limit=100, after=first["next"])
        assert [one["device"] for one in second["items"]] == [f"EV{n:02d}" for n in range(16) if n != 7]
        assert second["next"] is None
        faulty = await got(client, "/devices", health="faulty")
        assert [one["device"] for one in faulty["items"]] == ["EV07"]
        assert [one["device"] for one in (await got(client, "/devices", q="sp03"))["items"]] == ["EV03"]
        assert (await got(client, "/devices", q="EV03", health="faulty"))["items"] == []


async def test_devices_of_other_feeders_are_not_told(world: Directory) -> None:
    async with world.as_of("operator", {"elsewhere"}) as client:
        page = await got(client, "/devices")
        assert (page["items"], sum(page["counts"].values())) == ([], 0)
        assert (await got(client, "/devices", q="EV03"))["items"] == []
        assert (await client.get(f"/api/v1/devices?feeder={FEEDER}")).status_code == 403
        assert (await client.get("/api/v1/devices/EV03")).status_code == 404
        assert (await client.get(f"/api/v1/devices/EV03?feeder={FEEDER}")).status_code == 403
    async with world.as_of("operator", {FEEDER}) as client:
        assert len((await got(client, "/devices"))["items"]) == 16
        assert (await got(client, "/devices/EV03"))["device"]["device"] == "EV03"


async def test_whose_a_device_is_takes_somebody_who_may_know_customers(world: Directory) -> None:
    roles: tuple[Role | None, ...] = ("viewer", "engineer", None)
    for role in roles:
        async with world.as_of(role) as client:
            rows = (await got(client, "/devices"))["items"]
            assert (len(rows), {row["customer"] for row in rows}) == (16, {None})
            assert (await got(client, "/devices", q="C03"))["items"] == []
            assert [row["device"] for row in (await got(client, "/devices", q="sp03"))["items"]] == ["EV03"]
            assert (await client.get("/api/v1/devices/EV03")).status_code == 403
    async with world.as_of("auditor") as client:
        (row,) = (await got(client, "/devices", q="C03"))["items"]
        assert (row["device"], row["customer"]) == ("EV03", "C03")


async def test_by_which_request_a_device_is_limited_is_told_with_whose_it_is(world: Directory) -> None:
    """An event tells of requests by their ids to everybody who looks: with these, devices are known in it."""
    world.charge()
    await world.tick(8)
    told = {}
    for role in ("viewer", "auditor"):
        async with world.as_of(role) as client:
            rows = [row for row in (await got(client, "/devices"))["items"] if row["asked_kw"] is not None]
            assert all(row["request_state"] and row["shown_kw"] for row in rows)
            told[role] = [(row["request"], row["shown_request"]) for row in rows]
    asked = [one.request for one in world.daemon.books.open_requests(FEEDER) if one.resource == "device"]
    assert sorted(told["auditor"]) == [(one, one) for one in sorted(asked)]
    assert told["viewer"] == [(None, None)] * len(asked)


async def test_why_and_who_are_words_and_not_blanks(world: Directory) -> None:
    async with world.as_of("supervisor") as client:
        for query in ({"why": "    "}, {"why": " ab "}, {"why": "she called", "who": " "}):
            answer = await client.get("/api/v1/customers/C03/contact", params=query)
            assert answer.status_code == 422, query
        assert (await client.get("/api/v1/customers", params={"q": "Ada", "who": " "})).status_code == 422
    assert world.noted("C03") == []
    async with world.as_of(None, secret="a secret of this site") as client:
        for who, status in ((" ", 422), ("mara", 200)):
            query = {"why": "she called", "who": who}
            answer = await client.get("/api/v1/customers/C03/contact", params=query)
            assert answer.status_code == status, who
    assert world.noted("C03") == [("mara", "looked", "she called")]


async def test_a_device_with_what_was_asked_of_it(world: Directory) -> None:
    world.charge()
    for house in world.field.houses[:8]:
        house.refuses = True
    await world.tick(8)
    refused = next(one for one in world.daemon.books.requests.values() if one.state == "refused")
    async with world.as_of() as client:
        page = await got(client, f"/devices/{refused.planned.target}")
        assert [one["state"] for one in page["requests"]] == ["refused"]
        assert (page["device"]["requests"], page["device"]["refused"]) == (1, 1)
        assert (page["device"]["protocol"], page["device"]["link"]) == ("mqtt", "broker")
        assert page["device"]["link_connected"] is None
        other = next(one.planned.target for one in world.daemon.books.open_requests(FEEDER))
        shown = (await got(client, f"/devices/{other}"))["device"]
        assert shown["shown_kw"] == shown["asked_kw"] >= 4.2
        assert (shown["request"], shown["request_state"]) == (shown["shown_request"], "active")


async def test_an_exclusion_is_told_with_who_and_why(world: Directory) -> None:
    await world.tick(1)
    await world.daemon.operate(FEEDER, "exclude", "C09", "mara", "their pump is broken")
    async with world.as_of() as client:
        assert (await got(client, "/devices/EV09"))["excluded"] == "mara: their pump is broken"
        assert (await got(client, "/customers/C09"))["supplies"][0][
            "excluded"
        ] == "mara: their pump is broken"
        await world.daemon.operate(FEEDER, "automatic_on", None, "mara", "all good")
        assert (await got(client, "/devices/EV09"))["excluded"] is None
