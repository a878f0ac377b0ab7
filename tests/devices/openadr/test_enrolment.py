"""Who gets the targets of our devices in our own VTN, whatever VENs do with their vens."""

from typing import Any

import msgspec
import pytest

from devices.openadr.channel_settings import ChannelSettings, OpenAdrDevice
from devices.openadr.enrolment import enrol
from devices.openadr.object_store import ObjectStore
from devices.openadr.objects import SCOPES, Actor
from devices.openadr.problems import Problem
from devices.openadr.repository import Repository
from devices.openadr.words import read_request
from tests.devices.live import until
from tests.devices.openadr.channel_rig import DEVICE, OTHER, ShiftedClock, new_repository, running

SETTINGS = ChannelSettings((DEVICE, OTHER))
HOME_1 = Actor("client-1", "VEN", SCOPES["3.1.1", "VEN"])
STRANGER = Actor("stranger", "VEN", SCOPES["3.1.1", "VEN"])


def ven(name: str) -> dict[str, Any]:
    body = msgspec.json.encode({"objectType": "VEN_VEN_REQUEST", "venName": name})
    return read_request("3.1.1", "ven", body)


async def ven_of(vtn: Repository, name: str) -> dict[str, Any]:
    (found,) = await vtn.find("ven", {"venName": name})
    return found


async def test_a_ven_that_renames_itself_gets_its_name_back_and_holds_up_nobody() -> None:
    vtn = new_repository(ShiftedClock())
    await vtn.insert(HOME_1, "ven", ven("my house"))
    whole_home = OpenAdrDevice("f1", "ev1", "home-1", "client-1")
    assert await enrol(vtn, ChannelSettings((whole_home, OTHER))) == {}
    names = {each["clientID"]: each["venName"] for each in await vtn.find("ven", {})}
    assert names == {"client-1": "home-1", "client-2": "home-2"}
    assert "VEN_NAME:home-1" in vtn._held.granted("client-1")
    assert "VEN_NAME:my house" not in vtn._held.granted("client-1")


async def test_whoever_holds_the_name_of_another_gets_nothing() -> None:
    vtn = new_repository(ShiftedClock())
    await vtn.insert(STRANGER, "ven", ven("home-1"))
    refused = await enrol(vtn, SETTINGS)
    assert list(refused) == [DEVICE]
    assert "not of client 'client-1'" in refused[DEVICE]
    assert vtn._held.granted("stranger") == frozenset()
    assert [each["clientID"] for each in await vtn.find("resource", {})] == ["client-2"], (
        "the other has its own"
    )


async def test_a_client_that_has_a_name_may_have_no_other() -> None:
    vtn = Repository(ObjectStore(None), ShiftedClock(), ven_names={"home-1": "client-1"})
    with pytest.raises(Problem, match="your name is 'home-1'") as refused:
        await vtn.insert(HOME_1, "ven", ven("my house"))
    assert refused.value.status == 403
    await vtn.insert(HOME_1, "ven", ven("home-1"))


async def test_a_name_that_is_taken_tells_nobody_whose_it_is() -> None:
    vtn = new_repository(ShiftedClock())
    held = await vtn.insert(HOME_1, "ven", ven("home"))
    with pytest.raises(Problem) as refused:
        await vtn.insert(STRANGER, "ven", ven("home"))
    assert held.id not in refused.value.detail


async def test_a_ven_that_registers_anew_gets_its_limits_again() -> None:
    clock = ShiftedClock()
    async with running(new_repository(clock), clock) as rig:
        await rig.channel.send(rig.command())
        seen = [one for one in rig.vtn.search(HOME_1, "event") if one.stored.body["intervals"]]
        assert len(seen) == 1
        await rig.vtn.remove(HOME_1, "ven", (await ven_of(rig.vtn, "home-1"))["id"])
        assert rig.vtn.search(HOME_1, "event") == []
        await rig.vtn.insert(HOME_1, "ven", ven("home-1"))
        await until(lambda: len(rig.vtn.search(HOME_1, "event")) == 2)
