"""Many RTUs polled over Modbus TCP by one process [1]: its share of a core, and whether polls come in time.

The RTUs answer in another process, on real sockets, each on a port of its own. Beside the driver stands the
library's client: one for each RTU, asked for the same registers in the same period, and nothing made of them.
"""

import asyncio
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import numpy as np
import structlog
from pymodbus.client import AsyncModbusTcpClient

from controller.clock import WallClock
from devices.messages import SUBSTATION, Inbound, Reading
from devices.modbus.driver import ModbusField
from devices.modbus.failsafe_unit import mapped_unit
from devices.modbus.register_map import blocks, load_profile
from devices.modbus.settings import FieldUnit, LinkPlace
from gridward.bench.modbus_rtus import PROFILE

RTUS, PERIOD_S = 500, 5.0
_SETTLED_S = 6.0
"""connections are open and phases spread after this"""
_Count = Callable[[], int]


def print_figures(seed: int, quick: bool) -> None:
    """Print CPU share, polls a second and late polls; `quick` with fewer RTUs and less time."""
    rtus, seconds = (100, 10.0) if quick else (RTUS, 30.0)
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    command = [sys.executable, "-m", "gridward.bench.modbus_rtus", str(rtus)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ports = [int(port) for port in process.stdout.readline().split()]
        print(f"{rtus} RTUs, each every {PERIOD_S:g} s, for {seconds:g} s")
        print(f"{'':<22}{'polls/s':>9}{'readings/s':>12}{'late':>6}{'CPU % of a core':>17}{'us each':>9}")
        asyncio.run(_driver(ports, seed, seconds))
        asyncio.run(_library(ports, seed, seconds))


async def _driver(ports: list[int], seed: int, seconds: float) -> None:
    profile = load_profile(PROFILE)
    units = [
        FieldUnit(
            f"f{n}", LinkPlace("127.0.0.1", port), 1, mapped_unit(profile), SUBSTATION, period_s=PERIOD_S
        )
        for n, port in enumerate(ports)
    ]
    field = ModbusField(units, WallClock(), np.random.default_rng(seed))
    readings = 0

    def deliver(message: Inbound) -> None:
        nonlocal readings
        readings += isinstance(message, Reading)

    def late() -> int:
        return field.tally.late_polls

    await _measured(
        "gridward", field.run(deliver), seconds, (lambda: field.tally.polls, lambda: readings, late)
    )


async def _library(ports: list[int], seed: int, seconds: float) -> None:
    rng = np.random.default_rng(seed)
    phases = rng.uniform(0.0, PERIOD_S, len(ports))
    polls = 0
    (block,) = blocks(load_profile(PROFILE))

    async def poll(port: int, phase_s: float) -> None:
        nonlocal polls
        client = AsyncModbusTcpClient("127.0.0.1", port=port, timeout=2, retries=0, reconnect_delay=0)
        await client.connect()
        clock = WallClock()
        await clock.sleep(phase_s)
        while True:
            await client.read_input_registers(block.address, count=block.count, device_id=1)
            polls += 1
            await clock.sleep(PERIOD_S)

    async def run() -> None:
        async with asyncio.TaskGroup() as tasks:
            for port, phase_s in zip(ports, phases, strict=True):
                tasks.create_task(poll(port, float(phase_s)))

    await _measured("pymodbus client", run(), seconds, (lambda: polls, lambda: 0, lambda: 0))


async def _measured(
    name: str, work: Coroutine[Any, Any, None], seconds: float, counts: tuple[_Count, _Count, _Count]
) -> None:
    clock = WallClock()
    running = asyncio.create_task(work)
    await clock.sleep(_SETTLED_S)
    before, began, cpu_s = [count() for count in counts], time.perf_counter(), time.process_time()
    await clock.sleep(seconds)
    cpu_s, took_s = time.process_time() - cpu_s, time.perf_counter() - began
    polls, readings, late = (count() - then for count, then in zip(counts, before, strict=True))
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    print(
        f"{name:<22}{polls / took_s:>9.1f}{readings / took_s:>12.1f}{late:>6}{100 * cpu_s / took_s:>17.2f}"
        f"{cpu_s / max(polls, 1) * 1e6:>9.0f}",
        flush=True,
    )
