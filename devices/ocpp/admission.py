"""Who may connect: the id in the URL, the password or certificate that goes with it. Pure.

A wrong password and an unknown id look the same from outside. After some failures in a row an address is
turned away for a while without a look at its password.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote, urlsplit

from websockets.exceptions import InvalidHeader
from websockets.headers import parse_authorization_basic

from devices.ocpp.settings import Charger, CsmsSettings

MAX_REMEMBERED = 10_000
"""Pairs of charge point and address that failed; the oldest is forgotten first."""


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """Not let in."""

    status: HTTPStatus
    reason: str
    """what we write down; the far side learns the status only"""


@dataclass(slots=True)
class _Failures:
    count: int
    until_s: float


class Admission:
    """The registry of chargers at the door."""

    def __init__(self, settings: CsmsSettings) -> None:
        self._settings = settings
        self._chargers = {charger.charge_point: charger for charger in settings.chargers}
        self._failures: dict[tuple[str, str], _Failures] = {}

    def charge_point(self, target: str) -> str | None:
        """The id in a request's target, or None when it is not below our path."""
        try:
            path = urlsplit(target).path
        except ValueError:
            return None
        below = self._settings.path.rstrip("/") + "/"
        name = unquote(path[len(below) :], errors="replace") if path.startswith(below) else ""
        return name if name and "/" not in name else None

    def judge(
        self,
        target: str,
        authorization: str | None,
        certificate: Mapping[str, Any] | None,
        *,
        address: str,
        at_s: float,
    ) -> Charger | TurnedAway:
        """The charger that this is, or why it does not get in. `certificate` as `ssl.getpeercert` has it."""
        name = self.charge_point(target)
        if name is None:
            return TurnedAway(HTTPStatus.NOT_FOUND, "no charge point in the URL")
        key = (name[:64], address)
        failures = self._failures.get(key)
        if failures is not None and failures.count >= self._settings.password_failures:
            if at_s < failures.until_s:
                return TurnedAway(HTTPStatus.TOO_MANY_REQUESTS, "too many failures, locked out")
            del self._failures[key]
        charger = self._chargers.get(name)
        fault = self._fault(charger, name, authorization, certificate)
        if fault is not None:
            self._note_failure(key, at_s)
            return fault
        self._failures.pop(key, None)
        assert charger is not None
        return charger

    def _fault(
        self,
        charger: Charger | None,
        name: str,
        authorization: str | None,
        certificate: Mapping[str, Any] | None,
    ) -> TurnedAway | None:
        profile = self._settings.security_profile
        if profile in (1, 2):
            given = _credentials(authorization)
            expected = None if charger is None else charger.password
            if not _matches(given, name, expected):
                why = "unknown charge point" if charger is None else "wrong user name or password"
                return TurnedAway(HTTPStatus.UNAUTHORIZED, why)
        if charger is None:
            return TurnedAway(HTTPStatus.NOT_FOUND, "unknown charge point")
        if profile == 3 and (charger.certificate_name or name) not in _names(certificate):
            return TurnedAway(HTTPStatus.FORBIDDEN, "certificate of another name")
        return None

    def _note_failure(self, key: tuple[str, str], at_s: float) -> None:
        known = self._failures.pop(key, None)
        self._failures[key] = _Failures(
            1 if known is None else known.count + 1, at_s + self._settings.lockout_s
        )
        if len(self._failures) > MAX_REMEMBERED:
            del self._failures[next(iter(self._failures))]


def _credentials(authorization: str | None) -> tuple[str, str] | None:
    if authorization is None:
        return None
    try:
        return parse_authorization_basic(authorization)
    except (InvalidHeader, ValueError):
        return None


def _matches(given: tuple[str, str] | None, name: str, password: str | None) -> bool:
    """Takes the same time for an unknown id as for a wrong password."""
    user, secret = given if given is not None else ("", "")
    right_user = hmac.compare_digest(user.encode(errors="replace"), name.encode(errors="replace"))
    right_secret = hmac.compare_digest(secret.encode(errors="replace"), (password or "\0").encode())
    return given is not None and password is not None and right_user and right_secret


def _names(certificate: Mapping[str, Any] | None) -> set[str]:
    if not certificate:
        return set()
    subject = {value for part in certificate.get("subject", ()) for key, value in part if key == "commonName"}
    return subject | {value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS"}
