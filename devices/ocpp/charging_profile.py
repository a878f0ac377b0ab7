"""A limit of ours as a charging profile: id, unit, rounding, purpose, window [6]. Pure, both versions.

The end travels inside the profile (`validTo`, and `duration` from `startSchedule` on), so that a charger
returns by itself when we are dead. The value travels in watt, or in ampere for chargers that take nothing
else; see `wire_limit` for the rounding.
"""

import hashlib
import math
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from devices.messages import LimitCommand
from devices.ocpp.settings import Charger, ChargerDevice, Purpose, RateUnit

FALLBACK_UNIT: RateUnit = "A"
"""What chargers that do not say take: many AC chargers know nothing else."""
FALLBACK_STACK_LEVEL = 1
"""Not 0: there are chargers that cannot clear what stands there (go-e issue 187)."""
ROUNDING_KW = 0.001
"""Two values closer than this are the same to us, whatever floating point says."""


@dataclass(frozen=True, slots=True)
class Ability:
    """What a charger can do about limits."""

    unit: RateUnit = FALLBACK_UNIT
    stack_level: int = FALLBACK_STACK_LEVEL
    smart_charging: bool = True
    """it does not deny it"""
    configured_purpose: Purpose | None = None

    def purpose(self, device: ChargerDevice) -> Purpose:
        """What is not configured follows from what is limited: a whole charger or a connector."""
        return self.configured_purpose or ("max" if device.connector == 0 else "default")

    def follows_transactions(self, device: ChargerDevice) -> bool:
        """Whether a running transaction gets a profile of its own beside the default one: there are chargers
        whose default only holds for the next transaction.
        """
        return self.configured_purpose is None and device.connector > 0

    def of_transaction(self) -> "Ability":
        """The same for a transaction's own profile."""
        return replace(self, configured_purpose="transaction")


@dataclass(frozen=True, slots=True)
class WireLimit:
    """A limit as the charger gets it."""

    unit: RateUnit
    value: float
    """W in all, or A per phase"""
    limit_kw: float
    """what that is at nominal voltage"""


def wire_limit(limit_kw: float, device: ChargerDevice, unit: RateUnit) -> WireLimit:
    """The limit in the charger's unit.

    Watt: to the tenth, upwards (0.1 W at most). Ampere: P / (phases x nominal voltage) down to the charger's
    step, so that no more is taken than was said; unless that is below the floor, then the first step that is
    not. So 4.2 kW on three phases of 230 V is 6.1 A (4.209 kW), never 6.0 A (4.14 kW).
    """
    if unit == "W":
        tenths = math.ceil(round(limit_kw * 10_000, 3))
        return WireLimit("W", tenths / 10, tenths / 10_000)
    kw_per_a = device.phases * device.nominal_v / 1000
    step_kw = device.current_step_a * kw_per_a
    steps = math.floor(limit_kw / step_kw + 1e-9)
    if steps * step_kw < device.floor_kw - 1e-9:
        steps = math.ceil(device.floor_kw / step_kw - 1e-9)
    amps = round(steps * device.current_step_a, 1)
    return WireLimit("A", amps, amps * kw_per_a)


def in_kw(value: float, unit: RateUnit, device: ChargerDevice, phases: int | None) -> float:
    """What a charger says in its unit; in ampere it may say for how many phases."""
    return value / 1000 if unit == "W" else value * (phases or device.phases) * device.nominal_v / 1000


def tolerance_kw(device: ChargerDevice) -> float:
    """A tenth of an ampere on each phase: closer than this no charger can say it."""
    return 0.1 * device.phases * device.nominal_v / 1000 + ROUNDING_KW


def profile_id(request: str, *, of_transaction: bool = False) -> int:
    """The id of a request's profile: the same on every sending, so a renewal replaces what it renews. The
    profile of a transaction has one of its own.

    31 bits of SHA-256, never 0.
    """
    name = f"{request}\0transaction" if of_transaction else request
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") & 0x7FFFFFFF or 1


def schedule(command: LimitCommand, device: ChargerDevice, unit: RateUnit) -> dict[str, Any]:
    """The chargingSchedule that both versions have: one period, from start for `duration` whole seconds."""
    wire = wire_limit(command.limit_kw, device, unit)
    period: dict[str, Any] = {"startPeriod": 0, "limit": wire.value}
    if unit == "A" and device.phases != 3:
        period["numberPhases"] = device.phases  # 3 is what a charger assumes when it is not told
    # downwards: a charger that only looks at the duration lets go early by less than a second, never late
    seconds = max(1, math.floor((command.end - command.start).total_seconds()))
    return {
        "startSchedule": wire_time(command.start),
        "duration": seconds,
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": [period],
    }


def profile(
    command: LimitCommand, purpose: str, ability: Ability, transaction: int | str | None
) -> dict[str, Any]:
    """What both versions' profiles have in common, but for the id's name and the schedule."""
    common: dict[str, Any] = {
        "stackLevel": ability.stack_level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "validFrom": wire_time(command.start),
        "validTo": wire_time(command.end),
    }
    if transaction is not None:
        common["transactionId"] = transaction
    return common


def ability(
    charger: Charger, units: str | None = None, levels: str | None = None, *, smart_charging: bool = True
) -> Ability:
    """What a charger can do, from what it says of its units and stack levels and from its settings.

    Watt when it takes watt: no conversion, no assumption about voltage. The level as configured, else the
    highest that it offers: among profiles of one purpose the highest wins.
    """
    offered = int(levels) if levels is not None and re.fullmatch(r"\d{1,9}", levels.strip()) else None
    if charger.stack_level is not None:
        level = charger.stack_level if offered is None else min(charger.stack_level, offered)
    else:
        level = FALLBACK_STACK_LEVEL if offered is None else offered
    words = {word.strip().lower() for word in (units or "").split(",")}
    said: RateUnit = "W" if words & {"w", "power"} else "A" if words & {"a", "current"} else FALLBACK_UNIT
    return Ability(charger.rate_unit or said, level, smart_charging, charger.purpose)


def wire_time(at: datetime) -> str:
    """UTC with milliseconds and a Z: there are chargers that read nothing else."""
    utc = at.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03}Z"
