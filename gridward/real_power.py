"""Tells an emulated field what its real part takes, as the daemon hears it: it speaks to the hardware, so its
API is asked.

What is told counts for `KNOWN_FOR_S`. Then nobody knows it: a device that fell silent may be charging or
unplugged. In the simulated network it counts as nothing from then on, so that nobody is ever limited for a
power that nobody measured; behind a meter the simulated household lives on. Both are said.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import quote

import structlog

from devices.ports import Clock
from gridward.api_client import ApiClient, ApiError
from simulations.field import FieldModel

ASK_EVERY_S = 2.0
KNOWN_FOR_S = 60.0
"""so long counts what a part said last, while it or the daemon says nothing"""
_MEASURED = 0
_GONE = frozenset({"offline", "silent", "never_heard"})
"""healths of a device whose last power tells nothing of now"""
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Told:
    """Of one asking, by name."""

    device_kw: Mapping[str, float]
    meter_kw: Mapping[str, float]
    why_not: Mapping[str, str]
    """of the devices and meters that say nothing now"""


@dataclass(slots=True)
class _Heard:
    """What some parts told last."""

    parts: frozenset[str]
    begun_s: float
    _last: dict[str, tuple[float, float]] = field(default_factory=dict)
    """part → kW, and when it was told"""
    _is_known: dict[str, bool] = field(default_factory=dict)
    """as it was said in the log"""

    def take(self, kw: Mapping[str, float], now_s: float) -> None:
        self._last |= {part: (value, now_s) for part, value in kw.items()}

    def known(self, now_s: float) -> dict[str, float]:
        """kW as far as it counts now."""
        return {part: kw for part, (kw, told_s) in self._last.items() if now_s - told_s <= KNOWN_FOR_S}

    def say(self, why_not: Mapping[str, str], why: str, now_s: float) -> None:
        """In the log what changed, with why of the part or of all; a part that was never heard is told of
        once others would count no more.
        """
        known = self.known(now_s)
        for part in sorted(self.parts):
            before = self._is_known.get(part)
            if part in known and not before:
                log.info("real_power_known", part=part, kw=known[part])
                self._is_known[part] = True
            elif part not in known and (before or (before is None and now_s - self.begun_s > KNOWN_FOR_S)):
                log.warning("real_power_unknown", part=part, why=why_not.get(part, why))
                self._is_known[part] = False


async def follow(api: ApiClient, model: FieldModel, service_points: Sequence[str], clock: Clock) -> None:
    """Ask again and again, until cancelled. `clock` is real time."""
    parts, begun_s = model.real.parts, clock.monotonic()
    devices, meters = _Heard(parts.devices, begun_s), _Heard(parts.meters, begun_s)
    while True:
        told, why = _Told({}, {}, {}), "not told"
        try:
            told = await asyncio.to_thread(partial(_ask, api, model, service_points))
        except ApiError as error:
            why = str(error)
        now_s = clock.monotonic()
        for heard, kw in ((devices, told.device_kw), (meters, told.meter_kw)):
            heard.take(kw, now_s)
            heard.say(told.why_not, why, now_s)
        model.real.tell(devices.known(now_s), meters.known(now_s))
        await clock.sleep(ASK_EVERY_S)


def _ask(api: ApiClient, model: FieldModel, service_points: Sequence[str]) -> _Told:
    """Powers of the real devices and meters by name. Raises ApiError."""
    parts = model.real.parts
    devices: dict[str, float] = {}
    why_not: dict[str, str] = {}
    for device in sorted(parts.devices):
        row = api.get(f"/api/v1/devices/{quote(device, safe='')}")["device"]
        if row["health"] in _GONE:
            why_not[device] = row["health"]
        elif row["p_kw"] is None:
            why_not[device] = "tells no power"
        else:
            devices[device] = float(row["p_kw"])
    meters: dict[str, float] = {}
    if parts.meters:
        state = api.get(f"/api/v1/feeders/{quote(model.feeder, safe='')}/state")
        meters = _metered(state, parts.meters, model, service_points)
        why_not |= dict.fromkeys(parts.meters - meters.keys(), "not measured lately")
    return _Told(devices, meters, why_not)


def _metered(
    state: dict[str, Any], names: frozenset[str], model: FieldModel, service_points: Sequence[str]
) -> dict[str, float]:
    """Of those only that are measured now: what the daemon estimates would be the simulation's own echo."""
    places = {point: n for n, point in enumerate(service_points)}
    of = {customer.meter: places[customer.service_point] for customer in model.population.registry.customers}
    quality = state["service_point_quality"]
    return {
        name: float(state["service_point_kw"][of[name]])
        for name in names
        if quality and quality[of[name]] == _MEASURED and state["service_point_kw"][of[name]] is not None
    }
