"""How clients may be notified (3.1.1): `/notifiers`, and the MQTT topics that each of them may read."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from devices.openadr.http_exchange import Exchange, answer, guarded, route
from devices.openadr.notifier import NotifierSettings
from devices.openadr.notifier_topics import ENDPOINTS, OWN_INSTEAD
from devices.openadr.objects import Actor
from devices.openadr.problems import Problem, forbidden
from devices.openadr.vtn_objects import VtnObjects

_NO_403 = "programs"
"""the endpoints of programs have no 403 in the document"""


@dataclass(frozen=True, slots=True)
class NotifierRoutes:
    """The routes; without `mqtt` there are webhooks only."""

    exchange: Exchange
    objects: VtnObjects
    mqtt: NotifierSettings | None

    def routes(self) -> Iterator[Route]:
        """All of them."""
        yield route("/notifiers", {"GET": guarded("3.1.1", {}, self._notifiers)})
        for endpoint in ENDPOINTS:
            undocumented = {403: 404} if endpoint.startswith(_NO_403) else {}
            handler = guarded("3.1.1", undocumented, partial(self._topics, endpoint))
            yield route(f"/notifiers/mqtt/topics/{endpoint}", {"GET": handler})

    async def _notifiers(self, request: Request) -> Response:
        self.exchange.actor(request)
        return answer({"WEBHOOK": True} if self.mqtt is None else self.mqtt.response())

    async def _topics(self, endpoint: str, request: Request) -> Response:
        actor = self.exchange.actor(request)
        self._check_reader(actor, endpoint, request.path_params)
        if self.mqtt is None:
            raise Problem(404, "this VTN does not notify by MQTT")
        ven_id = self._own_ven(actor, endpoint)
        return answer(self.mqtt.topics.response(endpoint, request.path_params, ven_id))

    def _own_ven(self, actor: Actor, endpoint: str) -> str | None:
        """The ven of a VEN that asks for topics which to it are those of its own ven. Raises Problem 404."""
        if not actor.is_ven or endpoint not in OWN_INSTEAD:
            return None
        vens = self.objects.search(actor, "ven")
        if not vens:
            raise Problem(404, "you have no ven")
        return vens[0].stored.id

    def _check_reader(self, actor: Actor, endpoint: str, ids: dict[str, str]) -> None:
        """Raises Problem 403, and 404 when the object is not there for the client."""
        for_vens = endpoint in OWN_INSTEAD and actor.is_ven
        if ENDPOINTS[endpoint] == "business logic" and "read_bl" not in actor.scopes and not for_vens:
            raise forbidden("these topics are for business logic")
        if "venID" in ids:
            self.objects.read(actor, "ven", ids["venID"])
        if "programID" in ids:
            self.objects.read(actor, "program", ids["programID"])
