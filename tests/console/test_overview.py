"""Screen 1: the site in five seconds, live, after a restart, in both languages."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.builders import FEEDER
from tests.console.accessible import faults
from tests.console.live_world import LiveWorld
from tests.controller.worlds import World, evening

pytestmark = pytest.mark.chromium


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveWorld]:
    live = LiveWorld(World(evening()), tmp_path_factory.mktemp("world"))
    live.start()
    yield live
    live.stop()


def tile(page: Page, name: str) -> str:
    return page.locator(".tile", has_text=name).locator("dd").first.inner_text().replace("\n", " ")


def test_an_evening_as_it_comes(world: LiveWorld, page: Page) -> None:
    page.goto(world.address)
    expect(page.get_by_role("heading", name="Overview", level=1)).to_be_visible()
    expect(page.locator(".tile", has_text="State not known")).to_contain_text("1 without data")

    world.tick(2)
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name=FEEDER))
    expect(row).to_contain_text("normal")
    expect(page.locator(".tile", has_text="State not known")).to_have_count(0)
    expect(page.locator(".tile", has_text="Over a limit").locator("dd").last).to_have_text("of 1 feeder")
    expect(page.locator(".tile", has_text="Events running").locator("dd").first).to_have_text("none")
    expect(page.get_by_text("No event, no data alarm")).to_have_count(0)  # the controller started

    world.world.charge()
    world.tick(3)
    expect(row).to_contain_text("over its limit")
    expect(row).to_contain_text("requests")
    assert tile(page, "Over a limit") == "■ 1"
    expect(page.locator(".tile", has_text="Over a limit")).to_contain_text("1 overloaded · 0 voltage")
    assert tile(page, "Events running") == "▲ 1"
    changed = page.get_by_role("list", name="What changed")
    page.get_by_role("button", name="24 h").click()
    expect(changed).to_contain_text("event opened")

    world.on_loop(
        lambda: world.world.daemon.operate(FEEDER, "automatic_off", None, "Ada", "works on the cable")
    )
    world.tick()
    expect(row).to_contain_text("taken out")
    expect(row).to_contain_text("Ada · works on the cable")
    assert tile(page, "Automatic") == "▲ out on 1"
    assert faults(page) == []


def test_a_row_leads_to_its_feeder(world: LiveWorld, page: Page) -> None:
    page.goto(world.address)
    page.get_by_role("link", name=FEEDER).focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"#/feeders/{FEEDER}$"))
    page.go_back()
    page.get_by_role("row").filter(has=page.get_by_role("link", name=FEEDER)).locator("td").first.click()
    expect(page).to_have_url(re.compile(rf"#/feeders/{FEEDER}$"))


def test_it_goes_on_after_the_daemon_restarts(world: LiveWorld, page: Page) -> None:
    page.goto(world.address)
    expect(page.locator(".tile", has_text="Over a limit")).to_be_visible()
    world.stop()
    expect(page.locator("main > [role=alert]")).to_contain_text("What you see is not the present.")
    expect(page.locator(".tile", has_text="Over a limit")).to_be_visible()  # what was known stays
    world.world.daemon = world.world.start()
    world.start()
    world.tick()
    expect(page.locator("main > [role=alert]")).to_have_count(0, timeout=20_000)
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name=FEEDER))
    expect(row).to_contain_text("taken out")  # an order outlasts a restart
    world.on_loop(lambda: world.world.daemon.operate(FEEDER, "automatic_on", None, "Ada", "done"))
    world.tick()
    expect(row).not_to_contain_text("taken out")


def test_in_chinese_and_in_the_dark(world: LiveWorld, chromium: Browser, tmp_path: Path) -> None:
    context = chromium.new_context(locale="zh-CN", color_scheme="dark")
    page = context.new_page()
    page.goto(world.address)
    expect(page.get_by_role("heading", name="总览", level=1)).to_be_visible()
    expect(page.locator(".tile", has_text="自动控制")).to_be_visible()
    expect(page.get_by_role("columnheader", name="最高负载率")).to_be_visible()
    assert faults(page) == []
    context.close()
