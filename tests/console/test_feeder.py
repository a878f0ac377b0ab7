"""The feeder's screen in a real browser: drawing and lists say the same, follow the field, and a preview is
never passed off as the present.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect

from controller import settings
from tests.builders import FEEDER
from tests.console.accessible import faults
from tests.console.live_world import LiveWorld
from tests.controller.worlds import World, evening

pytestmark = pytest.mark.chromium
DRAWING = "Drawing of the network"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveWorld]:
    """Everybody charges; the automatic is out, so that the overload stays. sp03 is critical."""
    live = LiveWorld(World(evening(), critical=frozenset({3})), tmp_path_factory.mktemp("world"))
    live.start()
    live.tick()
    live.on_loop(lambda: live.world.daemon.operate(FEEDER, "automatic_off", None, "kim", "to look at it"))
    for house in live.world.field.houses:
        house.base_kw = 4.0
    live.world.charge()
    live.tick(2)
    yield live
    live.stop()


def _is_fault(told: ConsoleMessage) -> bool:
    """But for the feeder that a test asks for and that is not: the browser itself tells of each 404."""
    return told.type in ("error", "warning") and "/feeders/nowhere/" not in told.location["url"]


@pytest.fixture
def page(page: Page, world: LiveWorld) -> Iterator[Page]:
    page.set_viewport_size({"width": 1440, "height": 1000})
    said: list[str] = []
    page.on("console", lambda told: said.append(told.text) if _is_fault(told) else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    world.sign_in(page, "operator")
    page.goto(f"{world.address}#/feeders")  # the only feeder is opened by itself
    expect(page.get_by_role("application", name=DRAWING)).to_be_visible()
    # until the stream has spoken there is a drawing alone, which the whole screen then takes the place of
    expect(page.get_by_role("region", name="Requests and devices")).to_be_visible()
    yield page
    assert said == []


def panel(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True).first


def test_the_worst_is_first_and_follows_the_field(world: LiveWorld, page: Page) -> None:
    view = world.world.daemon.feeder_view(FEEDER)
    assert view is not None
    trafo = view.transformers[0].loading_percent
    assert trafo > 105
    first = page.get_by_role("table", name="Loadings, worst first").get_by_role("row").nth(1)
    expect(first).to_contain_text(f"{trafo:.0f}\u202f%")
    expect(first).to_contain_text("over its limit")
    try:
        world.world.charge(0.0)
        world.tick()
        expect(first).to_contain_text("normal")
        expect(page.get_by_text("none running")).to_be_visible()
    finally:
        world.world.charge()
        world.tick()
    expect(first).to_contain_text("over its limit")


def test_one_finds_a_customer_and_the_next_fault_by_keyboard(page: Page) -> None:
    field = page.get_by_role("combobox", name="Go to element, customer or device")
    field.fill("C03")
    expect(page.get_by_role("option").first).to_contain_text("sp03")
    field.press("Enter")
    details = page.get_by_role("region", name="sp03")
    expect(details).to_contain_text("critical: never limited")
    expect(details).to_contain_text("measured")
    expect(details.get_by_role("checkbox")).to_have_count(0)
    page.get_by_role("application", name=DRAWING).focus()
    page.keyboard.press("n")
    found = page.get_by_role("region", name="transformer", exact=True)
    expect(found).to_contain_text("over its limit")
    expect(found).to_contain_text("20 of 20 service points measured")


def test_a_preview_is_drawn_and_said_to_be_one(world: LiveWorld, page: Page) -> None:
    sends = world.world.sends
    for customer in ("sp05", "sp06", "sp07"):
        page.get_by_role("checkbox", name=f"Choose {customer} for an order").check()
    what_if = panel(page, "What if I limit these?")
    expect(what_if).to_contain_text("3 service points with 3 devices chosen")
    what_if.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("this is how it would be, not how it is")).to_be_visible()
    page.get_by_role("button", name="Next not normal").click()
    expect(page.locator("body > [role=status]")).to_have_text(re.compile(r"^Preview: .+: \d.*(%|pu)$"))
    rows = what_if.get_by_role("row", name="Highest loading")
    now, then = (float(rows.get_by_role("cell").nth(n).inner_text().split("\u202f")[0]) for n in (0, 1))
    assert then < now
    what_if.get_by_role("button", name="Draft this order").click()
    order = page.get_by_role("dialog")
    expect(order.get_by_label("Limit for each device, kW")).to_have_value("4.2")
    expect(order).to_contain_text("EV06")
    page.keyboard.press("Escape")
    expect(order).to_have_count(0)
    what_if.get_by_label("Limit for each device, kW").fill("")
    expect(what_if.get_by_role("button", name="Preview")).to_be_disabled()  # empty is no limit of 0 kW
    what_if.get_by_label("Limit for each device, kW").fill("6")
    expect(what_if).to_contain_text("preview again")
    what_if.get_by_role("button", name="Remove all").click()
    expect(page.get_by_text("this is how it would be, not how it is")).to_have_count(0)
    assert world.world.sends == sends


def test_contributions_stay_with_the_element_that_is_looked_at(world: LiveWorld, page: Page) -> None:
    shown = page.get_by_label("Contribution to")
    trafo = shown.input_value()
    assert trafo.startswith("trafo")
    page.get_by_role("row", name="cable 0.3").first.click()
    expect(shown).to_have_value("line:3")
    world.tick()
    expect(shown).to_have_value("line:3")
    expect(page.get_by_text("Now worse: transformer")).to_be_visible()
    page.get_by_role("button", name="Show it", exact=True).click()
    expect(shown).to_have_value(trafo)


def test_a_feeder_that_is_not_ends_no_stream(world: LiveWorld, page: Page) -> None:
    """The line to the controller stays as it is."""
    opened: list[str] = []
    page.on("request", lambda request: opened.append(request.url) if "/stream" in request.url else None)
    page.route("**/feeders/nowhere/layout", lambda route: route.fulfill(status=404, json={"title": "no"}))
    with page.expect_response("**/feeders/nowhere/layout"):
        page.goto(f"{world.address}#/feeders/nowhere")
    expect(page.get_by_text("This does not exist.")).to_be_visible()
    assert not any("nowhere" in url for url in opened)


def test_what_is_just_over_its_limit_is_never_told_as_at_it(world: LiveWorld, page: Page) -> None:
    told = {100.03: "100.1", 100.0: "100", 99.97: "99.9", 130.4: "130", 98.2: "98"}
    brief = {
        "network": "street", "period_s": 5, "at": None, "seconds_since_cycle": None, "automatic": True,
        "violations": 0, "alarm": None,
    }  # fmt: skip
    briefs = [brief | {"id": f"F{value}", "highest_loading_percent": value} for value in told]
    page.route("**/api/v1/feeders", lambda route: route.fulfill(json={"site": "s", "feeders": briefs}))
    page.goto(f"{world.address}#/overview")
    page.goto(f"{world.address}#/feeders")
    for value, text in told.items():
        row = page.get_by_role("row").filter(has=page.get_by_role("link", name=f"F{value}", exact=True))
        expect(row.get_by_role("cell").nth(1)).to_have_text(f"{text}\u202f%")


def test_all_elements_stand_in_words_as_well(world: LiveWorld, page: Page) -> None:
    page.goto(f"{world.address}#/feeders/{FEEDER}/line%3A12")
    expect(page.get_by_role("region", name="cable 1.2", exact=True)).to_be_visible()
    page.get_by_role("button", name="Show", exact=True).click()
    page.get_by_label("Part of a name").fill("cable 0.3")
    table = page.get_by_role("table", name="All elements in words")
    expect(table.get_by_role("row")).to_have_count(2)
    table.get_by_role("row").nth(1).press("Enter")
    expect(page.get_by_role("heading", name="cable 0.3")).to_be_visible()
    expect(panel(page, "cable 0.3")).to_contain_text("10\u202fm")


def test_it_is_accessible_in_both_themes(page: Page) -> None:
    page.get_by_role("button", name="Legend").click()
    page.get_by_role("button", name="Show", exact=True).click()
    page.get_by_role("row", name="transformer").first.click()
    page.get_by_role("checkbox", name="Choose sp05 for an order").check()
    for colours in ("light", "dark"):
        page.evaluate("colours => (document.documentElement.dataset.theme = colours)", colours)
        assert faults(page) == []


@pytest.fixture
def closed_world(tmp_path: Path) -> Iterator[LiveWorld]:
    """One signs in to look; some were asked, and hold a limit."""
    live = LiveWorld(World(evening(api=settings.Api(sign_in_to_look=True))), tmp_path)
    live.start()
    live.world.charge()
    live.tick(8)
    yield live
    live.stop()


def test_who_may_not_see_customers_sees_how_far_requests_are_and_not_whose(
    closed_world: LiveWorld, chromium: Browser
) -> None:
    shown = {}
    for role in ("operator", "viewer"):
        page = chromium.new_context(viewport={"width": 1440, "height": 1000}, locale="en-GB").new_page()
        said: list[str] = []
        page.on("pageerror", lambda error, said=said: said.append(str(error)))
        closed_world.sign_in(page, role)
        page.goto(f"{closed_world.address}#/feeders")
        table = panel(page, "Requests and devices").get_by_role("table")
        expect(table).to_contain_text("in force")
        page.get_by_role("application", name=DRAWING).wait_for()
        shown[role] = (table.inner_text(), page.locator("main").inner_text())
        assert faults(page) == []
        assert said == []
        page.context.close()
    asked = [one.planned for one in closed_world.world.daemon.books.open_requests(FEEDER)]
    assert all(one.target in shown["operator"][0] and one.customer in shown["operator"][0] for one in asked)
    assert [one.customer for one in asked if re.search(rf"\b{one.customer}\b", shown["viewer"][1])] == []
    assert [one.target for one in asked if one.target in shown["viewer"][0]] == []
    assert all(f"{one.request[-4:]} EV charger" in shown["viewer"][0] for one in asked)
    assert shown["viewer"][0].count("4.2") >= len(asked)
