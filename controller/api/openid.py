"""The routes by which people sign in with a provider: there, and back again.

The state is in a cookie as well, so that only the browser that began can finish: nobody is signed in as
somebody else by a link (RFC 6749, 10.12).
"""

import hmac

import structlog
from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from controller.access.openid import ENDS_WITHIN_S, NotLetIn, OpenId, ProviderFault
from controller.access.sign_in import SignInDesk
from controller.api.gate import COOKIE
from controller.api.sessions import session_cookie

STATE_COOKIE = "gridward_openid"
PATH = "/api/v1/session/openid"
log = structlog.get_logger("access")


def openid_routes(desk: SignInDesk, openid: OpenId) -> APIRouter:
    """There and back."""
    router = APIRouter(prefix=PATH, tags=["access"])

    @router.get("", status_code=303, response_model=None, responses={502: _FAULT})
    async def there(request: Request) -> Response:
        """To the provider."""
        try:
            address, state = await openid.begin()
        except ProviderFault as fault:
            raise _told(fault) from fault
        response = RedirectResponse(address, 303, {"cache-control": "no-store"})
        # lax: the way back begins at the provider's page
        cookie = session_cookie(request) | {"samesite": "lax", "path": PATH, "max_age": int(ENDS_WITHIN_S)}
        response.set_cookie(STATE_COOKIE, state, **cookie)
        return response

    @router.get("/back", status_code=303, response_model=None, responses={403: _REFUSED, 502: _FAULT})
    async def back(request: Request, state: str = "", code: str = "") -> Response:
        """From the provider; who is let in gets a session."""
        begun = request.cookies.get(STATE_COOKIE, "")
        if not (begun and code and hmac.compare_digest(begun.encode(), state.encode())):
            raise HTTPException(403, "this sign-in was not begun here, or the provider refused it")
        address = "" if request.client is None else request.client.host
        try:
            signed_in = await desk.sign_in_as(await openid.finish(state, code), address)
        except NotLetIn as refusal:
            log.warning("sign_in_refused", address=address, reason=str(refusal))
            raise HTTPException(403, f"not let in: {refusal}") from refusal
        except ProviderFault as fault:
            raise _told(fault) from fault
        response = RedirectResponse("/", 303, {"cache-control": "no-store"})
        response.set_cookie(COOKIE, signed_in.secret, **session_cookie(request))
        response.delete_cookie(STATE_COOKIE, path=PATH)
        return response

    return router


def _told(fault: ProviderFault) -> HTTPException:
    log.warning("provider_failed", reason=str(fault))
    return HTTPException(502, str(fault), {"retry-after": "10"})


_FAULT = {"description": "the provider cannot be reached, or says what cannot be right"}
_REFUSED = {"description": "the provider's word does not let this person in"}
