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
TYPE = "urn:gridward:problem:"
"""before the code of one that its status does not tell from others"""
log = structlog.get_logger("access")


@dataclass(frozen=True, slots=True)
class Problem:
    """RFC 9457, section 3.1."""

    type: str
    title: str
    status: int
    detail: str
    instance: str


class Refusal(HTTPException):
    """An error with a code, by which programs tell it from others of the same status."""

    def __init__(self, status: int, code: str, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, detail, headers)
        self.code = code


def problem_response(
    request: Request,
    status: int,
    detail: str,
    headers: dict[str, str] | None = None,
    code: str | None = None,
) -> Response:
    """The problem as a response; `detail` is for a person and says what was expected."""
    kind = ABOUT_BLANK if code is None else TYPE + code
    problem = Problem(kind, HTTPStatus(status).phrase, status, detail, request.url.path)
    return Response(to_json(problem), status, {"cache-control": "no-store", **(headers or {})}, PROBLEM_JSON)


def no_such_feeder(feeder: str) -> HTTPException:
    """404 that names the feeder."""
    return HTTPException(404, f"there is no feeder {feeder!r} at this site; GET /api/v1/feeders lists them")


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = error.code if isinstance(error, Refusal) else None
    return problem_response(request, error.status_code, str(error.detail), dict(error.headers or {}), code)


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
