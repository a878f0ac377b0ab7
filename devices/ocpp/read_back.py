"""Asks one charger what it truly holds [6]. What it says goes into its state; many say nothing."""

from devices.errors import MalformedMessage
from devices.ocpp.frames import CallError, CallResult
from devices.ocpp.session import Session
from devices.ocpp.settings import ChargerDevice

_NEVER = frozenset({"NotImplemented", "NotSupported"})


async def read_back(session: Session, device: ChargerDevice) -> tuple[bool, float | None]:
    """Whether the charger says what it holds, and that in kW (None: no limit). Unreachable."""
    if not session.reads_back:
        return False, None
    answer = await session.calls.ask(session.codec.ask_held(device, session.ability.unit))
    if isinstance(answer, CallError):
        session.reads_back = answer.code not in _NEVER
    if not isinstance(answer, CallResult):
        return False, None
    try:
        held_kw = session.codec.read_held(answer.payload, device)
    except MalformedMessage:
        return False, None  # "Rejected" is what many chargers say to it
    session.state.read_back(device, held_kw)
    return True, held_kw
