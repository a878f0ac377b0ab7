"""A broker that misbehaves on purpose, as a real one would not at will; it speaks a little of both versions.

Knows nothing of sessions or of routing: it takes what it is sent, and writes down what that was.
"""

import asyncio
from typing import Self

_CONNECT, _PUBLISH, _SUBSCRIBE, _PING = 1, 3, 8, 12


class ScriptedBroker:
    """`async with ScriptedBroker() as broker:` listens on `broker.port`."""

    def __init__(self, *, at_first_word: bytes = b"", ends_at: str = "") -> None:
        self.published: list[str] = []
        """the topics that came, in order"""
        self.connected = 0
        self.withholds = False
        """while this holds, no publication is acknowledged"""
        self._at_first_word, self._ends_at = at_first_word, ends_at
        self._writers: list[asyncio.StreamWriter] = []
        self._withheld: list[tuple[asyncio.StreamWriter, bytes]] = []

    def acknowledge(self) -> None:
        """All that was withheld, and what comes from now on."""
        self.withholds = False
        for writer, packet in self._withheld:
            writer.write(packet)
        self._withheld.clear()

    def hang_up(self) -> None:
        """On everybody, without a word."""
        for writer in self._writers:
            writer.close()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        five, words = False, self._at_first_word
        self._writers.append(writer)
        try:
            while True:
                kind, body = await _packet(reader)
                if kind == _CONNECT:
                    five = body[6] == 5
                    self.connected += 1
                    writer.write(b"\x20\x03\x00\x00\x00" if five else b"\x20\x02\x00\x00")
                    if self._ends_at == "connect":
                        break
                elif kind == _SUBSCRIBE and self._ends_at == "subscribe":
                    break
                elif kind == _SUBSCRIBE:
                    writer.write(_suback(body, five))
                elif kind == _PUBLISH:
                    self._take(writer, body)
                    if five and words:
                        writer.write(words)
                        words = b""
                elif kind == _PING:
                    writer.write(b"\xd0\x00")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _take(self, writer: asyncio.StreamWriter, body: bytes) -> None:
        length = int.from_bytes(body[:2], "big")
        self.published.append(body[2 : 2 + length].decode())
        packet = b"\x40\x02" + body[2 + length : 4 + length]
        if self.withholds:
            self._withheld.append((writer, packet))
        else:
            writer.write(packet)


async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    first = (await reader.readexactly(1))[0]
    length = shift = 0
    while True:
        digit = (await reader.readexactly(1))[0]
        length |= (digit & 0x7F) << shift
        shift += 7
        if digit < 0x80:
            return first >> 4, await reader.readexactly(length)


def _suback(body: bytes, five: bool) -> bytes:
    place = 3 if five else 2  # the properties of 5, of which our link has none here
    count = 0
    while place < len(body):
        place += 3 + int.from_bytes(body[place : place + 2], "big")
        count += 1
    properties = b"\x00" if five else b""
    return bytes([0x90, 2 + len(properties) + count]) + body[:2] + properties + b"\x01" * count
