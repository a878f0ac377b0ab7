"""Planted bugs in what a site has switched off, or set otherwise, and in what voltages say."""

from dataclasses import replace
from typing import Any

from msgspec import structs

from controller import raising, voltage_witness
from controller.feeder_control import FeederControl
from controller.headroom import Headroom
from controller.people import asking
from controller.situation import Situation
from simulations.faults.planted.planting import BUSY, FLAWLESS, Set, bug


@bug(**FLAWLESS | {"sunny": True, "settings": (("requests.limit_feed_in", False),)})
def feed_in_limited_though_off(put: Set) -> None:
    """Inverters are limited whatever the site says."""
    put(FeederControl, "asks_feed_in", property(lambda _: True))


@bug(**FLAWLESS | {"settings": (("requests.raise_limits", False),)})
def raised_though_off(put: Set) -> None:
    """Limits go up whatever the site says."""

    def is_quiet(situation: Situation) -> bool:
        may = situation.may_act and situation.proves and situation.stop is None and situation.worst is None
        return may and raising._leaves_room(situation, situation.check.snapshot.p_kw)

    put(raising, "_is_quiet", is_quiet)


@bug(**FLAWLESS | {"settings": (("requests.raise_after_s", 1500.0),)})
def raised_at_once(put: Set) -> None:
    """A limit goes up as soon as there is room, however short it stood."""
    put(raising, "_went_up_too_early", lambda _: -60)


@bug(**BUSY, settings=(("requests.notices", False),))
def asked_though_off(put: Set) -> None:
    """People are asked by notice whatever the site says."""
    asks = asking.asks

    def asks_anyhow(situation: Situation, *args: Any) -> Any:
        site = situation.control.site
        rules = replace(situation.control, site=_with_notices(site))
        return asks(replace(situation, control=rules), *args)

    put(asking, "asks", asks_anyhow)


@bug(**FLAWLESS | {"act_early": True, "settings": (("look_ahead.room_share", 0.0),)})
def room_kept_though_off(put: Set) -> None:
    """Who only may come has room made for, whatever the site says."""
    put(Headroom, "room", property(lambda self: self))


@bug(**FLAWLESS | {"voltages": True, "cable": 2.5})
def voltages_not_looked_at(put: Set) -> None:
    """Nobody compares the voltages at the houses with the load flow."""
    put(voltage_witness, "contradicted", lambda *_: None)


def _with_notices(site: Any) -> Any:
    return structs.replace(site, requests=structs.replace(site.requests, notices=True))
