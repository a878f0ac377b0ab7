"""The live stream: Server-Sent Events. For other programs one `state` event per feeder and cycle; the console
has a form of its own (`console_stream.py`).

Rule for a full queue: there is none to fill. A subscriber holds one mark per feeder, "has news"; the event is
made when it is sent: the newest view replaces whatever was waiting. Trend points and sentences are read from
where this subscriber stands: a slow one skips views but none of these, as far back as the views keep them.
"""

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from controller.api.bodies import StateEvent
from controller.api.columns import FeederEvent
from controller.api.console_stream import TOLD, ConsoleSubscriber
from controller.api.encoding import struct_schema, to_json
from controller.api.gate import Doors
from controller.api.open_stream import OpenStream
from controller.api.overview_bodies import OverviewEvent
from controller.api.problems import no_such_feeder
from controller.api.scope import Sight, is_seen, sight_of
from controller.api.stream_blocks import Blocks, Topic
from controller.api.stream_bodies import AliveEvent, Form, ToldEvent
from controller.api.stream_place import StreamPlace, read_place
from controller.api.stream_rights import Watch, is_somebodys, watch_rights
from controller.api.unnamed import sentences, unnamed
from controller.views import LiveViews, Told, TrendPoint
from devices.ports import Clock

TAKE_WITHIN_S = 30.0
"""A subscriber that takes nothing for so long is dropped: it will connect again."""
MAX_SUBSCRIBERS = 64
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events `state` (`id` is the cycle), or `overview`, `feeder`, `told` and `alive`",
        "content": {
            "text/event-stream": {
                "schema": {
                    "description": "the data of an event",
                    "anyOf": [
                        struct_schema(StateEvent),
                        struct_schema(OverviewEvent),
                        struct_schema(FeederEvent),
                        struct_schema(ToldEvent),
                        struct_schema(AliveEvent),
                    ],
                }
            }
        },
    },
    404: {"description": "there is no such feeder"},
    503: {"description": "as many streams are open as there may be"},
}


class Subscriber(OpenStream):
    """One open stream: which feeders have news for it, and how far it has read."""

    def __init__(self, views: LiveViews, feeders: tuple[str, ...], sight: Sight, clock: Clock) -> None:
        super().__init__(clock)
        self._views, self._sight = views, sight
        self._feeders = feeders
        self._marked: dict[str, None] = dict.fromkeys(feeders)
        self._seq: dict[str, int] = {}
        self._trend_at: dict[str, datetime] = {}

    def mark(self, feeder: str) -> None:
        """Note that a feeder has news; a second note changes nothing."""
        if feeder in self._feeders:
            self._marked[feeder] = None
            self._wake.set()

    def _news(self) -> Iterator[bytes]:
        """Each is made when it is sent, and one that is marked again meanwhile comes once more."""
        while self._marked:
            feeder = next(iter(self._marked))
            del self._marked[feeder]
            event = self._event(feeder)
            if event is not None:
                yield event

    def _quiet(self) -> bytes:
        return b": still here\n\n"

    def _event(self, feeder: str) -> bytes | None:
        view = self._views.feeder_view(feeder)
        if view is None:
            return None
        shown = view if is_seen(self._sight, feeder) else unnamed(view)
        event = StateEvent(feeder not in self._seq, shown, self._new_trend(feeder), self._new_told(feeder))
        return b"event: state\nid: %d\ndata: %b\n\n" % (view.cycle, to_json(event))

    def _new_trend(self, feeder: str) -> tuple[TrendPoint, ...]:
        points = self._views.trend(feeder)
        known = self._trend_at.get(feeder)
        first = len(points)
        while first > 0 and (known is None or points[first - 1].at > known):
            first -= 1
        if points:
            self._trend_at[feeder] = points[-1].at
        return points[first:]

    def _new_told(self, feeder: str) -> tuple[Told, ...]:
        """The site's own sentences (without a feeder) are told in every feeder's events."""
        told = self._views.told(self._seq.get(feeder, 0))
        self._seq[feeder] = told[-1].seq if told else self._seq.get(feeder, 0)
        return sentences((one for one in told if one.feeder in (None, feeder)), self._sight)


class Streams:
    """All open streams, and the subscriptions behind them."""

    def __init__(self, views: LiveViews, clock: Clock, blocks: Blocks) -> None:
        self._views = views
        self._clock = clock
        self._blocks = blocks
        self._subscribers: set[OpenStream] = set()
        self._unsubscribe = (views.subscribe(self._changed), views.subscribe_told(self._heard))
        self._closed = False

    def __len__(self) -> int:
        return len(self._subscribers)

    def _changed(self, feeder: str) -> None:
        for subscriber in self._subscribers:
            subscriber.mark(feeder)

    def _heard(self) -> None:
        if self._blocks.heard():  # many sentences may come at once
            self._tell_pages(TOLD)

    def _tell_pages(self, topic: str) -> None:
        for subscriber in self._subscribers:
            if isinstance(subscriber, ConsoleSubscriber):
                subscriber.mark_topic(topic)

    def add_topic(self, name: str, body: Callable[[], object]) -> Callable[[], None]:
        """Tell the console something else as well, under this name: `body` gives all of it as it is now. The
        returned function is to be called when it has changed; on the loop's thread.
        """
        topic = self._blocks.topics[name] = Topic(name, body, [0])

        def changed() -> None:
            topic.version[0] += 1
            self._tell_pages(name)

        return changed

    def open(self, feeders: tuple[str, ...], sight: Sight) -> Subscriber | None:
        """A new subscriber, or None when there are as many as there may be, or we are going down. `sight`:
        whose customers it may be told.
        """
        if self._is_full:
            return None
        subscriber = Subscriber(self._views, feeders, sight, self._clock)
        self._subscribers.add(subscriber)
        return subscriber

    def open_page(self, feeder: str | None, place: StreamPlace, sight: Sight) -> ConsoleSubscriber | None:
        """The same for a page of the console that follows one feeder, or none, and has been told up to
        `place`.
        """
        if self._is_full:
            return None
        subscriber = ConsoleSubscriber(self._blocks, feeder, place, sight, self._clock)
        self._subscribers.add(subscriber)
        return subscriber

    @property
    def _is_full(self) -> bool:
        return self._closed or len(self._subscribers) >= MAX_SUBSCRIBERS

    def leave(self, subscriber: OpenStream) -> None:
        """Forget a subscriber whose connection is gone."""
        self._subscribers.discard(subscriber)

    def close(self) -> None:
        """End all streams and take no new ones."""
        self._closed = True
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        for subscriber in self._subscribers:
            subscriber.close()


class EventStream(StreamingResponse):
    """A response that ends with its subscriber, and drops one that takes nothing."""

    media_type = "text/event-stream"

    def __init__(
        self,
        streams: Streams,
        subscriber: OpenStream,
        clock: Clock,
        watch: Watch | None = None,
    ) -> None:
        """`watch` runs beside it, and closes it when whoever opened it may look no more."""
        super().__init__(
            subscriber.chunks(), headers={"cache-control": "no-store", "x-accel-buffering": "no"}
        )
        self._streams = streams
        self._subscriber = subscriber
        self._clock = clock
        self._watch = watch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream until the client, the server, the deadline or the watch ends it."""
        watching: asyncio.Task[None] | None = None
        if self._watch is not None:
            watching = asyncio.create_task(self._watch(self._subscriber.close), name="stream rights")
        try:
            await super().__call__(scope, receive, send)
        finally:
            if watching is not None:
                watching.cancel()
            self._streams.leave(self._subscriber)

    async def stream_response(self, send: Send) -> None:
        """As the base class, with a deadline for each piece."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for chunk in self.body_iterator:
            try:
                async with self._clock.timeout(TAKE_WITHIN_S):
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
            except TimeoutError:
                return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def stream_routes(
    views: LiveViews, streams: Streams, clock: Clock, gate: Doors, *, must_sign_in: bool = False
) -> APIRouter:
    """The route of the stream. `must_sign_in`: nobody looks without."""
    router = APIRouter(prefix="/api/v1", tags=["stream"])

    @router.get("/stream", response_class=StreamingResponse, responses=_STREAM)
    async def stream(
        request: Request,
        feeder: str | None = None,
        form: Form = "state",
        after: Annotated[str | None, Query(max_length=100)] = None,
    ) -> Response:
        """Server-Sent Events.

        `form=state`: of one feeder or all, first the full present state, then one event per cycle.
        `form=columns`: `overview`, `told` and further topics, and `feeder` in columns where one is named. The
        header Last-Event-ID, or `after` where that cannot be set, is the id of the last event of an earlier
        stream: no sentence and no point of the trend since is missed, or the event says that it is whole.
        Of whom something was asked, and who causes what, is told as in the layout.
        """
        if feeder is not None and views.network(feeder) is None:
            raise no_such_feeder(feeder)
        watched = must_sign_in or await is_somebodys(gate, request)
        subscriber: OpenStream | None
        sight = sight_of(request)
        if form == "columns":
            last = request.headers.get("last-event-id") or after
            subscriber = streams.open_page(feeder, read_place(last, feeder), sight)
        else:
            known = tuple(known.id for known in views.site.feeder)
            subscriber = streams.open(known if feeder is None else (feeder,), sight)
        if subscriber is None:
            raise HTTPException(503, f"{MAX_SUBSCRIBERS} streams are open already", {"retry-after": "10"})
        told_of: Sight = sight if must_sign_in else frozenset()  # else everybody is told of all
        watch = partial(watch_rights, gate, request, clock, told_of) if watched else None
        return EventStream(streams, subscriber, clock, watch)

    return router
