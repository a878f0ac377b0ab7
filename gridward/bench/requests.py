"""10,000 requests sent at once and answered, through mosquitto, to devices that check each one.

The daemon's own dispatch and link send them; a request's time is from the moment that all are due until its
answer has come in. The devices are in another process, and share the machine's cores with broker and link.
"""

import asyncio
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from time import perf_counter

import numpy as np

from controller.clock import WallClock
from controller.dispatch import Dispatch, Sending
from devices.messages import Answer, Inbound, LimitCommand
from devices.mqtt.driver import MqttLink
from devices.mqtt.settings import LinkSettings, Protocol
from gridward.bench.answering_devices import FLOOR_KW, device_name
from gridward.private_broker import NoMosquitto, PrivateBroker

FEEDER = "bench"
GOAL_S = 2.0
PROTOCOLS: tuple[Protocol, ...] = ("3.1.1", "5")
ANSWERED_WITHIN_S = 60.0


@dataclass(frozen=True)
class Answered:
    """What came of one run."""

    sent: int
    after_s: list[float]
    """of every answer, sorted"""

    def share_s(self, share: float) -> float:
        """So long this share of the requests took; infinite while fewer are answered."""
        place = int(np.ceil(share * self.sent)) - 1
        return self.after_s[place] if place < len(self.after_s) else float("inf")


class Arriving:
    """The answers of one run as they come in."""

    def __init__(self, count: int) -> None:
        self._count = count
        self.after_s: dict[str, float] = {}
        """by request: of a request that is answered twice the first answer counts"""
        self.all_answered = asyncio.Event()

    def take(self, message: Inbound, after_s: float) -> None:
        """What came `after_s` after all were due."""
        if isinstance(message, Answer) and message.answer == "accepted":
            self.after_s.setdefault(message.request, after_s)
            if len(self.after_s) == self._count:
                self.all_answered.set()


def print_figures(seed: int, quick: bool) -> None:
    """Print the table."""
    heads = f"{'requests':>9}{'answered':>10}{'median s':>10}{'99 % s':>9}{'all s':>9}{'a second':>10}"
    print(f"{'MQTT':>6}{heads}")
    counts = (1_000,) if quick else (1_000, 10_000, 10_000, 10_000)
    try:
        for count, protocol in product(counts, PROTOCOLS):
            with PrivateBroker() as broker:
                print_run(protocol, asyncio.run(measure(broker.port, count, seed, protocol)))
    except NoMosquitto as missing:
        print(f"left out: {missing}")
    if not quick:  # which asks for fewer than the goal is about
        print(f"goal: 99 % of 10,000 answered within {GOAL_S:g} s of the moment when all are due")


def print_run(protocol: Protocol, found: Answered) -> None:
    """One row."""
    median_s, most_s, all_s = (found.share_s(share) for share in (0.5, 0.99, 1.0))
    answered = len(found.after_s)
    spent = f"{median_s:>10.2f}{most_s:>9.2f}{all_s:>9.2f}{answered / all_s:>10,.0f}"
    print(f"{protocol:>6}{found.sent:>9,}{answered:>10,}{spent}", flush=True)


async def measure(port: int, count: int, seed: int, protocol: Protocol) -> Answered:
    """Send so many to as many devices, and wait until all are answered."""
    secret = secrets.token_bytes(32)
    with _devices(port, count, secret):
        settings = LinkSettings("127.0.0.1", port, (FEEDER,), protocol=protocol)
        return await _run(settings, count, secret, np.random.default_rng(seed))


async def _run(settings: LinkSettings, count: int, secret: bytes, rng: np.random.Generator) -> Answered:
    clock = WallClock()
    link = MqttLink(settings, clock, rng)
    dispatch = Dispatch(link, link, clock, secret, deadline_s=30.0)
    arriving, began = Arriving(count), 0.0

    def deliver(message: Inbound) -> None:
        arriving.take(message, perf_counter() - began)

    running = asyncio.create_task(link.run(deliver))
    async with asyncio.timeout(10.0):
        while not link.connected:
            await clock.sleep(0.01)
    sendings = list(_sendings(count, clock))
    began = perf_counter()
    dispatch.start(sendings)
    with suppress(TimeoutError):
        async with asyncio.timeout(ANSWERED_WITHIN_S):
            await arriving.all_answered.wait()
    await dispatch.stop()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    return Answered(count, sorted(arriving.after_s.values()))


def _sendings(count: int, clock: WallClock) -> Iterator[Sending]:
    start = clock.now()
    end = start + timedelta(minutes=15)
    for number in range(count):
        request = f"r-{number:05d}"
        command = LimitCommand(FEEDER, device_name(number), request, FLOOR_KW, start, end, 1, 1)
        yield Sending(request, 1, 1, releasing=False, message=command)


@contextmanager
def _devices(port: int, count: int, secret: bytes) -> Iterator[None]:
    command = ["-m", "gridward.bench.answering_devices", str(port), FEEDER, str(count), secret.hex()]
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        if process.stdout.readline() != b"listening\n":
            raise RuntimeError("the devices do not listen")
        yield
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
