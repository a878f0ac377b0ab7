"""How the settings of a site become the links to its broker."""

from pathlib import Path

import msgspec

from controller.settings import Broker, Feeder, Site
from gridward.field_links import _link_settings

FEEDER = Feeder(id="f1", network="n", customers=Path("c"), devices=Path("d"))


def site(**broker: object) -> Site:
    return Site(name="s", feeder=(FEEDER,), broker=msgspec.convert(broker, Broker))


def test_one_link_hears_everything_and_its_session_is_kept_as_long_as_the_site_says() -> None:
    (link,) = _link_settings(site(session_expiry_s=60))
    assert (link.reads, link.client_id, link.kept_s) == ("everything", "gridward-controller", 60)


def test_readings_come_by_a_link_of_their_own_where_the_site_says_so() -> None:
    controller, readings = _link_settings(site(client_id="gw", readings_link=True))
    assert (controller.reads, controller.client_id, controller.kept_s) == ("devices", "gw", 3600)
    assert (readings.reads, readings.client_id, readings.kept_s) == ("readings", "gw/reader1", 0)
    assert {*controller.filters}.isdisjoint(readings.filters)
