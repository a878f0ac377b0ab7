"""The site that is written for an emulated field says what the scenario says, and keeps all in its folder."""

from datetime import date
from pathlib import Path

from msgspec.structs import replace

from controller.settings_file import load_site
from gridward.demo import SCENARIO
from gridward.field_site import FieldSite, write_site
from simulations.scenario_file import load_scenario
from simulations.setups import prepare

WHERE = FieldSite("127.0.0.1", 1883, "127.0.0.1", 502, "rtu_generic", 8099)


def test_the_demo_s_site_has_the_scenario_s_rewards_and_nothing_outside_its_folder(tmp_path: Path) -> None:
    scenario = load_scenario(SCENARIO)
    rewards = scenario.control.rewards
    assert {one.kind for one in rewards.catalogue} == {"gift", "coupon", "bill_credit"}
    assert all({"en", "zh"} <= set(one.names) for one in rewards.catalogue)
    first, *others = rewards.catalogue
    dated = replace(rewards, catalogue=(replace(first, valid_until=date(2016, 12, 31)), *others))
    scenario = replace(scenario, control=replace(scenario.control, rewards=dated))
    site = load_site(write_site(tmp_path, prepare(scenario), WHERE))
    assert site.rewards == dated
    assert site.events == scenario.control.events
    assert site.api.public_url == "http://127.0.0.1:8099"
    assert {site.store.path.parent, site.journal.signing_key_file.parent, site.contacts.path.parent} == {
        tmp_path
    }
