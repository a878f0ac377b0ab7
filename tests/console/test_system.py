"""The screen about Gridward itself: what is wrong stands out, settings are found, the log is paused."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.console.accessible import faults
from tests.console.live_world import LiveWorld
from tests.controller.worlds import World, evening

pytestmark = pytest.mark.chromium


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveWorld]:
    live = LiveWorld(World(evening()), tmp_path_factory.mktemp("world"))
    live.start()
    live.tick(2)
    yield live
    live.stop()


@pytest.fixture
def page(chromium: Browser, world: LiveWorld) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(10_000)
    yield page
    context.close()


def test_a_journal_that_cannot_be_written_stands_out(world: LiveWorld, page: Page) -> None:
    world.sign_in(page, "operator")
    page.goto(f"{world.address}#/system")
    journal = page.locator(".tile").filter(has_text="Journal")
    expect(journal).to_contain_text("Writable")
    assert "bad" not in (journal.get_attribute("class") or "")
    world.world.store.broken = True
    world.tick()
    expect(journal).to_contain_text("The journal cannot be written")
    expect(journal).to_contain_text("disk full")
    assert "bad" in (journal.get_attribute("class") or "")
    world.world.store.broken = False
    world.tick()
    expect(journal).to_contain_text("Writable")
    assert faults(page) == []


def test_settings_are_searched_and_secrets_are_not_there(world: LiveWorld, page: Page) -> None:
    world.sign_in(page, "engineer")
    page.goto(f"{world.address}#/system")
    page.get_by_role("button", name="Settings").click()
    page.get_by_label("Search in the settings").fill("period_s")
    expect(page.locator(".settings dt")).to_have_count(1)
    expect(page.locator(".settings")).to_contain_text("[cycle]")
    expect(page.locator(".settings dd")).to_have_text("10")
    page.get_by_label("Search in the settings").fill("no such thing")
    expect(page.get_by_text("No setting fits.")).to_be_visible()


def test_the_log_is_filtered_paused_and_taken_along(world: LiveWorld, page: Page) -> None:
    world.log(None, "info", {"event": "quiet", "level": "info"})
    world.log(
        None, "error", {"event": "source_stopped", "level": "error", "reason": "refused", "password": "p"}
    )
    world.sign_in(page, "engineer")
    page.goto(f"{world.address}#/system/log")
    lines = page.locator("tbody tr")
    expect(lines.filter(has_text="quiet")).to_have_count(1)
    page.get_by_role("button", name="Errors").click()
    expect(lines).to_have_count(1)
    expect(lines.first).to_contain_text("reason=refused")
    page.get_by_role("button", name="Pause").click()
    world.log(None, "error", {"event": "another", "level": "error"})
    page.get_by_role("button", name="Go on").click()
    expect(lines.filter(has_text="another")).to_have_count(1)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download a support bundle").click()
    bundle = json.loads(saved.value.path().read_text())
    assert set(bundle) == {"made_at", "system", "config", "log"}
    assert bundle["log"][1]["fields"] == {"reason": "refused", "password": "(not shown)"}
    assert faults(page) == []


def test_who_may_only_look_sees_health_alone(world: LiveWorld, page: Page) -> None:
    world.sign_in(page, "viewer")
    page.goto(f"{world.address}#/system")
    expect(page.locator(".tile").filter(has_text="Journal")).to_be_visible()
    expect(page.get_by_role("button", name="Settings")).to_have_count(0)
    page.goto(f"{world.address}#/system/config")
    expect(page.get_by_role("alert")).to_contain_text("Your role does not allow this.")
