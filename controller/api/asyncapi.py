"""The MQTT side's own document, beside the OpenAPI document of this API."""

from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, Request, Response

from controller.api.encoding import JSON, entity_tag, tagged_response, to_json
from controller.settings import Site
from devices.mqtt.asyncapi import asyncapi_document
from devices.mqtt.topics import Topics


def asyncapi_routes(site: Site) -> APIRouter:
    """The route of the document."""
    router = APIRouter(prefix="/api/v1", tags=["documents"])
    body = to_json(asyncapi_document(Topics(site.broker.root), version("gridward")))
    tag = entity_tag(body)
    answers: dict[int | str, dict[str, Any]] = {
        200: {"content": {JSON: {"schema": {"type": "object", "required": ["asyncapi", "channels"]}}}},
        304: {"description": "it is the one with this entity tag"},
    }

    @router.get("/asyncapi.json", response_model=None, responses=answers)
    async def asyncapi(request: Request) -> Response:
        """What travels over MQTT, as an AsyncAPI 3.0 document."""
        return tagged_response(request, body, tag, {"cache-control": "no-cache"}, JSON)

    return router
