"""A private Mosquitto and the publishing process of `gridward bench field`."""

import asyncio
import getpass
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

_TRIES, _BETWEEN_S = 200, 0.02
_CONFIG = """
listener {port} 127.0.0.1
user {user}
allow_anonymous true
persistence false
max_queued_messages 1000000
log_type error
"""


def mosquitto() -> str | None:
    """Where the broker's program is; None where it is not installed."""
    return shutil.which("mosquitto", path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin")))


class Field:
    """The publisher, ready, and the broker's port."""

    def __init__(self, port: int, publisher: Process) -> None:
        self.port = port
        self._publisher = publisher

    def begin(self) -> None:
        """Let it publish."""
        assert self._publisher.stdin is not None
        self._publisher.stdin.write(b"\n")


@asynccontextmanager
async def broker_and_field(shape: str, count: int, seed: int) -> AsyncIterator[Field]:
    """A broker that listens, and a publisher that has prepared its messages and waits."""
    program = mosquitto()
    assert program is not None
    port = _free_port()
    with tempfile.TemporaryDirectory(prefix="gridward-bench-") as folder:
        config = Path(folder) / "mosquitto.conf"
        config.write_text(_CONFIG.format(port=port, user=getpass.getuser()), encoding="utf-8")
        broker = await asyncio.create_subprocess_exec(
            program, "-c", str(config), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        command = (sys.executable, "-m", "gridward.bench.field_publisher", port, shape, count, seed)
        publisher = await asyncio.create_subprocess_exec(*map(str, command), stdin=PIPE, stdout=PIPE)
        try:
            await _listens(port)
            assert publisher.stdout is not None
            await publisher.stdout.readline()
            yield Field(port, publisher)
        finally:
            for process in (publisher, broker):
                if process.returncode is None:
                    process.kill()
                await process.wait()


async def _listens(port: int) -> None:
    for _ in range(_TRIES):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(_BETWEEN_S)  # noqa: TID251  real processes
        else:
            writer.close()
            return
    raise OSError(f"mosquitto does not listen on {port}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
