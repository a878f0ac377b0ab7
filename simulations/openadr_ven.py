"""An emulated VEN that speaks OpenADR 3.0.1 or 3.1.1 over real HTTP, with a device behind it.

It asks for a token, reads its events by polling or is told of them by MQTT (3.1.1), holds limits by its own
clock whether the VTN is there or not, reports what it holds and takes, and keeps a journal of every change
of its limit for the judge. It shares no codec with the daemon.
"""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import httpx
import msgspec
import numpy as np

from devices.ports import Clock
from simulations.mqtt_connection import Address, FieldConnection
from simulations.ocpp_charger import LimitNote
from simulations.openadr_events import EventShelf, HeldEvent

TOKEN_SKEW_S = 10.0


@dataclass(frozen=True, slots=True)
class VtnAddress:
    """Where its VTN is, and who it is there."""

    base_url: str
    client_id: str
    client_secret: str = field(repr=False)
    ven_name: str
    resource: str
    version: Literal["3.0.1", "3.1.1"] = "3.1.1"
    targets: tuple[str, ...] = ()
    """that it asks for (3.1.1)"""
    tls: ssl.SSLContext | None = None
    broker: Address | None = None
    """where it is told of events by MQTT, instead of polling every `poll_s`"""


class OpenAdrVen:
    """One VEN with one device, until cancelled; comes back by itself."""

    def __init__(
        self,
        address: VtnAddress,
        demand_kw: Callable[[datetime], float],
        clock: Clock,
        rng: np.random.Generator,
        *,
        wire_clock: Clock | None = None,
        poll_s: float = 10.0,
        report_s: float = 30.0,
        step_s: float = 1.0,
        opted_out: bool = False,
    ) -> None:
        """`clock` moves the device and ends limits, `wire_clock` is real time."""
        self.journal: list[LimitNote] = []
        self.events = EventShelf()
        self.told = 0
        """notifications that came by MQTT"""
        self._address, self._demand_kw, self._clock = address, demand_kw, clock
        self._wire_clock, self._rng = wire_clock or clock, rng
        self._poll_s, self._report_s, self._step_s = poll_s, report_s, step_s
        self._opted_out = opted_out
        self._http = httpx.AsyncClient(verify=address.tls or True, trust_env=False, timeout=5.0)
        self._token, self._token_until_s = "", -np.inf
        self._reports: dict[str, str] = {}
        """report of each event"""
        self._reported: dict[str, tuple[str, str]] = {}
        """version and state of each event that was reported last"""
        self._news = asyncio.Event()

    @property
    def limit_kw(self) -> float:
        """In force now; inf when there is none."""
        return np.inf if self._opted_out else self.events.limit_kw(self._clock.now())

    @property
    def power_kw(self) -> float:
        """What its device takes now."""
        return min(self._demand_kw(self._clock.now()), self.limit_kw)

    async def run(self) -> None:
        """Live until cancelled: limits hold and end whether the VTN answers or not."""
        async with self._http, asyncio.TaskGroup() as tasks:
            tasks.create_task(self._live(), name="ven's device")
            tasks.create_task(self._stay_informed(), name="ven's events")
            tasks.create_task(self._report_always(), name="ven's reports")

    async def _live(self) -> None:
        before = np.inf
        while True:
            limit_kw = self.limit_kw
            if limit_kw != before:
                self.journal.append(LimitNote(self._clock.now(), None if np.isinf(limit_kw) else limit_kw))
                before = limit_kw
                self._news.set()
            await self._clock.sleep(self._step_s)

    # ---- events in -----------------------------------------------------------------------------------------

    async def _stay_informed(self) -> None:
        if self._address.broker is None:
            while True:
                await self._read_events()
                await self._wire_clock.sleep(self._poll_s)
        while (topics := await self._topics()) is None:
            await self._wire_clock.sleep(self._poll_s)
        connection = FieldConnection(
            self._address.broker, self._wire_clock, self._rng, subscriptions=topics, heard=self._heard
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(connection.run(), name="ven's broker")
            await connection.wait_until_up()
            await self._read_events()  # what was before, no notification tells

    async def _read_events(self) -> None:
        query = {"targets": list(self._address.targets)} if self._address.targets else {}
        found = await self._ask("GET", "/events", query=query)
        if isinstance(found, list):
            self.events.replace_all(found)
            self._news.set()

    async def _topics(self) -> list[str] | None:
        """Those of its own events; None while the VTN does not tell."""
        vens = await self._ask("GET", "/vens", query={"venName": self._address.ven_name})
        if not isinstance(vens, list) or not vens:
            return None
        found = await self._ask("GET", f"/notifiers/mqtt/topics/vens/{vens[0]['id']}/events")
        return None if found is None else [found["topics"]["ALL"]]

    def _heard(self, _topic: str, payload: bytes) -> None:
        self.told += 1
        notification = msgspec.json.decode(payload)
        if notification["operation"] == "DELETE":
            self.events.drop(notification["object"]["id"])
        else:
            self.events.put(notification["object"])
        self._news.set()

    # ---- reports out ---------------------------------------------------------------------------------------

    async def _report_always(self) -> None:
        last_s = -np.inf
        while True:
            for event in self.events.held:
                await self._report_on(event)
            if self._wire_clock.monotonic() - last_s >= self._report_s and self.events.standing:
                last_s = self._wire_clock.monotonic()
                for event_id, program_id in tuple(self.events.standing.items()):
                    await self._report(
                        event_id, program_id, 0, {"READING": self.power_kw, **self._state(None)}
                    )
            self._news.clear()
            with suppress(TimeoutError):
                async with self._wire_clock.timeout(min(self._report_s, self._step_s)):
                    await self._news.wait()

    async def _report_on(self, event: HeldEvent) -> None:
        """When it is new, has changed, begins or ends."""
        state = self._state(event)
        mark = (event.modified, state["OPERATING_STATE"])
        if self._reported.get(event.event_id) == mark:
            return
        values: dict[str, Any] = {**state, "READING": self.power_kw}
        if self._clock.now() < event.end and not self._opted_out:
            values["SETPOINT"] = event.limit_kw
        if await self._report(event.event_id, event.program_id, event.interval, values):
            self._reported[event.event_id] = mark

    def _state(self, event: HeldEvent | None) -> dict[str, str]:
        if self._opted_out:
            return {"OPERATING_STATE": "RUNNING_OPTED_OUT"}
        now = self._clock.now()
        curtailed = self.events.limit_kw(now) < np.inf if event is None else event.is_active(now)
        return {"OPERATING_STATE": "RUNNING_CURTAILED" if curtailed else "NORMAL"}

    async def _report(self, event_id: str, program_id: str, interval: int, values: dict[str, Any]) -> bool:
        now = self._clock.now().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        kw = [name for name in values if name != "OPERATING_STATE"]
        body: dict[str, Any] = {
            "eventID": event_id,
            "clientName": self._address.ven_name,
            "payloadDescriptors": [
                {"objectType": "REPORT_PAYLOAD_DESCRIPTOR", "payloadType": name, "units": "KW"} for name in kw
            ],
            "resources": [
                {
                    "resourceName": self._address.resource,
                    "intervals": [
                        {
                            "id": interval,
                            "intervalPeriod": {"start": now, "duration": "PT0S"},
                            "payloads": [{"type": name, "values": [value]} for name, value in values.items()],
                        }
                    ],
                }
            ],
        }
        if self._address.version == "3.0.1":
            body["programID"] = program_id
        known = self._reports.get(event_id)
        method, path = ("POST", "/reports") if known is None else ("PUT", f"/reports/{known}")
        answer = await self._ask(method, path, body=body)
        if answer is None:
            self._reports.pop(event_id, None)
            return False
        self._reports[event_id] = str(answer["id"])
        return True

    async def _ask(
        self, method: str, path: str, *, body: Any = None, query: dict[str, Any] | None = None
    ) -> Any:
        """The answer; None when there is none, or a no."""
        try:
            token = await self._bearer()
            url, headers = self._address.base_url + path, {"Authorization": f"Bearer {token}"}
            response = await self._http.request(method, url, json=body, params=query, headers=headers)
            return response.json() if response.is_success else None
        except (httpx.HTTPError, ValueError):
            return None

    async def _bearer(self) -> str:
        if self._wire_clock.monotonic() >= self._token_until_s:
            form = {
                "grant_type": "client_credentials",
                "client_id": self._address.client_id,
                "client_secret": self._address.client_secret,
            }
            response = await self._http.post(f"{self._address.base_url}/auth/token", data=form)
            given = response.raise_for_status().json()
            self._token = given["access_token"]
            life_s = float(given.get("expires_in", 60))
            self._token_until_s = self._wire_clock.monotonic() + life_s - min(TOKEN_SKEW_S, life_s / 2)
        return self._token
