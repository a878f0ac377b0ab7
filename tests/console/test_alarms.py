"""Alarms in the browser: the strip on every screen, the list by keyboard, shelving, history and rate."""

from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from controller import settings
from controller.entries import AlarmAcknowledged, AlarmRaised, AlarmShelved
from tests.builders import FEEDER, START
from tests.console.accessible import faults
from tests.console.live_world import LiveWorld
from tests.controller.alarms.alarm_builders import acknowledged, many, raised
from tests.controller.worlds import World, evening

pytestmark = pytest.mark.chromium


def here(one: AlarmRaised, at_s: float = 0.0) -> AlarmRaised:
    return msgspec.structs.replace(one, at=START + timedelta(seconds=at_s))


ALARMS = (
    here(raised("link_down", "broker", feeder=None)),
    here(raised("too_few_meters", "", feeder=FEEDER), 1),
    here(raised("overload_unattended", "", feeder=FEEDER), 2),
    *(here(msgspec.structs.replace(one, feeder=FEEDER), 3) for one in many(2)),
)


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveWorld]:
    """A high one, two of medium priority, one of which explains the other, and two low ones."""
    rules = settings.Alarms(out_of_service=("wrong_meter",), longest_shelf_s=3 * 3600.0)
    live = LiveWorld(World(evening(alarms=rules)), tmp_path_factory.mktemp("world"))
    live.start()
    live.tick()
    live.on_loop(lambda: tell(live, *ALARMS))
    yield live
    live.stop()


async def tell(live: LiveWorld, *alarms: AlarmRaised | AlarmAcknowledged) -> None:
    daemon = live.world.daemon
    await daemon._keeper.write(alarms)
    daemon.desks.alarms._tell_if_changed()


@pytest.fixture
def page(page: Page, world: LiveWorld) -> Page:
    world.sign_in(page, "operator")
    return page


def rows(page: Page) -> list[str]:
    return page.locator(".alarm-table .alarm-name").all_inner_texts()


def test_who_sits_there_goes_through_the_list_by_keyboard(world: LiveWorld, page: Page) -> None:
    page.goto(f"{world.address}#/")
    strip = page.get_by_role("region", name="Alarms")
    expect(strip.get_by_role("link", name="High: 1 unacknowledged, 0 acknowledged")).to_be_visible()
    strip.get_by_role("button", name="Limits broken, automatic out").click()
    details = page.get_by_role("dialog", name="Limits broken, automatic out")
    expect(details).to_contain_text("Give the feeder back to the automatic, or limit by hand")
    page.keyboard.press("Escape")
    expect(details).to_have_count(0)
    assert rows(page) == [
        "Limits broken, automatic out", "Too few meters", "Link down · broker", "Overload · line:0",
        "Overload · line:1",
    ]  # fmt: skip
    assert faults(page) == []
    first = page.locator(".alarm-table tbody tr").first
    first.focus()
    page.keyboard.press("a")
    expect(first).to_contain_text("Acknowledged")
    expect(strip.get_by_role("link", name="High: 0 unacknowledged, 1 acknowledged")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press(" ")
    expect(page.get_by_role("checkbox", name="Mark Too few meters")).to_be_checked()
    page.get_by_role("button", name="Mark all that wait in this list").click()
    page.get_by_role("button", name="Acknowledge the 4 marked").click()
    expect(page.get_by_text("4 acknowledged.").first).to_be_visible()
    assert [(len(one.alarms), one.who) for one in world.world.entries(AlarmAcknowledged)] == [
        (1, "the.operator"), (4, "the.operator"),
    ]  # fmt: skip


def test_one_is_shelved_with_a_reason_and_taken_back(world: LiveWorld, page: Page) -> None:
    page.goto(f"{world.address}#/alarms")
    page.locator(".alarm-table tbody tr", has_text="Overload · line:1").focus()
    page.keyboard.press("s")
    dialog = page.get_by_role("dialog", name="Shelve an alarm")
    dialog.get_by_role("button", name="Shelve", exact=True).click()
    expect(dialog).to_contain_text("Please say why.")
    dialog.get_by_label("Reason").fill("works on the cable")
    assert dialog.get_by_role("group", name="For").get_by_role("button").all_inner_texts() == [
        "15\u202fmin", "1\u202fh", "2\u202fh", "3\u202fh",
    ]  # fmt: skip
    dialog.get_by_role("button", name="3 h").click()
    assert faults(page) == []
    dialog.get_by_role("button", name="Shelve", exact=True).click()
    expect(dialog).to_have_count(0)
    (entry,) = world.world.entries(AlarmShelved)
    assert (entry.subject, entry.why, entry.who) == ("line:1", "works on the cable", "the.operator")
    expect(page.locator(".alarm-table tbody tr", has_text="Overload · line:1")).to_have_count(0)
    page.get_by_role("link", name="Shelved").click()
    shelf = page.get_by_role("row", name="Overload · line:1")
    expect(shelf).to_contain_text("works on the cable")
    shelf.get_by_role("button", name="Take back").click()
    expect(page.locator("main tbody tr")).to_have_count(1)
    assert page.locator("main tbody td").all_inner_texts()[1:] == [
        "Out of service", "Meter not believed", "All", "no",
        "", "", "by the settings of the site", "",
    ]  # fmt: skip


def test_what_happens_is_there_at_once_and_in_a_flood_under_its_cause(world: LiveWorld, page: Page) -> None:
    page.goto(f"{world.address}#/alarms")
    expect(page.locator(".alarm-table tbody tr")).to_have_count(5)
    flood = [here(msgspec.structs.replace(one, feeder=FEEDER), 4) for one in many(12)[2:]]
    world.on_loop(lambda: tell(world, *flood))
    expect(page.get_by_role("status").filter(has_text="Alarm flood: 15 in ten minutes")).to_be_visible()
    expect(page.locator(".alarm-table tbody tr")).to_have_count(3)  # the high one, the link, one overload
    page.get_by_role("button", name="Mark all that wait in this list").click()
    expect(page.get_by_role("button", name="Acknowledge the 3 marked")).to_be_visible()
    page.get_by_role("button", name="11 more of this").click()
    expect(page.locator(".alarm-table tbody tr")).to_have_count(14)


def test_history_and_rate(world: LiveWorld, page: Page) -> None:
    page.goto(f"{world.address}#/alarms/history")
    expect(page.locator("tbody tr")).to_have_count(5)
    assert faults(page) == []
    page.get_by_label("Priority").select_option("medium")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_label("What happened").select_option("shelved")
    expect(page.get_by_text("Nothing of the kind was found.")).to_be_visible()
    page.get_by_role("link", name="Rate").click()
    expect(page.get_by_role("img", name="Alarms in ten minutes: 5 alarms")).to_be_visible()
    expect(page.locator(".tile").first).to_contain_text("5.00 alarms")  # in the ten minutes since the start


def test_the_sound_is_turned_on_by_hand_and_stays_on(world: LiveWorld, page: Page) -> None:
    page.goto(f"{world.address}#/")
    strip = page.get_by_role("region", name="Alarms")
    strip.get_by_role("button", name="Sound off").click()
    expect(strip.get_by_role("button", name="Sound on")).to_have_attribute("aria-pressed", "true")
    strip.get_by_role("button", name="Silence").click()
    expect(strip.get_by_role("button", name="Silence")).to_have_count(0)
    world.on_loop(lambda: tell(world, here(raised("event_short", "", feeder=FEEDER), 9)))
    expect(strip.get_by_role("button", name="Silence")).to_be_visible()
    page.reload()
    expect(strip.get_by_role("button", name="Sound waits for a click")).to_be_visible()


def test_of_a_long_list_only_what_is_shown_is_marked(world: LiveWorld, page: Page) -> None:
    seen = [here(one, -200.0 * place) for place, one in enumerate(many(150, kind="busbar_voltage"))]
    low = [here(raised(subject=f"cable:{place}"), -200.0 * (150 + place)) for place in range(100)]
    world.on_loop(lambda: tell(world, *reversed(seen + low), acknowledged(*seen)))
    page.goto(f"{world.address}#/alarms")
    expect(page.locator(".alarm-table tbody tr")).to_have_count(200)
    page.get_by_role("button", name="Mark all that wait in this list").click()
    # three that are more urgent, 150 that somebody has acknowledged, and the first of those that are low
    expect(page.get_by_role("button", name="Acknowledge the 50 marked")).to_be_visible()
    page.get_by_role("button", name="Show more").click()
    expect(page.locator(".alarm-table tbody tr")).to_have_count(255)


def test_while_the_journal_cannot_be_written_the_list_says_so(world: LiveWorld, page: Page) -> None:
    page.goto(f"{world.address}#/alarms")
    expect(page.locator(".alarm-table tbody tr")).to_have_count(5)
    world.world.store.broken = True
    world.tick()
    said = "The journal cannot be written. Alarms of low priority are as of 17:00;"
    expect(page.get_by_role("status").filter(has_text=said)).to_be_visible()
    world.world.store.broken = False
    world.tick()
    expect(page.get_by_text(said)).to_have_count(0)


def test_who_has_some_feeders_leaves_the_sites_alarms_to_others(world: LiveWorld, page: Page) -> None:
    world.accounts.set_feeders("the.operator", frozenset({FEEDER}))
    page.context.clear_cookies()
    world.sign_in(page, "operator")
    page.goto(f"{world.address}#/alarms")
    expect(page.get_by_role("button", name="Acknowledge", exact=True)).to_have_count(4)
    link = page.locator(".alarm-table tbody tr", has_text="Link down")
    expect(link).to_contain_text("Whole site")
    expect(link.get_by_role("button", name="Acknowledge")).to_have_count(0)
    page.get_by_role("button", name="Mark all that wait in this list").click()
    expect(page.get_by_role("button", name="Acknowledge the 4 marked")).to_be_visible()


TONES = """
const made = AudioContext.prototype.createOscillator;
window.tones = [];
AudioContext.prototype.createOscillator = function () {
  const tone = made.call(this), start = tone.start;
  tone.start = function (...at) {
    window.tones.push(Math.round(tone.frequency.value));
    return start.apply(this, at);
  };
  return tone;
};
"""
MEDIUM, HIGH, FALLING = {587}, {740}, {660, 494, 370}


def tones(page: Page) -> set[int]:
    """What sounded since the latest call."""
    return set(page.evaluate("window.tones.splice(0)"))


def next_tones(page: Page) -> set[int]:
    """What sounds next; nothing: it is silent for long."""
    for _ in range(400):
        if found := tones(page):
            return found
        page.wait_for_timeout(50)
    return set()


def sounds_on(world: LiveWorld, page: Page) -> Locator:
    """The strip, with its sound on, and all that waits heard."""
    page.add_init_script(TONES)
    page.goto(f"{world.address}#/alarms")
    strip = page.get_by_role("region", name="Alarms", exact=True)
    strip.get_by_role("button", name="Sound off").click()
    expect(strip.get_by_role("button", name="Silence")).to_be_visible()
    return strip


def test_what_was_silenced_stays_silent_when_something_newer_is_acknowledged(
    world: LiveWorld, page: Page
) -> None:
    strip = sounds_on(world, page)
    assert next_tones(page) == MEDIUM  # as a sample, when it is turned on
    strip.get_by_role("button", name="Silence").click()
    tones(page)
    page.locator(".alarm-table tbody tr").first.focus()
    page.keyboard.press("a")
    expect(strip.get_by_role("link", name="High: 0 unacknowledged, 1 acknowledged")).to_be_visible()
    expect(strip.get_by_role("button", name="Silence")).to_have_count(0)
    assert tones(page) == set()
    # of less priority than what waited first, and heard all the same
    world.on_loop(lambda: tell(world, here(raised("cycle_late", "", feeder=None), 9)))
    expect(strip.get_by_role("button", name="Silence")).to_be_visible()
    assert next_tones(page) == MEDIUM
    world.on_loop(lambda: tell(world, here(raised("event_short", "", feeder=FEEDER), 9)))
    assert next_tones(page) == HIGH


def test_where_the_alarms_cannot_be_learnt_that_is_said_and_heard(world: LiveWorld, page: Page) -> None:
    strip = sounds_on(world, page)
    assert next_tones(page) == MEDIUM
    strip.get_by_role("button", name="Silence").click()
    tones(page)
    page.route("**/api/v1/alarms/summary", lambda route: route.fulfill(status=500, body="broken"))
    world.on_loop(lambda: tell(world, here(raised("cycle_late", "", feeder=None), 9)))
    expect(strip.get_by_role("status")).to_have_text("Alarms unknown")
    expect(strip).to_contain_text("unacknowledged: High 1 · Medium 2 · Low 2")
    assert faults(page) == []
    assert next_tones(page) == FALLING
    page.unroute("**/api/v1/alarms/summary")
    expect(strip.get_by_role("link", name="Medium: 3 unacknowledged, 0 acknowledged")).to_be_visible()
    world.stop()
    expect(strip.get_by_role("status")).to_have_text("Alarms unknown")
    world.start()
    expect(strip.get_by_role("link", name="Medium: 3 unacknowledged, 0 acknowledged")).to_be_visible()


def test_changes_that_come_fast_wait_for_the_answer_and_one_more(world: LiveWorld, page: Page) -> None:
    page.goto(f"{world.address}#/alarms")
    strip = page.get_by_role("region", name="Alarms", exact=True)
    expect(strip.get_by_role("link", name="Medium: 2 unacknowledged, 0 acknowledged")).to_be_visible()
    asked: list[Route] = []

    def hold(route: Route) -> None:
        asked.append(route)

    page.route("**/api/v1/alarms/summary", hold)
    for kind in ("cycle_late", "busbar_voltage", "diverged"):
        one = here(raised(kind, "", feeder=FEEDER), 9)
        world.on_loop(lambda one=one: tell(world, one))  # type: ignore[misc]
        page.wait_for_timeout(300)  # the stream tells at most so often
    assert len(asked) == 1
    answer = asked[0].fetch()
    asked[0].fulfill(response=answer)
    expect(strip.get_by_role("link", name="Medium: 5 unacknowledged, 0 acknowledged")).to_be_visible()
    while len(asked) < 2:
        page.wait_for_timeout(50)
    assert len(asked) == 2
    asked[1].continue_()


def test_who_may_only_look_looks(world: LiveWorld, page: Page) -> None:
    page.context.clear_cookies()
    world.sign_in(page, "viewer")
    page.goto(f"{world.address}#/alarms")
    expect(page.locator(".alarm-table tbody tr")).to_have_count(5)
    expect(page.get_by_role("button", name="Acknowledge")).to_have_count(0)
    page.locator(".alarm-table tbody tr").first.focus()
    page.keyboard.press("a")
    page.keyboard.press("s")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert world.world.entries(AlarmAcknowledged) == []


def test_it_is_accessible_in_the_dark_and_in_chinese(chromium: Browser, world: LiveWorld) -> None:
    context = chromium.new_context(
        viewport={"width": 1280, "height": 800}, locale="zh-CN", color_scheme="dark"
    )
    page = context.new_page()
    world.sign_in(page, "operator")
    for part, there in (("", "越限且自动控制退出"), ("rate", "每席每小时")):
        page.goto(f"{world.address}#/alarms/{part}")
        expect(page.locator("main").get_by_text(there).first).to_be_visible()
        assert faults(page) == [], part
    context.close()
