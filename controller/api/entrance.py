"""What a page must know before anybody has signed in: whose site it is, and how one gets in."""

import msgspec
from fastapi import APIRouter, Response

from controller.api.encoding import json_answer, json_response
from controller.settings import Site


class EntranceBody(msgspec.Struct, frozen=True, kw_only=True):
    """How one gets in here."""

    site: str
    accounts: bool
    """whether people have accounts of their own"""
    openid: bool
    """whether a provider's word counts"""
    sign_in_to_look: bool
    """whether there is nothing to be seen before"""


def entrance_routes(site: Site, *, accounts: bool, openid: bool) -> APIRouter:
    """The one route, for everybody."""
    router = APIRouter(prefix="/api/v1", tags=["access"])
    told = EntranceBody(
        site=site.name, accounts=accounts, openid=openid, sign_in_to_look=site.api.sign_in_to_look
    )

    @router.get("/entrance", response_model=None, responses={200: _TOLD}, openapi_extra={"security": []})
    async def entrance() -> Response:
        """How one gets in: by an account, by a provider, or not at all."""
        return json_response(told)

    return router


_TOLD = json_answer(EntranceBody, "how one gets in")
