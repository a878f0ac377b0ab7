"""Who may do what: every operation of both documents, tried by nobody, by VENs, and by business logic."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.devices.openadr import world as w
from tests.devices.openadr.documents import document

KINDS = ("programs", "events", "reports", "subscriptions", "vens", "resources")
# "all": any object; "own": its own, and nobody else's; "no": refused. Nothing has targets here.
MATRIX: dict[str, dict[str, dict[str, str]]] = {
    "BL": {
        "GET": dict.fromkeys(KINDS, "all"),
        "POST": dict.fromkeys(KINDS, "all") | {"reports": "no"},
        "PUT": dict.fromkeys(KINDS, "all") | {"reports": "no"},
        "DELETE": dict.fromkeys(KINDS, "all") | {"reports": "no"},
    },
    "VEN": {
        "GET": dict.fromkeys(KINDS, "own") | {"programs": "all", "events": "all"},
        "POST": dict.fromkeys(KINDS, "own") | {"programs": "no", "events": "no"},
        "PUT": dict.fromkeys(KINDS, "own") | {"programs": "no", "events": "no"},
        "DELETE": dict.fromkeys(KINDS, "own") | {"programs": "no", "events": "no"},
    },
}


@dataclass
class Filled:
    """A VTN with one object of each kind: ven1's, where it belongs to anybody."""

    world: w.World
    version: str
    ids: dict[str, str]

    def path(self, kind: str) -> str:
        of_ven = kind == "resources" and self.version == "3.0.1"
        return f"/vens/{self.ids['vens']}/resources" if of_ven else f"/{kind}"

    def body(self, who: str, kind: str, mark: str) -> dict[str, Any]:
        program, event = self.ids.get("programs", "none"), self.ids.get("events", "none")
        if kind == "vens":
            name = "home-2" if who == "ven2" else f"home of {mark}"
            theirs = {} if self.version == "3.0.1" or w.WHO[who] == "VEN" else {"clientID": "ven1"}
            return {**w.ven(self.version, who, name), **theirs}
        if kind == "resources":
            return w.resource(self.version, who, self.ids["vens"], "ven1", mark)
        bodies = {
            "programs": lambda: w.program(programName=mark),
            "events": lambda: w.event(program, eventName=mark),
            "reports": lambda: w.report(self.version, program, event, reportName=mark),
            "subscriptions": lambda: w.subscription(program, clientName=mark),
        }
        return bodies[kind]()

    async def ask(
        self, who: str | None, method: str, kind: str, one: bool, mark: str = "m"
    ) -> httpx.Response:
        path = self.path(kind) + (f"/{self.ids[kind]}" if one else "")
        body = self.body(who, kind, mark) if method in ("POST", "PUT") and who is not None else None
        return await self.world.ask(who, self.version, method, path, body)


@pytest_asyncio.fixture
async def filled(request: pytest.FixtureRequest) -> AsyncIterator[Filled]:
    async with w.world() as world:
        made = Filled(world, request.param, {})
        for kind, who in zip(KINDS, ("bl", "bl", "ven1", "ven1", "ven1", "ven1"), strict=True):
            body = made.body(who, kind, "first")
            made.ids[kind] = (await world.made(who, request.param, made.path(kind), body))["id"]
        yield made


async def _is_there(filled: Filled, kind: str) -> bool:
    return (await filled.ask("bl", "GET", kind, one=True)).status_code == 200


@pytest.mark.parametrize("filled", w.VERSIONS, indirect=True)
async def test_role_times_operation(filled: Filled) -> None:
    order = sorted(KINDS, key=lambda kind: kind in ("programs", "vens"))  # they take others with them
    for who in ("ven2", "bl2", "ven1"):
        role, has_clients = w.WHO[who], filled.version == "3.1.1"
        for method in ("GET", "PUT", "POST"):
            for kind in order:
                may = MATRIX[role][method][kind]
                before = await filled.world.ask("bl", filled.version, "GET", filled.path(kind))
                response = await filled.ask(who, method, kind, one=method != "POST", mark=f"{who} {method}")
                cell = f"{who} {method} {kind}: {response.status_code} {response.text[:200]}"
                if may == "no":
                    assert response.status_code == 403, cell
                elif may == "own" and who == "ven2" and (method != "POST" or kind == "resources"):
                    assert response.status_code == 404, cell
                elif method == "POST" and kind == "vens" and who != "ven2" and (who == "ven1" or has_clients):
                    assert response.status_code in (403, 409), cell  # it has one
                else:
                    assert response.status_code in (200, 201), cell
                    continue
                after = await filled.world.ask("bl", filled.version, "GET", filled.path(kind))
                assert after.json() == before.json(), cell


@pytest.mark.parametrize("filled", w.VERSIONS, indirect=True)
@pytest.mark.parametrize("who", ["ven2", "bl2", "ven1"])
async def test_role_times_delete(filled: Filled, who: str) -> None:
    for kind in sorted(KINDS, key=lambda kind: kind in ("programs", "vens")):
        may = MATRIX[w.WHO[who]]["DELETE"][kind]
        response = await filled.ask(who, "DELETE", kind, one=True)
        cell = f"{who} {kind}: {response.status_code} {response.text[:200]}"
        refused = 403 if may == "no" else 404 if may == "own" and who == "ven2" else None
        assert response.status_code == (refused or 200), cell
        assert await _is_there(filled, kind) == (refused is not None), cell


@pytest.mark.parametrize("filled", w.VERSIONS, indirect=True)
async def test_nobody_gets_nothing(filled: Filled) -> None:
    """Every operation of the document but the way to a token."""
    refused = 403 if filled.version == "3.0.1" else 401
    for template, item in document(filled.version)["paths"].items():
        path = template
        for name, kind in (("programID", "programs"), ("venID", "vens"), ("eventID", "events")):
            path = path.replace(f"{{{name}}}", filled.ids[kind])
        for name in ("reportID", "subscriptionID", "resourceID"):
            path = path.replace(f"{{{name}}}", filled.ids[f"{name[:-2]}s"])
        for method in set(item) - {"parameters"}:
            if not path.startswith("/auth/"):
                response = await filled.world.ask(None, filled.version, method.upper(), path)
                no_401 = (method, template) == ("put", "/programs/{programID}")
                assert response.status_code == (403 if no_401 else refused), f"{method} {path}"
                assert response.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("filled", w.VERSIONS, indirect=True)
async def test_lists_hold_ones_own_only(filled: Filled) -> None:
    for kind in KINDS[2:]:
        path = filled.path(kind)
        assert len((await filled.world.ask("ven1", filled.version, "GET", path)).json()) == 1, kind
        assert len((await filled.world.ask("bl2", filled.version, "GET", path)).json()) == 1, kind
        others = await filled.world.ask("ven2", filled.version, "GET", path)
        assert others.json() == [] if others.status_code == 200 else others.status_code == 404, kind


@pytest.mark.parametrize("filled", w.VERSIONS, indirect=True)
async def test_what_a_ven_refers_to_must_be_its_own(filled: Filled) -> None:
    """A program and an event that are not for it are as good as none."""
    world, version = filled.world, filled.version
    secret = await world.made("bl", "3.1.1", "/programs", w.program(programName="s", targets=["other"]))
    event = await world.made("bl", "3.1.1", "/events", w.event(secret["id"], targets=["other"]))
    report = w.report(version, secret["id"], event["id"])
    assert (await world.ask("ven1", version, "POST", "/reports", report)).status_code == 409
    subscription = w.subscription(secret["id"])
    assert (await world.ask("ven1", version, "POST", "/subscriptions", subscription)).status_code == 409
    assert (await world.ask("bl2", version, "POST", "/subscriptions", subscription)).status_code == 201


async def test_each_sends_its_own_form_of_a_ven() -> None:
    async with w.world() as world:
        for who, other in (("ven1", "bl"), ("bl", "ven1")):
            body = w.ven("3.1.1", other, "somebody")
            assert (await world.ask(who, "3.1.1", "POST", "/vens", body)).status_code == 403
        ven = await world.made("ven1", "3.1.1", "/vens", w.ven("3.1.1", "ven1", "home-1"))
        body = w.resource("3.1.1", "bl", ven["id"], "ven1", "charger")
        assert (await world.ask("ven1", "3.1.1", "POST", "/resources", body)).status_code == 403
        foreign = w.resource("3.1.1", "bl", ven["id"], "ven2", "charger")
        assert (await world.ask("bl", "3.1.1", "POST", "/resources", foreign)).status_code == 409


async def test_topics_are_told_to_their_readers_only() -> None:
    from devices.openadr.notifier import NotifierSettings

    mqtt = NotifierSettings("127.0.0.1", 1883, ("mqtt://127.0.0.1:1883",))
    async with w.world(mqtt=mqtt) as world:
        program = await world.made("bl", "3.1.1", "/programs", w.program())
        ven = await world.made("ven1", "3.1.1", "/vens", w.ven("3.1.1", "ven1", "home-1"))
        topics = "/notifiers/mqtt/topics"
        for path, for_ven in (
            ("programs", 200),
            (f"programs/{program['id']}", 200),
            (f"programs/{program['id']}/events", 200),
            ("events", 403),
            ("reports", 403),
            ("subscriptions", 403),
            ("vens", 403),
            ("resources", 403),
            (f"vens/{ven['id']}", 200),
            (f"vens/{ven['id']}/events", 200),
            (f"vens/{ven['id']}/programs", 200),
            (f"vens/{ven['id']}/resources", 200),
        ):
            response = await world.ask("bl", "3.1.1", "GET", f"{topics}/{path}")
            assert response.json()["topics"]["UPDATE"].endswith(f"{path}/update")
            assert (await world.ask("ven1", "3.1.1", "GET", f"{topics}/{path}")).status_code == for_ven, path
        by_program = await world.ask("ven1", "3.1.1", "GET", f"{topics}/programs/{program['id']}/events")
        assert by_program.json()["topics"]["ALL"] == f"openadr/vens/{ven['id']}/events/+"
        assert (await world.ask("ven2", "3.1.1", "GET", f"{topics}/programs")).status_code == 404  # no ven
        assert (await world.ask("ven2", "3.1.1", "GET", f"{topics}/vens/{ven['id']}")).status_code == 404
        assert (await world.ask("bl", "3.1.1", "GET", f"{topics}/vens/none")).status_code == 404
        told = (await world.ask("ven2", "3.1.1", "GET", "/notifiers")).json()
        assert told["MQTT"]["URIS"] == ["mqtt://127.0.0.1:1883"]
    async with w.world() as world:
        assert (await world.ask("ven1", "3.1.1", "GET", "/notifiers")).json() == {"WEBHOOK": True}
        assert (await world.ask("bl", "3.1.1", "GET", f"{topics}/events")).status_code == 404
