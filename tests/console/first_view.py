"""How long the first view takes, and what goes over the wire: `python -m tests.console.first_view [ADDRESS]`.

A browser without a cache opens the overview of a running daemon (without ADDRESS: of one on a small street)
and waits until the screen stands with its figures. Prints the median of several times.
"""

import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, sync_playwright

from tests.browser import ARGUMENTS, require_chromium
from tests.console.live_world import LiveWorld
from tests.controller.worlds import World, evening

TIMES = 5
_STANDS = """() => document.querySelector('main h1') !== null
    && document.querySelector('main [aria-busy="true"]') === null
    && document.querySelector('main table, main dl, main li') !== null"""


@dataclass(frozen=True)
class View:
    """One opening of a screen."""

    painted_s: float
    stands_s: float
    kilobytes: float


def opened(browser: Browser, address: str) -> View:
    """Open it once with an empty cache."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("Network.enable")
    received = 0.0

    def count(event: dict[str, float]) -> None:
        nonlocal received
        received += event["encodedDataLength"]

    devtools.on("Network.loadingFinished", count)
    page.goto(address, wait_until="commit")
    page.wait_for_function(_STANDS, polling="raf", timeout=30_000)
    stands_ms = page.evaluate("performance.now()")
    painted_ms = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1")
    context.close()
    return View(painted_ms / 1000, stands_ms / 1000, received / 1000)


def measured(address: str) -> None:
    """Print what it took."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=require_chromium(), args=ARGUMENTS)
        opened(browser, address)  # the browser's own start is not ours
        views = [opened(browser, address) for _ in range(TIMES)]
        painted = statistics.median(view.painted_s for view in views)
        stands = statistics.median(view.stands_s for view in views)
        kilobytes = max(view.kilobytes for view in views)
        print(f"painted {painted:.2f} s, stands {stands:.2f} s, {kilobytes:.0f} kB on the wire")
        browser.close()


def main(arguments: list[str]) -> None:
    """Measure a daemon, or the small street's."""
    if arguments:
        measured(arguments[0].rstrip("/") + "/")
        return
    with TemporaryDirectory() as folder:
        console = LiveWorld(World(evening()), Path(folder))
        console.start()
        try:
            console.tick(3)
            measured(console.address)
        finally:
            console.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
