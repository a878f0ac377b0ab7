"""Customers and devices in the browser: found, shown, and who somebody is only for who may know it."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.console.accessible import faults
from tests.console.live_world import LiveWorld
from tests.controller.directory.directory_world import directory_in

pytestmark = pytest.mark.chromium


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveWorld]:
    folder = tmp_path_factory.mktemp("world")
    world = directory_in(folder)
    world.charge()
    world.field.houses[7].silent = True
    live = LiveWorld(world, folder)
    live.start()
    live.tick(8)
    yield live
    live.stop()


def open_at(page: Page, world: LiveWorld, path: str) -> None:
    page.goto(f"{world.address}#/customers{path}")


def test_an_operator_finds_a_customer_by_a_device_and_not_by_their_name(world: LiveWorld, page: Page) -> None:
    world.sign_in(page, "operator")
    open_at(page, world, "")
    box = page.get_by_role("searchbox")
    box.fill("lovelace")
    box.press("Enter")
    expect(page.get_by_text("Nobody was found.")).to_be_visible()
    box.fill("ev03")
    box.press("Enter")
    page.get_by_role("link", name="C03").click()
    expect(page.get_by_role("heading", name="Customer C03")).to_be_focused()
    expect(page.get_by_text("Your role does not show who customers are.")).to_be_visible()
    expect(page.get_by_text("yes, agreed")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("searchbox")).to_have_value("ev03")
    assert "ev03" not in page.url, "what is sought may be a name, and addresses are kept elsewhere"


def test_a_supervisor_says_why_and_sees_who_it_is_and_who_looked(world: LiveWorld, page: Page) -> None:
    world.sign_in(page, "supervisor")
    open_at(page, world, "")
    box = page.get_by_role("searchbox")
    box.fill("Lovelace")
    box.press("Enter")
    expect(page.get_by_role("cell", name="Ada Lovelace")).to_be_visible()
    page.get_by_role("link", name="C03").click()
    expect(page.get_by_text("Ada Lovelace")).to_have_count(0)
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_text("Please say why, in three letters or more.")).to_be_visible()
    page.get_by_label("Why you need it").fill("she rang about her bill")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_text("St James's Square 12")).to_be_visible()
    expect(page.get_by_role("cell", name="she rang about her bill")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("button", name="Hide again").click()
    expect(page.get_by_text("St James's Square 12")).to_have_count(0)


def test_devices_that_need_somebody_come_first_and_open_by_keyboard(world: LiveWorld, page: Page) -> None:
    world.sign_in(page, "operator")
    open_at(page, world, "/devices")
    rows = page.get_by_role("row")
    expect(rows.nth(1)).to_contain_text("Never heard")
    page.get_by_role("button", name="All that need somebody 1").click()
    expect(rows).to_have_count(2)
    page.get_by_role("button", name="All 16").click()
    expect(rows).to_have_count(17)
    rows.nth(1).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Device EV07")).to_be_visible()
    expect(page.get_by_text("Nothing came since the controller started.")).to_be_visible()


def test_a_device_shows_what_was_asked_of_it(world: LiveWorld, page: Page) -> None:
    asked = next(one.planned for one in world.world.daemon.books.open_requests("F1"))
    world.sign_in(page, "operator")
    open_at(page, world, f"/device/F1/{asked.target}")
    expect(page.get_by_role("row").filter(has_text=asked.request)).to_contain_text("in force")
    page.get_by_role("link", name=asked.customer).click()
    expect(page.get_by_role("heading", name=f"Customer {asked.customer}")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text=asked.request)).to_have_count(1)


@pytest.mark.parametrize("path", ["", "/devices", "/one/C04", "/device/F1/EV04"])
def test_it_is_accessible_in_both_colours_and_languages(world: LiveWorld, page: Page, path: str) -> None:
    world.sign_in(page, "operator")
    page.emulate_media(color_scheme="dark")
    open_at(page, world, path)
    expect(page.get_by_role("table").first).to_be_visible()
    assert faults(page) == []
    page.evaluate("localStorage.setItem('gridward.language', 'zh')")
    page.emulate_media(color_scheme="light")
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.get_by_role("table").first).to_be_visible()
    assert faults(page) == []
    shots = os.environ.get("GRIDWARD_SHOTS")
    if shots:
        page.screenshot(path=f"{shots}/customers{path.replace('/', '-')}.png", full_page=True)
