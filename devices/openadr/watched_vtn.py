"""A VTN whose silence is noticed: the same four operations, and whether they are answered [6]."""

from collections.abc import Awaitable, Mapping
from typing import TypeVar

import structlog

from devices.errors import Unreachable
from devices.openadr.ports import Body, BusinessLogic, ObjectKind

_T = TypeVar("_T")
log = structlog.get_logger(__name__)


class WatchedVtn:
    """Is a BusinessLogic, and tells of loss and return once each."""

    def __init__(self, vtn: BusinessLogic) -> None:
        self.answers = False
        """by the last question; a refusal is an answer"""
        self._vtn = vtn
        self._told_of_loss = False

    async def create(self, kind: ObjectKind, body: Body) -> Body:
        """See the port."""
        return await self._noted(self._vtn.create(kind, body))

    async def replace(self, kind: ObjectKind, object_id: str, body: Body) -> Body:
        """See the port."""
        return await self._noted(self._vtn.replace(kind, object_id, body))

    async def delete(self, kind: ObjectKind, object_id: str) -> None:
        """See the port."""
        await self._noted(self._vtn.delete(kind, object_id))

    async def find(self, kind: ObjectKind, query: Mapping[str, str]) -> list[Body]:
        """See the port."""
        return await self._noted(self._vtn.find(kind, query))

    async def _noted(self, question: Awaitable[_T]) -> _T:
        try:
            answer = await question
        except Unreachable as error:
            self.answers = False
            if not self._told_of_loss:
                self._told_of_loss = True
                log.warning("vtn does not answer", error=str(error))
            raise
        self.answers = True
        if self._told_of_loss:
            self._told_of_loss = False
            log.info("vtn answers again")
        return answer
