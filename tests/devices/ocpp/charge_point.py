"""Charge points in a process of their own: the counterpart of the central system in the tests.

Shares no code with it. The protocol is the library's charge-point side; what a charger does with profiles
is written here anew, from the specifications: which of them is valid, which wins, what comes of it together
with the charger's own rating. One process has any number of charge points, told what to do by one JSON line
each on standard input; what happens is told by JSON lines on standard output.

Run as `python charge_point.py`.
"""

import asyncio
import base64
import json
import logging
import ssl
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from ocpp.routing import on
from ocpp.v16 import ChargePoint as Library16
from ocpp.v16 import call as call16
from ocpp.v16 import call_result as result16
from ocpp.v201 import ChargePoint as Library201
from ocpp.v201 import call as call201
from ocpp.v201 import call_result as result201
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

RATED_KW = 11.0
VOLTS, PHASES = 230.0, 3
OVERALL = ("ChargePointMaxProfile", "ChargingStationMaxProfile")


def tell(**event: Any) -> None:
    # the library reads 1.6's limits as decimals
    print(json.dumps(event, default=float), flush=True)


class Wire:
    """The library's connection, which says every frame once more when it is told to stammer."""

    def __init__(self, socket: ClientConnection, charger: "Charger") -> None:
        self._socket = socket
        self._charger = charger

    async def recv(self) -> Any:
        return await self._socket.recv()

    async def send(self, message: str) -> None:
        if self._charger.holds_next and message.startswith("[3"):
            self._charger.holds_next = False
            self._charger.unsaid.append(message)
            return
        await self._socket.send(message)
        if self._charger.stammers and message.startswith("[3"):
            await self._socket.send(message)


class Profiles:
    """What a charger has been told, by the rules of its version."""

    def __init__(self, version: str) -> None:
        self._version = version
        self.held: list[tuple[int, dict[str, Any]]] = []
        self.ignores_the_end = False
        self.default_is_for_the_next = False

    def set(self, place: int, profile: dict[str, Any]) -> str:
        number = self._number(profile)
        if self._version == "2.0.1":
            # K01.FR.05: the same id is replaced; K01.FR.06: the same place taken by another is wrong
            others = [(p, q) for p, q in self.held if self._number(q) != number]
            if any(self._same_place(place, profile, p, q) and self._overlap(profile, q) for p, q in others):
                return "Rejected"
            self.held = others
        else:
            # 3.13.2: the same purpose and level is replaced, and so is the same id
            self.held = [
                (p, q)
                for p, q in self.held
                if self._number(q) != number and not self._same_place(place, profile, p, q)
            ]
        self.held.append((place, profile))
        return "Accepted"

    def clear(self, number: int | None, place: int | None, purpose: str | None, level: int | None) -> str:
        def goes(p: int, q: dict[str, Any]) -> bool:
            if number is not None:
                return self._number(q) == number
            return (
                place in (None, p)
                and purpose in (None, q["charging_profile_purpose"])
                and level in (None, q["stack_level"])
            )

        before = len(self.held)
        self.held = [(p, q) for p, q in self.held if not goes(p, q)]
        return "Accepted" if len(self.held) < before else "Unknown"

    def limit_kw(self, connector: int, at: datetime, charging: bool) -> float:
        """Highest level of each purpose; the transaction's own before the default; all of them together."""
        by_purpose: dict[str, tuple[int, float]] = {}
        for place, profile in self.held:
            limit = self._limit_at(profile, at)
            purpose, level = profile["charging_profile_purpose"], profile["stack_level"]
            here = purpose in OVERALL or place in (0, connector)
            if limit is not None and here and level >= by_purpose.get(purpose, (-1, 0.0))[0]:
                by_purpose[purpose] = (level, limit)
        limits = [by_purpose[p][1] for p in OVERALL if p in by_purpose]
        if charging and "TxProfile" in by_purpose:
            limits.append(by_purpose["TxProfile"][1])
        elif "TxDefaultProfile" in by_purpose and not (charging and self.default_is_for_the_next):
            limits.append(by_purpose["TxDefaultProfile"][1])
        return min([RATED_KW, *limits])

    def _limit_at(self, profile: dict[str, Any], at: datetime) -> float | None:
        schedules = profile["charging_schedule"]
        schedule = schedules[0] if isinstance(schedules, list) else schedules
        begin = moment(schedule["start_schedule"])
        valid = moment(profile["valid_from"]) <= at
        runs = begin <= at
        if not self.ignores_the_end:
            valid = valid and at < moment(profile["valid_to"])
            runs = runs and at < begin + timedelta(seconds=schedule["duration"])
        if not (valid and runs):
            return None
        (period,) = schedule["charging_schedule_period"]
        value = float(period["limit"])
        if schedule["charging_rate_unit"] == "W":
            return value / 1000
        return value * period.get("number_phases", PHASES) * VOLTS / 1000

    def _number(self, profile: dict[str, Any]) -> int:
        number = profile.get("charging_profile_id", profile.get("id"))
        assert isinstance(number, int)
        return number

    def _same_place(self, place: int, profile: dict[str, Any], other: int, known: dict[str, Any]) -> bool:
        same = ("charging_profile_purpose", "stack_level")
        return place == other and all(profile[word] == known[word] for word in same)

    def _overlap(self, one: dict[str, Any], two: dict[str, Any]) -> bool:
        begin = max(moment(one["valid_from"]), moment(two["valid_from"]))
        return begin < min(moment(one["valid_to"]), moment(two["valid_to"]))


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


class Charger:
    """One charge point: its clock, its profiles and its moods."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.name: str = order["name"]
        self.version: str = order["version"]
        self.order = order
        self.profiles = Profiles(self.version)
        self.configuration: dict[str, str] = {}
        self.clock_off = timedelta(0)
        self.takes_time = True
        self.units = "W,A"
        self.levels = "10"
        self.answer: str | None = None
        self.composite = True
        self.triggers = True
        self.mute = False
        self.holds_next = False
        self.stammers = False
        self.unsaid: list[str] = []
        self.charging = False
        self.socket: ClientConnection | None = None
        self.point: Any = None
        self.wish(order.get("moods", {}))

    def wish(self, moods: dict[str, Any]) -> None:
        for mood, value in moods.items():
            if mood == "clock_off_s":
                self.clock_off = timedelta(seconds=value)
            elif mood in ("ignores_the_end", "default_is_for_the_next"):
                setattr(self.profiles, mood, value)
            else:
                assert hasattr(self, mood)
                setattr(self, mood, value)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.clock_off

    def stamp(self) -> str:
        return self.now().isoformat().replace("+00:00", "Z")

    def hear_time(self, said: str) -> None:
        if self.takes_time:
            self.clock_off = moment(said) - datetime.now(UTC)

    def limit_kw(self, connector: int = 1) -> float:
        return self.profiles.limit_kw(connector, self.now(), self.charging)

    def composite_value(self, place: int, unit: str | None) -> tuple[str, float]:
        limit = self.limit_kw(place or 1)
        unit = unit or "A"
        return unit, round(limit * 1000, 1) if unit == "W" else round(limit * 1000 / VOLTS / PHASES, 1)


class Point16(Library16):  # type: ignore[misc]
    def __init__(self, charger: Charger, wire: Wire) -> None:
        super().__init__(charger.name, wire, response_timeout=60)
        self.charger = charger

    @on("SetChargingProfile")
    async def set_profile(self, connector_id: int, cs_charging_profiles: dict[str, Any]) -> Any:
        status = self.charger.answer or self.charger.profiles.set(connector_id, cs_charging_profiles)
        self.charger.holds_next = self.charger.mute
        tell(
            event="set",
            name=self.charger.name,
            status=status,
            place=connector_id,
            profile=cs_charging_profiles,
        )
        return result16.SetChargingProfile(status)

    @on("ClearChargingProfile")
    async def clear_profile(self, **a: Any) -> Any:
        wanted = a.get("id"), a.get("connector_id"), a.get("charging_profile_purpose"), a.get("stack_level")
        status = self.charger.profiles.clear(*wanted)
        tell(event="clear", name=self.charger.name, status=status)
        return result16.ClearChargingProfile(status)

    @on("GetCompositeSchedule")
    async def composite(self, connector_id: int, duration: int, charging_rate_unit: str | None = None) -> Any:
        if not self.charger.composite:
            return result16.GetCompositeSchedule("Rejected")
        unit, value = self.charger.composite_value(connector_id, charging_rate_unit)
        schedule = {
            "duration": duration,
            "charging_rate_unit": unit,
            "charging_schedule_period": [{"start_period": 0, "limit": value}],
        }
        return result16.GetCompositeSchedule("Accepted", connector_id, self.charger.stamp(), schedule)

    @on("GetConfiguration")
    async def configuration(self, key: list[str]) -> Any:
        said = {
            "ChargingScheduleAllowedChargingRateUnit": self.charger.units,
            "ChargeProfileMaxStackLevel": self.charger.levels,
            "SupportedFeatureProfiles": "Core,SmartCharging,RemoteTrigger",
        }
        keys = [{"key": k, "readonly": True, "value": said[k]} for k in key if k in said]
        return result16.GetConfiguration(configuration_key=keys)

    @on("ChangeConfiguration")
    async def configure(self, key: str, value: str) -> Any:
        self.charger.configuration[key] = value
        return result16.ChangeConfiguration("Accepted")

    @on("TriggerMessage")
    async def trigger(self, requested_message: str, connector_id: int | None = None) -> Any:
        if not self.charger.triggers:
            return result16.TriggerMessage("NotImplemented")
        soon(self.charger, requested_message)
        return result16.TriggerMessage("Accepted")

    async def boot(self) -> None:
        answer = await self.call(call16.BootNotification("Model X", "Maker Y", firmware_version="1.2"))
        self.charger.hear_time(answer.current_time)
        tell(event="booted", name=self.charger.name, status=answer.status, interval=answer.interval)

    async def beat(self) -> None:
        self.charger.hear_time((await self.call(call16.Heartbeat())).current_time)

    async def status(self, status: str, connector: int = 1) -> None:
        stamp = self.charger.stamp()
        await self.call(call16.StatusNotification(connector, "NoError", status, timestamp=stamp))

    async def meter(self, kw: float, kwh: float | None, connector: int = 1) -> None:
        sampled = [{"value": str(kw * 1000), "measurand": "Power.Active.Import", "unit": "W"}]
        if kwh is not None:
            sampled.append({"value": str(kwh), "measurand": "Energy.Active.Import.Register", "unit": "kWh"})
        value = {"timestamp": self.charger.stamp(), "sampled_value": sampled}
        await self.call(call16.MeterValues(connector, [value]))

    async def authorise(self, token: str) -> str:
        return str((await self.call(call16.Authorize(token))).id_tag_info["status"])

    async def begin(self, token: str) -> Any:
        start = call16.StartTransaction(1, token, 0, self.charger.stamp())
        answer = await self.call(start)
        again = await self.call(start)
        self.charger.charging = answer.id_tag_info["status"] == "Accepted"
        return [answer.id_tag_info["status"], answer.transaction_id, again.transaction_id]

    async def end(self, transaction: Any) -> None:
        self.charger.charging = False
        await self.call(call16.StopTransaction(10, self.charger.stamp(), transaction))


class Point201(Library201):  # type: ignore[misc]
    def __init__(self, charger: Charger, wire: Wire) -> None:
        super().__init__(charger.name, wire, response_timeout=60)
        self.charger = charger

    @on("SetChargingProfile")
    async def set_profile(self, evse_id: int, charging_profile: dict[str, Any], **_: Any) -> Any:
        status = self.charger.answer or self.charger.profiles.set(evse_id, charging_profile)
        self.charger.holds_next = self.charger.mute
        tell(event="set", name=self.charger.name, status=status, place=evse_id, profile=charging_profile)
        why = (
            None if status == "Accepted" else {"reason_code": "InvalidProfile", "additional_info": "as told"}
        )
        return result201.SetChargingProfile(status, status_info=why)

    @on("ClearChargingProfile")
    async def clear_profile(
        self,
        charging_profile_id: int | None = None,
        charging_profile_criteria: dict[str, Any] | None = None,
        **_: Any,
    ) -> Any:
        by = charging_profile_criteria or {}
        wanted = by.get("evse_id"), by.get("charging_profile_purpose"), by.get("stack_level")
        status = self.charger.profiles.clear(charging_profile_id, *wanted)
        tell(event="clear", name=self.charger.name, status=status)
        return result201.ClearChargingProfile(status)

    @on("GetCompositeSchedule")
    async def composite(self, duration: int, evse_id: int, charging_rate_unit: str | None = None) -> Any:
        if not self.charger.composite:
            return result201.GetCompositeSchedule("Rejected")
        unit, value = self.charger.composite_value(evse_id, charging_rate_unit)
        schedule = {
            "evse_id": evse_id,
            "duration": duration,
            "schedule_start": self.charger.stamp(),
            "charging_rate_unit": unit,
            "charging_schedule_period": [{"start_period": 0, "limit": value}],
        }
        return result201.GetCompositeSchedule("Accepted", schedule=schedule)

    @on("GetVariables")
    async def variables(self, get_variable_data: list[dict[str, Any]], **_: Any) -> Any:
        said = {"RateUnit": self.charger.units, "ProfileStackLevel": self.charger.levels}
        results = []
        for wanted in get_variable_data:
            value = said.get(wanted["variable"]["name"])
            status = "UnknownVariable" if value is None else "Accepted"
            found = {"attribute_value": value} if value is not None else {}
            results.append({"attribute_status": status, **wanted, **found})
        return result201.GetVariables(results)

    @on("SetVariables")
    async def configure(self, set_variable_data: list[dict[str, Any]], **_: Any) -> Any:
        for wanted in set_variable_data:
            self.charger.configuration[wanted["variable"]["name"]] = wanted["attribute_value"]
        return result201.SetVariables(
            [
                {"attribute_status": "Accepted", "component": w["component"], "variable": w["variable"]}
                for w in set_variable_data
            ]
        )

    @on("TriggerMessage")
    async def trigger(self, requested_message: str, **_: Any) -> Any:
        if not self.charger.triggers:
            return result201.TriggerMessage("NotImplemented")
        soon(self.charger, requested_message)
        return result201.TriggerMessage("Accepted")

    async def boot(self) -> None:
        station = {"model": "Model X", "vendor_name": "Maker Y", "firmware_version": "1.2"}
        answer = await self.call(call201.BootNotification(station, "PowerUp"))
        self.charger.hear_time(answer.current_time)
        tell(event="booted", name=self.charger.name, status=answer.status, interval=answer.interval)

    async def beat(self) -> None:
        self.charger.hear_time((await self.call(call201.Heartbeat())).current_time)

    async def status(self, status: str, connector: int = 1) -> None:
        word = status if status in ("Available", "Unavailable", "Faulted") else "Occupied"
        await self.call(call201.StatusNotification(self.charger.stamp(), word, connector, 1))

    async def meter(self, kw: float, kwh: float | None, connector: int = 1) -> None:
        third = {"measurand": "Power.Active.Import", "unit_of_measure": {"unit": "W", "multiplier": 3}}
        sampled: list[dict[str, Any]] = [
            {"value": kw / 3, "phase": phase, **third} for phase in ("L1", "L2", "L3")
        ]
        if kwh is not None:
            sampled.append({"value": kwh * 1000})
        value = {"timestamp": self.charger.stamp(), "sampled_value": sampled}
        await self.call(call201.MeterValues(connector, [value]))

    async def authorise(self, token: str) -> str:
        answer = await self.call(call201.Authorize({"id_token": token, "type": "ISO14443"}))
        return str(answer.id_token_info["status"])

    async def event(self, kind: str, number: int, token: str | None, transaction: str) -> Any:
        return await self.call(
            call201.TransactionEvent(
                kind,
                self.charger.stamp(),
                "Authorized" if token else "EVDeparted",
                number,
                {"transaction_id": transaction},
                evse={"id": 1} if kind == "Started" else None,
                id_token={"id_token": token, "type": "ISO14443"} if token else None,
            )
        )

    async def begin(self, token: str) -> Any:
        answer = await self.event("Started", 0, token, "tx-1")
        self.charger.charging = answer.id_token_info["status"] == "Accepted"
        return [answer.id_token_info["status"], "tx-1", "tx-1"]

    async def end(self, transaction: Any) -> None:
        self.charger.charging = False
        await self.event("Ended", 1, None, transaction)


chargers: dict[str, Charger] = {}
errands: set[asyncio.Task[None]] = set()


def soon(charger: Charger, message: str) -> None:
    """Do what a TriggerMessage asks for, once its answer is out."""

    async def do() -> None:
        await asyncio.sleep(0)
        with suppress(ConnectionClosed, TimeoutError):
            if message == "Heartbeat":
                await charger.point.beat()
            elif message == "StatusNotification":
                await charger.point.status("Charging" if charger.charging else "Available")

    task = asyncio.create_task(do())
    errands.add(task)
    task.add_done_callback(errands.discard)


async def join(charger: Charger) -> None:
    """Connect and serve until the connection is gone."""
    order, headers = charger.order, {}
    if "password" in order:
        user = order.get("user", charger.name)
        token = base64.b64encode(f"{user}:{order['password']}".encode()).decode()
        headers["Authorization"] = f"Basic {token}"
    context = None
    if "ca" in order:
        context = ssl.create_default_context(cafile=order["ca"])
        if "certificate" in order:
            context.load_cert_chain(order["certificate"], order["key"])
    subprotocols = order.get("subprotocols", ["ocpp" + charger.version])
    try:
        async with connect(
            order["url"], subprotocols=subprotocols, additional_headers=headers, ssl=context, proxy=None
        ) as socket:
            charger.socket = socket
            make = Point16 if charger.version == "1.6" else Point201
            charger.point = make(charger, Wire(socket, charger))
            tell(event="joined", name=charger.name, subprotocol=socket.subprotocol)
            await charger.point.start()
    except InvalidStatus as error:
        tell(event="refused", name=charger.name, status=error.response.status_code)
    except ConnectionClosed as error:
        code = error.rcvd.code if error.rcvd else None
        tell(event="parted", name=charger.name, code=code)
    except (OSError, WebSocketException) as error:
        tell(event="failed", name=charger.name, error=str(error))


async def obey(order: dict[str, Any]) -> Any:
    name, do = order["name"], order["do"]
    if do == "join":
        known = chargers.get(name)
        if known is None or order.get("anew", False):
            known = chargers[name] = Charger(order)
        known.order = order
        task = asyncio.create_task(join(known))
        errands.add(task)
        task.add_done_callback(errands.discard)
        return None
    charger = chargers[name]
    match do:
        case "mood":
            charger.wish(order["moods"])
        case "drop":
            assert charger.socket is not None
            charger.socket.transport.abort()
        case "say":
            assert charger.socket is not None
            for frame in order["frames"]:
                await charger.socket.send(frame)
        case "speak":
            assert charger.socket is not None
            unsaid, charger.unsaid, charger.mute = charger.unsaid, [], False
            for frame in unsaid:
                await charger.socket.send(frame)
        case "look":
            held = [[place, profile] for place, profile in charger.profiles.held]
            return {"limit_kw": charger.limit_kw(), "held": held, "configuration": charger.configuration}
        case _:
            return await getattr(charger.point, do)(*order.get("with", []))
    return None


async def main() -> None:
    logging.disable(logging.CRITICAL)
    reader = asyncio.StreamReader(limit=1 << 24)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)

    async def answer(order: dict[str, Any]) -> None:
        try:
            tell(event="done", number=order["number"], result=await obey(order))
        except Exception as error:  # noqa: BLE001  # whatever it is, the test is told
            tell(event="done", number=order["number"], error=f"{type(error).__name__}: {error}")

    while line := await reader.readline():
        task = asyncio.create_task(answer(json.loads(line)))
        errands.add(task)
        task.add_done_callback(errands.discard)


if __name__ == "__main__":
    asyncio.run(main())
