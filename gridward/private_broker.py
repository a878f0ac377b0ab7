"""A mosquitto of one's own, in a temporary folder: for measurements, never for a site."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from threading import Event
from typing import Self

START_WITHIN_S = 5.0
_ASKED_EVERY_S = 0.02
_SETTINGS = ("persistence false", "allow_anonymous true", "max_queued_messages 0", "set_tcp_nodelay true")


class NoMosquitto(Exception):
    """The broker is not installed, or does not start."""


class PrivateBroker:
    """`with PrivateBroker() as broker:` listens on `broker.port` of this machine alone."""

    def __init__(self, *settings: str) -> None:
        """`settings`: further lines of its configuration. Raises NoMosquitto."""
        path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
        program = shutil.which("mosquitto", path=path)
        if program is None:
            raise NoMosquitto("mosquitto is not installed (Debian: mosquitto)")
        self.port = _free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="gridward-mosquitto-"))
        own = (f"listener {self.port} 127.0.0.1", f"user {getpass.getuser()}", *_SETTINGS, *settings)
        configuration = self._folder / "mosquitto.conf"
        configuration.write_text("\n".join(own) + "\n", encoding="utf-8")
        self._command = [program, "-c", str(configuration)]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process_id(self) -> int:
        """To measure what it takes."""
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> Self:
        log = self._folder / "log"
        with log.open("wb") as sink:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True
            )
        waited, pause = 0.0, Event()
        while waited < START_WITHIN_S and self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            pause.wait(_ASKED_EVERY_S)
            waited += _ASKED_EVERY_S
        told = log.read_text(encoding="utf-8", errors="replace")
        self.__exit__()
        raise NoMosquitto(f"mosquitto does not start: {told[-500:]}")

    def __exit__(self, *_: object) -> None:
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
