"""What a unit said, as the daemon's messages [1]: readings of a meter, the status of a device. Pure."""

from dataclasses import replace
from datetime import datetime

from devices.messages import DeviceStatus, Direction, Reading, Refused
from devices.modbus.dialogue import HasFailsafe, OneDirection, UnitState
from devices.modbus.settings import FieldUnit


def reading_of(place: FieldUnit, state: UnitState, now: datetime) -> Reading | Refused:
    """What its meter measured; Refused when it does not say its power."""
    assert place.meter is not None
    if state.p_kw is None:
        return Refused(place.source, "missing_field", "p_kw: the unit does not say its power", b"")
    return Reading(
        feeder=place.feeder,
        meter=place.meter,
        at=now,
        p_kw=state.p_kw,
        q_kvar=state.q_kvar,
        v_v=state.v_v,
        i_a=state.i_a,
        energy_kwh=state.energy_kwh,
    )


def status_of(
    place: FieldUnit,
    state: UnitState,
    now: datetime,
    request: str | None = None,
    direction: Direction | None = None,
) -> DeviceStatus:
    """The device as it is now. The limit is the unit's own word: None when it cannot say.

    `request` is whose limit it is, `direction` which of the two it bounds where we set it.
    """
    assert place.device is not None
    speech = place.speech
    status = DeviceStatus(
        feeder=place.feeder,
        device=place.device,
        at=now,
        online=True,
        p_kw=state.p_kw,
        failsafe_kw=state.failsafe_kw,
        failsafe_s=state.failsafe_s,
        heartbeat_timeout_s=speech.heartbeat_timeout_s if isinstance(speech, HasFailsafe) else None,
    )
    if not state.says_limit:
        return status
    own = speech.direction if isinstance(speech, OneDirection) else place.limits
    if (direction or own) == "production":
        return replace(status, production_limit_kw=state.limit_kw, production_request=request)
    return replace(status, limit_kw=state.limit_kw, request=request)
