"""The site that is written for an emulated field says what the scenario says, and keeps all in its folder."""

from datetime import date
from pathlib import Path

from msgspec.structs import replace

from controller.settings_file import load_site
from customers.registry_files import load_registry
from gridward.demo import SCENARIO
from gridward.field_site import FieldSite, write_site
from simulations.scenario_faults import Meters
from simulations.scenario_file import load_scenario
from simulations.scenario_library import find_scenario
from simulations.setups import prepare

WHERE = FieldSite("127.0.0.1", 1883, "127.0.0.1", 502, "rtu_generic", 8099)


def test_the_demo_s_site_has_the_scenario_s_rewards_and_nothing_outside_its_folder(tmp_path: Path) -> None:
    scenario = load_scenario(find_scenario(SCENARIO))
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


def test_the_daemon_reads_the_very_customers_and_devices_of_the_field(tmp_path: Path) -> None:
    scenario = load_scenario(find_scenario("small"))
    scenario = replace(scenario, devices=replace(scenario.devices, guard=0.5), meters=Meters(share=0.9))
    setup = prepare(scenario)
    site = load_site(write_site(tmp_path, setup, WHERE))
    (feeder,) = site.feeder
    read = load_registry(feeder.customers, feeder.devices)
    assert {device.on_contact_loss for device in read.devices} == {"event", "guard"}
    assert read.devices == setup.population.known.devices
    assert [one.meter for one in read.customers] == [one.meter for one in setup.population.known.customers]
