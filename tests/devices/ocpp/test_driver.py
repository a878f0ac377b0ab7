"""The central system against charge points of the library in another process: both versions, all commands."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from devices.errors import CommandRejected, Unreachable
from devices.messages import Answer, DeviceStatus, LimitCommand, Reading, Refused
from devices.ocpp.driver import CentralSystem
from devices.ocpp.settings import Charger
from tests.devices.driver_contract import TelemetryContract
from tests.devices.live import WITHIN_S, Deliveries, until
from tests.devices.ocpp.conftest import DEVICE, VERSIONS, Join, Point, central

CP1 = Charger("cp1", (DEVICE,))
NONSENSE = {
    "1.6": '[2,"n1","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-01-12T18:00:00Z",'
    '"sampledValue":[{"value":"much","measurand":"Power.Active.Import"}]}]}]',
    "2.0.1": '[2,"n1","MeterValues",{"evseId":1,"meterValue":[{"timestamp":"2026-01-12T18:00:00Z",'
    '"sampledValue":[{"value":"much","measurand":"Power.Active.Import"}]}]}]',
}


def command(seconds: float = 600.0, **more: object) -> LimitCommand:
    now = datetime.now(UTC)
    plain = LimitCommand("f1", "ev1", "r1", 4.2, now, now + timedelta(seconds=seconds), 1, 1)
    return replace(plain, **more)  # type: ignore[arg-type]


def release_of(limit: LimitCommand) -> LimitCommand:
    return replace(limit, end=datetime.now(UTC), sequence=limit.sequence + 1)


def answers(deliveries: Deliveries) -> list[tuple[str, str, str | None]]:
    return [(m.request, m.answer, m.reason) for m in deliveries if isinstance(m, Answer)]


def shown(deliveries: Deliveries, device: str = "ev1") -> DeviceStatus | None:
    statuses = [m for m in deliveries if isinstance(m, DeviceStatus) and m.device == device]
    return statuses[-1] if statuses else None


def shows(deliveries: Deliveries, limit_kw: float | None, request: str | None) -> bool:
    status = shown(deliveries)
    return status is not None and (status.limit_kw, status.request) == (limit_kw, request)


class OcppRig:
    """The contract's far side: a charge point of the library."""

    def __init__(self, driver: CentralSystem, deliveries: Deliveries, point: Point) -> None:
        self.driver = driver
        self.deliveries = deliveries
        self._point = point

    async def measure(self, p_kw: float) -> None:
        # connector 0 is the whole charger, whose meter is the service point's
        await self._point.do("meter", p_kw, 12.5, 0)

    async def measure_nonsense(self) -> None:
        await self._point.do("say", frames=[NONSENSE[self._point.version]])

    async def lose(self) -> None:
        await self._point.do("drop")

    async def come_back(self) -> None:
        await self._point.join(anew=False)


class TestTelemetry(TelemetryContract):
    """The contract of every driver."""

    @pytest.fixture(params=VERSIONS)
    async def rig(self, request: pytest.FixtureRequest, point_at: Join) -> AsyncIterator[OcppRig]:
        async with central(CP1) as (system, deliveries):
            point = point_at(system, request.param)
            await point.join()
            yield OcppRig(system, deliveries, point)


async def test_what_a_charger_measures_is_status_and_reading(version: str, point_at: Join) -> None:
    async with central(CP1) as (system, got):
        point = point_at(system, version)
        await point.join()
        await until(lambda: (s := shown(got)) is not None and s.p_kw == 0.0)  # Available: no car
        await point.do("meter", 7.5, 12.5, 0)
        status, (reading,) = shown(got), [m for m in got if isinstance(m, Reading)]
        assert status is not None
        assert status.p_kw == pytest.approx(7.5)
        assert (reading.feeder, reading.meter, reading.energy_kwh) == ("f1", "m1", 12.5)
        assert reading.p_kw == pytest.approx(7.5)
        assert not [m for m in got if isinstance(m, Refused)]


async def test_it_is_asked_to_report_and_told_how_often_to_beat(version: str, point_at: Join) -> None:
    async with central(CP1, heartbeat_s=77) as (system, _):
        point = point_at(system, version)
        await point.join()
        assert point.events("booted")[0]["interval"] == 77
        wanted = {"30", "Power.Active.Import,Energy.Active.Import.Register"}
        async with asyncio.timeout(WITHIN_S):
            while not wanted <= set((await point.do("look"))["configuration"].values()):
                pass


async def test_a_limit_is_held_by_the_charger_shown_and_answered(version: str, point_at: Join) -> None:
    async with central(CP1) as (system, got):
        point = point_at(system, version)
        await point.join()
        await system.send(command())
        assert answers(got) == [("r1", "accepted", None)]
        assert await point.limit_kw() == 4.2
        await until(lambda: shows(got, 4.2, "r1"))
        assert system.sent == 1


async def test_a_limit_ends_by_itself_when_the_controller_is_dead(version: str, point_at: Join) -> None:
    async with central(CP1) as (system, _):
        point = point_at(system, version)
        await point.join()
        await system.send(command(1.0))
        assert await point.limit_kw() == 4.2
    started = datetime.now(UTC)
    while await point.limit_kw() != 11.0:
        assert datetime.now(UTC) - started < timedelta(seconds=3)


async def test_its_end_is_told_and_nothing_has_to_be_cleared(version: str, point_at: Join) -> None:
    async with central(CP1) as (system, got):
        point = point_at(system, version)
        await point.join()
        await system.send(command(0.5))
        await until(lambda: ("r1", "ended", "end reached") in answers(got))
        assert shows(got, None, None)
        assert await point.heard("clear") == []


async def test_a_renewal_is_the_same_profile_with_a_later_end(version: str, point_at: Join) -> None:
    async with central(CP1) as (system, got):
        point = point_at(system, version)
        await point.join()
        first = command(0.6)
        await system.send(first)
        await system.send(replace(first, end=first.end + timedelta(minutes=10), sequence=2))
        assert len((await point.do("look"))["held"]) == 1
        await until(lambda: datetime.now(UTC) > first.end)
        assert await point.limit_kw() == 4.2
        assert answers(got) == [("r1", "accepted", None)] * 2


async def test_a_release_is_told_when_the_charger_has_let_go(version: str, point_at: Join) -> None:
    async with central(CP1) as (system, got):
        point = point_at(system, version)
        await point.join()
        limit = command()
        await system.send(limit)
        await system.send(release_of(limit))
        assert answers(got)[1:] == [("r1", "ended", "released")]
        assert await point.limit_kw() == 11.0
        await until(lambda: shows(got, None, None))
        # once more, as after a lost answer
        await system.send(release_of(limit))
        assert answers(got)[2:] == [("r1", "ended", "not held any more")]


async def test_another_request_takes_the_place_of_the_first(version: str, point_at: Join) -> None:
    async with central(CP1) as (system, got):
        point = point_at(system, version)
        await point.join()
        await system.send(command())
        await system.send(command(request="r2", limit_kw=6.0))
        assert await point.limit_kw() == 6.0
        assert len((await point.do("look"))["held"]) == 1
        assert sorted(answers(got)) == [
            ("r1", "accepted", None),
            ("r1", "ended", "replaced"),
            ("r2", "accepted", None),
        ]


REFUSALS = [
    ("1.6", "Rejected", "Rejected"),
    ("1.6", "NotSupported", "NotSupported"),
    ("2.0.1", "Rejected", "Rejected: InvalidProfile: as told"),
]


@pytest.mark.parametrize(("speaks", "word", "reason"), REFUSALS)
async def test_what_the_charger_will_not_have_is_refused_with_its_reason(
    speaks: str, word: str, reason: str, point_at: Join
) -> None:
    async with central(CP1) as (system, got):
        point = point_at(system, speaks, moods={"answer": word})
        await point.join()
        await system.send(command())
        assert answers(got) == [("r1", "refused", reason)]
        assert shows(got, None, None)


async def test_a_charger_that_knows_only_ampere_gets_ampere(version: str, point_at: Join) -> None:
    units = "Current" if version == "1.6" else "A"
    async with central(CP1) as (system, got):
        point = point_at(system, version, moods={"units": units, "levels": "3"})
        await point.join()
        await system.send(command())
        assert await point.limit_kw() == pytest.approx(4.209)
        profile = (await point.heard("set"))[0]["profile"]
        assert profile["stack_level"] == 3
        await until(lambda: shows(got, 4.2, "r1"))


async def test_a_connector_is_limited_for_itself(version: str, point_at: Join) -> None:
    left, right = replace(DEVICE, connector=1), replace(DEVICE, connector=2, device="ev2", meter=None)
    async with central(Charger("cp1", (left, right))) as (system, got):
        point = point_at(system, version)
        await point.join()
        await system.send(command(device="ev2"))
        assert [e["place"] for e in await point.heard("set")] == [2]
        assert await point.limit_kw() == 11.0  # connector 1
        await point.do("meter", 7.5, None, 2)
        assert (status := shown(got, "ev2")) is not None
        assert (status.p_kw, status.limit_kw) == (pytest.approx(7.5), 4.2)


async def test_a_transactions_own_profile_needs_a_transaction(version: str, point_at: Join) -> None:
    charger = Charger("cp1", (replace(DEVICE, connector=1),), purpose="transaction")
    async with central(charger) as (system, got):
        point = point_at(system, version)
        await point.join()
        await system.send(command())
        assert answers(got) == [("r1", "refused", "no transaction to limit")]
        _, number, _ = await point.do("begin", "token")
        await system.send(command(sequence=2))
        assert await point.limit_kw() == 4.2
        assert (await point.heard("set"))[-1]["profile"]["transaction_id"] == number
        await point.do("end", number)
        await system.send(command(sequence=3))
        assert answers(got)[-1] == ("r1", "refused", "no transaction to limit")


@pytest.mark.parametrize("for_the_next", [False, True])
async def test_a_connectors_running_transaction_is_limited_as_the_next_one_is(
    version: str, for_the_next: bool, point_at: Join
) -> None:
    """There are chargers whose default profile only holds for the next transaction."""
    async with central(Charger("cp1", (replace(DEVICE, connector=1),))) as (system, got):
        point = point_at(system, version, moods={"default_is_for_the_next": for_the_next})
        await point.join()
        _, number, _ = await point.do("begin", "token")
        limit = command()
        await system.send(limit)
        assert answers(got) == [("r1", "accepted", None)]
        assert await point.limit_kw() == 4.2
        await until(lambda: shows(got, 4.2, "r1"))
        another = command(request="r2", limit_kw=6.0)
        await system.send(another)
        assert await point.limit_kw() == 6.0
        await point.do("end", number)
        assert await point.limit_kw() == 6.0
        await system.send(release_of(another))
        assert (await point.do("look"))["held"] == []
        assert answers(got)[-1] == ("r2", "ended", "released")


async def test_who_may_charge_is_by_the_list(version: str, point_at: Join) -> None:
    async with central(CP1, who_may_charge=frozenset({"good"})) as (system, _):
        point = point_at(system, version)
        await point.join()
        assert await point.do("authorise", "good") == "Accepted"
        assert await point.do("authorise", "bad") == "Invalid"
        accepted, number, again = await point.do("begin", "good")
        assert accepted == "Accepted"
        assert number == again  # a start that is told twice is one
        assert (await point.do("begin", "bad"))[0] == "Invalid"


async def test_a_charger_that_keeps_its_limit_is_told_to_let_go(version: str, point_at: Join) -> None:
    async with central(CP1) as (system, got):
        point = point_at(system, version, moods={"ignores_the_end": True})
        await point.join()
        await system.send(command(0.5))
        await until(lambda: ("r1", "ended", "end reached, but held on until it was told") in answers(got))
        assert system.tally.overstayed == 1
        assert await point.limit_kw() == 11.0


async def test_a_charger_that_accepts_and_does_not_obey_is_shown_without_a_limit(
    version: str, point_at: Join
) -> None:
    async with central(CP1) as (system, got):
        point = point_at(system, version, moods={"answer": "Accepted"})
        await point.join()
        await system.send(command())
        answered = next(place for place, m in enumerate(got) if isinstance(m, Answer))
        await until(lambda: len(got) > answered + 3)  # it has been read back by now
        assert shows(got, None, None)
        await point.mood(answer=None)
        await system.send(command(sequence=2))
        await until(lambda: shows(got, 4.2, "r1"))


async def test_a_charger_that_does_not_say_what_it_holds_is_believed(version: str, point_at: Join) -> None:
    async with central(CP1) as (system, got):
        point = point_at(system, version, moods={"composite": False, "triggers": False})
        await point.join()
        await system.send(command(0.5))
        await until(lambda: shows(got, 4.2, "r1"))
        await until(lambda: ("r1", "ended", "end reached") in answers(got))


async def test_a_charger_that_comes_back_still_holds_its_limit(version: str, point_at: Join) -> None:
    async with central(CP1) as (system, got):
        point = point_at(system, version)
        await point.join()
        limit = command()
        await system.send(limit)
        await point.do("drop")
        await until(lambda: (s := shown(got)) is not None and not s.online)
        with pytest.raises(Unreachable, match="not connected"):
            await system.send(limit)
        await point.join(anew=False, boot=False)
        await until(lambda: shows(got, 4.2, "r1"))


async def test_a_new_controller_shows_a_limit_that_it_did_not_set(version: str, point_at: Join) -> None:
    async with central(CP1) as (system, _):
        point = point_at(system, version)
        await point.join()
        await system.send(command())
    async with central(CP1) as (system, got):
        await point.join(anew=False, url=f"ws://127.0.0.1:{system.port}/ocpp/cp1")
        await until(lambda: shows(got, 4.2, None))
        # the controller says it again, under the same id
        await system.send(command(epoch=2))
        await until(lambda: shows(got, 4.2, "r1"))
        assert len((await point.do("look"))["held"]) == 1


async def test_another_request_after_a_restart_takes_the_place_of_what_stands(
    version: str, point_at: Join
) -> None:
    async with central(CP1) as (system, _):
        point = point_at(system, version)
        await point.join()
        await system.send(command())
    async with central(CP1) as (system, got):
        await point.join(anew=False, url=f"ws://127.0.0.1:{system.port}/ocpp/cp1")
        await system.send(command(request="r2", limit_kw=5.0))
        assert answers(got) == [("r2", "accepted", None)]
        assert await point.limit_kw() == 5.0


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"device": "ev9"}, "no charger here"),
        ({"limit_kw": 0.0}, "at least the floor"),
        ({"limit_kw": float("nan")}, "at least the floor"),
        ({"epoch": 1}, "stale epoch"),
        ({"epoch": 2, "sequence": 1}, "stale sequence"),
    ],
)
async def test_a_command_that_must_not_go_out_is_rejected(
    bad: dict[str, object], words: str, point_at: Join
) -> None:
    async with central(CP1) as (system, got):
        point = point_at(system, "1.6")
        await point.join()
        await system.send(command(epoch=2, sequence=2))
        with pytest.raises(CommandRejected, match=words):
            await system.send(command(**bad))
        assert len(await point.heard("set")) == 1
        assert len(answers(got)) == 1


async def test_every_connector_is_there_for_the_map(version: str, point_at: Join) -> None:
    async with central(CP1) as (system, _):
        point = point_at(system, version)
        await point.join()
        await point.do("status", "Faulted", 2)
        plug = system.plugs()["cp1"][2]
        assert plug.occupancy == "out_of_order"
        assert plug.since is not None
