"""The console's stream: columns in the layout's order, made once for all, and resumed without a gap."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest

from controller.api.columns import Layout, request_rows, trend_columns
from controller.api.console_stream import ConsoleSubscriber
from controller.api.drawn_feeder import layout_body
from controller.api.health import Pulse
from controller.api.open_stream import KEEPALIVE_S
from controller.api.overview_board import OverviewBoard
from controller.api.scope import Sight
from controller.api.stream import Streams
from controller.api.stream_blocks import KEPT_BLOCKS, Blocks
from controller.api.stream_place import StreamPlace, place_text, read_place
from controller.clock import ScaledClock, WallClock
from tests.controller.api.fake_views import FakeViews
from tests.controller.api.test_stream import quick_app, serving

Event = tuple[str, dict[str, Any]]


class Page:
    """One page's stream, without a socket."""

    def __init__(
        self,
        streams: Streams,
        feeder: str | None = "street",
        last: str | None = None,
        sight: Sight = None,
    ) -> None:
        subscriber = streams.open_page(feeder, read_place(last, feeder), sight)
        assert subscriber is not None
        self.subscriber: ConsoleSubscriber = subscriber
        self._chunks: AsyncIterator[bytes] = subscriber.chunks()
        self.last = last or ""
        self.alive: list[dict[str, Any]] = []

    async def events(self) -> list[Event]:
        """All that comes at once; the time that ends each sending is left out, unless it comes alone."""
        found: list[Event] = []
        while not found:
            for block in (await anext(self._chunks)).decode().split("\n\n")[:-1]:
                fields = dict(line.split(": ", 1) for line in block.split("\n"))
                if "event" not in fields:
                    continue
                self.last = fields["id"]
                if fields["event"] == "alive":
                    self.alive.append(msgspec.json.decode(fields["data"]))
                if fields["event"] != "alive" or not found:
                    found.append((fields["event"], msgspec.json.decode(fields["data"])))
        return found

    async def of(self, name: str) -> list[dict[str, Any]]:
        return [data for event, data in await self.events() if event == name]


def _plain(value: object) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


class Unhurried(ScaledClock):
    """Keepalives never come, however slow the machine is; the pauses between events are short."""

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        return asyncio.timeout(None) if seconds >= KEEPALIVE_S else super().timeout(seconds)


class Standing(Unhurried):
    """What the overview says of the time is the same, however long thirty pages take."""

    def now(self) -> datetime:
        return datetime(2016, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0


@pytest.fixture
def clock() -> ScaledClock:
    return Unhurried(datetime(2016, 1, 1, tzinfo=UTC), 100)


@pytest.fixture
def views() -> FakeViews:
    return FakeViews(idle=("quiet",))


def streams_of(views: FakeViews, clock: Any) -> Streams:
    return Streams(views, clock, Blocks(views, OverviewBoard(views, Pulse(views, clock))))


async def test_first_everything_and_then_what_changed(views: FakeViews, clock: ScaledClock) -> None:
    views.step(95)
    page = Page(streams_of(views, clock))
    first = dict(await page.events())
    assert set(first) == {"overview", "feeder", "told"}
    assert first["overview"]["whole"] is True
    assert {row["id"] for row in first["overview"]["rows"]} == {"street", "quiet"}
    assert first["feeder"]["cycle"] == 95
    assert first["feeder"]["trend"]["whole"] is True
    assert len(first["feeder"]["trend"]["at_ms"]) == 95
    assert [one["seq"] for one in first["told"]["told"]] == [one.seq for one in views.told()]

    told = len(views.sentences)
    views.step_until(lambda _: len(views.sentences) > told)
    second = dict(await page.events())
    assert second["overview"]["whole"] is False
    assert [row["id"] for row in second["overview"]["rows"]] == ["street"]
    assert second["feeder"]["trend"]["whole"] is False
    assert len(second["feeder"]["trend"]["at_ms"]) == views.cycle - 95
    assert second["told"] == {"whole": False, "told": _plain(views.told(told))}


async def test_columns_are_in_the_order_of_the_network(views: FakeViews, clock: ScaledClock) -> None:
    view = views.step(95)
    views.view = view = replace(view, lines=view.lines[1:], buses=view.buses[:-1])
    (feeder,) = await Page(streams_of(views, clock)).of("feeder")
    lines = {element.id: round(element.loading_percent, 1) for element in view.lines}
    assert feeder["line_loading_percent"] == [None, *(lines[line] for line in views.net.lines.ids[1:])]
    assert feeder["v_pu"][-1] is None
    assert feeder["v_pu"][:-1] == [round(bus.v_pu, 4) for bus in view.buses]
    assert feeder["p_kw"] == [p_kw if p_kw is None else round(p_kw, 2) for p_kw in view.service_point_kw]
    assert feeder["p_kw"][7] is None
    assert feeder["layout"] == layout_body("street", views.net, None, views.site.limits).id


async def test_who_follows_no_feeder_gets_none(views: FakeViews, clock: ScaledClock) -> None:
    views.step(3)
    page = Page(streams_of(views, clock), feeder=None)
    assert {name for name, _ in await page.events()} == {"overview", "told"}
    views.step()
    assert "feeder" not in dict(await page.events())


async def test_each_event_is_made_once_for_all_who_keep_up(views: FakeViews) -> None:
    clock = Standing(datetime(2016, 1, 1, tzinfo=UTC), 100)
    views.step(20)
    blocks = Blocks(views, OverviewBoard(views, Pulse(views, clock)))
    streams = Streams(views, clock, blocks)
    pages = [Page(streams) for _ in range(30)]
    for _ in range(3):
        before, told = blocks.made, views.sentences[-1].seq if views.sentences else 0
        seen = [await page.events() for page in pages]
        kinds = {name for name, _ in seen[0]}
        assert all(events == seen[0] for events in seen)
        assert blocks.made - before == len(kinds)
        views.step_until(lambda _, told=told: views.sentences[-1].seq > told if views.sentences else True)
    assert KEPT_BLOCKS < 100


async def test_a_slow_page_misses_views_and_no_point_of_the_trend(
    views: FakeViews, clock: ScaledClock
) -> None:
    views.step(40)
    page = Page(streams_of(views, clock))
    first = dict(await page.events())
    known = {row["request"]: row for row in first["feeder"]["requests"]["rows"]}
    views.step(60)
    (feeder,) = await page.of("feeder")
    assert feeder["cycle"] == 100
    assert (feeder["trend"]["whole"], len(feeder["trend"]["at_ms"])) == (False, 60)
    rows = feeder["requests"]
    known = {k: v for k, v in known.items() if k not in rows["gone"]} | {
        r["request"]: r for r in rows["rows"]
    }
    assert views.view is not None
    assert [known[request] for request in rows["order"]] == _plain(views.view.requests)


async def test_coming_again_misses_nothing(views: FakeViews, clock: ScaledClock) -> None:
    views.step(60)
    page = Page(streams_of(views, clock))
    told = [one["seq"] for one in dict(await page.events())["told"]["told"]]
    views.step(40)
    again = dict(await Page(streams_of(views, clock), last=page.last).events())
    assert (again["told"]["whole"], again["feeder"]["trend"]["whole"]) == (False, False)
    assert told + [one["seq"] for one in again["told"]["told"]] == [one.seq for one in views.told()]
    assert len(again["feeder"]["trend"]["at_ms"]) == 40
    assert again["overview"]["whole"] is True
    assert again["feeder"]["requests"]["whole"] is True


async def test_coming_again_when_nothing_was_told_is_told_nothing(
    views: FakeViews, clock: ScaledClock
) -> None:
    views.step(60)
    page = Page(streams_of(views, clock))
    await page.events()
    again = dict(await Page(streams_of(views, clock), last=page.last).events())
    assert "told" not in again
    assert again["feeder"]["trend"]["at_ms"] == []


async def test_what_is_forgotten_meanwhile_is_said(views: FakeViews, clock: ScaledClock) -> None:
    views.step(60)
    page = Page(streams_of(views, clock))
    await page.events()
    views.step(40)
    views.points = views.points[-20:]
    views.sentences = views.sentences[-3:]
    again = dict(await Page(streams_of(views, clock), last=page.last).events())
    assert (again["told"]["whole"], len(again["told"]["told"])) == (True, 3)
    assert (again["feeder"]["trend"]["whole"], len(again["feeder"]["trend"]["at_ms"])) == (True, 20)


@pytest.mark.parametrize("last", ["", "95", "x-y-z", "9" * 90, "99999-9999999999999999-00000000"])
async def test_an_id_that_is_none_of_ours_begins_anew(
    views: FakeViews, clock: ScaledClock, last: str
) -> None:
    views.step(60)
    again = dict(await Page(streams_of(views, clock), last=last).events())
    assert again["told"]["whole"] is True
    assert again["feeder"]["trend"]["whole"] is True


async def test_another_feeder_s_trend_begins_anew(views: FakeViews, clock: ScaledClock) -> None:
    views.step(60)
    page = Page(streams_of(views, clock), feeder="street")
    await page.events()
    assert read_place(page.last, "street").trend_us
    assert read_place(page.last, "quiet") == StreamPlace(views.told()[-1].seq, None)
    assert read_place(place_text(StreamPlace(7, 5), None).decode(), None) == StreamPlace(7, 5)


async def test_a_quiet_stream_says_that_it_is_there_and_who_fell_silent(views: FakeViews) -> None:
    class Hasty(ScaledClock):
        """Its seconds pass all at once where somebody asks how long it has been quiet."""

        later = 0.0

        def monotonic(self) -> float:
            return super().monotonic() + self.later

    clock = Hasty(datetime(2016, 1, 1, tzinfo=UTC), 100)
    streams = streams_of(views, clock)
    views.step(5)
    page = Page(streams)
    row = next(row for row in (await page.of("overview"))[0]["rows"] if row["id"] == "street")
    assert row["state"] != "no_data"
    clock.later = 1000.0
    (alive,) = await page.of("alive")
    assert alive["silent"] is True
    ((fallen,),) = [one["rows"] for one in await page.of("overview")]
    assert (fallen["id"], fallen["state"]) == ("street", "no_data")
    assert views.view is not None
    assert fallen["last_at"] == f"{views.view.at:%Y-%m-%dT%H:%M:%SZ}"


async def test_each_sending_tells_how_late_it_is_at_the_site(
    views: FakeViews, clock: ScaledClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(streams_of(views, clock), feeder=None)
    await page.events()
    assert page.alive[-1]["at"] is None
    view = views.step(5)
    later = view.at + timedelta(seconds=7)
    monkeypatch.setattr(views, "now", lambda: later)
    await page.events()
    assert page.alive[-1] == _plain({"now": later, "at": view.at, "silent": False})
    assert len(page.alive) == 2


async def test_a_further_topic_comes_whole_and_when_it_changes(views: FakeViews, clock: ScaledClock) -> None:
    streams = streams_of(views, clock)
    state = {"unacknowledged": 0}
    changed = streams.add_topic("alarms", lambda: dict(state))
    page = Page(streams, feeder=None)
    assert await page.of("alarms") == [{"unacknowledged": 0}]
    state["unacknowledged"] = 2
    changed()
    changed()
    assert await page.events() == [("alarms", {"unacknowledged": 2})]


async def test_a_sentence_comes_without_waiting_for_a_cycle(views: FakeViews, clock: ScaledClock) -> None:
    page = Page(streams_of(views, clock))
    await page.events()
    views._tell("operator_acted", "warning", "Ada did automatic_off: a test.")
    ((name, data),) = await page.events()
    assert name == "told"
    assert [one["text"] for one in data["told"]] == ["Ada did automatic_off: a test."]


async def test_over_a_socket_as_a_browser_asks_for_it(views: FakeViews) -> None:
    views.step(60)
    path = "/api/v1/stream?form=columns&feeder=street"
    async with serving(quick_app(views)) as port, httpx.AsyncClient() as client:
        at = f"http://127.0.0.1:{port}{path}"
        async with client.stream("GET", at) as answer:
            assert "content-encoding" not in answer.headers  # gzip was offered, and would hold events back
            lines = answer.aiter_lines()
            ids = [line[4:] async for line in _until_feeder(lines) if line.startswith("id: ")]
        views.step(2)
        for headers, query in (({"last-event-id": ids[-1]}, ""), ({}, f"&after={ids[-1]}")):
            async with client.stream("GET", at + query, headers=headers) as answer:
                data = [line async for line in _until_feeder(answer.aiter_lines())][-1]
                assert len(msgspec.json.decode(data[6:])["trend"]["at_ms"]) == 2
        assert (await client.get(f"{at}&after={'9' * 200}")).status_code == 422
        assert (await client.get(f"http://127.0.0.1:{port}/api/v1/stream?form=rows")).status_code == 422


async def _until_feeder(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    """Up to the data of the first `feeder` event."""
    is_feeder = False
    async for line in lines:
        yield line
        if is_feeder and line.startswith("data: "):
            return
        is_feeder = is_feeder or line == "event: feeder"


def test_only_changed_requests_travel(views: FakeViews) -> None:
    view = views.step_until(lambda view: len(view.requests) > 3)
    one, *rest = view.requests
    now = (replace(one, state="ended"), *rest[:-1])
    rows = request_rows(now, view.requests)
    assert (rows.whole, rows.rows, rows.gone) == (False, now[:1], (rest[-1].request,))
    assert rows.order == tuple(request.request for request in now)
    assert request_rows(view.requests, view.requests).order is None
    assert request_rows(view.requests, view.requests).rows == ()


def test_what_is_no_number_is_null(views: FakeViews) -> None:
    view = views.step(3)
    points = [replace(views.points[-1], without_control_percent=float("nan"), max_line_loading_percent=None)]
    columns = trend_columns(points, whole=True)
    assert (columns.without_control_percent, columns.max_line_loading_percent) == ([None], [None])
    assert columns.at_ms == [int(view.at.timestamp() * 1000)]
    event = Layout(views.net, "").event(
        replace(view, service_point_kw=(float("nan"),) * 18), None, (), whole_trend=True
    )
    assert set(event.p_kw) == {None}


async def test_after_a_restart_it_goes_on(views: FakeViews, clock: ScaledClock) -> None:
    """The new daemon's memory has what the store had: the same sentences and points, and then its own."""
    views.step(60)
    page = Page(streams_of(views, clock))
    await page.events()
    other = FakeViews()
    other.step(50)
    other.view = None  # no cycle yet
    again = Page(streams_of(other, WallClock()), last=page.last)
    await again.events()
    # its journal is behind what the page knows: another one, so all of it anew
    other.points, other.sentences = list(views.points), list(views.sentences)
    restarted = Page(streams_of(other, WallClock()), last=page.last)
    assert "feeder" not in dict(await restarted.events())
    other.cycle = views.cycle + 5
    other.step()
    (feeder,) = await restarted.of("feeder")
    assert (feeder["trend"]["whole"], len(feeder["trend"]["at_ms"])) == (False, 1)
    assert feeder["at"] == f"{views.points[-1].at + timedelta(minutes=6):%Y-%m-%dT%H:%M:%SZ}"
