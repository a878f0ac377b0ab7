"""The screen of events: the list, one event told, explained, played again, exported, in both languages."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.builders import FEEDER
from tests.console.accessible import faults
from tests.console.event_world import EventWorld
from tests.controller.occurrences.step_kinds import each_kind_of_step, persisted

pytestmark = pytest.mark.chromium
EVENT = "E-F1-20160112T170140Z"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EventWorld]:
    world = EventWorld(tmp_path_factory.mktemp("world"))
    world.live.start()
    world.live_through()
    yield world
    world.live.stop()


@pytest.fixture
def page(chromium: Browser, world: EventWorld) -> Iterator[Page]:
    context = chromium.new_context(
        viewport={"width": 1440, "height": 900}, locale="en-GB", timezone_id="Asia/Shanghai"
    )
    page = context.new_page()
    page.set_default_timeout(10_000)
    world.live.sign_in(page, "operator")
    yield page
    context.close()


def test_from_the_list_to_one_event(world: EventWorld, page: Page) -> None:
    page.goto(f"{world.live.address}#/events")
    row = page.get_by_role("row").nth(1)
    expect(row).to_contain_text("Transformer 0")
    expect(row).to_contain_text("01:01")  # in the browser's zone
    assert faults(page) == []
    page.get_by_label("State").select_option("running")
    expect(page.get_by_text("No event fits.")).to_be_visible()
    page.get_by_label("State").select_option("closed")
    row.focus()
    row.press("Enter")
    expect(page).to_have_url(re.compile(f"#/events/{EVENT}$"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Event on F1")


def test_it_is_told_explained_and_settled(world: EventWorld, page: Page) -> None:
    page.goto(f"{world.live.address}#/events/{EVENT}")
    timeline = page.get_by_role("region", name="Timeline")
    expect(timeline).to_contain_text("for 20 s, in 3 checks")
    asking = timeline.get_by_role("listitem").filter(has_text="Sent to EV charger")
    expect(asking).to_have_count(0)
    timeline.get_by_label("Show each request's own steps").check()
    expect(asking.first).to_be_visible()
    rounds = page.get_by_role("region", name="Decisions and their reasons")
    expect(rounds).to_contain_text("1 protected: critical, or asked by notice only EV00")
    requests = page.get_by_role("region", name="Requests and settlement").first
    expect(requests.get_by_role("row").filter(has_text="EV06")).to_contain_text("credited")
    assert faults(page) == []


def test_it_is_played_again_by_keyboard(world: EventWorld, page: Page) -> None:
    page.goto(f"{world.live.address}#/events/{EVENT}")
    slider, replay = page.get_by_role("slider", name="Step"), page.get_by_role("region", name="Replay")
    expect(slider).to_have_attribute("aria-valuetext", re.compile("01:01:40"))  # where it opened
    worst = replay.locator("dd").first
    expect(worst).to_have_text(re.compile("106"))
    slider.focus()
    slider.press("End")
    expect(worst).not_to_have_text(re.compile("106"))
    expect(replay.get_by_text("20 of 20 measured")).to_be_visible()
    slider.press("Home")
    expect(replay.get_by_text("Nothing is known of this time.")).to_be_visible()
    replay.get_by_role("button", name="Play").click()
    expect(slider).not_to_have_value("0")
    replay.get_by_role("button", name="Pause").click()


def test_the_file_names_nobody_unless_asked_to(world: EventWorld, page: Page) -> None:
    page.goto(f"{world.live.address}#/events/{EVENT}")

    def csv() -> str:
        with page.expect_download() as download:
            page.get_by_role("link", name="Requests (CSV)").click()
        assert download.value.suggested_filename == f"{EVENT}-requests.csv"
        return download.value.path().read_text()

    assert "C06" not in csv()
    page.get_by_label("with customers' and devices' numbers").check()
    assert "C06" in csv()


def test_in_chinese_and_dark(world: EventWorld, page: Page) -> None:
    page.add_init_script("localStorage.setItem('gridward.language', 'zh')")
    page.add_init_script("localStorage.setItem('gridward.theme', 'dark')")
    page.goto(f"{world.live.address}#/events/{EVENT}")
    timeline = page.get_by_role("region", name="时间线")
    expect(timeline).to_contain_text("变压器 0 持续越限 20 秒，检查 3 次")
    timeline.get_by_label("显示每个请求的步骤").check()
    for text in timeline.locator(".step-text").all_inner_texts():
        assert re.search(r"[一-鿿]", text), text  # every kind of step that there is here has Chinese words
    assert faults(page) == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_kind_of_step_has_words_in_each_language(world: EventWorld, page: Page, language: str) -> None:
    whole, bare = each_kind_of_step()
    steps = (*whole, *persisted(), *bare)

    def with_each_kind(route: Route) -> None:
        answer = route.fetch()
        body: dict[str, Any] = answer.json()
        body["steps"] = [msgspec.to_builtins(step) | {"seq": place} for place, step in enumerate(steps)]
        route.fulfill(response=answer, json=body)

    page.route(f"**/events/{EVENT}", with_each_kind)
    page.add_init_script(f"localStorage.setItem('gridward.language', '{language}')")
    page.goto(f"{world.live.address}#/events/{EVENT}")
    page.get_by_label({"en": "Show each request's own steps", "zh": "显示每个请求的步骤"}[language]).check()
    shown = page.locator(".steps > li")
    expect(shown).to_have_count(len(steps))
    told = dict(
        shown.evaluate_all(
            "items => items.map(li => ['.seq', '.step-text'].map(its => li.querySelector(its).innerText))"
        )
    )
    for place, step in enumerate(steps):
        text = told[f"#{place}"]
        assert not re.search(r"another step|其他步骤|undefined|NaN|[a-z]_[a-z]", text), (step.key, text)
        assert re.search(r"[一-鿿]" if language == "zh" else r"[a-z]{4}", text), (step.key, text)
        assert language == "zh" or step.text in text, (step.key, text)


@pytest.mark.parametrize("width", [1024, 1280, 1440])
def test_what_is_told_at_the_top_stays_readable_in_its_box(world: EventWorld, page: Page, width: int) -> None:
    """Requests that were not done stand below the numbers, not beside them a letter to the line."""
    page.set_viewport_size({"width": width, "height": 900})

    def some_not_done(route: Route) -> None:
        body = route.fetch().json()
        route.fulfill(json=body | {"summary": body["summary"] | {"not_done": 3}})

    page.route(f"**/api/v1/events/{EVENT}", some_not_done)
    page.goto(f"{world.live.address}#/events/{EVENT}")
    expect(page.locator(".tiles")).to_contain_text("3 not done")
    beyond = page.evaluate(
        "[...document.querySelectorAll('.tile')].filter(one => one.scrollWidth > one.clientWidth"
        " || [...one.querySelectorAll('.tile-note')].some(note => note.offsetHeight > 80))"
        ".map(one => one.textContent)"
    )
    assert beyond == []


def test_an_event_that_is_not_there_is_said(world: EventWorld, page: Page) -> None:
    page.goto(f"{world.live.address}#/events/E-none")
    expect(page.get_by_role("alert")).to_contain_text("no event 'E-none'")


def test_who_may_not_see_customers_is_told_numbers_and_each_step_in_words(
    world: EventWorld, chromium: Browser
) -> None:
    context = chromium.new_context(locale="en-GB")
    page = context.new_page()

    def with_an_alarm_that_names_devices(route: Route) -> None:
        answer = route.fetch()
        body = answer.json()
        values = {"feeder": FEEDER, "kind": "failsafe_unconfirmed", "raised": True}
        alarm = {"key": "data_alarm.raised", "severity": "warning", "text": "", "values": values}
        body["steps"].append(body["steps"][0] | alarm)
        route.fulfill(response=answer, json=body)

    page.route(f"**/events/{EVENT}", with_an_alarm_that_names_devices)
    world.live.sign_in(page, "viewer")
    page.goto(f"{world.live.address}#/events/{EVENT}")
    timeline = page.get_by_role("region", name="Timeline")
    timeline.get_by_label("Show each request's own steps").check()
    expect(timeline).to_contain_text("Data alarm: Failsafe not shown")
    expect(timeline).to_contain_text("Request R001: in force")
    assert all(text.strip() for text in timeline.locator(".step-text").all_inner_texts())
    requests = page.get_by_role("region", name="Requests and settlement").first
    expect(requests).to_contain_text("device 1")
    expect(requests).not_to_contain_text("not yet")
    assert not re.search(r"\b(C\d\d|EV\d\d)\b", page.get_by_role("main").inner_text())
    context.close()


def test_a_moment_that_nothing_was_recorded_for_says_so(world: EventWorld, page: Page) -> None:
    def with_a_gap(route: Route) -> None:
        answer = route.fetch()
        body = answer.json()
        at = body["times"].index(next(time for time in body["times"] if time >= "2016-01-12T17:03:00"))
        body["shown_at"][at + 1 : at + 12] = [body["shown_at"][at]] * 11
        route.fulfill(response=answer, json=body)

    page.route("**/recorded?*", with_a_gap)
    page.goto(f"{world.live.address}#/events/{EVENT}")
    replay, slider = page.get_by_role("region", name="Replay"), page.get_by_role("slider", name="Step")
    told = replay.get_by_text("Nothing was recorded for this moment")
    expect(told).to_have_count(0)
    slider.focus()
    for _ in range(60):
        if told.count():
            break
        slider.press("ArrowRight")
    expect(told).to_contain_text("last recorded at")
