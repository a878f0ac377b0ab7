"""The frame around all screens: signing in and out, languages, colours, keyboard, and a line that is lost."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from controller.access.passwords import hash_password
from controller.api.health import Pulse
from tests.builders import FEEDER
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


def test_one_signs_in_by_name_and_password_and_out(world: LiveWorld, page: Page) -> None:
    world.accounts.set_password("the.operator", hash_password("a long enough one"))
    page.goto(world.address)
    page.get_by_role("button", name="Sign in").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Name").fill("the.operator")
    form.get_by_label("Password").fill("wrong")
    form.get_by_role("button", name="Sign in").click()
    expect(form.get_by_role("alert")).to_have_text("Name, password or code is not right.")
    form.get_by_label("Password").fill("a long enough one")
    form.get_by_role("button", name="Sign in").click()
    expect(form).to_have_count(0)
    own = page.get_by_role("button", name="You and your console")
    expect(own).to_contain_text("the.operator")
    own.click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_language_and_colours_change_at_once_and_are_kept(world: LiveWorld, page: Page) -> None:
    page.goto(world.address)
    expect(page.locator("html")).to_have_attribute("lang", "en-GB")
    page.get_by_role("button", name="You and your console").click()
    page.get_by_role("button", name="简体中文").click()
    expect(page.get_by_role("link", name="告警")).to_be_visible()
    page.get_by_role("button", name="深色").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_a_role_sees_the_screens_that_are_for_it(world: LiveWorld, page: Page) -> None:
    page.goto(world.address)
    navigation = page.get_by_role("navigation", name="Screens")
    expect(navigation.get_by_role("link", name="Alarms")).to_be_visible()
    expect(navigation.get_by_role("link", name="Customers")).to_have_count(0)
    page.goto(f"{world.address}#/customers")
    expect(page.get_by_role("heading", name="Your role does not show this")).to_be_visible()
    world.sign_in(page, "operator")
    page.reload()
    expect(navigation.get_by_role("link", name="Customers")).to_have_attribute("aria-current", "page")


def test_a_lost_line_is_said_and_comes_back_by_itself(world: LiveWorld, page: Page) -> None:
    page.goto(world.address)
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    world.stop()
    expect(page.locator("main > [role=alert]")).to_contain_text("What you see is not the present.")
    world.start()
    expect(page.get_by_text("Live", exact=True)).to_be_visible(timeout=20_000)
    expect(page.locator("main > [role=alert]")).to_have_count(0)


def test_a_line_that_is_open_and_dumb_is_given_up(world: LiveWorld, page: Page) -> None:
    alert = page.locator("main > [role=alert]")
    page.clock.install()
    page.goto(world.address)
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    page.route("**/api/v1/stream?*", lambda route: None)  # taken, and never answered
    page.clock.fast_forward(45_000)
    expect(alert).to_contain_text("Silent. What you see is not the present.")
    with page.expect_request("**/api/v1/stream?*"):  # it tries again, and that hangs as well
        page.clock.fast_forward(3_000)
    page.unroute("**/api/v1/stream?*")
    for _ in range(2):
        page.clock.fast_forward(45_000)
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    expect(alert).to_have_count(0)


TONES = """
localStorage.setItem("gridward.sound", "on");
window.tones = [];
class Param { setValueAtTime() {} linearRampToValueAtTime() {} }
class Node { gain = new Param(); frequency = new Param(); connect(other) { return other; } stop() {}
  start() { window.tones.push(this.frequency.value); } }
window.AudioContext = class { state = "running"; currentTime = 0; destination = new Node();
  createGain() { return new Node(); } createOscillator() { return new Node(); } async resume() {} };
"""
FALLING = [660, 494, 370]
DEAF = "✖ No alarms heard · "


def test_a_page_that_should_sound_alarms_and_hears_none_says_so_by_a_tone_and_in_its_title(
    world: LiveWorld, page: Page
) -> None:
    page.add_init_script(TONES)
    page.clock.install()
    page.goto(world.address)
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    page.route("**/api/v1/stream?*", lambda route: None)
    page.clock.fast_forward(45_000)
    expect(page.locator("main > [role=alert]")).to_contain_text("Silent.")
    page.clock.fast_forward(4_000)
    assert page.evaluate("tones") == [], "a short gap is none"
    page.clock.fast_forward(2_000)
    expect(page).to_have_title(re.compile(f"^{DEAF}Overview"))
    page.wait_for_function("tones.length === 3")
    assert page.evaluate("tones") == FALLING
    page.get_by_role("link", name="Alarms").first.click()
    page.clock.fast_forward(1_000)
    expect(page).to_have_title(re.compile(f"^{DEAF}Alarms"))
    page.clock.fast_forward(20_000)
    page.wait_for_function("tones.length === 6")
    page.unroute("**/api/v1/stream?*")
    for _ in range(2):
        page.clock.fast_forward(45_000)
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    expect(page).to_have_title(re.compile("^Alarms"))


HIDE = """is => { Object.defineProperty(document, "hidden", { get: () => is, configurable: true });
  document.dispatchEvent(new Event("visibilitychange")); }"""


@pytest.mark.parametrize("sounds", [False, True])
def test_a_hidden_page_gives_its_line_back_but_for_one_that_sounds_alarms(
    world: LiveWorld, page: Page, sounds: bool
) -> None:
    if sounds:
        page.add_init_script(TONES)
    page.clock.install()
    page.goto(f"{world.address}#/alarms")
    live = page.get_by_text("Live", exact=True)
    expect(live).to_be_visible()
    asked: list[str] = []
    page.wait_for_load_state("networkidle")
    page.on("request", lambda request: asked.append(request.url.partition("/api/v1/")[2].partition("?")[0]))
    page.evaluate(HIDE, True)
    page.clock.fast_forward(61_000)
    for _ in range(2):  # a line as long without a word is lost
        page.clock.fast_forward(45_000)
    if sounds:
        expect(live).to_be_visible()
        assert "stream" in asked
    else:
        expect(live).to_have_count(0)
        assert asked == [], "nothing is asked for while nobody looks"
    page.evaluate(HIDE, False)
    expect(live).to_be_visible()
    assert "stream" in asked


def test_cycles_that_stop_under_a_live_line_are_said_and_the_clock_goes_on(
    world: LiveWorld, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.tick()
    page.goto(world.address)
    note = page.get_by_text("no feeder has had a cycle lately")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    expect(note).to_have_count(0)
    monkeypatch.setattr(Pulse, "is_silent", lambda *_: True)
    order = ("automatic_off", None, "Ada", "a test")
    world.on_loop(lambda: world.world.daemon.operate(FEEDER, *order))  # its sentence comes without a cycle
    expect(note).to_be_visible()
    expect(page.locator(".tile").filter(has=page.get_by_text("Load", exact=True))).to_contain_text(
        "without 1 not known"
    )
    clock = page.locator("time.clock")
    before = clock.inner_text()
    expect(clock).not_to_have_text(before)


def test_the_keyboard_leads_past_the_navigation(world: LiveWorld, page: Page) -> None:
    page.goto(world.address)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.get_by_role("link", name="Alarms").press("Enter")
    expect(page.get_by_role("heading", level=1, name="Alarms")).to_be_focused()


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_the_frame_and_the_form_are_accessible(world: LiveWorld, page: Page, colours: str) -> None:
    page.emulate_media(color_scheme="light" if colours == "light" else "dark")
    page.goto(world.address)
    page.get_by_role("button", name="You and your console").click()
    assert faults(page) == []
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert faults(page) == []
