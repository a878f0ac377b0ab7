"""The console's files. Everything comes from this host, so the console works without a way out."""

from pathlib import Path

from fastapi import FastAPI, Request, Response

from controller.api.static_files import CompressedFiles


def mount_pages(app: FastAPI, static_dir: Path) -> None:
    """Serve the console's page at `/` and all its files below `/console/`."""
    files = CompressedFiles(directory=static_dir)

    @app.get("/", include_in_schema=False)
    async def page(request: Request) -> Response:
        return await files.get_response("index.html", request.scope)

    app.mount("/console", files, name="console")
