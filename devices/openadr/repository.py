"""Our own business logic's way to the VTN's objects: in-process, without a token. The rules are the same."""

from collections.abc import Mapping
from types import TracebackType

from devices.errors import CommandRejected, ProfileRejected, Unreachable
from devices.openadr.objects import SCOPES, Actor
from devices.openadr.ports import Body, ObjectKind
from devices.openadr.problems import Problem
from devices.openadr.queries import Query
from devices.openadr.vtn_objects import VtnObjects
from devices.openadr.words import checked_request, show

OURSELVES = Actor("gridward", "BL", SCOPES["3.1.1", "BL"], inside=True)


class Repository(VtnObjects):
    """Implements `devices.openadr.ports.BusinessLogic` in-process, in the role of business logic.

    Bodies are requests and objects of OpenADR 3.1.1 (`programRequest`, `eventRequest`, `BlVenRequest`, ...).
    `find` takes the query parameters of 3.1.1 (`targets` comma-separated) but skip and limit, and
    `programName` and `eventName` besides. Anything may be called before `open`, which it then does first.
    """

    async def create(self, kind: ObjectKind, body: Body) -> Body:
        """See the port."""
        with _as_port():
            return show("3.1.1", await self.insert(OURSELVES, kind, checked_request(kind, body)), None, [])

    async def replace(self, kind: ObjectKind, object_id: str, body: Body) -> Body:
        """See the port."""
        with _as_port():
            request = checked_request(kind, body)
            return show("3.1.1", await self.update(OURSELVES, kind, object_id, request), None, [])

    async def delete(self, kind: ObjectKind, object_id: str) -> None:
        """See the port."""
        with _as_port():
            await self.open()
            if self._held.get(kind, object_id) is not None:
                await self.remove(OURSELVES, kind, object_id)

    async def find(self, kind: ObjectKind, query: Mapping[str, str]) -> list[Body]:
        """See the port."""
        with _as_port():
            await self.open()
            seen = self.search(OURSELVES, kind, _query_of(kind, query))
            return [show("3.1.1", one.stored, None, []) for one in seen]


class _as_port:  # noqa: N801 - reads as a function
    """Problems in the words of the port."""

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Problem):
            name = Unreachable if error.status >= 500 else CommandRejected
            raise name(error.detail) from error
        if isinstance(error, ProfileRejected):  # the file of objects
            raise Unreachable(str(error)) from error


def _query_of(kind: ObjectKind, query: Mapping[str, str]) -> Query:
    targets = query.get("targets")
    return Query(
        program_id=query.get("programID"),
        event_id=query.get("eventID"),
        ven_id=query.get("venID"),
        client_name=query.get("clientName"),
        name=query.get(f"{kind}Name"),
        targets=None if targets is None else frozenset(targets.split(",")),
        active=query.get("active") == "true",
        limit=None,
    )
