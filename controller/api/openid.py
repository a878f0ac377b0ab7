"""The routes by which people sign in with a provider: there, and back again.

What was begun is in a cookie, so that only the browser that began can finish: nobody is signed in as somebody
else by a link (RFC 6749, 10.12).
"""

from typing import Any

import structlog
from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from controller.access.openid import ENDS_WITHIN_S, NotLetIn, OpenId
from controller.access.provider import ProviderFault
from controller.access.sign_in import SignInDesk
from controller.api.cookies import Cookies
from controller.api.gate import NO_ACCOUNTS, address_of

PATH = "/api/v1/session/openid"
log = structlog.get_logger("access")


def openid_routes(desk: SignInDesk, openid: OpenId, cookies: Cookies) -> APIRouter:
    """There and back."""
    router = APIRouter(prefix=PATH, tags=["access"])

    @router.get(
        "", status_code=303, response_class=RedirectResponse, response_model=None, responses={502: _FAULT}
    )
    async def there(request: Request) -> Response:
        """To the provider."""
        try:
            address, sealed = await openid.begin()
        except ProviderFault as fault:
            raise _told(fault) from fault
        response = RedirectResponse(address, 303, {"cache-control": "no-store"})
        cookies.begin_openid(request, response, sealed, PATH, int(ENDS_WITHIN_S))
        return response

    @router.get(
        "/back", status_code=303, response_class=RedirectResponse, response_model=None, responses=_BACK
    )
    async def back(request: Request, state: str = "", code: str = "") -> Response:
        """From the provider; who is let in gets a session."""
        sealed, address = request.cookies.get(cookies.openid, ""), address_of(request)
        try:
            if not code:
                raise NotLetIn("the provider gave no code")
            signed_in = await desk.sign_in_as(await openid.finish(sealed, state, code), address)
        except NotLetIn as refusal:
            log.warning("sign_in_refused", address=address, reason=str(refusal))
            raise HTTPException(403, f"not let in: {refusal}") from refusal
        except ProviderFault as fault:
            raise _told(fault) from fault
        response = RedirectResponse("/", 303, {"cache-control": "no-store"})
        cookies.begin_session(request, response, signed_in.secret)
        cookies.end_openid(request, response, PATH)
        return response

    return router


def _told(fault: ProviderFault) -> HTTPException:
    log.warning("provider_failed", reason=str(fault))
    return HTTPException(502, str(fault), {"retry-after": "10"})


_FAULT = {"description": "the provider cannot be reached, or says what cannot be right"}
_BACK: dict[int | str, dict[str, Any]] = {
    403: {"description": "the provider's word does not let this person in"},
    502: _FAULT,
    503: NO_ACCOUNTS,
}
