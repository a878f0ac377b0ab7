"""Real processes for the end-to-end tests: started, watched, killed. Waits are for conditions."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
POLL_S = 0.05
START = "import pandapower, simbench, fastapi"
QUIET_START_S = 2.5
"""what that takes on a quiet machine of two cores"""
MOST_SLOWNESS = 4.0


@cache
def slowness() -> float:
    """How many times as long as on a quiet machine a process takes to start here and now: from 1 to 4.

    A field goes on while its daemon starts. Where that takes long, the evening is to pass more slowly as
    well, or it is over before anybody has looked at it.
    """
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", START], check=True)
    return min(max(1.0, (time.monotonic() - began) / QUIET_START_S), MOST_SLOWNESS)


def wait_for(condition: Callable[[], T | None], within_s: float, what: str) -> T:
    """Ask until the condition holds; fail with its name when it does not in time, which is longer on a slow
    machine."""
    within_s *= slowness()
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(POLL_S)
    raise AssertionError(f"not within {within_s:g} s: {what}")


class Gridward:
    """One `gridward` process with its output in a file."""

    def __init__(self, arguments: Sequence[str | Path], output: Path) -> None:
        self.output = output
        with output.open("ab") as sink:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gridward", *map(str, arguments)],
                stdout=sink,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def said(self) -> str:
        """All it has printed."""
        return self.output.read_text(encoding="utf-8", errors="replace")

    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def kill(self) -> None:
        """SIGKILL: no goodbye."""
        self.process.kill()
        self.process.wait(60)

    def ended(self, within_s: float) -> int:
        """The exit status, once it has ended by itself; fails when it does not in time."""
        return self.process.wait(within_s * slowness())

    def terminate(self, within_s: float) -> int:
        """SIGTERM, as a service manager sends it; returns the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.ended(within_s)

    def interrupt(self, within_s: float) -> int:
        """Ctrl-C, as a terminal sends it to the whole group; returns the exit status."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.ended(within_s)

    def end(self) -> None:
        """Make sure that nothing of it is left."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(60)


@contextmanager
def gridward(*arguments: str | Path, output: Path) -> Iterator[Gridward]:
    """Run one command until the block ends; its output is shown when the block fails."""
    process = Gridward(arguments, output)
    try:
        yield process
    except BaseException:
        print(f"--- {' '.join(map(str, arguments))} said:\n{process.said()[-6000:]}")
        raise
    finally:
        process.end()


def get_json(url: str) -> Any:
    """The JSON at this address, or None while nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return json.load(answer)
    except (urllib.error.URLError, ConnectionError, TimeoutError, json.JSONDecodeError):
        return None
