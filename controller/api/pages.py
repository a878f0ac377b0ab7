"""The console's files, and the one library they use: plotly.js from the installed plotly package.

Everything comes from this host, so the console works without a way out.
"""

import functools
import gzip
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, FastAPI, Request, Response
from starlette.exceptions import HTTPException

from controller.api.encoding import entity_tag, tagged_response
from controller.api.static_files import CompressedFiles

JAVASCRIPT = "text/javascript; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent."""

    plain: bytes
    zipped: bytes
    tag: str


@functools.cache
def plotly_js() -> Asset | None:
    """plotly.js and its compressed form, or None when the package has none. Reads and compresses once."""
    found = importlib.util.find_spec("plotly")
    for place in (found.submodule_search_locations or ()) if found else ():
        file = Path(place) / "package_data" / "plotly.min.js"
        if file.is_file():
            plain = file.read_bytes()
            return Asset(plain, gzip.compress(plain, 6, mtime=0), entity_tag(plain))
    return None


def asset_routes() -> APIRouter:
    """The route of plotly.js."""
    router = APIRouter(include_in_schema=False)

    @router.get("/assets/plotly.min.js")
    def plotly(request: Request) -> Response:
        asset = plotly_js()
        if asset is None:
            raise HTTPException(404, "the installed plotly package holds no plotly.min.js")
        headers = {"cache-control": "public, max-age=86400", "vary": "accept-encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            # another representation, hence another tag (RFC 9110, 8.8.3.3)
            headers["content-encoding"] = "gzip"
            return tagged_response(request, asset.zipped, f'{asset.tag[:-1]}-gzip"', headers, JAVASCRIPT)
        return tagged_response(request, asset.plain, asset.tag, headers, JAVASCRIPT)

    return router


def mount_pages(app: FastAPI, static_dir: Path) -> None:
    """Serve the console's page at `/` and all its files below `/console/`."""
    files = CompressedFiles(directory=static_dir)

    @app.get("/", include_in_schema=False)
    async def page(request: Request) -> Response:
        return await files.get_response("index.html", request.scope)

    app.mount("/console", files, name="console")
