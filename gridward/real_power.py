"""Tells an emulated field what its real part takes, as the daemon hears it: it speaks to the hardware, so its
API is asked.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

import structlog

from devices.ports import Clock
from gridward.api_client import ApiClient, ApiError
from simulations.field import FieldModel

ASK_EVERY_S = 2.0
KNOWN_FOR_S = 60.0
"""what was told last counts so long while the daemon is silent"""
_MEASURED = 0
log = structlog.get_logger()


async def follow(api: ApiClient, model: FieldModel, service_points: Sequence[str], clock: Clock) -> None:
    """Ask again and again, until cancelled. `clock` is real time."""
    heard_s: float | None = None
    while True:
        try:
            told = await asyncio.to_thread(partial(_ask, api, model, service_points))
        except ApiError as error:
            if heard_s is not None and clock.monotonic() - heard_s > KNOWN_FOR_S:
                log.warning("real_power_unknown", why=str(error))
                model.real.tell({}, {})
                heard_s = None
        else:
            if heard_s is None:
                log.info("real_power_known", device_kw=told[0], meter_kw=told[1])
            model.real.tell(*told)
            heard_s = clock.monotonic()
        await clock.sleep(ASK_EVERY_S)


def _ask(
    api: ApiClient, model: FieldModel, service_points: Sequence[str]
) -> tuple[dict[str, float], dict[str, float]]:
    """Powers of the real devices and meters by name. Raises ApiError."""
    parts = model.real.parts
    devices: dict[str, float] = {}
    for device in sorted(parts.devices):
        row = api.get(f"/api/v1/devices/{quote(device, safe='')}")["device"]
        if row["p_kw"] is not None:
            devices[device] = float(row["p_kw"])
    meters: dict[str, float] = {}
    if parts.meters:
        state = api.get(f"/api/v1/feeders/{quote(model.feeder, safe='')}/state")
        meters = _metered(state, parts.meters, model, service_points)
    return devices, meters


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
