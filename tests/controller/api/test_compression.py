"""What is compressed, how it is named, and how long a browser may keep it."""

import gzip
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from controller.api.app import create_app
from controller.api.static_files import ASK_AGAIN, FOR_EVER, accepted_codings
from controller.clock import WallClock
from tests.controller.api.conftest import calling
from tests.controller.api.fake_views import FakeViews

NETWORK = "/api/v1/feeders/street/network"


async def raw(client: httpx.AsyncClient, path: str, **headers: str) -> tuple[httpx.Response, bytes]:
    """As it comes over the wire."""
    async with client.stream("GET", path, headers={"accept-encoding": "identity"} | headers) as answer:
        return answer, b"".join([part async for part in answer.aiter_raw()])


async def test_a_large_answer_is_compressed_and_has_a_tag_of_its_own(client: httpx.AsyncClient) -> None:
    gzipped = {"accept-encoding": "gzip"}
    plain, body = await raw(client, NETWORK)
    zipped, packed = await raw(client, NETWORK, **gzipped)
    assert gzip.decompress(packed) == body
    assert len(packed) < len(body) / 3
    assert "content-encoding" not in plain.headers
    assert zipped.headers["etag"] != plain.headers["etag"]
    assert "accept-encoding" in zipped.headers["vary"].lower()
    for headers, tag in (({}, plain.headers["etag"]), (gzipped, zipped.headers["etag"])):
        again, nothing = await raw(client, NETWORK, **{"if-none-match": tag}, **headers)
        assert (again.status_code, nothing, again.headers["etag"]) == (304, b"", tag)
    other, _ = await raw(client, NETWORK, **{"if-none-match": '"else-gzip"'}, **gzipped)
    assert other.status_code == 200


async def test_a_small_answer_is_not(client: httpx.AsyncClient) -> None:
    answer, _ = await raw(client, "/health", **{"accept-encoding": "gzip"})
    assert "content-encoding" not in answer.headers


@pytest.fixture
def built(tmp_path: Path) -> FastAPI:
    """With a console as a build leaves it."""
    (tmp_path / "assets").mkdir()
    for name in ("index.html", "assets/index-Bx3_k-9Q.js", "assets/plain.js"):
        (tmp_path / name).write_text(f"plain {name}")
    (tmp_path / "assets/index-Bx3_k-9Q.js.br").write_bytes(b"as brotli")
    (tmp_path / "assets/index-Bx3_k-9Q.js.gz").write_bytes(b"as gzip")
    (tmp_path / "index.html.gz").write_bytes(b"page as gzip")
    return create_app(FakeViews(), CollectorRegistry(), tmp_path, clock=WallClock())


@pytest.mark.parametrize(
    ("path", "accepted", "body", "coding"),
    [
        ("/console/assets/index-Bx3_k-9Q.js", "gzip, deflate, br", b"as brotli", "br"),
        ("/console/assets/index-Bx3_k-9Q.js", "gzip", b"as gzip", "gzip"),
        ("/console/assets/index-Bx3_k-9Q.js", "br;q=0, gzip;q=0.5", b"as gzip", "gzip"),
        ("/console/assets/index-Bx3_k-9Q.js", "identity", b"plain assets/index-Bx3_k-9Q.js", None),
        ("/console/assets/plain.js", "br, gzip", b"plain assets/plain.js", None),
        ("/", "br, gzip", b"page as gzip", "gzip"),
    ],
)
async def test_files_come_as_the_build_compressed_them(
    built: FastAPI, path: str, accepted: str, body: bytes, coding: str | None
) -> None:
    async with calling(built) as client:
        answer, came = await raw(client, path, **{"accept-encoding": accepted})
        assert (answer.status_code, came, answer.headers.get("content-encoding")) == (200, body, coding)
        kind = "text/html" if path == "/" else "text/javascript"
        assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
        assert answer.headers["cache-control"] == (FOR_EVER if "-Bx3_k-9Q." in path else ASK_AGAIN)
        assert "accept-encoding" in answer.headers["vary"].lower()
        asked = {"accept-encoding": accepted, "if-none-match": answer.headers["etag"]}
        again, nothing = await raw(client, path, **asked)
        assert (again.status_code, nothing) == (304, b"")


async def test_what_is_not_there_is_not_found_in_any_form(built: FastAPI) -> None:
    async with calling(built) as client:
        for path in ("/console/nothing.js", "/console/assets", "/console/../secret", "/console/%2e%2e/x"):
            assert (await client.get(path)).status_code == 404, path
        assert (await client.post("/console/assets/plain.js")).status_code == 405


def test_a_coding_with_weight_nought_is_refused() -> None:
    assert accepted_codings("gzip;q=1.0, br;q=0.000, DEFLATE") == {"gzip", "deflate"}
    assert accepted_codings("") == {""}
