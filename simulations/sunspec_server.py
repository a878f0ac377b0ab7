"""Emulated SunSpec units on a real socket: Modbus TCP, one unit id for each.

What they do is `sunspec_units`.
"""

import asyncio
from collections.abc import Mapping
from functools import partial
from types import TracebackType
from typing import Self

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from simulations.sunspec_units import VirtualUnit


class SunSpecServer:
    """`async with SunSpecServer({1: unit}) as server:` answers on `server.port` until the block ends.

    Raises OSError when the port is taken.
    """

    def __init__(self, units: Mapping[int, VirtualUnit], host: str = "127.0.0.1", port: int = 0) -> None:
        self.host = host
        self._units = dict(units)
        self._port = port
        self._server: ModbusTcpServer | None = None

    @property
    def port(self) -> int:
        """The port in use: the one asked for, or for 0 the free one that was found."""
        return self._port

    async def __aenter__(self) -> Self:
        devices = [_device(number, unit) for number, unit in self._units.items()]
        self._server = ModbusTcpServer(devices, address=(self.host, self._port))
        try:
            await self._server.serve_forever(background=True)
        except RuntimeError as error:
            raise OSError(f"SunSpec units cannot listen on {self.host}:{self._port}: {error}") from error
        listening = self._server.transport
        assert isinstance(listening, asyncio.Server)
        self._port = listening.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        server, self._server = self._server, None
        if server is not None:
            await server.shutdown()  # type: ignore[no-untyped-call]


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
