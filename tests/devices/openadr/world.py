"""A VTN without a socket, its clients, and bodies for each kind of object in each version."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from devices.openadr.callback_guard import CallbackRules, Resolve
from devices.openadr.clients import Client, Clients, gathered, hashed_secret
from devices.openadr.object_store import ObjectStore
from devices.openadr.settings import VtnSettings
from devices.openadr.vtn import Vtn
from devices.openadr.webhooks import WebhookSettings
from tests.devices.live import RealClock
from tests.devices.openadr.documents import BASE, check_documented

VERSIONS = ("3.0.1", "3.1.1")
SECRET = "a secret of sixteen"
KEY = b"k" * 32
TRUST = ssl.create_default_context()
WHO = {"bl": "BL", "bl2": "BL", "ven1": "VEN", "ven2": "VEN"}
PERIOD = {"start": "2026-11-26T20:00:00Z", "duration": "PT1H"}
INTERVAL = {"id": 0, "payloads": [{"type": "IMPORT_CAPACITY_LIMIT", "values": [4.2]}]}


@cache
def clients() -> Clients:
    hashed = hashed_secret(SECRET, b"salt" * 4)
    return gathered(
        Client(id=name, role=role, secret=hashed, ven_name="home-2" if name == "ven2" else None)  # type: ignore[arg-type]
        for name, role in WHO.items()
    )


def settings(**changes: Any) -> VtnSettings:
    made = VtnSettings(
        clients(),
        KEY,
        port=0,
        callbacks=CallbackRules(allow_http=True, allowed_hosts=frozenset({"127.0.0.1", "hooks.test"})),
        webhooks=WebhookSettings(
            challenge=False, tls=TRUST, first_retry_s=0.01, longest_retry_s=0.02, deadline_s=2.0
        ),
    )
    return replace(made, **changes)


@dataclass
class World:
    """The VTN, and a client that takes only answers which the documents describe."""

    vtn: Vtn
    http: httpx.AsyncClient

    def token(self, who: str, version: str = "3.1.1") -> str:
        tokens = self.vtn.app._exchange.tokens
        from devices.openadr.objects import SCOPES

        role = WHO[who]
        return tokens.issue(who, role, SCOPES[version, role], RealClock().now())  # type: ignore[index, arg-type]

    async def ask(
        self, who: str | None, version: str, method: str, path: str, json: Any = None, **more: Any
    ) -> httpx.Response:
        headers = {} if who is None else {"Authorization": f"Bearer {self.token(who, version)}"}
        return await self.http.request(
            method, BASE[version] + path, headers=headers | more.pop("headers", {}), json=json, **more
        )

    async def made(self, who: str, version: str, path: str, json: Any) -> dict[str, Any]:
        response = await self.ask(who, version, "POST", path, json)
        assert response.status_code == 201, response.text
        made: dict[str, Any] = response.json()
        return made


async def loopback(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


@asynccontextmanager
async def world(
    store: Path | None = None, resolve: Resolve | None = loopback, checked: bool = True, **changes: Any
) -> AsyncIterator[World]:
    vtn = Vtn(settings(**changes), ObjectStore(store), RealClock(), np.random.default_rng(1), resolve)
    transport = httpx.ASGITransport(vtn.app.asgi, raise_app_exceptions=False)

    async def check(response: httpx.Response) -> None:
        await response.aread()
        check_documented(response)

    await vtn.repository.open()
    hooks: dict[str, list[Any]] = {"response": [check]} if checked else {}
    async with httpx.AsyncClient(transport=transport, base_url="http://vtn.test", event_hooks=hooks) as http:
        webhooks = asyncio.create_task(vtn.webhooks.run())
        await asyncio.sleep(0)
        try:
            yield World(vtn, http)
        finally:
            webhooks.cancel()
            await asyncio.wait([webhooks])
            vtn.app.close()
            await vtn.repository.close()


def program(**more: Any) -> dict[str, Any]:
    return {"programName": "evening relief", **more}


def event(program_id: str, **more: Any) -> dict[str, Any]:
    return {"programID": program_id, "intervalPeriod": PERIOD, "intervals": [INTERVAL], **more}


def report(version: str, program_id: str, event_id: str, **more: Any) -> dict[str, Any]:
    body = {
        "eventID": event_id,
        "clientName": "home",
        "resources": [{"resourceName": "charger", "intervals": [INTERVAL]}],
        **more,
    }
    return {"programID": program_id, **body} if version == "3.0.1" else body


def subscription(program_id: str | None, url: str = "http://hooks.test/x", **more: Any) -> dict[str, Any]:
    kinds = ["PROGRAM", "EVENT", "REPORT", "VEN", "RESOURCE", "SUBSCRIPTION"]
    entry = {"objects": kinds, "operations": ["CREATE", "UPDATE", "DELETE"], "callbackUrl": url}
    body = {"clientName": "home", "objectOperations": [{**entry, "bearerToken": "t0ken"}], **more}
    return body if program_id is None else {"programID": program_id, **body}


def ven(version: str, who: str, name: str, **more: Any) -> dict[str, Any]:
    if version == "3.0.1":
        return {"venName": name, **more}
    if WHO[who] == "VEN":
        return {"objectType": "VEN_VEN_REQUEST", "venName": name, **more}
    return {"objectType": "BL_VEN_REQUEST", "venName": name, "clientID": name, **more}


def resource(version: str, who: str, ven_id: str, client_id: str, name: str, **more: Any) -> dict[str, Any]:
    if version == "3.0.1":
        return {"resourceName": name, **more}
    body = {"resourceName": name, "venID": ven_id, **more}
    if WHO[who] == "VEN":
        return {"objectType": "VEN_RESOURCE_REQUEST", **body}
    return {"objectType": "BL_RESOURCE_REQUEST", "clientID": client_id, **body}
