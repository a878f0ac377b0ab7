"""Puts the VTN's operations together: each version below its own path, one set of objects beneath."""

from collections.abc import Iterator
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Mount

from devices.openadr.failed_logins import FailedLogins
from devices.openadr.http_exchange import Exchange, not_routed
from devices.openadr.http_log_in import LogInRoutes
from devices.openadr.http_notifiers import NotifierRoutes
from devices.openadr.http_objects import ObjectRoutes
from devices.openadr.log_in import LogIn
from devices.openadr.objects import Version
from devices.openadr.settings import VtnSettings
from devices.openadr.tokens import Tokens
from devices.openadr.vtn_objects import VtnObjects
from devices.openadr.webhooks import Webhooks
from devices.ports import Clock
from devices.rate import Bucket


class VtnApp:
    """The ASGI application; `close` when it is done with."""

    def __init__(
        self, settings: VtnSettings, objects: VtnObjects, webhooks: Webhooks, wire_clock: Clock
    ) -> None:
        tokens = Tokens(settings.token_key, settings.clients, lifetime_s=settings.token_lifetime_s)
        failures = FailedLogins(settings.log_in_failures, settings.lockout_s)
        self._settings, self._objects, self._webhooks = settings, objects, webhooks
        self._log_in = LogIn(tokens, wire_clock, failures)
        self._exchange = Exchange(
            tokens,
            wire_clock,
            settings.max_body_bytes,
            settings.max_ven_body_bytes,
            settings.body_deadline_s,
            partial(Bucket, settings.ven_requests_per_s, settings.ven_requests_burst),
        )
        mounts = [
            Mount(f"{settings.path}/{version}", routes=list(self._routes(version)))
            for version in settings.versions
        ]
        self.asgi = Starlette(routes=mounts, exception_handlers={HTTPException: not_routed})

    def close(self) -> None:
        """No more log-ins."""
        self._log_in.close()

    def _routes(self, version: Version) -> Iterator[BaseRoute]:
        yield from ObjectRoutes(version, self._exchange, self._objects, self._webhooks.check).routes()
        base_path = f"{self._settings.path}/{version}"
        yield from LogInRoutes(
            version, self._exchange, self._log_in, base_path, self._settings.public_url
        ).routes()
        if version == "3.1.1":
            yield from NotifierRoutes(self._exchange, self._objects, self._settings.mqtt).routes()
