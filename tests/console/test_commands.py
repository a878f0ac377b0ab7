"""The commands screen: orders in two steps, a second person, the emergency stop from wherever one is."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from controller import settings
from controller.access.roles import Role
from controller.entries import OperatorActed, OrderDrafted
from controller.order_effects import ProposedOrder
from controller.orders.giving import Giver
from tests.builders import FEEDER
from tests.console.accessible import faults
from tests.console.live_world import LiveWorld
from tests.controller.sunny_world import SunnyWorld
from tests.controller.worlds import World, evening

pytestmark = pytest.mark.chromium


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveWorld]:
    """Six chargers at work; an automatic is put on by two persons."""
    world = World(evening(orders=settings.Orders(two_person=("automatic_on",))))
    for house in world.field.houses[:6]:
        house.ev_kw = 11.0
    live = LiveWorld(world, tmp_path_factory.mktemp("world"))
    live.start()
    live.tick(3)
    yield live
    live.stop()


def opened(
    chromium: Browser, live: LiveWorld, role: Role, path: str = "commands", locale: str = "en-GB"
) -> Page:
    page = chromium.new_context(viewport={"width": 1440, "height": 1000}, locale=locale).new_page()
    page.set_default_timeout(10_000)
    live.sign_in(page, role)
    page.goto(f"{live.address}#/{path}")
    return page


@pytest.fixture
def page(chromium: Browser, live: LiveWorld) -> Iterator[Page]:
    """The operator, at the screen."""
    page = opened(chromium, live, "operator")
    yield page
    page.context.close()


def acts(live: LiveWorld) -> list[OperatorActed]:
    return live.world.entries(OperatorActed)


def test_a_limit_is_looked_at_and_confirmed(live: LiveWorld, page: Page) -> None:
    page.get_by_role("button", name=f"Order for {FEEDER}").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Show the effect").click()
    expect(dialog.get_by_text("Please name whom.")).to_be_visible()
    dialog.get_by_label("Devices or customers").fill("EV03, EV04")
    dialog.get_by_label("Devices or customers").press("Enter")
    expect(dialog.get_by_role("button", name="Remove EV03")).to_be_visible()
    dialog.get_by_label("Reason").fill("cable 3")
    for typed in ("", "-1", "4,200", "much"):
        dialog.get_by_label("Limit for each device").fill(typed)
        dialog.get_by_role("button", name="Show the effect").click()
        expect(dialog.get_by_text("Please give a limit in kW")).to_be_visible()
    dialog.get_by_label("Limit for each device").fill("4,2")
    dialog.get_by_label("For so many minutes").fill("")
    dialog.get_by_role("button", name="Show the effect").click()
    expect(dialog.get_by_text("Please give a number of minutes")).to_be_visible()
    dialog.get_by_label("For so many minutes").fill("15")
    dialog.get_by_role("button", name="Show the effect").click()
    expect(dialog.get_by_role("heading", name="Limit EV03, EV04 to 4.2")).to_be_focused()
    expect(dialog.get_by_text("13.6 kW less is taken")).to_be_visible()
    assert faults(page) == []
    assert not [act for act in acts(live) if act.action == "limit"]
    dialog.get_by_role("button", name="Confirm").click()
    expect(dialog.get_by_text("The order is carried out.")).to_be_visible()
    assert [(act.who, act.targets) for act in acts(live)] == [("the.operator", ("EV03", "EV04"))]
    live.tick(2)
    assert set(live.world.field.held()) == {"EV03", "EV04"}
    dialog.get_by_role("button", name="Close").last.click()
    row = page.get_by_role("table", name="Latest orders").get_by_role("row", name="EV03")
    expect(row).to_contain_text("carried out")


def test_what_frees_people_is_done_in_one_step(live: LiveWorld, page: Page) -> None:
    page.get_by_role("button", name=f"Order for {FEEDER}").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Order").select_option("release_all")
    dialog.get_by_label("Reason").fill("mended")
    dialog.get_by_role("button", name="Do it now").click()
    expect(dialog).to_have_count(0)
    assert acts(live)[-1].action == "release_all"
    live.tick(2)
    assert live.world.field.held() == {}


def test_the_second_person_sees_what_waits_and_confirms_it(
    chromium: Browser, live: LiveWorld, page: Page
) -> None:
    page.get_by_role("button", name=f"Take the automatic of {FEEDER} out").click()
    page.get_by_role("dialog").get_by_label("Reason").fill("switching")
    page.get_by_role("button", name="Do it now").click()
    live.tick()
    page.get_by_role("button", name=f"Put the automatic of {FEEDER} on").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("switching is done")
    dialog.get_by_role("button", name="Show the effect").click()
    expect(dialog.get_by_text("You have agreed. Another person must confirm it.")).to_be_visible()
    expect(dialog.get_by_role("button", name="Confirm")).to_have_count(0)
    boss = opened(chromium, live, "supervisor", "")
    boss.get_by_role("link", name="1 order waits for you").click()
    boss.get_by_role("button", name="Look and confirm").click()
    boss.get_by_role("dialog").get_by_role("button", name="Confirm").click()
    expect(boss.get_by_role("dialog").get_by_text("The order is carried out.")).to_be_visible()
    expect(dialog.get_by_text("The order is carried out.")).to_be_visible()
    assert (acts(live)[-1].who, acts(live)[-1].agreed_by) == ("the.operator", ("the.supervisor",))
    boss.context.close()


def test_the_emergency_stop_is_at_hand_on_every_screen(
    chromium: Browser, live: LiveWorld, page: Page
) -> None:
    page.goto(f"{live.address}#/alarms")
    page.get_by_role("button", name="Emergency stop", exact=True).click()
    dialog = page.get_by_role("dialog")
    assert faults(page) == []
    dialog.get_by_role("button", name="At once").click()
    dialog.get_by_label("Reason").fill("fire")
    dialog.get_by_role("button", name="Stop now").click()
    expect(dialog.get_by_text("Please type STOP.")).to_be_visible()
    dialog.get_by_label("Type STOP").fill("stop")
    dialog.get_by_role("button", name="Stop now").click()
    expect(dialog).to_have_count(0)
    assert live.world.daemon.books.order_book.stopped(FEEDER) is not None
    held = page.get_by_role("link", name="Emergency stop holds on 1 feeder")
    held.click()
    expect(page.get_by_role("table", name="Latest orders")).to_contain_text(f"holds: {FEEDER}")
    live.tick()
    expect(page.get_by_role("table", name="Automatic control")).to_contain_text("emergency stop")
    assert faults(page) == []
    live.on_loop(
        lambda: live.world.daemon.operate(FEEDER, "automatic_on", None, "the.operator", "the fire is out")
    )
    expect(held).to_have_count(0)


def test_who_may_only_look_gives_no_orders(chromium: Browser, live: LiveWorld) -> None:
    page = opened(chromium, live, "viewer")
    expect(page.get_by_text("Your role may look, but not give orders.")).to_be_visible()
    expect(page.get_by_role("table", name="Latest orders").get_by_role("row").nth(1)).to_be_visible()
    for name in ("Emergency stop", f"Order for {FEEDER}"):
        expect(page.get_by_role("button", name=name, exact=True)).to_have_count(0)
    page.context.close()


@pytest.fixture
def sunny(tmp_path: Path) -> Iterator[LiveWorld]:
    """Chargers in the first houses, roofs in the next; 12 kW of sun on each."""
    world = SunnyWorld()
    world.shine(12.0)
    live = LiveWorld(world, tmp_path)
    live.start()
    live.tick(3)
    yield live
    live.stop()


def test_where_inverters_are_chosen_what_they_feed_in_can_be_limited(
    chromium: Browser, sunny: LiveWorld
) -> None:
    page = opened(chromium, sunny, "operator")
    page.get_by_role("button", name=f"Order for {FEEDER}").click()
    dialog = page.get_by_role("dialog")
    named, what = dialog.get_by_label("Devices or customers"), dialog.get_by_label("What is limited")
    named.fill("EV00")
    named.press("Enter")
    expect(dialog.get_by_label("Limit for each device")).to_be_visible()
    expect(what).to_have_count(0)
    named.fill("EV05")
    named.press("Enter")
    expect(what).to_have_value("consumption")
    dialog.get_by_role("button", name="Remove EV00").click()
    expect(what).to_have_value("production")
    named.fill("EV00")
    named.press("Enter")
    what.select_option("production")
    dialog.get_by_label("Feed-in limit for each inverter").fill("5")
    dialog.get_by_label("Reason").fill("cable 3")
    assert faults(page) == []
    dialog.get_by_role("button", name="Show the effect").click()
    expect(dialog.get_by_role("heading", name="Limit EV05, EV00 to feeding in 5.0")).to_be_focused()
    expect(dialog.get_by_text("7.0 kW less is fed in")).to_be_visible()
    expect(dialog.get_by_text("EV00: it has no feed-in that can be limited")).to_be_visible()
    dialog.get_by_text("1 device", exact=True).click()
    row = dialog.get_by_role("row", name="EV05")
    expect(row).to_contain_text("12.0 kW fed in")
    expect(row).to_contain_text("5.0 kW fed in")
    assert faults(page) == []
    dialog.get_by_role("button", name="Confirm").click()
    expect(dialog.get_by_text("The order is carried out.")).to_be_visible()
    sunny.tick(2)
    assert isinstance(sunny.world, SunnyWorld)
    assert sunny.world.field.held_back() == {"EV05": 5.0}
    chinese = opened(chromium, sunny, "operator", locale="zh-CN")
    row = chinese.get_by_role("row", name="EV05")
    expect(row).to_contain_text("将 EV05, EV00 的馈入功率限至 5.0")
    for one in (page, chinese):
        one.context.close()


DRAFTS = f"**/feeders/{FEEDER}/orders"


def to_be_drafted(page: Page, why: str) -> None:
    """The order dialog with an order in it."""
    page.get_by_role("button", name=f"Order for {FEEDER}").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Devices or customers").fill("EV05")
    dialog.get_by_label("Devices or customers").press("Enter")
    dialog.get_by_label("Reason").fill(why)


def test_an_order_whose_answer_was_lost_is_given_once(live: LiveWorld, page: Page) -> None:
    keys: list[str] = []

    def lose_the_first_answer(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) == 1:
            route.fetch()
            route.abort()
        else:
            route.continue_()

    page.route(DRAFTS, lose_the_first_answer)
    to_be_drafted(page, "lost")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Show the effect").click()
    expect(dialog.get_by_role("alert")).to_have_text("The controller cannot be reached.")
    dialog.get_by_role("button", name="Show the effect").click()
    expect(dialog.get_by_role("heading", name="Limit EV05 to 4.2")).to_be_visible()
    assert len(set(keys)) == 1
    assert [drafted.why for drafted in live.world.entries(OrderDrafted)].count("lost") == 1
    dialog.get_by_role("button", name="Withdraw").click()
    expect(dialog).to_have_count(0)


def test_while_one_is_under_way_there_is_no_second_and_after_a_refusal_it_is_another(page: Page) -> None:
    asked: list[Route] = []

    def take(route: Route) -> None:
        asked.append(route)

    page.route(DRAFTS, take)
    to_be_drafted(page, "refused")
    dialog = page.get_by_role("dialog")
    button = dialog.get_by_role("button", name="Show the effect")
    for count in (1, 2):
        button.click()
        expect(button).to_be_disabled()
        dialog.get_by_label("Reason").press("Enter")
        assert len(asked) == count
        refused = '{"type":"urn:gridward:problem:too_many_open","title":"x","detail":"20 wait already"}'
        asked[-1].fulfill(status=429, content_type="application/problem+json", body=refused)
        expect(dialog.get_by_role("alert")).to_have_text("20 wait already")
        expect(button).to_be_enabled()
    assert len({route.request.headers["idempotency-key"] for route in asked}) == 2


def test_what_is_said_against_an_order_is_said_in_chinese(chromium: Browser, live: LiveWorld) -> None:
    desk, giver = live.world.daemon.desks.orders, Giver("the.operator", person=True)
    limit = ProposedOrder("limit", "EV04", limit_kw=4.2)
    page = opened(chromium, live, "operator", locale="zh-CN")
    live.on_loop(lambda: desk.draft(FEEDER, limit, "抢修", giver))
    row = page.get_by_role("row", name="EV04")
    row.get_by_role("button", name="查看并确认").click()
    dialog = page.get_by_role("dialog")
    live.on_loop(lambda: live.world.daemon.operate(FEEDER, "exclude", "EV04", "Bob", "医疗设备"))
    dialog.get_by_role("button", name="确认执行").click()
    expect(dialog.get_by_role("alert")).to_have_text("其中有对象此后被退出调控，请重新拟写指令。")
    looker = opened(chromium, live, "viewer", locale="zh-CN")
    looker.get_by_role("row", name="EV04").get_by_role("button", name="查看……").click()
    expect(looker.get_by_role("dialog")).to_contain_text("您无法确认：您无权操作该馈线。")
    live.on_loop(lambda: desk.stop([FEEDER], "staggered", "演练", giver))
    expect(dialog.get_by_role("status")).to_contain_text("该指令已作废：紧急停止。")
    for order in ("include", "automatic_on"):
        live.on_loop(lambda order=order: live.world.daemon.operate(FEEDER, order, "EV04", "Bob", "x"))
    for one in (page, looker):
        one.context.close()


def test_in_chinese(chromium: Browser, live: LiveWorld) -> None:
    page = opened(chromium, live, "operator", locale="zh-CN")
    expect(page.get_by_role("heading", name="指令", exact=True)).to_be_visible()
    page.get_by_role("button", name=f"对 {FEEDER} 下达指令").click()
    expect(page.get_by_role("dialog").get_by_label("原因")).to_be_visible()
    page.context.close()
