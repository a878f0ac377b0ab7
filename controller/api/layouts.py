"""The route of a feeder's drawing: made once for each topology, off the loop, kept packed as well."""

import asyncio
import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response

from controller.api.drawn_feeder import layout_body, without_customers
from controller.api.encoding import JSON, entity_tag, json_answer, tagged_response, to_json
from controller.api.layout_bodies import LayoutBody, TilesBody
from controller.api.problems import no_such_feeder
from controller.api.scope import sees_customers
from controller.settings import Site
from controller.views import LiveViews
from customers.registry import Registry
from grid_model.network import Network

_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: json_answer(LayoutBody, "the drawing"),
    304: {"description": "as it was known already"},
    404: {"description": "there is no such feeder"},
}


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A drawing as it is sent."""

    plain: bytes
    zipped: bytes
    tag: str

    @classmethod
    def of(cls, body: LayoutBody) -> "_Sheet":
        """Packed once."""
        plain = to_json(body)
        return cls(plain, gzip.compress(plain, 6, mtime=0), entity_tag(plain))


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A drawing as it is known."""

    id: str
    network: Network
    """what it was made of: another one, as after switching, needs another drawing"""
    whole: _Sheet
    unnamed: _Sheet
    """for who may not see customers"""


def layout_routes(views: LiveViews, drawings: "Drawings") -> APIRouter:
    """The route."""
    router = APIRouter(prefix="/api/v1", tags=["feeders"])

    @router.get("/feeders/{feeder}/layout", response_model=None, responses=_ANSWERS)
    async def layout(feeder: str, request: Request) -> Response:
        """What to draw, in columns; the stream's columns are in its order. Whose a service point is, is told
        to who may see customers; to everybody where nobody signs in to look. Comes with an ETag.
        """
        network = views.network(feeder)
        if network is None:
            raise no_such_feeder(feeder)
        drawn = await drawings.of(feeder, network)
        sheet = drawn.whole if sees_customers(request, feeder) else drawn.unnamed
        headers = {"cache-control": "no-cache", "vary": "accept-encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            # another representation, hence another tag (RFC 9110, 8.8.3.3)
            headers["content-encoding"] = "gzip"
            return tagged_response(request, sheet.zipped, f'{sheet.tag[:-1]}-gzip"', headers, JSON)
        return tagged_response(request, sheet.plain, sheet.tag, headers, JSON)

    return router


class Drawings:
    """The latest drawing of each feeder; whoever comes while it is being made waits for it."""

    def __init__(self, registries: Mapping[str, Registry], site: Site) -> None:
        """`registries` tell who is behind a service point, by feeder."""
        self._registries, self._limits = registries, site.limits
        self._has_strangers = site.api.sign_in_to_look
        url = site.api.map_tiles
        self._tiles = None if url is None else TilesBody(url=url, attribution=site.api.map_attribution)
        self._known: dict[str, _Drawn] = {}
        self._turn: dict[str, asyncio.Lock] = {}

    async def of(self, feeder: str, network: Network) -> _Drawn:
        """The drawing of `network`."""
        async with self._turn.setdefault(feeder, asyncio.Lock()):
            known = self._known.get(feeder)
            if known is None or known.network is not network:
                known = await asyncio.to_thread(self._draw, feeder, network)
                self._known[feeder] = known
        return known

    def id_of(self, feeder: str, network: Network) -> str:
        """The id of the drawing of `network`, for the stream, which cannot wait: made at once where it is not
        yet, once for each topology.
        """
        known = self._known.get(feeder)
        if known is None or known.network is not network:
            known = self._known[feeder] = self._draw(feeder, network)
        return known.id

    def _draw(self, feeder: str, network: Network) -> _Drawn:
        registry = self._registries.get(feeder)
        body = layout_body(feeder, network, registry, self._limits, self._tiles)
        whole = _Sheet.of(body)
        unnamed = _Sheet.of(without_customers(body)) if self._has_strangers else whole
        return _Drawn(body.id, network, whole, unnamed)
