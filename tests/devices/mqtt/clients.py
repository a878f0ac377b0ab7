"""mosquitto's own command line clients: a far side that shares no code with ours."""

import asyncio
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.brokers import tool
from tests.devices.live import WITHIN_S


async def publish(port: int, topic: str, payload: bytes, *options: str) -> None:
    """mosquitto_pub; returns when the broker has it."""
    command = (tool("mosquitto_pub"), "-p", str(port), "-t", topic, "-s", "-q", "1", *options)
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE)
    await asyncio.wait_for(process.communicate(payload), WITHIN_S)
    assert process.returncode == 0


class Subscriber:
    """mosquitto_sub at work."""

    def __init__(self, process: Process) -> None:
        self.process = process

    async def line(self) -> str:
        """The next message: its topic, a space, its payload."""
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), WITHIN_S)
        return line.decode().rstrip("\n")


@asynccontextmanager
async def subscribed(port: int, topic: str, *options: str) -> AsyncIterator[Subscriber]:
    """mosquitto_sub on this topic, from the moment that the broker has granted it."""
    command = (tool("mosquitto_sub"), "-p", str(port), "-t", topic, "-q", "1", "-v", "-d", *options)
    process = await asyncio.create_subprocess_exec("stdbuf", "-oL", *command, stdout=PIPE)
    assert process.stdout is not None
    try:
        subscriber = _Debugging(process)
        await subscriber.granted()
        yield subscriber
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


class _Debugging(Subscriber):
    """`-d` mixes the protocol's own lines in; all but the payload lines begin with "Client " or are known."""

    async def granted(self) -> None:
        while not (await super().line()).startswith("Subscribed"):
            pass

    async def line(self) -> str:
        while (line := await super().line()).startswith(("Client ", "Subscribed")):
            pass
        return line
