"""The client against a real socket: what it sends, and what it makes of every way to fail."""

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from controller.settings import Api
from gridward.api_client import ApiClient, ApiError, ApiRefused, NoAnswer, NoToken, NotReached, asked
from tests.builders import site

TOKEN = "a token of good length"


@dataclass
class Daemon:
    """Answers everything with `status` and `body`, and remembers what it was asked."""

    port: int = 0
    status: int = 200
    body: bytes = b'{"fine": true}'
    silent: bool = False
    location: str | None = None
    heard: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    state = Daemon()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("content-length", 0))
            heard = {name.lower(): value for name, value in self.headers.items()}
            state.heard.append((self.command, self.path, heard, self.rfile.read(length)))
            if state.silent:
                return
            self.send_response(state.status)
            if state.location is not None:
                self.send_header("location", state.location)
            self.end_headers()
            self.wfile.write(state.body)

        do_POST = do_GET  # noqa: N815  the library's names

        def log_message(self, *args: Any) -> None:
            del args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    return file


def client(port: int, token_file: Path | None, host: str = "127.0.0.1", deadline_s: float = 5.0) -> ApiClient:
    api = Api(host=host, port=port, operator_token_file=token_file)
    return ApiClient.of(site(api=api), deadline_s=deadline_s)


def test_it_posts_json_with_the_token_to_the_address_of_the_site(daemon: Daemon, token_file: Path) -> None:
    assert client(daemon.port, token_file, host="0.0.0.0").post("/api/v1/x", {"a": "ü"}) == {"fine": True}
    method, path, headers, body = daemon.heard[0]
    assert (method, path, json.loads(body)) == ("POST", "/api/v1/x", {"a": "ü"})
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert headers["content-type"] == "application/json"


def test_it_gets(daemon: Daemon, token_file: Path) -> None:
    assert client(daemon.port, token_file).get("/api/v1/y?a=1") == {"fine": True}
    assert daemon.heard[0][:2] == ("GET", "/api/v1/y?a=1")


def test_a_problem_document_becomes_its_words(daemon: Daemon, token_file: Path) -> None:
    daemon.status, daemon.body = 409, b'{"title": "Conflict", "detail": "expected 300 points, there are 20"}'
    with pytest.raises(ApiRefused, match=r"^expected 300 points, there are 20$") as refused:
        client(daemon.port, token_file).post("/api/v1/x", {})
    assert (refused.value.status, refused.value.exit_status) == (409, 2)
    daemon.status, daemon.body = 503, b"<html>"
    with pytest.raises(ApiRefused, match="HTTP 503 Service Unavailable") as unavailable:
        client(daemon.port, token_file).get("/api/v1/x")
    assert unavailable.value.exit_status == 3


@pytest.mark.parametrize("body", [b"", b"hello", b"[1]"])
def test_what_is_no_json_object_is_no_daemon(daemon: Daemon, token_file: Path, body: bytes) -> None:
    daemon.body = body
    with pytest.raises(ApiRefused, match="no Gridward daemon"):
        client(daemon.port, token_file).get("/")


def test_the_token_follows_no_redirect(daemon: Daemon, token_file: Path) -> None:
    daemon.status, daemon.location = 307, f"http://localhost:{daemon.port}/elsewhere"
    with pytest.raises(ApiRefused):
        client(daemon.port, token_file).get("/here")
    assert [path for _, path, _, _ in daemon.heard] == ["/here"]


def test_a_proxy_of_the_environment_gets_nothing(
    daemon: Daemon, token_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert client(daemon.port, token_file).get("/") == {"fine": True}


def test_nobody_there(token_file: Path) -> None:
    with socket.socket() as bound:  # bound, but nobody listens
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        with pytest.raises(NotReached, match=f"no daemon answers at http://127.0.0.1:{port}"):
            client(port, token_file).get("/")
    with pytest.raises(NotReached, match="set a port"):
        client(0, token_file)


def test_no_answer_in_time_or_broken_off_may_have_been_done(daemon: Daemon, token_file: Path) -> None:
    daemon.silent = True
    with pytest.raises(NoAnswer, match="may have done it"):
        client(daemon.port, token_file).post("/", {})
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        with pytest.raises(NoAnswer, match=r"within 0\.05 s"):
            client(mute.getsockname()[1], token_file, deadline_s=0.05).post("/", {})


@pytest.mark.parametrize(("content", "said"), [(None, "read-only"), ("short", "16 printable"), ("", "16")])
def test_without_a_usable_token_nothing_is_sent(
    tmp_path: Path, daemon: Daemon, content: str | None, said: str
) -> None:
    file = None if content is None else tmp_path / "token"
    if file is not None and content is not None:
        file.write_text(content)
    with pytest.raises(NoToken, match=said):
        client(daemon.port, file)
    with pytest.raises(NoToken, match="No such file"):
        client(daemon.port, tmp_path / "absent")


def test_a_command_ends_with_the_status_of_its_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(_: ApiClient) -> int:
        raise ApiRefused(422, "expected something else")

    for name in ("customers.csv", "devices.csv", "net.json"):
        (tmp_path / name).touch()
    (tmp_path / "token").write_text(TOKEN)
    file = tmp_path / "site.toml"
    text = 'name = "s"\n[api]\noperator_token_file = "token"\n[[feeder]]\nid = "f"\nnetwork = "net.json"\n'
    file.write_text(text + 'customers = "customers.csv"\ndevices = "devices.csv"\n')
    assert asked(file, lambda _: 0) == 0
    assert asked(file, refused) == 2
    assert capsys.readouterr().err == "gridward: expected something else\n"
    assert asked(tmp_path / "absent.toml", lambda _: 0) == 2
    assert "absent.toml" in capsys.readouterr().err


def test_all_are_of_one_tree() -> None:
    assert all(issubclass(error, ApiError) for error in (NoToken, NotReached, NoAnswer, ApiRefused))
