"""What an emulated charger does with charging profiles: keeps them, and says what is allowed now. Pure.

By OCPP 1.6 section 3.13 and 2.0.1 use case K01: of each purpose the valid profile of the highest stack level
counts, a transaction's own goes before the default, and what is for the whole charger bounds them all. A
profile that has ended counts for nothing, whether anybody clears it or not.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Purpose = Literal["overall", "default", "transaction"]
_PURPOSES: Mapping[str, Purpose] = {
    "ChargePointMaxProfile": "overall",
    "ChargingStationMaxProfile": "overall",
    "TxDefaultProfile": "default",
    "TxProfile": "transaction",
}


@dataclass(frozen=True, slots=True)
class HeldProfile:
    """One profile, in kW."""

    number: int
    place: int
    """connector or EVSE; 0: all"""
    purpose: Purpose
    level: int
    valid_from: datetime | None
    valid_to: datetime | None
    begins: datetime
    duration_s: float
    """inf when it has no end of its own"""
    periods: tuple[tuple[float, float], ...]
    """(seconds after the beginning, kW), in order"""

    def limit_kw(self, at: datetime) -> float | None:
        """What it allows at this time, or None when it is not valid then."""
        early = self.valid_from is not None and at < self.valid_from
        late = self.valid_to is not None and at >= self.valid_to
        since_s = (at - self.begins).total_seconds()
        if early or late or not 0 <= since_s < self.duration_s:
            return None
        current = [kw for start_s, kw in self.periods if start_s <= since_s]
        return current[-1] if current else None


class ProfileBook:
    """All profiles of one charger."""

    def __init__(self, *, same_level_is_refused: bool) -> None:
        """Whether a second profile of one place, purpose and level is refused (2.0.1) or replaces (1.6)."""
        self._refuses = same_level_is_refused
        self._held: list[HeldProfile] = []

    def __len__(self) -> int:
        return len(self._held)

    def set(self, profile: HeldProfile) -> bool:
        """Take a profile; the same number is replaced. False when it is refused."""
        others = [held for held in self._held if held.number != profile.number]
        rivals = [held for held in others if _rank(held) == _rank(profile)]
        if self._refuses and any(_overlap(held, profile) for held in rivals):
            return False
        self._held = [held for held in others if self._refuses or held not in rivals] + [profile]
        return True

    def clear(
        self,
        number: int | None = None,
        place: int | None = None,
        purpose: str | None = None,
        level: int | None = None,
    ) -> bool:
        """Forget one profile by number, or all that match. False when there was none."""
        kind = None if purpose is None else _PURPOSES.get(purpose)

        def goes(held: HeldProfile) -> bool:
            if number is not None:
                return held.number == number
            wanted = ((place, held.place), (kind, held.purpose), (level, held.level))
            return all(asked is None or asked == has for asked, has in wanted)

        kept = [held for held in self._held if not goes(held)]
        found = len(kept) < len(self._held)
        self._held = kept
        return found

    def limit_kw(self, connector: int, at: datetime) -> float:
        """What a connector may take at this time; inf when nothing bounds it."""
        here = [held for held in self._held if held.place in (0, connector) or held.purpose == "overall"]
        overall, default, own = (
            _top((held for held in here if held.purpose == purpose), at)
            for purpose in ("overall", "default", "transaction")
        )
        charging = own if own is not None else default
        return min(math.inf if limit is None else limit for limit in (overall, charging))


def read_profile(place: int, wire: Mapping[str, Any], now: datetime, kw_per_a: float) -> HeldProfile:
    """A profile as the library hands it over (snake_case), of either version. KeyError or ValueError when it
    is none. `kw_per_a` is for one phase.
    """
    schedules = wire["charging_schedule"]
    schedule = schedules[0] if isinstance(schedules, list) else schedules
    begins = schedule.get("start_schedule")
    return HeldProfile(
        number=wire["charging_profile_id"] if "charging_profile_id" in wire else wire["id"],
        place=place,
        purpose=_PURPOSES[wire["charging_profile_purpose"]],
        level=wire["stack_level"],
        valid_from=_time_or_none(wire.get("valid_from")),
        valid_to=_time_or_none(wire.get("valid_to")),
        begins=now if begins is None else datetime.fromisoformat(begins),
        duration_s=float(schedule.get("duration", math.inf)),
        periods=tuple(_periods(schedule, kw_per_a)),
    )


def _periods(schedule: Mapping[str, Any], kw_per_a: float) -> Iterable[tuple[float, float]]:
    in_watt = schedule["charging_rate_unit"] == "W"
    for period in schedule["charging_schedule_period"]:
        factor = 1e-3 if in_watt else period.get("number_phases", 3) * kw_per_a
        yield float(period["start_period"]), float(period["limit"]) * factor


def _time_or_none(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _rank(held: HeldProfile) -> tuple[int, Purpose, int]:
    return held.place, held.purpose, held.level


def _overlap(one: HeldProfile, two: HeldProfile) -> bool:
    ends = [held.valid_to for held in (one, two) if held.valid_to is not None]
    begins = [held.valid_from for held in (one, two) if held.valid_from is not None]
    return not ends or not begins or max(begins) < min(ends)


def _top(profiles: Iterable[HeldProfile], at: datetime) -> float | None:
    valid = [(held.level, limit) for held in profiles if (limit := held.limit_kw(at)) is not None]
    return max(valid)[1] if valid else None
