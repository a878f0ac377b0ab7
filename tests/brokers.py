"""A private mosquitto for tests: its own port and directory, killed and restarted at will.

Where mosquitto is missing the tests that need it are skipped and say so; in CI (`CI=true`) they fail instead.
"""

import getpass
import itertools
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

import psutil
import pytest

START_WITHIN_S = 60.0
FIRST_PORT, PORTS = 20_000, 12_000
_offered = itertools.count(os.getpid() * 101)


def tool(name: str, packages: str = "mosquitto, mosquitto-clients") -> str:
    """The path of mosquitto, one of its clients or another program of Debian's `packages`, or a loud skip."""
    found = shutil.which(
        name, path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
    )
    if found is not None:
        return found
    message = f"{name} is not installed (Debian: {packages})"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def free_port() -> int:
    """A port that is free now, and is given to nobody else by chance before it is taken.

    It lies below those that the kernel gives to clients and to port 0; each process begins elsewhere.
    """
    for _ in range(PORTS):
        port = FIRST_PORT + next(_offered) % PORTS
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


class Mosquitto:
    """`with Mosquitto(tmp_path) as broker:` listens on `broker.port`; `settings` go into its config."""

    def __init__(self, directory: Path, *settings: str) -> None:
        self.port = free_port()
        self.log = directory / f"mosquitto-{self.port}.log"
        self._config = directory / f"mosquitto-{self.port}.conf"
        self._process: subprocess.Popen[bytes] | None = None
        self._configure(directory, settings)

    def _configure(self, directory: Path, settings: tuple[str, ...]) -> None:
        lines = [
            f"listener {self.port} 127.0.0.1",
            f"user {getpass.getuser()}",
            "persistence false",
            *(settings or ("allow_anonymous true",)),
        ]
        self._config.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def start(self) -> None:
        """Start, or start again on the same port; returns when it listens."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [tool("mosquitto"), "-c", str(self._config)], stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_WITHIN_S
        while time.monotonic() < deadline and self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError(f"mosquitto does not listen on {self.port}: {self.log.read_text()}")

    @property
    def listens_on(self) -> set[tuple[str, int]]:
        """Every address and port that it listens on."""
        assert self._process is not None
        lines = psutil.Process(self._process.pid).net_connections("inet")
        return {(line.laddr.ip, line.laddr.port) for line in lines if line.status == psutil.CONN_LISTEN}

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """The friendly end."""
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """Stop it from answering, with its connections open."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            ended = process.poll()
            assert ended is None, f"mosquitto ended by itself ({ended}): {self.log.read_text()[-2000:]}"
            process.send_signal(number)
            process.send_signal(signal.SIGCONT)
            process.wait(timeout=30)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end(signal.SIGKILL)


class FieldBroker(Mosquitto):
    """The set-up for the field as `config/broker` ships it, in a directory of its own, on a free port.

    The directory holds what the README of that folder asks for: `field-ca.pem`, `broker.pem`, `broker.key`.
    `changes` are texts of the shipped file, and what stands there instead.
    """

    def __init__(self, directory: Path, *settings: str, changes: Mapping[str, str] | None = None) -> None:
        self._changes = changes or {}
        super().__init__(directory, *settings)

    def _configure(self, directory: Path, settings: tuple[str, ...]) -> None:
        shipped = Path(__file__).parents[1] / "config/broker"
        text = (shipped / "field.conf").read_text(encoding="utf-8")
        changes = (
            ("/mosquitto/config/", f"{directory}/"),
            ("/mosquitto/data/", f"{directory}/"),
            ("listener 8883", f"listener {self.port} 127.0.0.1"),
            *self._changes.items(),
        )
        for shipped_text, here in changes:
            assert shipped_text in text
            text = text.replace(shipped_text, here)
        shutil.copy(shipped / "field.acl", directory / "field.acl")
        (directory / "field.acl").chmod(0o600)
        lines = (f"user {getpass.getuser()}", text, *settings)
        self._config.write_text("\n".join(lines), encoding="utf-8")
