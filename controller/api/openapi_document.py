"""What the OpenAPI document says of all operations alike: who may ask, how errors look, and an example of
each body.
"""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI

from controller.api.cookies import Cookies
from controller.api.encoding import JSON, struct_schema
from controller.api.examples.by_operation import add_examples
from controller.api.examples.example import PATH_EXAMPLES, as_json
from controller.api.gate import SECURITY
from controller.api.problems import ABOUT_BLANK, PROBLEM_JSON, Problem

_PROBLEM = {"$ref": "#/components/schemas/Problem"}
_FRAMEWORKS_OWN = ("HTTPValidationError", "ValidationError")
"""errors as FastAPI would tell them: ours are problem documents"""


def add_security(app: FastAPI, cookies: Cookies) -> None:
    """Have it name the ways in, and say of each operation that may answer 401 that it takes one of them,
    where it does not say otherwise itself.
    """
    schemes = {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "a token of a program, or the site's operator token",
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": cookies.session,
            "description": "from POST /api/v1/session; what changes something must come from our own page",
        },
    }
    plain = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = plain()
            document.setdefault("components", {})["securitySchemes"] = schemes
            for _, operation in _operations(document):
                if "401" in operation["responses"]:
                    operation.setdefault("security", SECURITY)
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


def add_answers(app: FastAPI) -> None:
    """Have it tell each error as a problem document, and show an example of each body. To be called last:
    what was added before is completed too.
    """
    plain = app.openapi

    def described() -> dict[str, Any]:
        fresh = app.openapi_schema is None
        document = plain()
        if fresh:
            schemas = document["components"].setdefault("schemas", {})
            schemas["Problem"] = struct_schema(Problem)
            for own in _FRAMEWORKS_OWN:
                schemas.pop(own, None)
            for name, operation in _operations(document):
                _tell_errors(name.partition(" ")[2], operation)
                add_examples(name, operation)
        return document

    app.openapi = described  # type: ignore[method-assign]


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """With their names, such as `GET /api/v1/feeders`."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield f"{method.upper()} {path}", operation


def _tell_errors(path: str, operation: dict[str, Any]) -> None:
    answers = operation["responses"]
    if JSON in operation.get("requestBody", {}).get("content", {}):
        answers.setdefault("415", {"description": f"the body is not {JSON}"})
    instance = path.format(**PATH_EXAMPLES)
    for status, answer in answers.items():
        if status[0] not in "45":
            continue
        if _is_frameworks_own(answer):
            del answer["content"]
            answer["description"] = "a parameter is malformed"
        answer.setdefault("content", {PROBLEM_JSON: _problem(int(status), answer["description"], instance)})


def _is_frameworks_own(answer: dict[str, Any]) -> bool:
    schema = answer.get("content", {}).get(JSON, {}).get("schema", {})
    return str(schema.get("$ref", "")).endswith("/HTTPValidationError")


def _problem(status: int, detail: str, instance: str) -> dict[str, Any]:
    told = Problem(ABOUT_BLANK, HTTPStatus(status).phrase, status, detail, instance)
    return {"schema": _PROBLEM, "example": as_json(told)}
