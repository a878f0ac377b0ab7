"""The rewards screen after an evening: settlements and their proof, a dispute from opening to decision, a
redemption fulfilled, and a ledger that sums to zero.
"""

from collections.abc import Iterator

import pytest
from msgspec.structs import replace
from playwright.sync_api import Page, expect

from controller.entries import RequestSettled
from controller.settings import Requests, Rewards
from tests.console.accessible import faults
from tests.console.live_world import LiveWorld
from tests.controller.rewards.reward_worlds import REWARDS
from tests.controller.worlds import World, evening

pytestmark = pytest.mark.chromium
SHOP: Rewards = replace(REWARDS, programme="evening-relief", points_per_kwh=1_000, interval_s=120.0)
SHORT = Requests(duration_s=120.0, renew_before_s=20.0)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveWorld]:
    made = World(evening(rewards=SHOP, requests=SHORT))
    made.charge()
    live = LiveWorld(made, tmp_path_factory.mktemp("world"))
    live.start()
    live.tick(22)
    made.charge(0.0)
    while max((settled.points for settled in made.entries(RequestSettled)), default=0) < 100:
        live.tick(3)
    yield live
    live.stop()


@pytest.fixture
def page(page: Page, world: LiveWorld) -> Page:
    world.sign_in(page, "supervisor")
    return page


def test_settlements_lead_to_their_proof_and_a_dispute_is_opened_and_decided(
    world: LiveWorld, page: Page
) -> None:
    page.goto(f"{world.address}#/rewards/settlements")
    expect(page.locator("tbody tr")).to_have_count(len(world.world.entries(RequestSettled)))
    for _ in ("ascending", "descending"):
        page.get_by_role("button", name="Proven").click()
    page.locator("tbody tr").filter(has_text="Credited").first.click()
    expect(page.locator(".trend canvas")).to_be_visible()
    expect(page.locator(".tile").filter(has_text="Proven")).to_contain_text("kWh")
    assert faults(page) == []
    page.get_by_role("button", name="Open a dispute").click()
    page.get_by_label("Reason").select_option("meter_wrong")
    page.get_by_role("dialog").get_by_role("button", name="Open a dispute").click()
    expect(page.get_by_role("dialog")).to_have_count(0)

    page.goto(f"{world.address}#/rewards/disputes")
    dispute = page.locator("tbody tr")
    expect(dispute).to_have_count(1)
    expect(dispute).to_contain_text("The meter is wrong")
    dispute.get_by_role("button", name="Decide").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Uphold: by this much proven energy").check()
    form.get_by_label("Proven energy in Wh").fill("7 or so")
    form.get_by_label("Why").fill("seen at the meter")
    expect(form.get_by_text("A whole number of Wh, 0 or more")).to_be_visible()
    assert faults(page) == []
    form.get_by_label("Proven energy in Wh").fill("200")
    form.get_by_role("button", name="Decide").click()
    expect(page.get_by_text("No dispute is open.")).to_be_visible()

    page.goto(f"{world.address}#/rewards/settlements")
    expect(page.locator("tbody tr").filter(has_text="corrected 1×")).to_contain_text("0.20\u202fkWh")


def test_a_redemption_is_fulfilled_with_a_reason(world: LiveWorld, page: Page) -> None:
    desk = world.world.daemon.desks.rewards
    customer = max(
        desk.accounts.customers(), key=lambda who: sum(n for _, n in desk.accounts.points_of(who).lots)
    )
    world.on_loop(lambda: desk.redeem(redemption="X1", customer=customer, item="cinema", who="portal"))
    page.goto(f"{world.address}#/rewards/redemptions")
    waiting = page.locator("tbody tr")
    expect(waiting).to_contain_text("60\u202fpoints")
    waiting.get_by_role("button", name="Fulfil").click()
    page.get_by_label("Why").fill("handed over")
    page.get_by_role("dialog").get_by_role("button", name="Fulfil").click()
    expect(page.get_by_text("No redemption waits.")).to_be_visible()
    done = desk.accounts.redemption("X1")
    assert done is not None
    assert (done.state, done.reason, done.who) == ("fulfilled", "handed over", "the.supervisor")


def test_the_ledger_and_the_budgets_are_told_in_both_languages(world: LiveWorld, page: Page) -> None:
    page.goto(f"{world.address}#/rewards/ledger")
    expect(page.get_by_text("All accounts in points sum to zero.")).to_be_visible()
    assert faults(page) == []
    page.goto(f"{world.address}#/rewards")
    expect(page.locator("tbody tr").filter(has_text="EUR-cent")).to_contain_text("€")
    assert faults(page) == []
    page.evaluate("localStorage.setItem('gridward.language', 'zh')")
    page.reload()
    expect(page.get_by_role("heading", name="奖励")).to_be_visible()
    expect(page.get_by_text("预算").first).to_be_visible()
