"""Emulated SunSpec units on a real socket: Modbus TCP, one unit id for each.

What they do is `sunspec_units`.
"""

from collections.abc import Mapping
from functools import partial

from pymodbus.constants import ExcCodes
from pymodbus.simulator import DataType, SimData, SimDevice

from simulations.modbus_units import ModbusServer
from simulations.sunspec_units import VirtualUnit


class SunSpecServer(ModbusServer):
    """`async with SunSpecServer({1: unit}) as server:` answers on `server.port` until the block ends."""

    def __init__(self, units: Mapping[int, VirtualUnit], host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(host, port)
        self._units = dict(units)

    def _devices(self) -> list[SimDevice]:
        return [_device(number, unit) for number, unit in self._units.items()]


def _device(number: int, unit: VirtualUnit) -> SimDevice:
    size = len(unit.image.registers)
    memory = SimData(unit.image.base, values=[0] * size, datatype=DataType.REGISTERS)
    return SimDevice(number, simdata=[memory], action=partial(_serve, unit))


async def _serve(  # noqa: PLR0917  # pymodbus calls it by position
    unit: VirtualUnit,
    function_code: int,
    start_address: int,
    address: int,
    count: int,
    current_registers: list[int],
    set_values: list[int] | list[bool] | None,
) -> ExcCodes | None:
    """Called by pymodbus before it answers; `current_registers` begins at `start_address`."""
    if set_values is not None:
        refused = unit.write(address, [int(value) for value in set_values])
        return None if refused is None else ExcCodes(refused)
    answer = unit.read(address, count)
    if isinstance(answer, int):
        return ExcCodes(answer)
    current_registers[address - start_address : address - start_address + count] = answer
    return None
