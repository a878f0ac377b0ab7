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
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
POLL_S = 0.05


def wait_for(condition: Callable[[], T | None], within_s: float, what: str) -> T:
    """Ask until the condition holds; fail with its name when it does not in time."""
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
        self.process.wait(10)

    def interrupt(self, within_s: float) -> int:
        """Ctrl-C, as a terminal sends it to the whole group; returns the exit status."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(within_s)

    def end(self) -> None:
        """Make sure that nothing of it is left."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)


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
