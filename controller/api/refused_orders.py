"""What the order desk refuses, as HTTP errors: 403, 404, 409, 422 and 429; a store out of order as 503."""

from collections.abc import Awaitable
from typing import TypeVar

from starlette.exceptions import HTTPException

from controller.api.problems import Refusal
from controller.orders.order_errors import (
    AnotherNeeded,
    OrderRefused,
    PersonNeeded,
    TooManyOpen,
    UnknownOrder,
)
from controller.stores.port import StoreUnavailable

T = TypeVar("T")
UNWRITTEN = "the journal cannot be written, so nothing was done"


async def done(asked: Awaitable[T], *, of_draft: bool = False) -> T:
    """What the desk answers. `of_draft`: what cannot be meant any more is a conflict, because it could when
    it was drafted.
    """
    try:
        return await asked
    except OrderRefused as error:
        headers = {"retry-after": "10"} if isinstance(error, TooManyOpen) else None
        raise Refusal(_status(error), error.code, str(error), headers) from error
    except ValueError as error:
        if of_draft:
            raise Refusal(409, "cannot_be_meant", str(error)) from error
        raise HTTPException(422, str(error)) from error
    except StoreUnavailable as error:
        raise HTTPException(503, UNWRITTEN, {"retry-after": "5"}) from error


def _status(error: OrderRefused) -> int:
    match error:
        case UnknownOrder():
            return 404
        case AnotherNeeded() | PersonNeeded():
            return 403
        case TooManyOpen():
            return 429
        case _:
            return 409
