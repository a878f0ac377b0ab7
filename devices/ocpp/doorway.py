"""How many connections there may be at all, and how many that have not said who they are.

What is too much is closed before a byte of it is read.
"""

import asyncio
from dataclasses import dataclass, field
from typing import ClassVar

from websockets.asyncio.server import ServerConnection


@dataclass(slots=True)
class Doorway:
    """Counts those inside."""

    max_connections: int
    max_opening: int
    inside: int = field(default=0, init=False)
    opening: int = field(default=0, init=False)
    closed_at_once: int = field(default=0, init=False)
    """connections that there was no room for"""

    def enter(self) -> bool:
        """Whether there is room for one more; it is then counted."""
        if self.inside >= self.max_connections or self.opening >= self.max_opening:
            self.closed_at_once += 1
            return False
        self.inside += 1
        self.opening += 1
        return True


class ChargerConnection(ServerConnection):
    """The library's connection, counted, and with the charge point that it proved to be."""

    doorway: ClassVar[Doorway]
    charge_point: str | None = None
    _counted = False
    _is_opening = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The library's hook."""
        super().connection_made(transport)
        self._counted = self._is_opening = self.doorway.enter()
        if not self._counted:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """The library's hook."""
        super().connection_lost(exc)
        self.opened()
        if self._counted:
            self._counted = False
            self.doorway.inside -= 1

    def opened(self) -> None:
        """It has said who it is."""
        if self._is_opening:
            self._is_opening = False
            self.doorway.opening -= 1


def connection_class(doorway: Doorway) -> type[ChargerConnection]:
    """A connection class of its own for one listener: the library makes the connections, not we."""

    class Connection(ChargerConnection):
        pass

    Connection.doorway = doorway
    return Connection
