"""The operations on programs, events, reports, subscriptions, vens and resources, in both versions."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from devices.openadr.http_exchange import JSON, Exchange, Handler, answer, guarded, route
from devices.openadr.http_queries import read_query
from devices.openadr.notifications import without_tokens
from devices.openadr.objects import KINDS, Actor, Version
from devices.openadr.ports import Body, ObjectKind
from devices.openadr.problems import not_found
from devices.openadr.rules import check_may_read, check_may_write
from devices.openadr.searches import Seen
from devices.openadr.vtn_objects import VtnObjects
from devices.openadr.words import read_request, show

CheckCallbacks = Callable[[Body, str], Awaitable[None]]
"""Looks at the callback URLs of a subscription's body, for a client, before it is taken. Raises Problem."""
_KindHandler = Callable[[ObjectKind, Request], Awaitable[Response]]
_RESOURCES_301 = "/vens/{ven_id}/resources"


@dataclass(frozen=True, slots=True)
class ObjectRoutes:
    """The routes of one version."""

    version: Version
    exchange: Exchange
    objects: VtnObjects
    check_callbacks: CheckCallbacks

    def routes(self) -> Iterator[Route]:
        """All of them."""
        for kind in KINDS:
            many = _RESOURCES_301 if kind == "resource" and self.version == "3.0.1" else f"/{kind}s"
            yield route(
                many, {"GET": self._guarded(self._search, kind), "POST": self._guarded(self._create, kind)}
            )
            one = {"GET": self._read, "PUT": self._replace, "DELETE": self._delete}
            yield route(
                f"{many}/{{object_id}}",
                {method: self._guarded(handler, kind) for method, handler in one.items()},
            )

    def _guarded(self, handler: _KindHandler, kind: ObjectKind) -> Handler:
        undocumented: dict[int, int] = {}
        if self.version == "3.1.1" and kind == "ven" and handler == self._create:
            undocumented = {409: 403}
        if self.version == "3.1.1" and kind == "program" and handler == self._replace:
            undocumented = {401: 403}
        return guarded(self.version, undocumented, partial(handler, kind))

    async def _search(self, kind: ObjectKind, request: Request) -> Response:
        actor = self.exchange.actor(request)
        check_may_read(actor, kind)
        query = read_query(self.version, kind, request.query_params.multi_items())
        ven_id = request.path_params.get("ven_id")
        if ven_id is not None:
            self.objects.read(actor, "ven", ven_id)
        found = self.objects.search(actor, kind, query, ven_id=ven_id, shown=self._is_shown)
        return answer([self._shown(actor, one) for one in found])

    async def _create(self, kind: ObjectKind, request: Request) -> Response:
        actor = self.exchange.actor(request)
        body = await self._body(actor, kind, request)
        made = await self.objects.insert(actor, kind, body)
        return answer(self._shown(actor, self.objects.as_seen(actor, made)), 201)

    async def _read(self, kind: ObjectKind, request: Request) -> Response:
        actor = self.exchange.actor(request)
        check_may_read(actor, kind)
        return answer(self._shown(actor, self._addressed(actor, kind, request)))

    async def _replace(self, kind: ObjectKind, request: Request) -> Response:
        actor = self.exchange.actor(request)
        check_may_write(actor, kind)
        self._addressed(actor, kind, request)
        body = await self._body(actor, kind, request)
        made = await self.objects.update(actor, kind, request.path_params["object_id"], body)
        return answer(self._shown(actor, self.objects.as_seen(actor, made)))

    async def _delete(self, kind: ObjectKind, request: Request) -> Response:
        actor = self.exchange.actor(request)
        check_may_write(actor, kind)
        seen = self._addressed(actor, kind, request)
        shown = self._shown(actor, seen)
        await self.objects.remove(actor, kind, seen.stored.id)
        return answer(shown)

    async def _body(self, actor: Actor, kind: ObjectKind, request: Request) -> Body:
        check_may_write(actor, kind)
        body = read_request(self.version, kind, await self.exchange.body(request, JSON, actor))
        if "ven_id" in request.path_params:
            body["venID"] = request.path_params["ven_id"]
        if kind == "subscription":
            await self.check_callbacks(body, actor.client_id)
        return body

    def _addressed(self, actor: Actor, kind: ObjectKind, request: Request) -> Seen:
        """The object that the path names. Raises Problem 404."""
        object_id = request.path_params["object_id"]
        seen = self.objects.look_up(actor, kind, object_id)
        other_ven = seen.stored.body.get("venID") != request.path_params.get("ven_id")
        if ("ven_id" in request.path_params and other_ven) or not self._is_shown(seen):
            raise not_found(kind, object_id)
        return seen

    def _is_shown(self, seen: Seen) -> bool:
        """3.0.1 has no words for a subscription without a program."""
        no_program = seen.stored.kind == "subscription" and "programID" not in seen.stored.body
        return not (self.version == "3.0.1" and no_program)

    def _shown(self, actor: Actor, seen: Seen) -> Body:
        resources: list[Body] = []
        if seen.stored.kind == "ven" and self.version == "3.0.1":
            held = self.objects.resources_of(seen.stored.id)
            resources = [show(self.version, one, None, []) for one in held]
        body = show(self.version, seen.stored, seen.targets, resources)
        return body if seen.stored.client_id == actor.client_id else without_tokens(body)
