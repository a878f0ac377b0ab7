"""Tells subscribers of changes at their callback URLs [6]: one lane for each subscription, in order.

A lane has a bound; when it is full its oldest notification is dropped and counted, since its object has most
likely changed again. A notification that is not taken is sent again with back-off, a few times, then given
up and counted. A callback that took nothing for many in a row rests: what comes meanwhile is dropped at once.
Lanes wait for each other only when too many send at the same time.
"""

import asyncio
import ssl
from collections import deque
from dataclasses import dataclass, field

import numpy as np
import structlog

from devices.backoff import Backoff
from devices.openadr.callback_calls import NOT_TAKEN, CallbackCalls
from devices.openadr.callback_checks import CHECKS_AT_ONCE, CallbackChecks
from devices.openadr.callback_guard import CallbackGuard
from devices.openadr.notifications import Notification
from devices.openadr.ports import Body
from devices.openadr.problems import Problem
from devices.ports import Clock

_MAX_LANES = 10_000
"""of subscriptions past and present"""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """How hard we try."""

    deadline_s: float = 10.0
    """of one request, look-up and all"""
    attempts: int = 4
    first_retry_s: float = 1.0
    longest_retry_s: float = 30.0
    lane_bound: int = 200
    lane_bytes: int = 2**20
    """of all notifications that wait in a lane; one may always"""
    at_once: int = 16
    """requests under way"""
    at_once_of_a_client: int = 2
    """of these, for all subscriptions of one client"""
    check_deadline_s: float = 20.0
    """of a look at all callbacks of one subscription"""
    failures_to_rest: int = 5
    """notifications given up in a row"""
    rest_s: float = 600.0
    challenge: bool = True
    """whether a callback must echo a challenge before its subscription is taken (3.1.1, "Webhooks")"""
    tls: ssl.SSLContext | None = None
    """None: the authorities that the machine trusts"""


@dataclass(slots=True)
class _Lane:
    waiting: deque[Notification] = field(default_factory=deque)
    waiting_bytes: int = 0
    running: bool = False
    given_up_in_a_row: int = 0
    rests_until_s: float = 0.0

    def put(self, notification: Notification) -> None:
        self.waiting.append(notification)
        self.waiting_bytes += notification.size

    def drop_first(self) -> None:
        self.waiting_bytes -= self.waiting.popleft().size


class Webhooks:
    """`objects.notify_by(webhooks.notify)`, and `run()` in a TaskGroup."""

    def __init__(
        self, settings: WebhookSettings, guard: CallbackGuard, clock: Clock, rng: np.random.Generator
    ) -> None:
        self.delivered = 0
        self.given_up = 0
        """notifications that no attempt brought through"""
        self.dropped = 0
        """notifications that were not tried: their lane was full or at rest, or nothing runs"""
        self._settings, self._clock, self._rng = settings, clock, rng
        self._calls = CallbackCalls(guard, clock, settings.deadline_s, settings.at_once, settings.tls)
        challenges = CallbackCalls(guard, clock, settings.deadline_s, CHECKS_AT_ONCE, settings.tls)
        self._challenges = challenges
        self._checks = CallbackChecks(
            challenges, clock, settings.check_deadline_s, challenge=settings.challenge
        )
        self._lanes: dict[str, _Lane] = {}
        self._places = asyncio.Semaphore(settings.at_once)
        self._places_of: dict[str | None, asyncio.Semaphore] = {}
        """by client: no more than there are clients"""
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with self._calls.opened(), self._challenges.opened(), asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            try:
                for subscription_id, lane in self._lanes.items():
                    lane.running = False  # what ran when we were cancelled does not any more
                    self._start(subscription_id, lane)
                await asyncio.Event().wait()
            finally:
                self._tasks = None

    def notify(self, notification: Notification) -> None:
        """Deliver it soon; never blocks or raises."""
        lane = self._lane(notification.subscription_id)
        if self._clock.monotonic() < lane.rests_until_s:
            self.dropped += 1
            return
        settings = self._settings
        while lane.waiting and (
            len(lane.waiting) >= settings.lane_bound
            or lane.waiting_bytes + notification.size > settings.lane_bytes
        ):
            lane.drop_first()
            self.dropped += 1
        lane.put(notification)
        self._start(notification.subscription_id, lane)

    async def check(self, body: Body, client_id: str) -> None:
        """Look at the callbacks of a client's subscription before it is taken: see `CallbackChecks`."""
        await self._checks.check(body, client_id)

    def _lane(self, subscription_id: str) -> _Lane:
        if subscription_id not in self._lanes and len(self._lanes) >= _MAX_LANES:
            idle = next((name for name, lane in self._lanes.items() if not lane.running), None)
            if idle is not None:
                del self._lanes[idle]
        return self._lanes.setdefault(subscription_id, _Lane())

    def _start(self, subscription_id: str, lane: _Lane) -> None:
        if self._tasks is not None and not lane.running and lane.waiting:
            lane.running = True
            self._tasks.create_task(self._empty(subscription_id, lane), name=f"webhooks {subscription_id}")

    async def _empty(self, subscription_id: str, lane: _Lane) -> None:
        while lane.waiting:
            notification = lane.waiting[0]
            taken = await self._brought(notification)
            if lane.waiting and lane.waiting[0] is notification:
                lane.drop_first()
            self._count(subscription_id, lane, taken)
        lane.running = False
        if not lane.given_up_in_a_row:
            del self._lanes[subscription_id]

    def _count(self, subscription_id: str, lane: _Lane, taken: bool) -> None:
        if taken:
            self.delivered += 1
            if lane.given_up_in_a_row >= self._settings.failures_to_rest:
                log.info("webhook_back", subscription=subscription_id)
            lane.given_up_in_a_row = 0
            return
        self.given_up += 1
        lane.given_up_in_a_row += 1
        if lane.given_up_in_a_row < self._settings.failures_to_rest:
            return
        if lane.given_up_in_a_row == self._settings.failures_to_rest:
            log.warning("webhook_rests", subscription=subscription_id, rest_s=self._settings.rest_s)
        lane.rests_until_s = self._clock.monotonic() + self._settings.rest_s
        self.dropped += len(lane.waiting)
        lane.waiting.clear()
        lane.waiting_bytes = 0

    async def _brought(self, notification: Notification) -> bool:
        """Whether one of the attempts was answered with 2xx."""
        backoff = Backoff(self._rng, self._settings.first_retry_s, self._settings.longest_retry_s)
        for attempt in range(self._settings.attempts):
            if attempt:
                await self._clock.sleep(backoff.next_wait_s())
            async with self._own_places(notification.client_id), self._places:
                if await self._sent(notification, attempt):
                    return True
        return False

    def _own_places(self, client_id: str | None) -> asyncio.Semaphore:
        """Slow callbacks of one client must not take the places of the others."""
        if client_id not in self._places_of:
            self._places_of[client_id] = asyncio.Semaphore(self._settings.at_once_of_a_client)
        return self._places_of[client_id]

    async def _sent(self, notification: Notification, turn: int) -> bool:
        headers = {"Content-Type": "application/json"}
        if notification.bearer_token is not None:
            headers["Authorization"] = f"Bearer {notification.bearer_token}"
        try:
            status, _ = await self._calls.called("POST", notification.url, headers, notification.body, turn)
        except (*NOT_TAKEN, Problem):
            return False
        except Exception:  # one callback's oddity must not end all deliveries
            log.exception("webhook_failed", subscription=notification.subscription_id)
            return False
        return 200 <= status < 300
