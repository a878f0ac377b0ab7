"""Looks at the callbacks of a subscription before it is taken [6]: may they be called, do they echo.

Source: OpenADR 3.1.1 Definition, "Webhooks". A callback may be slow on purpose, so a client has one look at a
time, its callbacks come one after the other, and all of it has a deadline.
"""

import asyncio
import secrets
from dataclasses import dataclass, field

import httpx

from devices.openadr.callback_calls import NOT_TAKEN, CallbackCalls
from devices.openadr.ports import Body
from devices.openadr.problems import forbidden, out_of_order
from devices.ports import Clock

CHECKS_AT_ONCE = 8
_MAX_CALLBACKS = 10
_MOST_WAITING = 4
"""of one client, the one under way included"""


@dataclass(slots=True)
class _Turn:
    """Of the checks of one client."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0


class CallbackChecks:
    """Of all clients."""

    def __init__(self, calls: CallbackCalls, clock: Clock, deadline_s: float, *, challenge: bool) -> None:
        self._calls, self._clock = calls, clock
        self._deadline_s, self._challenge = deadline_s, challenge
        self._places = asyncio.Semaphore(CHECKS_AT_ONCE)
        self._turns: dict[str, _Turn] = {}

    async def check(self, body: Body, client_id: str) -> None:
        """Look at those of a client's subscription. Raises Problem 403; 500 when it must come again."""
        urls = list(dict.fromkeys(entry["callbackUrl"] for entry in body["objectOperations"]))
        if len(urls) > _MAX_CALLBACKS:
            raise forbidden(f"a subscription may have {_MAX_CALLBACKS} callback URLs")
        turn = self._turns.setdefault(client_id, _Turn())
        if turn.waiting >= _MOST_WAITING:
            raise out_of_order("other callbacks of yours are being looked at; try again")
        turn.waiting += 1
        try:
            async with turn.lock, self._clock.timeout(self._deadline_s), self._places:
                for url in urls:
                    await self._look_at(url)
        except TimeoutError:
            raise forbidden("the callbacks did not answer our challenges in time") from None
        finally:
            turn.waiting -= 1
            if not turn.waiting:
                del self._turns[client_id]

    async def _look_at(self, url: str) -> None:
        """Raises Problem 403."""
        if not self._challenge:
            await self._calls.guard.callee(url)
            return
        echo = secrets.token_urlsafe(16)
        try:
            asked = str(httpx.URL(url).copy_add_param("echo", echo))
            status, text = await self._calls.called("GET", asked, {})
        except NOT_TAKEN:
            raise forbidden("the callback did not answer our challenge") from None
        if status != 200 or echo not in text:
            raise forbidden("the callback did not echo our challenge")
