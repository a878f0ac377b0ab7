"""Runs dialogues in memory against an emulated unit, and time that is turned by hand."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from devices.modbus.dialogue import Dialogue, Operation, Read, Registers, UnitException, Write
from simulations.sunspec_units import VirtualUnit

_T = TypeVar("_T")
Answer = Callable[[Operation], Registers]


class HandClock:
    """A clock that stands still until it is turned."""

    def __init__(self) -> None:
        self.at_s = 1000.0

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.at_s)

    def monotonic(self) -> float:
        return self.at_s

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        raise NotImplementedError


def talk(dialogue: Dialogue[_T], answer: Answer, most: int = 1000) -> tuple[_T, list[Operation]]:
    """The result of a dialogue, and all that was asked for it. Fails after `most` operations."""
    asked: list[Operation] = []
    try:
        operation = next(dialogue)
        while True:
            asked.append(operation)
            assert len(asked) <= most, "endless"
            try:
                answered = answer(operation)
            except UnitException as error:
                operation = dialogue.throw(error)
            else:
                operation = dialogue.send(answered)
    except StopIteration as stop:
        return stop.value, asked


def answers_of(unit: VirtualUnit) -> Answer:
    """What the emulated unit answers."""

    def answer(operation: Operation) -> Registers:
        if isinstance(operation, Write):
            refused = unit.write(operation.address, operation.values)
            if refused is not None:
                raise UnitException(refused)
            return ()
        assert isinstance(operation, Read)
        assert operation.table == "holding"
        assert operation.count <= 125
        registers = unit.read(operation.address, operation.count)
        if isinstance(registers, int):
            raise UnitException(registers)
        return tuple(registers)

    return answer


def ask(dialogue: Dialogue[_T], unit: VirtualUnit) -> _T:
    """The result of a dialogue with an emulated unit."""
    return talk(dialogue, answers_of(unit))[0]
