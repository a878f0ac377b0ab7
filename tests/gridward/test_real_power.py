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
        self.quality = [0] * 7
        self.asked: list[str] = []

    def get(self, path: str) -> dict[str, Any]:
        self.asked.append(path)
        if not self.up:
            raise NotReached("no daemon answers")
        if path.startswith("/api/v1/devices/"):
            return {"device": {"p_kw": self.p_kw}}
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


async def test_what_is_no_longer_told_is_known_for_a_minute() -> None:
    model, daemon = field(RealParts(devices=frozenset({"ev-001"}))), Daemon()
    kw: dict[int, float] = {}
    silent = int(KNOWN_FOR_S / ASK_EVERY_S)

    def look(step: int) -> Any:
        def act() -> None:
            kw[step] = float(model.power().device_kw[0])
            daemon.up = step >= silent + 4

        return act

    with structlog.testing.capture_logs() as logs:
        await followed(model, daemon, {n: look(n) for n in range(1, silent + 7)})
    assert (kw[1], kw[silent], kw[silent + 3], kw[silent + 6]) == (7.4, 7.4, 0.0, 7.4)
    assert [line["event"] for line in logs] == ["real_power_known", "real_power_unknown", "real_power_known"]


async def test_a_device_that_says_nothing_of_its_power_counts_as_nothing() -> None:
    model, daemon, seen = field(RealParts(devices=frozenset({"ev-001"}))), Daemon(), []
    daemon.p_kw = None
    await followed(model, daemon, {1: lambda: seen.append(model.power().device_kw[0])})
    assert seen == [0.0]
