"""The operator token of a site: one secret in a file, for all who know it."""

import hmac
from dataclasses import dataclass, field
from pathlib import Path

from starlette.exceptions import HTTPException

MIN_TOKEN_LENGTH = 16


@dataclass(frozen=True, slots=True)
class OperatorKey:
    """The secret that operators show, or why there is none."""

    token: bytes | None = field(repr=False)
    missing: str = ""

    @classmethod
    def from_file(cls, path: Path | None) -> "OperatorKey":
        """Read the token; white space around it does not count."""
        if path is None:
            return cls(
                None, "this controller is read-only: set `operator_token_file` under [api] in the site file"
            )
        try:
            token = path.read_bytes().strip()
        except OSError as error:
            return cls(None, f"the operator token file cannot be read ({error.strerror}): operating is off")
        if len(token) < MIN_TOKEN_LENGTH:
            return cls(
                None, f"the operator token must have {MIN_TOKEN_LENGTH} characters or more: operating is off"
            )
        return cls(token)

    def check(self, authorization: str) -> None:
        """Raise 403 when nobody may operate, 401 when this caller did not show the token."""
        if self.token is None:
            raise HTTPException(403, self.missing)
        scheme, _, shown = authorization.partition(" ")
        # compare_digest takes as long for a wrong first character as for a wrong last one
        if scheme.lower() != "bearer" or not hmac.compare_digest(shown.strip().encode(), self.token):
            detail = "expected `Authorization: Bearer TOKEN` with this site's operator token"
            raise HTTPException(401, detail, {"www-authenticate": "Bearer"})
