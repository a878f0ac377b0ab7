"""Targets: which programs and events a VEN sees (OpenADR 3.1.1 Definition, "Object Privacy")."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from devices.openadr.privacy import seen_targets
from devices.openadr.targets import matches_301, strings_of, values_maps_of
from tests.devices.openadr import world as w


@pytest.mark.parametrize(
    ("own", "granted", "asked", "seen"),
    [
        (None, set(), None, []),
        ([], {"a"}, None, []),
        (["a"], set(), None, None),
        (["a"], {"b"}, None, None),
        (["a", "b"], {"b", "c"}, None, ["b"]),
        (["a", "b"], {"a", "b"}, {"a"}, ["a"]),
        (["a"], {"a", "b"}, {"a", "b"}, None),
        (["a"], {"a"}, {"a", "b"}, ["a"]),
        (["a"], {"b"}, {"a"}, None),
        ([], {"a"}, {"a"}, None),
    ],
)
def test_what_is_seen(own: Any, granted: set[str], asked: set[str] | None, seen: Any) -> None:
    assert seen_targets(own, frozenset(granted), None if asked is None else frozenset(asked)) == seen


def test_targets_of_both_versions() -> None:
    typed = [{"type": "GROUP", "values": ["a", "b"]}, {"type": "VEN_NAME", "values": ["home"]}]
    assert strings_of(typed) == ["a", "b", "VEN_NAME:home"]
    assert values_maps_of(["a", "b", "VEN_NAME:home"]) == typed
    assert values_maps_of(["x:y"]) == [{"type": "GROUP", "values": ["x:y"]}]
    assert strings_of([{"type": "X", "values": [1, "1"]}]) == ["X:1"]
    assert matches_301("VEN_NAME:home", "VEN_NAME", frozenset({"home"}))
    assert matches_301("X:1", "X", None)
    assert not matches_301("VEN_NAME:home", "GROUP", None)
    assert matches_301("a", None, frozenset({"a"}))


@pytest_asyncio.fixture
async def world() -> AsyncIterator[w.World]:
    async with w.world() as running:
        yield running


async def _seen(world: w.World, who: str, path: str, version: str = "3.1.1") -> dict[str, Any]:
    found = (await world.ask(who, version, "GET", path)).json()
    return {one.get("eventName", one.get("programName")): one.get("targets") for one in found}


async def test_a_ven_sees_what_it_was_granted(world: w.World) -> None:
    ven = await world.made(
        "bl", "3.1.1", "/vens", {**w.ven("3.1.1", "bl", "ven1"), "targets": ["v", "group"]}
    )
    device = w.resource("3.1.1", "bl", ven["id"], "ven1", "charger", targets=["r"])
    charger = await world.made("bl", "3.1.1", "/resources", device)
    program = await world.made("bl", "3.1.1", "/programs", w.program())
    for name, targets in (("all", None), ("v", ["v", "z"]), ("r", ["r"]), ("z", ["z"])):
        body = w.event(program["id"], eventName=name) | ({} if targets is None else {"targets": targets})
        await world.made("bl", "3.1.1", "/events", body)
    assert await _seen(world, "ven1", "/events") == {"all": None, "v": ["v"], "r": ["r"]}
    assert await _seen(world, "ven1", "/events?targets=v") == {"v": ["v"]}
    assert await _seen(world, "ven1", "/events?targets=v&targets=z") == {"v": ["v"]}
    assert await _seen(world, "ven1", "/events?targets=z") == {}
    assert await _seen(world, "ven2", "/events") == {"all": None}
    assert (await _seen(world, "bl", "/events"))["v"] == ["v", "z"]
    assert (await _seen(world, "ven1", "/events", "3.0.1"))["v"] == [{"type": "GROUP", "values": ["v"]}]
    assert set(await _seen(world, "ven1", "/events?targetType=GROUP&targetValues=z", "3.0.1")) == set()
    await world.ask("bl", "3.1.1", "DELETE", f"/resources/{charger['id']}")
    assert set(await _seen(world, "ven1", "/events")) == {"all", "v"}


async def test_an_event_that_is_not_for_it_is_not_there(world: w.World) -> None:
    program = await world.made("bl", "3.1.1", "/programs", w.program(targets=["x"]))
    event = await world.made("bl", "3.1.1", "/events", w.event(program["id"], targets=["x"]))
    for version in w.VERSIONS:
        for path in (f"/events/{event['id']}", f"/programs/{program['id']}"):
            assert (await world.ask("ven1", version, "GET", path)).status_code == 404
    await world.made("bl", "3.1.1", "/vens", w.ven("3.1.1", "bl", "ven1", targets=["x"]))
    assert (await world.ask("ven1", "3.1.1", "GET", f"/events/{event['id']}")).status_code == 200


async def test_a_ven_grants_itself_nothing(world: w.World) -> None:
    program = await world.made("bl", "3.1.1", "/programs", w.program())
    await world.made("bl", "3.1.1", "/events", w.event(program["id"], eventName="x", targets=["x"]))
    declared = [{"type": "GROUP", "values": ["x"]}]
    ven = await world.made("ven1", "3.0.1", "/vens", w.ven("3.0.1", "ven1", "home-1", targets=declared))
    assert ven["targets"] == declared
    path = f"/vens/{ven['id']}/resources"
    await world.made("ven1", "3.0.1", path, {"resourceName": "charger", "targets": declared})
    sneaky = {**w.ven("3.1.1", "ven1", "home-1"), "targets": ["x"]}
    changed = (await world.ask("ven1", "3.1.1", "PUT", f"/vens/{ven['id']}", sneaky)).json()
    assert "targets" not in changed
    for version in w.VERSIONS:
        assert await _seen(world, "ven1", "/events", version) == {}


async def test_what_was_granted_outlives_the_vens_own_changes(world: w.World) -> None:
    ven = await world.made("bl", "3.1.1", "/vens", w.ven("3.1.1", "bl", "ven1", targets=["x"]))
    own = w.ven("3.1.1", "ven1", "another name")
    changed = (await world.ask("ven1", "3.1.1", "PUT", f"/vens/{ven['id']}", own)).json()
    assert (changed["venName"], changed["targets"]) == ("another name", ["x"])


async def test_targets_by_ven_name_count_only_for_a_name_that_somebody_vouches_for(world: w.World) -> None:
    program = await world.made("bl", "3.0.1", "/programs", w.program())
    for name in ("home-2", "free", "by us"):
        targets = [{"type": "VEN_NAME", "values": [name]}]
        await world.made("bl", "3.0.1", "/events", w.event(program["id"], eventName=name, targets=targets))
    stolen = await world.ask("ven1", "3.0.1", "POST", "/vens", {"venName": "home-2"})
    assert stolen.status_code == 403
    mine = await world.made("ven1", "3.0.1", "/vens", {"venName": "free"})
    await world.made("ven2", "3.0.1", "/vens", {"venName": "home-2"})  # its own, says the clients file
    assert await _seen(world, "ven1", "/events", "3.0.1") == {}
    assert set(await _seen(world, "ven2", "/events", "3.0.1")) == {"home-2"}
    await world.ask(
        "bl", "3.1.1", "PUT", f"/vens/{mine['id']}", {**w.ven("3.1.1", "bl", "by us"), "clientID": "ven1"}
    )
    assert set(await _seen(world, "ven1", "/events", "3.0.1")) == {"by us"}
    renamed = await world.ask("ven1", "3.0.1", "PUT", f"/vens/{mine['id']}", {"venName": "free"})
    assert renamed.status_code == 200
    assert await _seen(world, "ven1", "/events", "3.0.1") == {}, "the new name is nobody's but its own"


async def test_business_logic_of_301_makes_a_ven_for_the_client_of_that_name(world: w.World) -> None:
    await world.made("bl", "3.0.1", "/vens", {"venName": "ven1"})
    await world.made("bl", "3.0.1", "/vens", {"venName": "home-2"})
    for who, name in (("ven1", "ven1"), ("ven2", "home-2")):
        (ven,) = (await world.ask(who, "3.1.1", "GET", "/vens")).json()
        assert (ven["clientID"], ven["venName"]) == (who, name)


@pytest.mark.parametrize("version", w.VERSIONS)
async def test_only_its_owner_reads_the_bearer_token_of_a_webhook(version: str) -> None:
    async with w.world() as world:
        program = await world.made("bl", version, "/programs", w.program())
        made = await world.made("ven1", version, "/subscriptions", w.subscription(program["id"]))
        assert made["objectOperations"][0]["bearerToken"] == "t0ken"
        for path in (f"/subscriptions/{made['id']}", "/subscriptions"):
            read = (await world.ask("bl", version, "GET", path)).text
            assert "callbackUrl" in read
            assert "t0ken" not in read


@pytest.mark.parametrize("version", w.VERSIONS)
async def test_whom_else_a_report_is_asked_of_is_hidden(version: str) -> None:
    asked = [
        {"payloadType": "READING", "targets": ["mine", "another home"]},
        {"payloadType": "DEMAND", "targets": ["another home"]},
        {"payloadType": "USAGE"},
    ]
    async with w.world() as world:
        program = await world.made("bl", "3.1.1", "/programs", w.program())
        await world.vtn.repository.create("ven", {"venName": "home", "clientID": "ven1", "targets": ["mine"]})
        await world.made("bl", "3.1.1", "/events", w.event(program["id"], reportDescriptors=asked))
        answer = await world.ask("ven1", version, "GET", "/events")
        (event,) = answer.json()
        assert [each["payloadType"] for each in event["reportDescriptors"]] == ["READING", "USAGE"]
        assert "another home" not in answer.text
