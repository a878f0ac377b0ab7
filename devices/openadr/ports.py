"""What business logic needs of a VTN, ours or somebody else's: the same four operations on its objects.

Bodies are the JSON objects of OpenADR 3 as dictionaries, checked by whoever takes them in.
"""

from collections.abc import Mapping
from typing import Any, Literal, Protocol

ObjectKind = Literal["program", "event", "report", "subscription", "ven", "resource"]
Body = dict[str, Any]


class BusinessLogic(Protocol):
    """A VTN as its business logic sees it.

    All raise `devices.errors.Unreachable` (may be tried again) or `devices.errors.CommandRejected` (may not).
    """

    async def create(self, kind: ObjectKind, body: Body) -> Body:
        """The object as the VTN holds it, with its id."""
        ...

    async def replace(self, kind: ObjectKind, object_id: str, body: Body) -> Body:
        """The object under this id becomes `body`."""
        ...

    async def delete(self, kind: ObjectKind, object_id: str) -> None:
        """It is gone; none of this id is no fault."""
        ...

    async def find(self, kind: ObjectKind, query: Mapping[str, str]) -> list[Body]:
        """All objects that match, over all pages."""
        ...
