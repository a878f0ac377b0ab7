"""One host and port, and the connection that all its units share [1, 6].

It is opened again with back-off and jitter, for ever. That it is lost is logged once, and once that it is
back: with the first answer, not with the first connection, because there are half-open sockets and gateways
that take connections and never answer. A unit that is silent behind a gateway is its own matter; when several
questions in a row stay without an answer, to units that have spoken on this connection, it is the connection
that is given up. Units that are dead say nothing about it.
"""

import asyncio
from collections.abc import Callable

import numpy as np
import structlog

from devices.backoff import Backoff
from devices.errors import MalformedMessage
from devices.messages import Refused
from devices.modbus.connection import Connection, LinkLost, Silent, connect
from devices.modbus.dialogue import Operation, Registers, UnitException
from devices.modbus.settings import FieldSettings, LinkPlace
from devices.modbus.tally import Tally
from devices.modbus.turns import Turns
from devices.ports import Clock

SILENT_IN_ROW = 3
"""Questions without an answer, to units that were heard, after which the connection counts as half-open."""

log = structlog.get_logger(__name__)


class Link:
    """LinkHealth of one host and port."""

    def __init__(
        self,
        place: LinkPlace,
        *,
        settings: FieldSettings,
        wire_clock: Clock,
        rng: np.random.Generator,
        tally: Tally,
        refuse: Callable[[Refused], None],
    ) -> None:
        self.place = place
        self.connections = 0
        """successful connections since the start"""
        self.units = 0
        """how many share it"""
        self.when_lost: list[Callable[[], None]] = []
        self._settings, self._wire_clock, self._tally = settings, wire_clock, tally
        self._refuse = refuse
        self._backoff = Backoff(rng, settings.first_retry_s, settings.longest_retry_s)
        self._turns = Turns()
        self._connection: Connection | None = None
        self._open = asyncio.Event()
        self._silent_in_row = 0
        self._spoke: set[int] = set()
        """units that were heard on this connection"""
        self._answers = False
        self._told_of_loss = False

    @property
    def connected(self) -> bool:
        """True from one answer until the connection is lost."""
        return self._answers

    async def run(self) -> None:
        """Keep a connection until cancelled."""
        while True:
            self._tell_loss(await self._live())
            await self._wire_clock.sleep(self._backoff.next_wait_s())

    async def ready(self) -> int:
        """Wait for a connection; which one it is, counted from 1."""
        while self._connection is None:
            await self._open.wait()
        return self.connections

    def hurry(self, unit: int) -> None:
        """A command waits for this unit: what it has to do goes ahead of others."""
        self._turns.hurry(unit)

    async def ask(self, unit: int, operation: Operation, *, ahead: bool) -> Registers:
        """What a unit answers; `ahead`: before others who wait.

        LinkLost, Silent, UnitException, MalformedMessage.
        """
        async with self._turns.take(unit, ahead=ahead):
            connection = self._connection
            if connection is None:
                raise LinkLost(f"{self.place.name}: not connected")
            try:
                registers = await connection.ask(unit, operation, self._wire_clock, self._settings.deadline_s)
            except Silent as silent:
                self._silent(connection, unit, silent)
                raise
            except (UnitException, MalformedMessage):
                self._heard(connection, unit)
                raise
            self._heard(connection, unit)
            return registers

    async def _live(self) -> Exception:
        """One connection, until it is gone: why."""
        try:
            connection = Connection(self._closed, self._tally)
            await connect(self.place, connection, self._wire_clock, self._settings.deadline_s)
        except (LinkLost, OSError, ValueError) as error:  # also a name that is none
            return error
        if connection.lost.done():  # what came with the end of the handshake may have been no Modbus
            return connection.lost.result()
        self.connections += 1
        self._tally.connections += 1
        self._silent_in_row = 0
        self._spoke.clear()
        self._connection = connection
        self._open.set()
        try:
            return await connection.lost
        finally:
            connection.end(LinkLost("given up"))

    def _closed(self) -> None:
        """At once, so that nobody takes it for open any more."""
        self._open.clear()
        self._connection, self._answers = None, False
        for tell in self.when_lost:
            tell()

    def _silent(self, connection: Connection, unit: int, silent: Silent) -> None:
        if unit in self._spoke or not self._spoke:  # until somebody speaks, anybody's silence counts
            self._silent_in_row += 1
        if self.units == 1 or self._silent_in_row >= SILENT_IN_ROW:
            connection.end(silent)

    def _heard(self, connection: Connection, unit: int) -> None:
        self._silent_in_row = 0
        self._spoke.add(unit)
        self._tally.received += 1
        if not self._answers and connection is self._connection:
            self._answers, self._told_of_loss = True, False
            self._backoff.reset()
            log.info("modbus link up", link=self.place.name, units=self.units)

    def _tell_loss(self, error: Exception) -> None:
        if isinstance(error, MalformedMessage):
            self._refuse(Refused(self.place.name, error.reason, error.detail, b""))
        if not self._told_of_loss:
            self._told_of_loss = True
            log.warning("modbus link lost", link=self.place.name, units=self.units, error=str(error))
