"""What the real part of a field takes, asked of the daemon's API."""

import asyncio
from typing import Any

import pytest
import structlog

from gridward.api_client import NotReached
from gridward.real_power import ASK_EVERY_S, KNOWN_FOR_S, follow
from simulations.field import FieldModel
from simulations.real_parts import RealParts
from tests.simulations.small_field import SECRET, flat_load, population, scenario


class Daemon:
    """Answers as the API does, from the second call of a kind on with what was put in."""

    def __init__(self) -> None:
        self.up = True
        self.p_kw: float | None = 7.4
        self.health = "good"
        self.quality = [0] * 7
        self.asked: list[str] = []

    def get(self, path: str) -> dict[str, Any]:
        self.asked.append(path)
        if not self.up:
            raise NotReached("no daemon answers")
        if path.startswith("/api/v1/devices/"):
            return {"device": {"p_kw": self.p_kw, "health": self.health}}
        return {
            "service_point_kw": [None, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0],
            "service_point_quality": self.quality,
        }


class Steps:
    """A clock whose every sleep is one step of the test."""

    def __init__(self, steps: dict[int, Any]) -> None:
        self.seconds, self._steps, self._count = 0.0, steps, 0

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        self._count += 1
        if act := self._steps.get(self._count):
            act()
        if self._count >= max(self._steps):
            raise asyncio.CancelledError


def field(real: RealParts) -> FieldModel:
    a_scenario = scenario()
    return FieldModel(population(a_scenario), flat_load(7), a_scenario, SECRET, real=real)


async def followed(model: FieldModel, daemon: Daemon, steps: dict[int, Any]) -> None:
    points = [customer.service_point for customer in model.population.registry.customers]
    with pytest.raises(asyncio.CancelledError):
        await follow(daemon, model, points, Steps(steps))  # type: ignore[arg-type]


async def test_devices_and_measured_meters_are_put_in_their_places() -> None:
    model = field(RealParts(frozenset({"ev-001"}), frozenset({"M-003", "M-005"})))
    daemon, seen = Daemon(), []
    daemon.quality[5] = 2
    await followed(model, daemon, {1: lambda: seen.append(model.power())})
    (shown,) = seen
    assert shown.device_kw[0] == 7.4
    assert shown.p_kw[3] == 4.0, "measured"
    assert shown.p_kw[5] == 1.0, "estimated by the daemon: the household"
    assert daemon.asked == ["/api/v1/devices/ev-001", "/api/v1/feeders/F1/state"]


SILENT = int(KNOWN_FOR_S / ASK_EVERY_S)


def falls(daemon: Daemon, how: str) -> None:
    """What makes a part no longer known, or (good, measured) known again."""
    daemon.up = how != "daemon away"
    daemon.health = how if how in {"offline", "silent", "disobeys"} else "good"
    daemon.p_kw = None if how == "tells no power" else 7.4
    daemon.quality[3] = 2 if how == "estimated" else 0


@pytest.mark.parametrize("how", ["daemon away", "offline", "silent", "tells no power"])
async def test_what_a_device_no_longer_tells_is_known_for_a_minute(how: str) -> None:
    model, daemon = field(RealParts(devices=frozenset({"ev-001"}))), Daemon()
    kw: dict[int, float] = {}

    def look(step: int) -> Any:
        def act() -> None:
            kw[step] = float(model.power().device_kw[0])
            falls(daemon, "good" if step >= SILENT + 4 else how)

        return act

    with structlog.testing.capture_logs() as logs:
        await followed(model, daemon, {n: look(n) for n in range(1, SILENT + 7)})
    assert (kw[1], kw[SILENT], kw[SILENT + 3], kw[SILENT + 6]) == (7.4, 7.4, 0.0, 7.4)
    assert [(line["event"], line["part"]) for line in logs] == [
        ("real_power_known", "ev-001"),
        ("real_power_unknown", "ev-001"),
        ("real_power_known", "ev-001"),
    ]
    assert how in logs[1]["why"] or how == "daemon away"


async def test_what_a_meter_no_longer_tells_is_known_for_a_minute() -> None:
    model, daemon = field(RealParts(meters=frozenset({"M-003"}))), Daemon()
    kw: dict[int, float] = {}

    def look(step: int) -> Any:
        def act() -> None:
            kw[step] = float(model.power().p_kw[3])
            falls(daemon, "estimated")

        return act

    with structlog.testing.capture_logs() as logs:
        await followed(model, daemon, {n: look(n) for n in range(1, SILENT + 4)})
    assert (kw[1], kw[SILENT], kw[SILENT + 3]) == (4.0, 4.0, 1.0), "then the household"
    assert [line["event"] for line in logs] == ["real_power_known", "real_power_unknown"]


async def test_a_device_that_takes_more_than_it_was_asked_is_not_silent() -> None:
    model, daemon, seen = field(RealParts(devices=frozenset({"ev-001"}))), Daemon(), []
    falls(daemon, "disobeys")
    await followed(model, daemon, {SILENT + 5: lambda: seen.append(model.power().device_kw[0])})
    assert seen == [7.4]


async def test_what_was_silent_from_the_start_never_counted_and_is_told_after_a_minute() -> None:
    model, daemon, seen = field(RealParts(devices=frozenset({"ev-001"}))), Daemon(), []
    falls(daemon, "silent")
    look = {n: lambda: seen.append(model.power().device_kw[0]) for n in (1, SILENT + 5)}
    with structlog.testing.capture_logs() as logs:
        await followed(model, daemon, look)
    assert seen == [0.0, 0.0]
    assert [(line["event"], line["part"], line["why"]) for line in logs] == [
        ("real_power_unknown", "ev-001", "silent")
    ]


async def test_a_device_that_says_nothing_of_its_power_counts_as_nothing() -> None:
    model, daemon, seen = field(RealParts(devices=frozenset({"ev-001"}))), Daemon(), []
    daemon.p_kw = None
    await followed(model, daemon, {1: lambda: seen.append(model.power().device_kw[0])})
    assert seen == [0.0]
