"""Where cars can charge, and which plugs are free: the public charging map.

Only stations that are open to the public are told to everybody; who may operate sees all, and which charge
point a plug is of.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.exceptions import HTTPException

from controller.api.encoding import json_response
from controller.api.gate import REFUSALS, SECURITY, Gate
from customers.charging_stations import Access, ChargingMap, Occupancy, Plug, PlugKind, PlugNow, Station, near

FARTHEST_M = 100_000.0
_FOR_EVERYBODY = {"security": [{}, *SECURITY]}
_POSITION = r"^-?\d{1,3}(\.\d{1,12})?,-?\d{1,3}(\.\d{1,12})?$"


@dataclass(frozen=True, slots=True)
class PlugBody:
    """One plug, and whether it is free."""

    charge_point: str | None
    """its identity towards the controller, with `all` only; null: not told"""
    connector: int
    plug: PlugKind
    power_kw: float
    occupancy: Occupancy
    since: datetime | None
    limit_kw: float | None
    """what the charger is limited to now; null: nothing, as far as is known"""


@dataclass(frozen=True, slots=True)
class StationBody:
    """One station."""

    station: str
    name: str
    latitude: float
    longitude: float
    address: str
    access: Access
    distance_m: float | None
    plugs: tuple[PlugBody, ...]


@dataclass(frozen=True, slots=True)
class StationsBody:
    """Those that were asked for; nearest first when a place was given."""

    stations: tuple[StationBody, ...]


def charging_routes(charging: ChargingMap, gate: Gate) -> APIRouter:
    """The route; what chargers say is asked at that time."""
    router = APIRouter(prefix="/api/v1/charging", tags=["charging"])

    @router.get("/stations", response_model=StationsBody, responses=REFUSALS, openapi_extra=_FOR_EVERYBODY)
    async def listed(
        request: Request,
        around: Annotated[str | None, Query(alias="near", pattern=_POSITION)] = None,
        within_m: Annotated[float, Query(gt=0, le=FARTHEST_M)] = 5_000.0,
        free: bool = False,
        everything: Annotated[bool, Query(alias="all")] = False,
    ) -> Response:
        """Stations and their plugs. `near`: LATITUDE,LONGITUDE in degrees; `free`: only with a free plug."""
        if everything:
            await gate.admit_somewhere(request, "operate")
        seen = [one for one in charging.stations if everything or one.place.access == "public"]
        found: list[tuple[Station, float | None]] = [(one, None) for one in seen]
        if around is not None:
            found = list(near(seen, *_position(around), within_m))
        now = charging.plugs_now()
        bodies = (_station(one, far, now, everything=everything) for one, far in found)
        return json_response(StationsBody(tuple(body for body in bodies if not free or _has_free(body))))

    return router


def _position(text: str) -> tuple[float, float]:
    latitude, longitude = map(float, text.split(","))
    if abs(latitude) > 90 or abs(longitude) > 180:
        raise HTTPException(422, f"near: expected degrees, 90 and 180 at most, got {text!r}")
    return latitude, longitude


def _station(
    station: Station, far_m: float | None, now: dict[tuple[str, int], PlugNow], *, everything: bool
) -> StationBody:
    place = station.place
    plugs = tuple(
        _plug(plug, now.get((plug.charge_point, plug.connector), PlugNow()), everything=everything)
        for plug in station.plugs
    )
    distance_m = None if far_m is None else round(far_m, 1)
    return StationBody(
        place.station, place.name, place.latitude, place.longitude, place.address, place.access,
        distance_m, plugs,
    )  # fmt: skip


def _plug(plug: Plug, said: PlugNow, *, everything: bool) -> PlugBody:
    charge_point = plug.charge_point if everything else None
    return PlugBody(
        charge_point, plug.connector, plug.kind, plug.power_kw, said.occupancy, said.since, said.limit_kw
    )


def _has_free(body: StationBody) -> bool:
    return any(plug.occupancy == "available" for plug in body.plugs)
