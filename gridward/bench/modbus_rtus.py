"""Emulated RTUs in a process of their own, for `gridward bench modbus`: tells their ports, then answers."""

import asyncio
import logging
import sys
from contextlib import AsyncExitStack

from devices.modbus.register_map import load_profile
from simulations.rtu_server import RtuServer

PROFILE = "rtu_generic"


async def serve(count: int) -> None:
    """Until standard input ends."""
    profile = load_profile(PROFILE)
    async with AsyncExitStack() as servers:
        rtus = [await servers.enter_async_context(RtuServer(profile)) for _ in range(count)]
        for number, rtu in enumerate(rtus):
            rtu.update(number / 10, 1.0, (230.0, 231.0, 229.0), (10.0, 11.0, 9.0), 1000.0)
        print(" ".join(str(rtu.port) for rtu in rtus), flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    asyncio.run(serve(int(sys.argv[1])))
