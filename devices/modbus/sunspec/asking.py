"""One question to a SunSpec unit, inside a dialogue: an exception of the unit becomes an error of this room.

A read that is refused is the unit's fault (MalformedMessage), a write that is refused is a command that it
will not have (CommandRejected). A unit that is busy, or that a gateway does not reach, is `conversation.py`'s
subject: no dialogue hears of it.
"""

from devices.errors import CommandRejected, MalformedMessage
from devices.modbus.dialogue import Dialogue, Read, Registers, UnitException, Write


def read(address: int, count: int) -> Dialogue[Registers]:
    """These holding registers: SunSpec knows no others."""
    where = f"registers {address} to {address + count - 1}"
    try:
        answer = yield Read("holding", address, count)
    except UnitException as error:
        raise MalformedMessage("malformed", f"{where}: the unit answers {error}") from None
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
        raise CommandRejected(what) from None
