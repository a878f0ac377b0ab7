"""A PostgreSQL server of one's own, in a temporary folder: for measurements and tests, never for a site.

The server refuses to run as root, so root starts it as another user. Nothing else of the machine is touched.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from threading import Event
from typing import IO, Self

START_WITHIN_S = 20.0
PASSWORD = "private"  # noqa: S105  of a server that only this machine reaches, and that ends with the process
_ANSWERS_EVERY_S = 0.02
_SETTINGS = {
    "shared_buffers": "32MB",
    "max_connections": "40",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "listen_addresses": "127.0.0.1",
    "dynamic_shared_memory_type": "mmap",  # in its folder: nothing stays behind when it is killed
}


class NoPostgres(Exception):
    """PostgreSQL's programs are not installed."""


def programs() -> Path:
    """The folder of the newest installed server's programs. Raises NoPostgres."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is None:
        raise NoPostgres("initdb is not installed (Debian: postgresql)")
    return Path(on_path).resolve().parent


class PrivatePostgres:
    """`with PrivatePostgres() as server:` listens on `server.port` and in a socket folder.

    Over the socket everybody is let in; over TCP the password is `PASSWORD`. The superuser is `postgres`.
    `fsync=False`: quick, and safe from everything but a power cut.
    """

    def __init__(self, *, fsync: bool = True, within: Path | None = None) -> None:
        """Make the cluster in a new folder, of the system's temporary ones or `within` another; `start`
        starts it. Raises NoPostgres."""
        self._programs = programs()
        self._user = _other_user() if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="gridward-postgres-", dir=within))
        self._own(self.folder)
        self.port = _free_port()
        self._fsync = fsync
        self._process: subprocess.Popen[bytes] | None = None
        self._initialise()

    @property
    def log(self) -> str:
        """What the server said."""
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    @property
    def process_id(self) -> int:
        """Of the server's first process."""
        assert self._process is not None
        return self._process.pid

    def url(self, database: str, user: str = "postgres", *, tcp: bool = False) -> str:
        """Where a database is."""
        host = "127.0.0.1" if tcp else str(self.folder).replace("/", "%2F")
        return f"postgresql://{user}@{host}:{self.port}/{database}"

    def start(self) -> None:
        """Start, or start again on the same port; returns when it answers."""
        settings = _SETTINGS | {
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
            "fsync": "on" if self._fsync else "off",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = self._spawn(
                "postgres", "-D", str(self.folder / "data"), *options, log=log, ends_with_us=True
            )
        waited, pause = 0.0, Event()
        while waited < START_WITHIN_S and self._process.poll() is None:
            if self._answers():
                return
            pause.wait(_ANSWERS_EVERY_S)
            waited += _ANSWERS_EVERY_S
        raise RuntimeError(f"PostgreSQL does not start: {self.log[-2000:]}")

    def stop(self) -> None:
        """End it, without waiting for its clients."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=START_WITHIN_S)

    def kill(self) -> None:
        """kill -9, all its processes at once: the first one first, so that it starts none again."""
        process, self._process = self._process, None
        assert process is not None
        children = self.children(process.pid)
        process.kill()
        for child in children:
            try:
                os.kill(child, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.wait(timeout=START_WITHIN_S)

    def remove(self) -> None:
        """End it if it runs, and take its folder away."""
        if self._process is not None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    @staticmethod
    def children(process_id: int) -> list[int]:
        """The processes that a server's first one started."""
        tasks = Path(f"/proc/{process_id}/task/{process_id}/children")
        return [int(child) for child in tasks.read_text(encoding="ascii").split()]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def _initialise(self) -> None:
        secret = self.folder / "password"
        secret.write_text(PASSWORD, encoding="ascii")
        self._own(secret)
        command = ["initdb", "-D", str(self.folder / "data"), "-U", "postgres", "-E", "UTF8", "--locale=C"]
        command += ["--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={secret}", "--no-sync"]
        with (self.folder / "log").open("ab") as log:
            if self._spawn(*command, log=log).wait(timeout=60) != 0:
                raise RuntimeError(f"initdb failed: {self.log[-2000:]}")

    def _spawn(
        self, program: str, *arguments: str, log: IO[bytes], ends_with_us: bool = False
    ) -> subprocess.Popen[bytes]:
        setpriv = shutil.which("setpriv") if ends_with_us else None
        # the system ends it when we are killed and can end nothing any more
        bound = [] if setpriv is None else [setpriv, "--pdeathsig", "INT"]
        return subprocess.Popen(
            [*bound, str(self._programs / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=self.folder,
            env={"PATH": os.defpath, "LC_ALL": "C"},
            user=self._user,
            extra_groups=None if self._user is None else [],
            start_new_session=True,  # Ctrl-C is for us
        )

    def _own(self, path: Path) -> None:
        if self._user is not None:
            os.chown(path, self._user, -1)

    def _answers(self) -> bool:
        import psycopg  # noqa: PLC0415  of the extra `postgres`

        try:
            psycopg.connect(self.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def _other_user() -> int:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    raise NoPostgres("expected a user `postgres` or `nobody`: PostgreSQL does not run as root")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
