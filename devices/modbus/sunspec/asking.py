"""One question to a SunSpec unit, inside a dialogue: an exception of the unit becomes an error of this room.

A read that is refused is the unit's fault (MalformedMessage), a write that is refused is a command that it
will not have (CommandRejected); a unit that is busy, or a gateway that does not reach it, may be asked again
(Unreachable). Codes: MODBUS Application Protocol 1.1b3, 7.
"""

from devices.errors import CommandRejected, MalformedMessage, Unreachable
from devices.modbus.dialogue import Dialogue, Read, Registers, UnitException, Write

_ASK_AGAIN = frozenset({5, 6, 10, 11})
"""acknowledge, busy, gateway path unavailable, gateway target does not answer"""


def read(address: int, count: int) -> Dialogue[Registers]:
    """These holding registers: SunSpec knows no others."""
    where = f"registers {address} to {address + count - 1}"
    try:
        answer = yield Read("holding", address, count)
    except UnitException as error:
        raise _answered(where, error) from None
    if len(answer) != count:
        raise MalformedMessage("malformed", f"{where}: {len(answer)} answered")
    return answer


def read_if_there(address: int, count: int) -> Dialogue[Registers | None]:
    """As `read`; None when the unit says that there is nothing."""
    try:
        return (yield from read(address, count))
    except MalformedMessage:
        return None


def write(address: int, values: tuple[int, ...]) -> Dialogue[None]:
    """These registers."""
    try:
        yield Write(address, values)
    except UnitException as error:
        what = f"the unit answers {error} to a write of {list(values)} at {address}"
        if error.code in _ASK_AGAIN:
            raise Unreachable(what) from None
        raise CommandRejected(what) from None


def _answered(where: str, error: UnitException) -> Exception:
    if error.code in _ASK_AGAIN:
        return Unreachable(f"{where}: the unit answers {error}")
    return MalformedMessage("malformed", f"{where}: the unit answers {error}")
