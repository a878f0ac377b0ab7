"""Two people at two browsers on a console that really runs: one signs in by the form, goes through all
screens and takes the automatic out; the other, who only looks, sees it.
"""

import re

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser import ARGUMENTS, require_chromium
from tests.e2e.processes import slowness

SCREENS = (
    ("Overview", "Overview"),
    ("Feeder", "Feeders|F1"),
    ("Alarms", "Alarms"),
    ("Events", "Events"),
    ("Commands", "Commands"),
    ("Customers", "Customers"),
    ("Rewards", "Rewards"),
    ("System", "System"),
    ("Hand-over", "Hand-over"),
)
"""link in the navigation, heading of the screen"""
NOT_SIGNED_IN = "401"
"""what the browser says of the question who is there, asked before anybody signed in"""


def password_of(name: str, said: str) -> str:
    """As the demo told it."""
    told = re.search(rf"sign in as {name} with the password (\S+)", said)
    assert told is not None, said
    return told[1]


def walk(address: str, password: str) -> None:
    """Raises AssertionError at the first thing that is not as it should be."""
    expect.set_options(timeout=20_000 * slowness())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=require_chromium(), args=ARGUMENTS)
        try:
            _walk(browser, address, password)
        finally:
            browser.close()


def _walk(browser: Browser, address: str, password: str) -> None:
    complaints: list[str] = []
    looker, operator = _arrived(browser, address, complaints), _arrived(browser, address, complaints)
    _sign_in(operator, password)
    for link, heading in SCREENS:
        operator.get_by_role("navigation").get_by_role("link", name=link, exact=True).click()
        expect(operator.get_by_role("heading", level=1, name=re.compile(heading))).to_be_visible()
        expect(operator.get_by_text("Loading …")).to_have_count(0)
        expect(operator.locator(".note.bad")).to_have_count(0)
    operator.goto(f"{address}#/commands")
    operator.get_by_role("button", name="Take the automatic of F1 out").click()
    operator.get_by_role("dialog").get_by_label("Reason").fill("a walk through the console")
    operator.get_by_role("button", name="Do it now").click()
    looker.goto(f"{address}#/commands")
    row = looker.get_by_role("table", name="Automatic control").get_by_role("row", name="F1")
    expect(row).to_contain_text("supervisor")
    expect(row).to_contain_text("a walk through the console")
    assert [said for said in complaints if NOT_SIGNED_IN not in said] == []


def _arrived(browser: Browser, address: str, complaints: list[str]) -> Page:
    page = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB").new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto(address)
    return page


def _sign_in(page: Page, password: str) -> None:
    page.get_by_role("button", name="Sign in").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Name").fill("supervisor")
    form.get_by_label("Password").fill(password)
    form.get_by_role("button", name="Sign in").click()
    expect(form).to_have_count(0)
