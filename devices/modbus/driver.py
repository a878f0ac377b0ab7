"""The substation's RTU, polled over Modbus TCP [1]. Sockets here, meaning in `codec.py`.

One connection, one question at a time, each with a deadline. An RTU that is silent is asked again with
back-off and jitter; that it is gone is logged once, and once that it is back. What it answers is a Reading,
or Refused when a value cannot be: never a guess. It only reads; no write function is used at all.
"""

import logging
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import structlog
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from devices.backoff import Backoff
from devices.errors import MalformedMessage, Unreachable
from devices.messages import Inbound, Refused
from devices.modbus.codec import decode, to_reading
from devices.modbus.register_map import Block, RegisterMap, blocks
from devices.ports import Clock, Deliver

_T = TypeVar("_T")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RtuSettings:
    """One RTU and how often it is asked."""

    feeder: str
    host: str
    port: int = 502
    unit: int = 1
    period_s: float = 5.0
    deadline_s: float = 2.0
    """For the connection, and for each answer."""
    first_retry_s: float = 0.5
    longest_retry_s: float = 30.0


class ModbusRtu:
    """TelemetrySource and LinkHealth of one substation."""

    def __init__(
        self,
        settings: RtuSettings,
        profile: RegisterMap,
        clock: Clock,
        rng: np.random.Generator,
        wire_clock: Clock | None = None,
    ) -> None:
        """`wire_clock` is for waits on the network, when `clock` (period, time of day) is not real time."""
        self.received = 0
        """answers read, good or refused"""
        self.connections = 0
        """successful connections since the start"""
        self._settings = settings
        self._profile = profile
        self._blocks = blocks(profile)
        self._clock = clock
        self._wire_clock = wire_clock or clock
        self._backoff = Backoff(rng, settings.first_retry_s, settings.longest_retry_s)
        self._connected = False
        self._told_of_loss = False

    @property
    def connected(self) -> bool:
        """True from one good answer until the first one that fails to come."""
        return self._connected

    @property
    def source(self) -> str:
        """Where readings come from, as it stands in `Refused.source`."""
        return f"modbus://{self._settings.host}:{self._settings.port}/{self._settings.unit}"

    async def run(self, deliver: Deliver) -> None:
        """Ask every period, deliver what comes back, until cancelled."""
        # pymodbus logs each lost answer; the link tells its own story, once
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
        while True:
            try:
                await self._poll(deliver)
            except (Unreachable, ModbusException, OSError) as error:
                self._connected = False
                self._tell_loss(error)
            await self._wire_clock.sleep(self._backoff.next_wait_s())

    async def _poll(self, deliver: Deliver) -> None:
        client = AsyncModbusTcpClient(
            self._settings.host,
            port=self._settings.port,
            timeout=self._settings.deadline_s,
            retries=0,
            reconnect_delay=0,
        )
        try:
            if not await self._in_time(client.connect()):
                raise Unreachable(f"{self.source}: no connection")
            self.connections += 1
            due_s = self._clock.monotonic()
            while True:
                deliver(await self._read(client))
                self._tell_return()
                due_s = max(due_s + self._settings.period_s, self._clock.monotonic())
                await self._clock.sleep(due_s - self._clock.monotonic())
        finally:
            client.close()

    async def _read(self, client: AsyncModbusTcpClient) -> Inbound:
        registers: dict[int, int] = {}
        try:
            for block in self._blocks:
                registers.update(enumerate(await self._ask(client, block), start=block.address))
            values = decode(self._profile, registers)
        except MalformedMessage as error:
            payload = b"".join(register.to_bytes(2, "big") for _, register in sorted(registers.items()))
            return Refused(source=self.source, reason=error.reason, detail=error.detail, payload=payload)
        finally:
            self.received += 1
        return to_reading(values, self._settings.feeder, self._clock.now())

    async def _ask(self, client: AsyncModbusTcpClient, block: Block) -> list[int]:
        table = self._profile.table
        read = client.read_input_registers if table == "input" else client.read_holding_registers
        answer = await self._in_time(read(block.address, count=block.count, device_id=self._settings.unit))
        where = f"registers {block.address} to {block.address + block.count - 1}"
        if answer.isError():
            raise MalformedMessage("malformed", f"{where}: the RTU answers {answer}")
        if len(answer.registers) != block.count:
            raise MalformedMessage("malformed", f"{where}: {len(answer.registers)} answered")
        return list(answer.registers)

    async def _in_time(self, question: Awaitable[_T]) -> _T:
        try:
            async with self._wire_clock.timeout(self._settings.deadline_s):
                return await question
        except TimeoutError:
            raise Unreachable(f"{self.source}: no answer within {self._settings.deadline_s} s") from None

    def _tell_loss(self, error: Exception) -> None:
        if not self._told_of_loss:
            self._told_of_loss = True
            log.warning("rtu lost", feeder=self._settings.feeder, source=self.source, error=str(error))

    def _tell_return(self) -> None:
        if not self._connected and (self._told_of_loss or self.connections == 1):
            log.info("rtu up", feeder=self._settings.feeder, source=self.source)
        self._connected, self._told_of_loss = True, False
        self._backoff.reset()
