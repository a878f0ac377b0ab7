"""What axe-core finds on a page as it is now, by the rules of WCAG 2.2, A and AA."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    "resultTypes": ["violations"],
}


def faults(page: Page) -> list[str]:
    """One line for each fault and the first places that have it; empty: none was found."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [
        f"{fault['id']} ({fault['impact']}): {fault['help']}: "
        + "; ".join(str(node["target"]) for node in fault["nodes"][:3])
        for fault in found
    ]
