"""The shift log in the browser: notes, the hand-over, the shifts before, and what comes out on paper."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.console.accessible import faults
from tests.console.live_world import LiveWorld
from tests.controller.worlds import World, evening

pytestmark = pytest.mark.chromium


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveWorld]:
    live = LiveWorld(World(evening()), tmp_path_factory.mktemp("world"))
    live.start()
    live.tick(2)
    yield live
    live.stop()


def write(page: Page, text: str, pinned: bool = False) -> None:
    page.get_by_label("New note").fill(text)
    page.get_by_label("Pin: goes on into the next shifts").set_checked(pinned)
    page.get_by_role("button", name="Write down").click()
    expect(page.locator(".notes").get_by_text(text)).to_be_visible()


def test_a_shift_is_written_handed_over_and_read_again(world: LiveWorld, page: Page) -> None:
    act = world.world.daemon.operate("F1", "automatic_off", None, "the.operator", "works at the substation")
    world.on_loop(lambda: act)
    world.sign_in(page, "operator")
    page.goto(f"{world.address}#/handover")
    page.get_by_role("button", name="Write down").click()
    expect(page.get_by_text("Please write something.")).to_be_visible()
    write(page, "Cable 3 is being mended", pinned=True)
    write(page, "Rang the fitter")
    page.get_by_role("button", name="Done: note 2").click()
    expect(page.get_by_role("button", name="Open again: note 2")).to_be_visible()
    stands = page.get_by_role("region", name="What stands").get_by_role("table")
    expect(stands).to_contain_text("works at the substation")
    assert faults(page) == []

    page.get_by_role("button", name="Hand over …").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Automatic off · F1")
    dialog.get_by_label("Who takes over").fill("the.supervisor")
    dialog.get_by_label("Remarks for them").fill("Look after the cable")
    dialog.get_by_role("button", name="Hand over").click()
    expect(dialog.get_by_role("alert")).to_have_text("Please go through it together first.")
    assert faults(page) == []
    both = dialog.get_by_label("Both of us went through this.")
    act = world.world.daemon.operate("F1", "exclude", "C03", "the.operator", "asked for it on the phone")
    world.on_loop(lambda: act)
    both.check()
    dialog.get_by_role("button", name="Hand over").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Something new stands or was written down meanwhile.")
    expect(dialog.get_by_role("listitem").filter(has_text="new")).to_have_text(
        re.compile("Excluded · F1 · C03")
    )
    expect(both).not_to_be_checked()
    assert world.world.daemon.books.shifts.shift == 0
    assert faults(page) == []
    both.check()
    dialog.get_by_role("button", name="Hand over").click()
    expect(dialog).to_have_count(0)
    expect(page.locator(".tiles").first).to_contain_text("the.supervisor")
    expect(page.locator(".notes li")).to_have_count(1)
    expect(page.locator(".notes")).to_contain_text("from shift 0")

    expect(page.get_by_role("region", name="What stands").get_by_text("C03")).to_be_visible()
    page.emulate_media(media="print")
    expect(page.locator("td .on-paper").first).to_be_visible()
    page.emulate_media(media="screen")
    expect(page.locator("td .on-paper").first).to_be_hidden()
    world.restart()
    page.get_by_role("link", name="Shifts before").click()
    page.get_by_role("row").filter(has_text="Look after the cable").click()
    expect(page.get_by_role("heading", name="Shift 0", level=1)).to_be_visible()
    expect(page.locator(".notes li")).to_have_count(2)
    expect(page.get_by_role("region", name="What happened").first).to_contain_text("Automatic off")
    assert faults(page) == []


def test_two_people_do_not_end_one_shift_twice_nor_the_next_in_its_place(
    world: LiveWorld, page: Page
) -> None:
    world.sign_in(page, "operator")
    page.clock.install()
    page.goto(f"{world.address}#/handover")
    page.get_by_role("button", name="Hand over …").click()
    desk = world.world.daemon.desks.shifts
    world.on_loop(lambda: desk.hand_over(0, who="another", takes_over="jo", remarks=""))
    page.clock.fast_forward(11_000)
    expect(page.locator(".tiles").first).to_contain_text("jo")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Who takes over").fill("the.supervisor")
    dialog.get_by_label("Both of us went through this.").check()
    dialog.get_by_role("button", name="Hand over").click()
    expect(dialog.get_by_role("alert")).to_contain_text("shift 0 is not the present one: that is 1")
    assert world.world.daemon.books.shifts.shift == 1


def test_who_only_looks_reads_it_and_on_paper_nothing_is_pressed(world: LiveWorld, page: Page) -> None:
    page.add_init_script("localStorage.setItem('gridward.language', 'zh')")
    page.emulate_media(color_scheme="dark")
    page.goto(f"{world.address}#/handover")
    expect(page.get_by_text("值班日志仅向已登录人员显示。")).to_be_visible()
    world.sign_in(page, "viewer")
    page.reload()
    expect(page.get_by_text("记录由运行值班员填写，交接由可操作全部馈线的值班员完成。")).to_be_visible()
    expect(page.get_by_role("button", name="交接班……")).to_have_count(0)
    expect(page.get_by_role("region", name="本班情况").first).to_contain_text("通知用户")
    assert faults(page) == []
    page.emulate_media(media="print", color_scheme="dark")
    expect(page.locator(".printed")).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)
    ground = page.evaluate("getComputedStyle(document.querySelector('.panel')).backgroundColor")
    assert ground == "rgb(255, 255, 255)", "paper is white, whatever the screen is"
