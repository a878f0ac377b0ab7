"""Whether a page that is open for a shift grows: `python -m tests.console.page_soak [MINUTES] [SCREEN]`.

Serves a made evening whose feeder changes as fast as the stream tells it (four times a second), keeps one
page open on it, and prints once a minute what the page's scripts hold after a collection, how many nodes it
has and how many listeners. 8 hours with a change every 5 s are 5,760 changes: 24 minutes here.
"""

import sys
import time

from playwright.sync_api import CDPSession, sync_playwright

from tests.browser import ARGUMENTS, require_chromium
from tests.console.live_console import LiveConsole

STEP_S = 0.25
SETTLED_AFTER = 10
"""minutes: the page keeps the latest 2,000 points of the trend, which are there by then"""
MAY_GROW = 1.10


def held(devtools: CDPSession) -> dict[str, float]:
    """By name, after a collection."""
    devtools.send("HeapProfiler.collectGarbage")
    metrics = devtools.send("Performance.getMetrics")["metrics"]
    return {metric["name"]: metric["value"] for metric in metrics}


def soak(minutes: int, screen: str) -> bool:
    """Run; whether what the page holds stayed as it was once it had settled."""
    console = LiveConsole()
    console.start()
    heaps: list[float] = []
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=require_chromium(), args=ARGUMENTS)
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.goto(f"{console.address}#{screen}")
            devtools = page.context.new_cdp_session(page)
            devtools.send("Performance.enable")
            steps = 0
            for minute in range(minutes + 1):
                told = held(devtools)
                heaps.append(told["JSHeapUsedSize"])
                print(
                    f"minute {minute:3d}: {steps:6d} changes, {told['JSHeapUsedSize'] / 1e6:6.2f} MB held, "
                    f"{told['Nodes']:6.0f} nodes, {told['JSEventListeners']:5.0f} listeners",
                    flush=True,
                )
                until = time.monotonic() + 60.0
                while minute < minutes and time.monotonic() < until:
                    console.step()
                    steps += 1
                    page.wait_for_timeout(1000 * STEP_S)
            browser.close()
    finally:
        console.stop()
    settled, last = heaps[min(SETTLED_AFTER, len(heaps) - 1)], heaps[-1]
    print(f"held at the end {last / settled:.3f} times what was held after {SETTLED_AFTER} minutes")
    return last <= MAY_GROW * settled


if __name__ == "__main__":
    length = int(sys.argv[1]) if len(sys.argv) > 1 else 24
    sys.exit(0 if soak(length, sys.argv[2] if len(sys.argv) > 2 else "/feeders/street") else 1)
