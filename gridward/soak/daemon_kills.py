"""Kills the whole daemon (SIGKILL) again and again before a field that goes on without it; times its return.

The field is `gridward field` with its broker, the daemon `gridward run`, both as a user starts them. What the
daemon told over its API counts as acknowledged: it must be in the journal after the kill. Where a kill struck
is told from outside: before the API answered, before the data were good, or in control.
"""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from devices.ports import Clock
from gridward.soak.checker import Acknowledged, judge

STRUCK = ("starting", "answering", "in control")
FIELD_WITHIN_S = 120.0
CONTROL_WITHIN_S = 300.0
STOPPED_WITHIN_S = 30.0
STARTING_SHARE = 0.4
"""of the kills are drawn from the start of the process on, the others from its being in control on"""
SCENARIO = """
title = "An evening of one long overload"
seed = 5
[network]
source = "simbench:1-LV-semiurb4--0-sw"
[time]
start = "2016-01-12T16:30:00+00:00"
days = 0.5
step_s = 10
[shares]
ev = 0.8
heat_pump = 0.0
[people]
share = 1.0
[ev]
arrival_hour = 17.0
arrival_sd_hours = 0.1
energy_kwh = 45.0
energy_sigma = 0.2
[control.requests]
duration_s = 600.0
min_between_s = 120.0
"""
"""Full cars need four hours: a daemon that comes back finds requests running, whenever it does."""
SPEED = 10.0
"""simulated seconds in one"""
BEGIN = "16:55"
LATEST_S = 12.0
"""of the drawn instants"""
LOOK_S = 0.05


@dataclass(frozen=True)
class DaemonPlan:
    """What is to be done."""

    kills: int
    seed: int
    folder: Path


@dataclass
class DaemonOutcome:
    """What came of it."""

    planned: int
    struck: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STRUCK, 0))
    answer_after_s: list[float] = field(default_factory=list)
    control_after_s: list[float] = field(default_factory=list)
    """from the start of a daemon that was let come that far, until its API answered, until it controlled"""
    told_entries: int = 0
    entries: int = 0
    settled: int = 0
    credits: int = 0
    epochs: int = 0
    faults: list[str] = field(default_factory=list)
    wall_s: float = 0.0

    @property
    def kills(self) -> int:
        """That struck."""
        return sum(self.struck.values())


class SoakFailed(Exception):
    """The field or the daemon did not get ready; the message says where it told why."""


def soak(plan: DaemonPlan, clock: Clock, told: Callable[[DaemonOutcome], None]) -> DaemonOutcome:
    """Kill the daemon so many times, and let the last one come to control. Raises SoakFailed."""
    began_s, rng = clock.monotonic(), np.random.default_rng(plan.seed)
    outcome, heard, port = DaemonOutcome(plan.kills), Acknowledged(), _free_port()
    site = plan.folder / "site"
    scenario = plan.folder / "scenario.toml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    arguments = ["field", str(scenario), "--embedded-broker", "--site", str(site)]
    arguments += ["--console-port", str(port), "--speed", str(SPEED), "--from", BEGIN]
    with _process(arguments, plan.folder / "field.log") as field_process:
        _await((site / "clock.json").exists, field_process, FIELD_WITHIN_S, clock, "the field")
        for number in range(1, plan.kills + 2):
            watch = _Watch(f"http://127.0.0.1:{port}", heard, clock)
            last = number > plan.kills
            drawn_s = float(rng.random()) * LATEST_S if rng.random() < STARTING_SHARE else None
            stay_s = float(rng.random()) * LATEST_S
            _one_daemon(plan, watch, None if last else drawn_s, LATEST_S if last else stay_s, last=last)
            if not last:
                outcome.struck[watch.struck] += 1
            _note(outcome, watch, heard)
            found = judge(site / "gridward.sqlite3", heard, plan.folder)
            outcome.faults += [f"seed {plan.seed}, daemon {number}: {fault}" for fault in found.faults]
            outcome.entries, outcome.epochs = found.entries, found.epochs
            outcome.settled, outcome.credits = found.settled, found.credits
            outcome.wall_s = clock.monotonic() - began_s
            told(outcome)
    return outcome


def _one_daemon(
    plan: DaemonPlan, watch: "_Watch", wait_s: float | None, stay_s: float, *, last: bool
) -> None:
    """Run one until its instant has come; the last is asked to stop, all others are killed."""
    site = plan.folder / "site"
    command = ["run", str(site / "site.toml"), "--clock", str(site / "clock.json")]
    with _process(command, plan.folder / "daemon.log") as daemon:
        watch.until(daemon, wait_s, stay_s)
        daemon.send_signal(signal.SIGTERM if last else signal.SIGKILL)
        daemon.wait(STOPPED_WITHIN_S)


def _note(outcome: DaemonOutcome, watch: "_Watch", heard: Acknowledged) -> None:
    outcome.told_entries = len(heard.entries)
    if watch.answer_after_s is not None:
        outcome.answer_after_s.append(watch.answer_after_s)
    if watch.control_after_s is not None:
        outcome.control_after_s.append(watch.control_after_s)


class _Watch:
    """Looks at one daemon from outside, and notes what it told."""

    def __init__(self, address: str, heard: Acknowledged, clock: Clock) -> None:
        self._address, self._heard, self._clock = address, heard, clock
        self.struck = STRUCK[0]
        self.answer_after_s: float | None = None
        self.control_after_s: float | None = None

    def until(self, daemon: "subprocess.Popen[bytes]", wait_s: float | None, stay_s: float) -> None:
        """Until `wait_s` after now; when that is None, until `stay_s` after it is in control. Raises
        SoakFailed when it ends by itself, or never is."""
        began_s = self._clock.monotonic()
        until_s = began_s + (CONTROL_WITHIN_S if wait_s is None else wait_s)
        while self._clock.monotonic() < until_s:
            if daemon.poll() is not None:
                raise SoakFailed(
                    f"the daemon ended by itself with status {daemon.returncode}; see daemon.log"
                )
            self._look(began_s)
            if self.struck == STRUCK[2] and wait_s is None:
                wait_s, until_s = stay_s, self._clock.monotonic() + stay_s
            time.sleep(LOOK_S)  # noqa: TID251 - nobody's loop: it only waits for a process
        if wait_s is None and self.control_after_s is None:
            raise SoakFailed(f"the daemon did not control within {CONTROL_WITHIN_S:g} s; see daemon.log")

    def _look(self, began_s: float) -> None:
        told = _ask(f"{self._address}/api/v1/told?after={max(self._heard.entries, default=0)}")
        if told is None:
            return
        self._heard.entries.update((one["seq"], "") for one in told)
        state = _ask(f"{self._address}/api/v1/feeders/F1/state")
        good = state is not None and state["quality"]["alarm"] is None and state["automatic"]
        self.struck = STRUCK[2] if good else STRUCK[1]
        after_s = self._clock.monotonic() - began_s
        if self.answer_after_s is None:
            self.answer_after_s = after_s
        if good and self.control_after_s is None:
            self.control_after_s = after_s


@contextmanager
def _process(arguments: list[str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A command of ours that ends with the block, and with us."""
    with log.open("ab") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "gridward", *arguments, "--with-parent"],
            stdin=subprocess.PIPE,
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.stdin is not None:
            process.stdin.close()


def _await(
    ready: Callable[[], bool],
    process: "subprocess.Popen[bytes]",
    within_s: float,
    clock: Clock,
    who: str,
) -> None:
    until_s = clock.monotonic() + within_s
    while not ready():
        if process.poll() is not None or clock.monotonic() > until_s:
            raise SoakFailed(f"{who} did not get ready; see its log")
        time.sleep(LOOK_S)  # noqa: TID251 - as above


def _ask(url: str) -> Any:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own daemon on loopback
            return json.load(answer)
    except (urllib.error.URLError, OSError, ValueError):
        return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
