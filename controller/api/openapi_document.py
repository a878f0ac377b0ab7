"""What the OpenAPI document says of who may ask: how one shows who one is, and where that is needed."""

from typing import Any

from fastapi import FastAPI

from controller.api.cookies import Cookies
from controller.api.gate import SECURITY


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
            for operation in (one for path in document["paths"].values() for one in path.values()):
                if "401" in operation["responses"]:
                    operation.setdefault("security", SECURITY)
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]
