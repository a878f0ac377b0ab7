"""The library's charge points, of both versions, for an emulated charger: what it answers and says.

Knows the words of OCPP and nothing of sockets, time and physics, which the charger has.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Protocol, TypeVar, cast

import numpy as np
from ocpp.routing import on as _untyped_on  # type: ignore[import-untyped]
from ocpp.v16 import ChargePoint as _Library16  # type: ignore[import-untyped]
from ocpp.v16 import call as call16
from ocpp.v16 import call_result as result16
from ocpp.v201 import ChargePoint as _Library201  # type: ignore[import-untyped]
from ocpp.v201 import call as call201
from ocpp.v201 import call_result as result201

from devices.cancellation import go_on_unless_cancelled
from devices.ports import Clock
from simulations.charging_profiles import ProfileBook, read_profile

_F = TypeVar("_F", bound=Callable[..., Awaitable[Any]])
_on = cast("Callable[[str], Callable[[_F], _F]]", _untyped_on)
# the library logs every frame, and with its traceback every call that an emulated charger does not know
_quiet = logging.getLogger(f"{__name__}.charge_point")
_quiet.setLevel(logging.CRITICAL)
VOLTS = 230.0
PHASES = 3
KW_PER_A = VOLTS / 1000
CONNECTOR = 1


class HoldsProfiles(Protocol):
    """The charger behind a charge point."""

    profiles: ProfileBook
    clock: Clock

    @property
    def limit_kw(self) -> float:
        """In force now; inf when there is none."""
        ...

    def told(self) -> None:
        """Profiles have changed."""
        ...


class _EndsWhenTold:
    """The library waits by `asyncio.wait_for`: cancelled with an answer, one would ask on in vain."""

    async def call(self, *arguments: Any, **options: Any) -> Any:
        answer = await super().call(*arguments, **options)  # type: ignore[misc]
        go_on_unless_cancelled()
        return answer


class Point16(_EndsWhenTold, _Library16):  # type: ignore[misc]
    """OCPP 1.6-J."""

    def __init__(self, name: str, socket: Any, charger: HoldsProfiles) -> None:
        super().__init__(name, socket, logger=_quiet)
        self._charger = charger

    @_on("SetChargingProfile")
    async def _set(self, connector_id: int, cs_charging_profiles: Mapping[str, Any]) -> Any:
        return result16.SetChargingProfile(_set_profile(self._charger, connector_id, cs_charging_profiles))

    @_on("ClearChargingProfile")
    async def _clear(self, **wanted: Any) -> Any:
        found = self._charger.profiles.clear(
            wanted.get("id"),
            wanted.get("connector_id"),
            wanted.get("charging_profile_purpose"),
            wanted.get("stack_level"),
        )
        self._charger.told()
        return result16.ClearChargingProfile("Accepted" if found else "Unknown")

    @_on("GetCompositeSchedule")
    async def _composite(self, connector_id: int, duration: int, charging_rate_unit: str = "A") -> Any:
        periods = _composite_periods(self._charger, charging_rate_unit)
        if periods is None:
            return result16.GetCompositeSchedule("Accepted", connector_id)
        schedule = {
            "duration": duration,
            "charging_rate_unit": charging_rate_unit,
            "charging_schedule_period": periods,
        }
        stamp = _stamp(self._charger.clock.now())
        return result16.GetCompositeSchedule("Accepted", connector_id, stamp, schedule)

    @_on("GetConfiguration")
    async def _configuration(self, key: list[str] | None = None) -> Any:
        said = {
            "ChargingScheduleAllowedChargingRateUnit": "Current,Power",
            "ChargeProfileMaxStackLevel": "8",
            "SupportedFeatureProfiles": "Core,SmartCharging",
        }
        wanted = [name for name in said if key is None or name in key]
        return result16.GetConfiguration(
            [{"key": name, "readonly": True, "value": said[name]} for name in wanted]
        )

    async def boot(self) -> None:
        """Say that it has started."""
        await self.call(call16.BootNotification("Emulated", "Gridward"))

    async def say_status(self, plugged: bool, at: datetime) -> None:
        """Say whether a car is there."""
        status = "Charging" if plugged else "Available"
        await self.call(call16.StatusNotification(CONNECTOR, "NoError", status, timestamp=_stamp(at)))

    async def say_meter(self, p_kw: float, energy_kwh: float, at: datetime) -> None:
        """Say what its meter shows."""
        sampled = [
            {"value": f"{p_kw * 1000:.1f}", "measurand": "Power.Active.Import", "unit": "W"},
            {"value": f"{energy_kwh * 1000:.0f}", "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
        ]
        await self.call(call16.MeterValues(CONNECTOR, [{"timestamp": _stamp(at), "sampled_value": sampled}]))


class Point201(_EndsWhenTold, _Library201):  # type: ignore[misc]
    """OCPP 2.0.1."""

    def __init__(self, name: str, socket: Any, charger: HoldsProfiles) -> None:
        super().__init__(name, socket, logger=_quiet)
        self._charger = charger

    @_on("SetChargingProfile")
    async def _set(self, evse_id: int, charging_profile: Mapping[str, Any]) -> Any:
        return result201.SetChargingProfile(_set_profile(self._charger, evse_id, charging_profile))

    @_on("ClearChargingProfile")
    async def _clear(
        self,
        charging_profile_id: int | None = None,
        charging_profile_criteria: Mapping[str, Any] | None = None,
    ) -> Any:
        by = charging_profile_criteria or {}
        found = self._charger.profiles.clear(
            charging_profile_id,
            by.get("evse_id"),
            by.get("charging_profile_purpose"),
            by.get("stack_level"),
        )
        self._charger.told()
        return result201.ClearChargingProfile("Accepted" if found else "Unknown")

    @_on("GetCompositeSchedule")
    async def _composite(self, duration: int, evse_id: int, charging_rate_unit: str = "A") -> Any:
        periods = _composite_periods(self._charger, charging_rate_unit)
        if periods is None:
            return result201.GetCompositeSchedule("Accepted")
        schedule = {
            "evse_id": evse_id,
            "duration": duration,
            "schedule_start": _stamp(self._charger.clock.now()),
            "charging_rate_unit": charging_rate_unit,
            "charging_schedule_period": periods,
        }
        return result201.GetCompositeSchedule("Accepted", schedule=schedule)

    @_on("GetVariables")
    async def _variables(self, get_variable_data: list[dict[str, Any]]) -> Any:
        said = {"RateUnit": "A,W", "ProfileStackLevel": "8"}
        return result201.GetVariables([_variable(said, wanted) for wanted in get_variable_data])

    async def boot(self) -> None:
        """Say that it has started."""
        station = {"model": "Emulated", "vendor_name": "Gridward"}
        await self.call(call201.BootNotification(station, "PowerUp"))

    async def say_status(self, plugged: bool, at: datetime) -> None:
        """Say whether a car is there."""
        status = "Occupied" if plugged else "Available"
        await self.call(call201.StatusNotification(_stamp(at), status, CONNECTOR, 1))

    async def say_meter(self, p_kw: float, energy_kwh: float, at: datetime) -> None:
        """Say what its meter shows."""
        sampled = [
            {"value": round(p_kw * 1000, 1), "measurand": "Power.Active.Import"},
            {"value": round(energy_kwh * 1000), "measurand": "Energy.Active.Import.Register"},
        ]
        sampled[0]["unit_of_measure"] = {"unit": "W"}
        await self.call(call201.MeterValues(CONNECTOR, [{"timestamp": _stamp(at), "sampled_value": sampled}]))


def _set_profile(charger: HoldsProfiles, place: int, wire: Mapping[str, Any]) -> str:
    try:
        profile = read_profile(place, wire, charger.clock.now(), KW_PER_A)
    except (KeyError, ValueError):
        return "Rejected"
    taken = charger.profiles.set(profile)
    charger.told()
    return "Accepted" if taken else "Rejected"


def _composite_periods(charger: HoldsProfiles, unit: str) -> list[dict[str, float]] | None:
    limit_kw = charger.limit_kw
    if np.isinf(limit_kw):
        return None
    value = limit_kw * 1000 if unit == "W" else limit_kw / (PHASES * KW_PER_A)
    return [{"start_period": 0, "limit": round(value, 1)}]


def _variable(said: Mapping[str, str], wanted: Mapping[str, Any]) -> dict[str, Any]:
    value = said.get(wanted["variable"]["name"])
    if value is None:
        return {"attribute_status": "UnknownVariable", **wanted}
    return {"attribute_status": "Accepted", "attribute_value": value, **wanted}


def _stamp(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
