"""The routes about Gridward itself: how it is, the settings in force, the latest lines of its log."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Query, Request, Response
from prometheus_client import ProcessCollector

from controller.api.encoding import JSON, json_answer, json_response
from controller.api.gate import REFUSALS, Gate
from controller.bookkeeping import Offload
from controller.log_ring import LogLine, LogRing
from controller.settings import Site
from controller.shown_settings import shown
from controller.system_status import DaemonStatus, ProcessStatus, process_status

MOST_LINES = 500


@dataclass(frozen=True)
class SystemSources:
    """Where the routes have it from."""

    site: Site
    daemon: Callable[[], DaemonStatus]
    process: ProcessCollector
    log: LogRing
    offload: Offload
    """a thread: the process' figures are read from files"""


class SystemBody(msgspec.Struct, frozen=True, kw_only=True):
    """How Gridward is."""

    daemon: DaemonStatus
    process: ProcessStatus


class LogBody(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of the log, the newest first."""

    items: tuple[LogLine, ...]
    next: int | None
    """to be given as `after` for those before; null: there are none, or they are forgotten"""


def system_routes(sources: SystemSources, gate: Gate) -> APIRouter:
    """How it is for whoever may look; settings and log for those who look after it."""
    router = APIRouter(prefix="/api/v1/system", tags=["system"], responses=REFUSALS)

    @router.get("", response_model=None, responses={200: json_answer(SystemBody, "How Gridward is.")})
    async def system(request: Request) -> Response:
        """Links, sources, queues, journal, cycles and process, as they are now."""
        await gate.admit_somewhere(request, "look")
        process = await sources.offload(process_status, sources.process, sources.site.store.path)
        return json_response(SystemBody(daemon=sources.daemon(), process=process))

    @router.get("/config", response_model=None, responses={200: _SETTINGS})
    async def config(request: Request) -> Response:
        """The settings in force, read only; what may be secret is not shown."""
        await gate.admit(request, "system")
        return json_response(shown(sources.site))

    @router.get(
        "/log",
        response_model=None,
        responses={200: json_answer(LogBody, "Lines of the log, the newest first.")},
    )
    async def log(
        request: Request,
        level: Literal["debug", "info", "warning", "error", "critical"] = "info",
        after: Annotated[int | None, Query(ge=0)] = None,
        limit: Annotated[int, Query(ge=1, le=MOST_LINES)] = 100,
    ) -> Response:
        """The latest lines of this level and graver ones, the newest first; older ones than line `after`."""
        await gate.admit(request, "system")
        lines = sources.log.latest(level=level, before=after, limit=limit)
        following = lines[-1].seq if len(lines) == limit else None
        return json_response(LogBody(items=tuple(lines), next=following))

    return router


_SETTINGS = {
    "description": "the settings by table, as in SITE.toml",
    "content": {JSON: {"schema": {"type": "object"}}},
}
