"""Runs a unit's dialogues over its link [1, 6]: asks what they yield, sends back what is answered."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from devices.errors import CommandRejected, MalformedMessage, Unreachable
from devices.modbus.dialogue import Dialogue, GuardsWrites, Operation, Registers, Unit, UnitException, Write
from devices.modbus.link import Link
from devices.modbus.tally import Tally

MAX_OPERATIONS = 1000
"""Of one dialogue; a unit that makes it ask for ever is not followed."""
_BUSY = frozenset({5, 6})
"""Acknowledge and server device busy: the same may be asked again (Application Protocol 1.1b3, 7)."""
_ABSENT = frozenset({10, 11})
"""The gateway has no path to the unit, or hears nothing from it."""

_T = TypeVar("_T")


class UnitAbsent(Unreachable):
    """The gateway says that the unit is not there."""


class UnitBusy(Unreachable):
    """The unit is there, but cannot do it now."""


class Conversation:
    """With one unit."""

    def __init__(self, link: Link, unit_id: int, unit: Unit, tally: Tally) -> None:
        self._link, self._unit_id, self._tally = link, unit_id, tally
        self._waiting = 0
        self._guard = unit if isinstance(unit, GuardsWrites) else None

    @contextmanager
    def hurried(self) -> Iterator[None]:
        """Inside the block a command waits for the unit: whatever it is asked goes ahead of others."""
        self._waiting += 1
        self._link.hurry(self._unit_id)
        try:
            yield
        finally:
            self._waiting -= 1

    async def hold(self, dialogue: Dialogue[_T], *, ahead: bool) -> _T:
        """What came of it. Unreachable, UnitException, MalformedMessage, and what the dialogue raises."""
        try:
            operation = next(dialogue)
            for _ in range(MAX_OPERATIONS):
                try:
                    registers = await self._ask(operation, ahead=ahead)
                except UnitException as exception:
                    _raise_if_absent(exception)
                    operation = dialogue.throw(exception)
                else:
                    operation = dialogue.send(registers)
        except StopIteration as done:
            result: _T = done.value
            return result
        finally:
            dialogue.close()
        raise MalformedMessage("flood", f"more than {MAX_OPERATIONS} questions to find out one thing")

    async def _ask(self, operation: Operation, *, ahead: bool) -> Registers:
        unnamed = isinstance(operation, Write) and self._guard and not self._guard.may_write(operation)
        if unnamed:
            self._tally.unwritten += 1
            raise CommandRejected(f"{operation} is not among what may be written to this unit")
        return await self._link.ask(self._unit_id, operation, ahead=ahead or self._waiting > 0)


def _raise_if_absent(exception: UnitException) -> None:
    if exception.code in _ABSENT:
        raise UnitAbsent(f"the gateway answers {exception}: it does not reach the unit") from None
    if exception.code in _BUSY:
        raise UnitBusy(f"the unit answers {exception}: it is busy") from None
