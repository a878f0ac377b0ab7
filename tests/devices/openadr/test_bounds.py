"""How much one VEN may lay upon the VTN, by bytes and by requests, also by replacing what it has."""

from typing import Any

import numpy as np

from devices.openadr.bounds import Bounds
from devices.openadr.changes import Change
from devices.openadr.notifier import MqttNotifier, NotifierSettings
from tests.devices.live import RealClock
from tests.devices.openadr import world as w
from tests.devices.openadr.test_notifier import VENS, Vens


def large(program_id: str, event_id: str, name: str, size: int) -> dict[str, Any]:
    resources = [
        {"resourceName": "a", "intervals": [{"id": 1, "payloads": [{"type": "X", "values": ["y" * size]}]}]}
    ]
    return w.report("3.1.1", program_id, event_id, reportName=name, resources=resources)


async def test_reports_that_grow_push_out_those_of_the_same_ven_alone() -> None:
    async with w.world(bounds=Bounds(ven_bytes=4000, kind_bytes=9000)) as world:
        program = await world.made("bl", "3.1.1", "/programs", w.program())
        event = await world.made("bl", "3.1.1", "/events", w.event(program["id"]))
        ids = program["id"], event["id"]
        await world.made("ven2", "3.1.1", "/reports", large(*ids, "other", 1500))
        mine = [
            (await world.made("ven1", "3.1.1", "/reports", large(*ids, f"{n}", 10)))["id"] for n in range(5)
        ]
        for number, report_id in enumerate(mine):
            await world.ask("ven1", "3.1.1", "PUT", f"/reports/{report_id}", large(*ids, f"{number}", 1500))
        held = world.vtn.repository._held
        assert held.owned_bytes("report", "ven1") <= 4000
        assert [
            each["reportName"] for each in (await world.ask("ven2", "3.1.1", "GET", "/reports")).json()
        ] == ["other"]
        assert held.bytes_of["report"] == sum(one.size for one in held.all("report"))


async def test_when_all_is_full_the_client_that_has_the_most_pays() -> None:
    async with w.world(bounds=Bounds(kind_bytes=5000)) as world:
        program = await world.made("bl", "3.1.1", "/programs", w.program())
        event = await world.made("bl", "3.1.1", "/events", w.event(program["id"]))
        ids = program["id"], event["id"]
        await world.made("ven2", "3.1.1", "/reports", large(*ids, "other", 100))
        for number in range(9):
            await world.made("ven1", "3.1.1", "/reports", large(*ids, f"{number}", 1000))
        assert len((await world.ask("ven2", "3.1.1", "GET", "/reports")).json()) == 1
        assert world.vtn.repository._held.bytes_of["report"] <= 5000


async def test_what_a_ven_has_of_other_kinds_is_bounded_by_bytes() -> None:
    async with w.world(bounds=Bounds(ven_bytes=2500)) as world:
        ven = await world.made("ven1", "3.1.1", "/vens", w.ven("3.1.1", "ven1", "n"))

        def resource(name: str, size: int) -> dict[str, Any]:
            more = {"attributes": [{"type": "X", "values": ["y" * size]}]}
            return w.resource("3.1.1", "ven1", ven["id"], "ven1", name, **more)

        made = await world.made("ven1", "3.1.1", "/resources", resource("a", 1000))
        refused = await world.ask("ven1", "3.1.1", "POST", "/resources", resource("b", 2000))
        assert (refused.status_code, "2500 bytes" in refused.text) == (403, True)
        path = f"/resources/{made['id']}"
        assert (await world.ask("ven1", "3.1.1", "PUT", path, resource("a", 3000))).status_code == 403
        assert (await world.ask("ven1", "3.1.1", "PUT", path, resource("a", 500))).status_code == 200


async def test_a_ven_s_body_is_smaller_than_business_logic_s() -> None:
    async with w.world() as world:
        body = w.program(attributes=[{"type": "X", "values": ["y" * 60_000]}] * 2)
        await world.made("bl", "3.1.1", "/programs", body)
        answer = await world.ask(
            "ven1", "3.1.1", "POST", "/vens", w.ven("3.1.1", "ven1", "n", attributes=body["attributes"])
        )
        assert (answer.status_code, "65536" in answer.text) == (400, True)


async def test_a_ven_that_asks_too_often_is_told_to_come_again_and_others_are_not() -> None:
    async with w.world(ven_requests_per_s=0.001, ven_requests_burst=3) as world:
        statuses = [(await world.ask("ven1", "3.1.1", "GET", "/events")).status_code for _ in range(5)]
        assert statuses == [200, 200, 200, 500, 500]
        assert (await world.ask("ven2", "3.1.1", "GET", "/events")).status_code == 200
        assert (await world.ask("bl", "3.1.1", "GET", "/events")).status_code == 200


async def test_what_waits_for_the_broker_is_bounded_by_bytes_and_known_all_the_same() -> None:
    settings = NotifierSettings("127.0.0.1", 1, ("mqtt://x:1",), queue_bytes=1000)
    notifier = MqttNotifier(settings, Vens(), RealClock(), np.random.default_rng(1))
    notifier.changed(Change("ven", "CREATE", VENS[0], ("v1",), size=400))
    for number in range(3):
        notifier.changed(Change("report", "CREATE", {"id": f"{number}"}, size=400))
    assert (notifier.queued, notifier.dropped) == (2, 2)
    assert notifier._audience.everybody == ("v1",)
