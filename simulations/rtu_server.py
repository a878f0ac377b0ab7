"""An emulated substation RTU that speaks real Modbus TCP, by the same register map as the driver.

Values are set with `update`; every read sees the newest ones. Nothing can be written to it.
"""

import asyncio
from types import TracebackType
from typing import Self

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from devices.modbus.codec import encode
from devices.modbus.register_map import RegisterMap, blocks


class RtuServer:
    """`async with RtuServer(profile) as rtu:` answers on `rtu.host` and `rtu.port` until the block ends.

    Raises OSError when the port is taken.
    """

    def __init__(
        self, profile: RegisterMap, host: str = "127.0.0.1", port: int = 0, *, unit: int = 1
    ) -> None:
        self.host = host
        self._profile = profile
        self._port = port
        self._unit = unit
        self._registers = encode(profile, {})
        self._server: ModbusTcpServer | None = None

    @property
    def port(self) -> int:
        """The port in use: the one asked for, or for 0 the free one that was found."""
        return self._port

    def update(
        self,
        p_kw: float,
        q_kvar: float,
        v_v: tuple[float, float, float],
        i_a: tuple[float, float, float],
        energy_kwh: float,
    ) -> None:
        """The values that are read from now on."""
        values = {"p_kw": p_kw, "q_kvar": q_kvar, "energy_kwh": energy_kwh}
        values |= {f"v_l{phase}_v": value for phase, value in enumerate(v_v, start=1)}
        values |= {f"i_l{phase}_a": value for phase, value in enumerate(i_a, start=1)}
        self._registers = encode(self._profile, values)

    async def __aenter__(self) -> Self:
        memory = [
            SimData(block.address, values=[0] * block.count, datatype=DataType.REGISTERS)
            for block in blocks(self._profile)
        ]
        device = SimDevice(self._unit, simdata=memory, action=self._serve)
        self._server = ModbusTcpServer(device, address=(self.host, self._port))
        try:
            await self._server.serve_forever(background=True)
        except RuntimeError as error:
            raise OSError(f"RTU cannot listen on {self.host}:{self._port}: {error}") from error
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

    async def _serve(  # noqa: PLR0917  # pymodbus calls it by position
        self,
        function_code: int,
        start_address: int,
        address: int,
        count: int,
        current_registers: list[int],
        set_values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        """Called by pymodbus before it answers; `current_registers` begins at `start_address`."""
        if set_values is not None:
            return ExcCodes.ILLEGAL_FUNCTION
        for register, value in self._registers.items():
            current_registers[register - start_address] = value
        return None
