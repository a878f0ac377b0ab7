"""The page in a real browser: shows what is, follows changes, and never passes the old off as the present."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.console.live_console import LiveConsole

pytestmark = pytest.mark.chromium


@pytest.fixture
def complaints(page: Page) -> list[str]:
    """What the browser complained of: script errors, refused content, failed requests."""
    said: list[str] = []
    page.on(
        "console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: said.append(str(error)))
    return said


def percent(value: float) -> str:
    """As the page writes it: whole, but a tenth around 100."""
    return f"{value:.{1 if abs(value - 100) < 1 else 0}f}\u202f%"


def drawn(page: Page) -> None:
    """Wait until everything, chart included, is there."""
    expect(page.locator(".chart .main-svg").first).to_be_visible()
    expect(page.locator("#network .item").first).to_be_attached()


def test_an_overload_is_told_drawn_and_listed(
    console: LiveConsole, page: Page, complaints: list[str]
) -> None:
    console.step_until(lambda view: view.violations and view.requests)
    view = console.step(2)
    assert view.violations
    page.goto(console.address)
    drawn(page)
    worst = view.violations[0]
    name = {"trafo:0": "Transformer"}.get(worst.id) or f"Cable {int(worst.id[5:]) + 1}"
    expect(page.locator(".sentence")).to_contain_text(f"{name} at {percent(worst.value)}:")
    expect(page.locator(".sentence")).to_contain_text("asked to slow down")
    expect(page.locator("#violations .rows").first.locator("li")).to_have_count(len(view.violations))
    expect(page.locator("svg.grid .item[data-class=over]")).to_have_count(len(view.violations))
    expect(page.locator("#network .grid-lines .item")).to_have_count(len(view.lines))
    expect(page.locator("#causes li.one-line")).to_have_count(len(view.located))
    rows = page.locator("#requests tbody tr")
    expect(rows).to_have_count(len(view.requests))
    expect(rows.first).to_contain_text(view.requests[0].target)
    expect(rows.first).to_contain_text("at most 4.2\u202fkW, was 11.0\u202fkW")
    expect(page.locator(".clock")).to_have_text(f"{view.at:%H:%M:%S}")
    expect(page.locator(".told li")).to_have_count(len(console.views.sentences))
    assert complaints == []


def test_the_page_follows_the_cycles(console: LiveConsole, page: Page, complaints: list[str]) -> None:
    first = console.step(5)
    page.goto(console.address)
    expect(page.locator(".sentence")).to_contain_text("All quiet: highest loading")
    expect(page.locator(".clock")).to_have_text(f"{first.at:%H:%M:%S}")
    view = console.step_until(lambda view: view.violations and len(view.requests) > 3)
    expect(page.locator(".situation")).to_have_attribute("data-severity", "over")
    expect(page.locator("#requests tbody tr")).to_have_count(len(view.requests))
    done = console.step_until(lambda view: any(request.state == "settled" for request in view.requests))
    settled = next(request for request in done.requests if request.state == "settled")
    row = page.locator("#requests tbody tr", has_text=settled.target).first
    expect(row.locator(".col-points .main")).to_have_text(str(settled.points))
    expect(page.locator("#card-credited .value")).to_have_text(f"{done.totals.credited_points:,} points")
    expect(page.locator(".told li").first).to_contain_text(console.views.sentences[-1].text)
    assert complaints == []


def test_asked_acknowledged_and_observed_stand_apart(console: LiveConsole, page: Page) -> None:
    console.step_until(lambda view: view.requests)
    page.goto(console.address)
    first = page.locator("#requests tbody tr").first
    expect(first.locator(".col-acknowledged .main")).to_have_text("not sent yet")
    console.step()
    expect(first.locator(".col-acknowledged .main")).to_have_text("waiting")
    expect(first.locator(".col-observed .main")).to_have_text("11.0\u202fkW")
    expect(first.locator(".col-observed .faint")).to_have_text("above")
    console.step()
    expect(first.locator(".col-acknowledged .main")).to_have_text("accepted")
    console.step()
    expect(first.locator(".col-observed .main")).to_have_text("4.2\u202fkW")
    expect(first.locator(".col-observed .faint")).to_have_text("within")


def test_a_lost_link_is_said_and_comes_back(console: LiveConsole, page: Page) -> None:
    view = console.step(20)
    page.goto(console.address)
    expect(page.locator(".chip", has_text=re.compile("^Live$"))).to_be_visible()
    expect(page.locator("#banner")).to_be_hidden()
    console.stop()
    expect(page.locator("#banner")).to_contain_text(
        f"No news since {view.at:%H:%M:%S}: what you see below is old"
    )
    expect(page.locator("body")).to_have_class(re.compile(r"\bold\b"))
    expect(page.locator(".chip", has_text="Link lost")).to_be_visible()

    console.start()
    after = console.step(3)
    expect(page.locator("#banner")).to_be_hidden(timeout=25_000)
    expect(page.locator(".clock")).to_have_text(f"{after.at:%H:%M:%S}")
    expect(page.locator("body")).not_to_have_class(re.compile(r"\bold\b"))


def test_a_silent_daemon_is_not_shown_as_the_present(console: LiveConsole, page: Page) -> None:
    view = console.step(20)
    page.clock.install()
    page.goto(console.address)
    expect(page.locator(".clock")).to_have_text(f"{view.at:%H:%M:%S}")
    page.clock.fast_forward(15_000)
    expect(page.locator("#banner")).to_be_hidden()
    page.clock.fast_forward(10_000)
    expect(page.locator("#banner")).to_contain_text(f"No news since {view.at:%H:%M:%S}.")
    console.step()
    expect(page.locator("#banner")).to_be_hidden()


def test_alarm_and_automatic_off_are_told(console: LiveConsole, page: Page) -> None:
    console.views.alarm = "substation silent for 2 min"
    console.views.automatic = False
    console.step(20)
    page.goto(console.address)
    expect(page.locator(".situation")).to_have_attribute("data-severity", "alarm")
    expect(page.locator(".sentence")).to_have_text("Data alarm: substation silent for 2 min")
    expect(page.locator(".chip", has_text="Automatic off")).to_be_visible()
    expect(page.locator(".chip", has_text="Data alarm")).to_be_visible()


def test_the_journal_shows_what_matters_first_and_all_on_demand(console: LiveConsole, page: Page) -> None:
    console.step(60)
    console.operate("automatic_off", who="R. Meier", why="works")
    view = console.step_until(lambda view: view.violations)
    assert view.violations
    page.goto(console.address)
    told = page.locator(".told li")
    expect(told.first).to_contain_text("went over its limit")
    expect(told.filter(has_text="R. Meier")).to_have_count(0)
    page.get_by_role("button", name="All", exact=True).click()
    expect(told).to_have_count(len(console.views.sentences))
    expect(told.filter(has_text="R. Meier did automatic_off: works.")).to_have_count(1)


def test_close_to_the_limit_is_not_called_quiet(console: LiveConsole, page: Page) -> None:
    console.views.automatic = False
    view = console.step_until(lambda view: 82 < max(e.loading_percent for e in view.lines) < 99)
    assert not view.violations
    page.goto(console.address)
    expect(page.locator(".situation")).to_have_attribute("data-severity", "near")
    expect(page.locator(".sentence")).to_contain_text("close to its limit")
    expect(page.locator(".detail")).to_have_text("The automatic is off: an operator has to act.")


def test_another_feeder_shows_nothing_of_this_one(
    console: LiveConsole, page: Page, complaints: list[str]
) -> None:
    view = console.step_until(lambda view: view.violations and view.requests)
    page.goto(console.address)
    drawn(page)
    page.get_by_label("Feeder").select_option("lane")
    expect(page.locator(".sentence")).to_have_text("Waiting for the first check of this feeder.")
    expect(page.locator("#card-highest .value")).to_have_text("–")
    expect(page.locator("#requests tbody tr")).to_have_count(0)
    expect(page.locator("#violations li")).to_have_count(0)
    expect(page.locator(".chart")).to_be_hidden()
    expect(page.locator("svg.grid [data-class=over]")).to_have_count(0)
    page.reload()
    expect(page.get_by_label("Feeder")).to_have_value("lane")
    page.get_by_label("Feeder").select_option("street")
    expect(page.locator("#requests tbody tr")).to_have_count(len(view.requests))
    assert complaints == []


def test_names_from_the_field_are_never_markup(
    console: LiveConsole, page: Page, complaints: list[str]
) -> None:
    console.views.alarm = "<img src=x onerror=alert(1)>"
    console.step(20)
    page.goto(console.address)
    expect(page.locator(".sentence")).to_have_text("Data alarm: <img src=x onerror=alert(1)>")
    assert page.locator(".sentence img").count() == 0
    assert complaints == []


def test_the_drawing_works_by_keyboard(console: LiveConsole, page: Page) -> None:
    view = console.step(60)
    page.goto(console.address)
    drawn(page)
    page.locator("svg.grid").focus()
    page.keyboard.press("ArrowRight")
    tip = page.locator(".tooltip")
    top = max((*view.transformers, *view.lines), key=lambda element: element.loading_percent)
    expect(tip).to_contain_text(percent(top.loading_percent))
    label = page.locator("svg.grid .item:focus").get_attribute("aria-label")
    assert label is not None
    assert percent(top.loading_percent) in label
    before = page.locator("svg.grid").get_attribute("viewBox")
    page.keyboard.press("+")
    assert page.locator("svg.grid").get_attribute("viewBox") != before
    page.keyboard.press("0")
    assert page.locator("svg.grid").get_attribute("viewBox") == before
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    page.get_by_role("button", name="Diagram").click()
    expect(page.locator(".grid-lines .item")).to_have_count(len(view.lines))


def test_the_chart_is_not_needed(console: LiveConsole, page: Page) -> None:
    console.step(20)
    page.route("**/plotly.min.js", lambda route: route.abort())
    page.goto(console.address)
    expect(page.locator(".sentence")).to_contain_text("All quiet")
    expect(page.locator("#trend")).to_contain_text("The chart library could not be loaded")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1440, 900), (390, 844)])
def test_it_fits_and_can_be_read(
    chromium: Browser, console: LiveConsole, tmp_path: Path, scheme: str, size: tuple[int, int]
) -> None:
    console.step_until(lambda view: view.violations and view.requests)
    width, height = size
    context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(console.address)
    drawn(page)
    shot = tmp_path / f"console-{scheme}-{width}.png"
    page.screenshot(path=shot, full_page=True)
    assert shot.stat().st_size > 20_000
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert (
        page.evaluate("document.documentElement.scrollHeight - document.querySelector('main').offsetHeight")
        < 200
    )
    assert page.evaluate(FAINTEST) >= 4.5
    context.close()


FAINTEST = """() => {
  // the lowest contrast (WCAG 2.2, 1.4.3) of all text on the page against what is painted behind it
  const rgb = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const part = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = rgb(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  let faintest = 21;
  const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || node.closest("svg, .unseen") || !node.checkVisibility()) continue;
    const [one, other] = [light(rgb(getComputedStyle(node).color)), light(behind(node))];
    faintest = Math.min(faintest, (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05));
  }
  return faintest;
}"""
