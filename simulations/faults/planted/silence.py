"""Planted bugs with devices that hear nothing."""

from typing import Any

from msgspec import structs

from controller import (
    failsafes,
    planning,
    sending,
)
from controller.entries import FailsafeArmed
from devices.failsafe import GuardedDevice
from simulations.faults.planted.planting import Set, bug

_GUARDS: dict[str, Any] = {
    "period_s": 10.0,
    "guards": True,
    "singles": False,
    "cycles": 40,
    "clock_jump": 0.0,
}


@bug(**_GUARDS | {"controller_crash": 0.3})
def silence_read_as_no_limit(put: Set) -> None:
    """A device of guard mode does not mind that it hears nothing."""
    put(GuardedDevice, "_pass_time", lambda *_: None)
    put(
        GuardedDevice,
        "limit_at",
        lambda self, now, at_s, direction="consumption": self.holder.limit_at(now, direction, at_s=at_s),
    )


@bug(**_GUARDS | {"lost_down": 0.3})
def limited_before_it_is_armed(put: Set) -> None:
    """A device of guard mode is limited before it knows what to do in silence."""
    put(planning, "may_be_asked", lambda *_: True)
    put(failsafes, "unproven", lambda *_: frozenset())
    put(sending, "unproven", lambda *_: frozenset())


@bug(**_GUARDS)
def failsafe_below_the_floor(put: Set) -> None:
    """A device is armed with a failsafe of nothing."""
    armed = failsafes._armed

    def nothing(*args: Any) -> FailsafeArmed:
        return structs.replace(armed(*args), failsafe_kw=0.0)

    put(failsafes, "_armed", nothing)
