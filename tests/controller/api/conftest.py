"""One evening in its middle, its app, and ways to call it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request
from prometheus_client import CollectorRegistry, Counter

from console import static_dir
from controller.access.principal import Principal
from controller.access.roles import Role, permissions_of
from controller.api.app import create_app
from controller.api.cookies import Cookies
from controller.api.gate import Doors
from controller.api.operator_key import OperatorKey
from controller.clock import WallClock
from tests.controller.api.fake_views import FakeViews

COOKIE = Cookies().session
TOKEN = "correct horse battery staple"


class DoorsOf(Doors):
    """Whoever comes is this one."""

    def __init__(self, name: str, role: Role, feeders: set[str] | None = None) -> None:
        super().__init__(OperatorKey(None))
        self._one = Principal(name, permissions_of(role), None if feeders is None else frozenset(feeders))

    async def known(self, request: Request) -> Principal:
        return self._one


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    file = tmp_path / "operator.token"
    file.write_text(f"{TOKEN}\n")
    return file


@pytest.fixture
def views(token_file: Path) -> FakeViews:
    """Built, but without a cycle yet."""
    return FakeViews(token_file=token_file)


@pytest.fixture
def app(views: FakeViews) -> FastAPI:
    metrics = CollectorRegistry()
    Counter("gridward_sends_total", "Commands", registry=metrics).inc(3)
    return create_app(views, metrics, static_dir(), clock=WallClock(), registries={"street": views.registry})


@asynccontextmanager
async def calling(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client that calls the app without a socket."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://console") as client:
        yield client


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with calling(app) as client:
        yield client
