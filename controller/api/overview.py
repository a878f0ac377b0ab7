"""The overview: all feeders by severity, the site's figures, and what changed since a time."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime

from controller.api.encoding import JSON, entity_tag, json_answer, tagged_response, to_json
from controller.api.overview_board import OverviewBoard
from controller.api.overview_bodies import Changes, Overview
from controller.api.overview_rows import changes_since
from controller.api.scope import Sight, sight_of
from controller.api.unnamed import sentences
from controller.live import CHANGED_SENTENCES
from controller.views import LiveViews


def overview_routes(views: LiveViews, board: OverviewBoard) -> APIRouter:
    """The route of the overview."""
    router = APIRouter(prefix="/api/v1", tags=["feeders"])

    @router.get(
        "/overview",
        response_model=None,
        responses={
            200: json_answer(Overview),
            304: {"description": "nothing has changed since the answer with this entity tag"},
        },
    )
    async def overview(
        request: Request, since: Annotated[AwareDatetime | None, Query()] = None, rows: bool = True
    ) -> Response:
        """All feeders, the most severe first; with `since` also what changed from then on, told as in
        `told`. `rows=false`: none of them, for who has them from the stream.
        """
        board.refresh()
        body = to_json(
            Overview(
                site=views.site.name,
                at=board.at,
                totals=board.totals(),
                rows=board.rows() if rows else (),
                changes=None if since is None else _changes(views, since, sight_of(request)),
            )
        )
        return tagged_response(request, body, entity_tag(body), {"cache-control": "no-cache"}, JSON)

    return router


def _changes(views: LiveViews, since: datetime, sight: Sight) -> Changes:
    return changes_since(sentences(views.changes(), sight), since, CHANGED_SENTENCES)
