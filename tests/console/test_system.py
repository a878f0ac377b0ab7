"""The screen about Gridward itself: what is wrong stands out, settings are found, the log is paused."""

import json
from collections.abc import Iterator

import pytest
from msgspec import structs
from playwright.sync_api import Page, expect

from controller import settings
from tests.console.accessible import faults
from tests.console.live_world import LiveWorld
from tests.controller.worlds import World, evening

pytestmark = pytest.mark.chromium


PASSWORD = "correct-horse-battery"


def with_a_password(of: settings.Site) -> settings.Site:
    way = settings.NoticeWay(name="hook", url=f"jsons://gridward:{PASSWORD}@notices.example/hook")
    return structs.replace(of, notices=settings.Notices(channel=(way,)))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveWorld]:
    live = LiveWorld(World(with_a_password(evening())), tmp_path_factory.mktemp("world"))
    live.start()
    live.tick(2)
    yield live
    live.stop()


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
    with page.expect_response("**/api/v1/system/config") as answered:
        page.get_by_role("button", name="Settings").click()
    assert PASSWORD not in answered.value.text()
    page.get_by_label("Search in the settings").fill("url")
    expect(page.locator(".settings dd").filter(has_text="(set, not shown)").first).to_be_visible()
    assert PASSWORD not in page.content()
    page.get_by_label("Search in the settings").fill("period_s")
    expect(page.locator(".settings dt")).to_have_count(1)
    expect(page.locator(".settings")).to_contain_text("[cycle]")
    expect(page.locator(".settings dd")).to_have_text("10")
    page.get_by_label("Search in the settings").fill("no such thing")
    expect(page.get_by_text("No setting fits.")).to_be_visible()


DRAWN = "() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 200)))"
"""What follows from a click is done after it was painted: until then the page may ask once more."""


def test_the_log_is_filtered_paused_and_taken_along(world: LiveWorld, page: Page) -> None:
    page.clock.install()
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
    expect(page.get_by_role("button", name="Go on")).to_be_visible()
    page.evaluate(DRAWN)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/system/log" in request.url else None)
    world.log(None, "error", {"event": "another", "level": "error"})
    page.clock.fast_forward(30_000)  # ten times as long as between two looks
    expect(lines).to_have_count(1)
    assert asked == []
    page.get_by_role("button", name="Go on").click()
    expect(lines.filter(has_text="another")).to_have_count(1)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download a support bundle").click()
    bundle = json.loads(saved.value.path().read_text())
    assert set(bundle) == {"made_at", "system", "config", "log"}
    assert bundle["log"][1]["fields"] == {"reason": "refused", "password": "(not shown)"}
    assert faults(page) == []


def test_a_bundle_of_which_a_part_fails_says_so(world: LiveWorld, page: Page) -> None:
    world.sign_in(page, "engineer")
    page.goto(f"{world.address}#/system/log")
    page.route("**/api/v1/system/config", lambda route: route.fulfill(status=503, body="{}"))
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download a support bundle").click()
    bundle = json.loads(saved.value.path().read_text())
    assert "cannot do this now" in bundle["config"]["not_told"]
    assert bundle["system"]["daemon"]["cycles"]["cycles"] >= 2
    expect(page.get_by_role("alert")).to_contain_text("The controller cannot do this now.")
    page.route("**/api/v1/system*", lambda route: route.abort())
    page.route("**/api/v1/system/*", lambda route: route.abort())
    page.get_by_role("button", name="Download a support bundle").click()
    expect(page.locator(".page [role=alert]").filter(has_text="cannot be reached").first).to_be_visible()


def test_who_may_only_look_sees_health_alone(world: LiveWorld, page: Page) -> None:
    world.sign_in(page, "viewer")
    page.goto(f"{world.address}#/system")
    expect(page.locator(".tile").filter(has_text="Journal")).to_be_visible()
    expect(page.get_by_role("button", name="Settings")).to_have_count(0)
    page.goto(f"{world.address}#/system/config")
    expect(page.get_by_role("alert")).to_contain_text("Your role does not allow this.")
