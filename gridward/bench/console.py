"""What the console's stream costs: many pages that follow one large feeder which moves each second.

The server is the real app under uvicorn in a process of its own; its CPU is its own word. The pages are plain
sockets in this process, which take each event whole and look at its time. The console's own form stands
beside the one for other programs, where every page has the whole state made for itself.
"""

import asyncio
import re
import subprocess
import sys
import time
from contextlib import suppress
from datetime import datetime

import numpy as np

from controller.clock import WallClock
from gridward.bench.console_feeder import FEEDER

CLIENTS, BUSES = 50, 2000
_SETTLED_S = 2.0
_AT = re.compile(rb'"at":"([^"]+)"')
_FORMS = {
    "no page": None,
    "form=columns": f"/api/v1/stream?form=columns&feeder={FEEDER}",
    "form=state": f"/api/v1/stream?feeder={FEEDER}",
}
_FEEDER_EVENTS = (b"event: feeder\n", b"event: state\n")


class _Page:
    """One open page: bytes and delays since the count began."""

    def __init__(self) -> None:
        self.bytes = 0
        self.delays_s: list[float] = []
        self._clock = WallClock()

    async def read(self, port: int, path: str) -> None:
        """Read until cancelled."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
        try:
            writer.write(f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".encode())
            waiting = b""
            while piece := await reader.read(1 << 18):
                self.bytes += len(piece)
                *events, waiting = (waiting + piece).split(b"\n\n")
                for event in events:
                    self._take(event)
        finally:
            writer.close()

    def _take(self, event: bytes) -> None:
        found = _AT.search(event)
        if found is not None and any(name in event for name in _FEEDER_EVENTS):
            at = datetime.fromisoformat(found[1].decode())
            self.delays_s.append((self._clock.now() - at).total_seconds())


def print_figures(seed: int, quick: bool) -> None:
    """Print CPU, bytes and delays of each form; `quick` for less time."""
    seconds = 5.0 if quick else 20.0
    command = [sys.executable, "-m", "gridward.bench.console_server", str(BUSES), str(seed)]
    print(f"{CLIENTS} pages, a feeder of {BUSES} buses that moves each second, {seconds:g} s each")
    heads = f"{'CPU % of a core':>17}{'kB/s each':>11}{'events/s each':>15}{'delay p50 ms':>14}{'p99 ms':>8}"
    print(f"{'':<14}{heads}")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        port = int(server.stdout.readline())
        for name, path in _FORMS.items():
            asyncio.run(_measure(server, port, name, path, seconds))
        server.stdin.close()


async def _measure(
    server: "subprocess.Popen[str]", port: int, name: str, path: str | None, seconds: float
) -> None:
    clock = WallClock()
    pages = [_Page() for _ in range(CLIENTS)]
    reading = [] if path is None else [asyncio.create_task(page.read(port, path)) for page in pages]
    await clock.sleep(_SETTLED_S)
    for page in pages:
        page.bytes, page.delays_s = 0, []
    cpu_s, began = _cpu_s(server), time.perf_counter()
    await clock.sleep(seconds)
    cpu_s, took_s = _cpu_s(server) - cpu_s, time.perf_counter() - began
    for task in reading:
        task.cancel()
    for task in reading:
        with suppress(asyncio.CancelledError):
            await task
    _print(name, pages, cpu_s, took_s)


def _cpu_s(server: "subprocess.Popen[str]") -> float:
    """The server answers within a millisecond or so: the loop here may wait for it."""
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write("\n")
    server.stdin.flush()
    return float(server.stdout.readline())


def _print(name: str, pages: list[_Page], cpu_s: float, took_s: float) -> None:
    shown = f"{name:<14}{100 * cpu_s / took_s:>17.1f}"
    delays_ms = 1000 * np.array([delay for page in pages for delay in page.delays_s])
    if len(delays_ms):
        kb = sum(page.bytes for page in pages) / len(pages) / took_s / 1000
        each = len(delays_ms) / len(pages) / took_s
        p50, p99 = np.percentile(delays_ms, [50, 99])
        shown += f"{kb:>11.1f}{each:>15.2f}{p50:>14.0f}{p99:>8.0f}"
    print(shown, flush=True)
