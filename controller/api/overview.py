"""The overview: all feeders by severity, the site's figures, and what changed since a time."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime

from controller.api.encoding import JSON, entity_tag, struct_schema, tagged_response, to_json
from controller.api.overview_board import OverviewBoard
from controller.api.overview_bodies import Changes, Overview
from controller.api.overview_rows import changes_since
from controller.live import CHANGED_SENTENCES
from controller.views import LiveViews

_EXAMPLE = {
    "site": "Westend",
    "at": "2026-01-12T17:04:00Z",
    "totals": {
        "feeders": 1, "overloaded": 1, "voltage_only": 0, "not_converged": 0, "no_data": 0, "warning": 0,
        "normal": 0, "events": 1, "automatic_out": 0, "data_alarms": 0, "expected": 0, "curtailed_kw": 21.4,
        "p_kw": 402.0, "not_in_sum": 0,
    },
    "rows": [
        {
            "id": "dorf", "name": "dorf", "state": "overloaded", "warnings": ["near_limit", "event"],
            "overloads": 1, "voltage_violations": 0,
            "highest": {"element": "trafo:0", "loading_percent": 104.2, "limit_percent": 100.0},
            "lowest_voltage": {"bus": "bus:44", "v_pu": 0.942},
            "highest_voltage": {"bus": "bus:1", "v_pu": 1.01},
            "p_kw": 402.0, "free_kw": -16.0,
            "event": {
                "event": "dorf-20260112T165800Z", "since": "2026-01-12T16:58:00Z", "element": "trafo:0",
                "peak_percent": 112.9, "requests": 9, "curtailed_kw": 21.4,
            },
            "automatic": {"state": "on", "who": None, "why": None, "since": None},
            "data": {"measured_percent": 98.0, "alarm": None}, "expected": None, "last_at": None,
        }
    ],
    "changes": {
        "since": "2026-01-12T14:00:00Z", "is_whole": True, "by_entry": {"event_opened": 1},
        "latest": [
            {
                "seq": 812, "at": "2026-01-12T16:58:00Z", "feeder": "dorf", "entry": "event_opened",
                "severity": "alarm", "text": "Transformer 0 at 108.1 %, over its limit of 100.0 %: opened",
            }
        ],
    },
}  # fmt: skip


def overview_routes(views: LiveViews, board: OverviewBoard) -> APIRouter:
    """The route of the overview."""
    router = APIRouter(prefix="/api/v1", tags=["feeders"])

    @router.get(
        "/overview",
        response_model=None,
        responses={
            200: {"content": {JSON: {"schema": struct_schema(Overview), "example": _EXAMPLE}}},
            304: {"description": "nothing has changed since the answer with this entity tag"},
        },
    )
    async def overview(
        request: Request, since: Annotated[AwareDatetime | None, Query()] = None, rows: bool = True
    ) -> Response:
        """All feeders, the most severe first; with `since` also what changed from then on. `rows=false`: none
        of them, for who has them from the stream.
        """
        board.refresh()
        body = to_json(
            Overview(
                site=views.site.name,
                at=board.at,
                totals=board.totals(),
                rows=board.rows() if rows else (),
                changes=None if since is None else _changes(views, since),
            )
        )
        return tagged_response(request, body, entity_tag(body), {"cache-control": "no-cache"}, JSON)

    return router


def _changes(views: LiveViews, since: datetime) -> Changes:
    return changes_since(views.changes(), since, CHANGED_SENTENCES)
