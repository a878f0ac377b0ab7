"""Errors as RFC 9457 problem documents: one shape for all that goes wrong, whoever noticed it."""

from dataclasses import dataclass
from http import HTTPStatus

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from controller.access.account_file import AccountsUnavailable
from controller.api.encoding import to_json

PROBLEM_JSON = "application/problem+json"
ABOUT_BLANK = "about:blank"
"""the type of a problem that its status tells all of (RFC 9457, 4.2.1)"""
log = structlog.get_logger("access")


@dataclass(frozen=True, slots=True)
class Problem:
    """RFC 9457, section 3.1."""

    type: str
    title: str
    status: int
    detail: str
    instance: str


def problem_response(
    request: Request, status: int, detail: str, headers: dict[str, str] | None = None
) -> Response:
    """The problem as a response; `detail` is for a person and says what was expected."""
    problem = Problem(ABOUT_BLANK, HTTPStatus(status).phrase, status, detail, request.url.path)
    return Response(to_json(problem), status, {"cache-control": "no-store", **(headers or {})}, PROBLEM_JSON)


def no_such_feeder(feeder: str) -> HTTPException:
    """404 that names the feeder."""
    return HTTPException(404, f"there is no feeder {feeder!r} at this site; GET /api/v1/feeders lists them")


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return problem_response(request, error.status_code, str(error.detail), dict(error.headers or {}))


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    findings = [f"{'.'.join(str(part) for part in found['loc'])}: {found['msg']}" for found in error.errors()]
    return problem_response(request, 422, "; ".join(findings))


async def _on_no_accounts(request: Request, error: Exception) -> Response:
    log.error("accounts_unavailable", error=str(error))  # it names a path of ours: not for the answer
    told = "the accounts cannot be read or written now, so nothing was done"
    return problem_response(request, 503, told, {"retry-after": "5"})


async def _on_bug(request: Request, error: Exception) -> Response:
    del error  # the server logs it; what broke inside is nobody's business outside
    return problem_response(request, 500, "the controller failed on this request; its log has the cause")


def add_problem_handlers(app: FastAPI) -> None:
    """Make every error of the app a problem document."""
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(AccountsUnavailable, _on_no_accounts)
    app.add_exception_handler(Exception, _on_bug)
