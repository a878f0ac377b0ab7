"""`gridward demo`: the whole loop in one process tree, with nothing to set up.

Two children, each a command that a user could start as well: `gridward field` (embedded broker, meters,
devices, people, the substation's RTU) and `gridward run` (the daemon with its page). They share a clock that
runs faster than the wall's. This process starts them, tells their state on the terminal, and ends them.
"""

import argparse
import fcntl
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gridward.argument_types import port, positive, time_of_day
from gridward.demo_accounts import make_accounts
from gridward.demo_progress import progress_line

SCENARIO = "evening"
STOP_WITHIN_S = 2.5
PORTS_TRIED = 50
LAST_WORDS = 2000
"""characters of a child's log that are shown when it ended by itself"""
READY_WITHIN_S = 120.0


@dataclass(frozen=True)
class Child:
    """One of our two processes, and the file that holds what it says."""

    process: "subprocess.Popen[bytes]"
    log: Path


Children = dict[str, Child]


class DemoFailed(Exception):
    """A child ended by itself, or did not get ready; the message says which and where it told why."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--scenario",
        default=SCENARIO,
        help="the evening to show: a TOML file or a name of `gridward simulate --list` (default: evening)",
    )
    parser.add_argument("--port", type=port, default=8080, help="of the page; the next free one when taken")
    parser.add_argument(
        "--speed", type=positive, help="simulated seconds in one second (default: 60; with --real: 1)"
    )
    parser.add_argument(
        "--real",
        type=Path,
        metavar="HARDWARE.toml",
        help="devices and meters of the field that are real: they take the place of simulated ones",
    )
    parser.add_argument(
        "--from",
        dest="begin",
        type=time_of_day,
        default="16:45",
        help="time of day to begin at (default: 16:45)",
    )
    parser.add_argument("--broker", metavar="HOST:PORT", help="a broker of yours (default: an embedded one)")
    parser.add_argument(
        "--state", type=Path, default=Path("state/demo"), help="folder, emptied at each start"
    )
    parser.add_argument("--for", dest="seconds", type=positive, help="end by itself after this many seconds")


def run(options: argparse.Namespace) -> int:
    """Run until Ctrl-C, or for the seconds asked for."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with _own_folder(options.state) as folder:
            return _show(options, folder)
    except DemoFailed as fault:
        print(f"\ngridward demo: {fault}", file=sys.stderr)
        return 2


def _show(options: argparse.Namespace, folder: Path) -> int:
    begun = time.perf_counter()
    port = _free_port(options.port)
    children: Children = {}
    try:
        print("Gridward demo: starting the field (network, houses, broker) ...", flush=True)
        children["field"] = _start("field", folder, *_field_arguments(options, folder, port))
        entries = make_accounts(folder / "accounts.sqlite3")
        _await(folder / "clock.json", children)
        print("The field is up: starting the daemon ...", flush=True)
        site, clock = folder / "site.toml", folder / "clock.json"
        children["daemon"] = _start("run", folder, str(site), "--clock", str(clock))
        address = f"http://127.0.0.1:{port}"
        _await_page(address, children)
        print(
            f"\n  Open {address}    (ready after {time.perf_counter() - begun:.0f} s; Ctrl-C ends it)",
            flush=True,
        )
        for entry in entries:
            print(f"  To act, sign in as {entry.name} with the password {entry.password}", flush=True)
        print(flush=True)
        _tell(address, children, options.seconds)
    except KeyboardInterrupt:
        print("\nStopping ...", flush=True)
    finally:
        _stop(children)
    print(f"Stopped. Journal and logs of this run: {folder}", flush=True)
    return 0


def _field_arguments(options: argparse.Namespace, folder: Path, port: int) -> list[str]:
    broker = ["--broker", options.broker] if options.broker else ["--embedded-broker"]
    real = [] if options.real is None else ["--real", str(options.real)]
    speed = options.speed or (60.0 if options.real is None else 1.0)
    return [
        options.scenario,
        *broker,
        *real,
        "--site",
        str(folder),
        "--console-port",
        str(port),
        "--speed",
        str(speed),
        "--from",
        options.begin.isoformat(),
    ]


@contextmanager
def _own_folder(folder: Path) -> Iterator[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DemoFailed(
                f"another demo runs in {folder}; end it or give --state another folder"
            ) from None
        for old in folder.iterdir():
            if old.name != "lock":
                shutil.rmtree(old) if old.is_dir() else old.unlink()
        yield folder.resolve()


def _free_port(wanted: int) -> int:
    for candidate in range(wanted, min(wanted + PORTS_TRIED, 65536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            return candidate
    raise DemoFailed(f"no free port from {wanted} on; give --port another one")


def _start(command: str, folder: Path, *arguments: str) -> Child:
    path = folder / f"{command}.log"
    with path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "gridward", command, *arguments, "--with-parent"],
            # Held open while this process lives: a child ends with it, even when it is killed.
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            # Ctrl-C reaches this process alone, so that the daemon ends before its field.
            start_new_session=True,
        )
    return Child(process, path)


def _check(children: Children) -> None:
    for name, child in children.items():
        status = child.process.poll()
        if status is not None:
            last_words = child.log.read_text(encoding="utf-8", errors="replace")[-LAST_WORDS:].strip()
            raise DemoFailed(f"the {name} ended with status {status}: {last_words or 'without a word'}")


def _pauses(children: Children, seconds: float | None, pause_s: float) -> Iterator[None]:
    deadline = None if seconds is None else time.perf_counter() + seconds
    while deadline is None or time.perf_counter() < deadline:
        _check(children)
        yield
        time.sleep(pause_s)  # noqa: TID251 - this process is nobody's loop: it only waits for its children


def _await(ready: Path, children: Children) -> None:
    for _ in _pauses(children, READY_WITHIN_S, 0.05):
        if ready.exists():
            return
    raise DemoFailed(f"the field was not ready within {READY_WITHIN_S:g} s")


def _await_page(address: str, children: Children) -> None:
    for _ in _pauses(children, READY_WITHIN_S, 0.1):
        if _ask(f"{address}/health") is not None:
            return
    raise DemoFailed(f"the daemon was not ready within {READY_WITHIN_S:g} s")


def _tell(address: str, children: Children, seconds: float | None) -> None:
    feeders = (_ask(f"{address}/api/v1/feeders") or {}).get("feeders")
    if not feeders:
        raise DemoFailed(f"{address} names no feeder")
    state = f"{address}/api/v1/feeders/{feeders[0]['id']}/state"
    live = sys.stdout.isatty()
    said = ""
    for _ in _pauses(children, seconds, 1.0):
        view = _ask(state)
        line = "" if view is None else progress_line(view)
        if line and line != said:
            print(f"\r\x1b[2K{line}" if live else line, end="" if live else "\n", flush=True)
            said = line


def _ask(url: str) -> Any:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own daemon on loopback
            return json.load(answer)
    except (urllib.error.URLError, OSError, ValueError):
        return None


def _stop(children: Children) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # an impatient second Ctrl-C must not leave anybody behind
    deadline = time.perf_counter() + STOP_WITHIN_S
    processes = [child.process for child in children.values()]
    for process in reversed(processes):
        if process.poll() is None:
            process.terminate()
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.perf_counter()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
