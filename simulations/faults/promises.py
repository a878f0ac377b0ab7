"""What the judge of the fault simulation holds the system to, in words and numbers of its own.

The numbers are what the site's settings promise; how the controller keeps them is not known here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from customers.registry import Registry

PROMISES: Mapping[str, str] = {
    "floor": "nobody is told, or held to, less than their guaranteed minimum (1, C1)",
    "direction": "roofs are told to feed in less, all others to take less (1)",
    "relief": "who is asked for less relieves what is overloaded",
    "protected": "nobody critical is limited or asked (1, C2)",
    "own end": "every command carries its own end, and soon (2, C3)",
    "past end": "no device is limited past the end that it was told (2, C3)",
    "bounded": "no event asks anybody for longer than its programme allows (C4)",
    "silence": "an armed device of guard mode that hears nothing for two minutes is at its failsafe (2, C9)",
    "armed": "no device of guard mode is limited before it was told what to do in silence (C9)",
    "release": "nothing is released into a new overload (3, C6)",
    "raise": "a limit goes up only while, with its device at all of the new one, there is room (3, C6)",
    "unproven": "nobody is released or raised on a load flow that the voltages of many houses contradict (3)",
    "pace": "those who are released, or raised, come back one after another (3, C6)",
    "opens": "a violation persists, or is severe, before an event opens (4)",
    "closes": "an event closes only when all was well for its time (4)",
    "flap": "who was released is left alone for a while (4, C5)",
    "override": "an operator's order takes effect at once, and stands (5, C10)",
    "once": "a request is credited once, and settled once (6, L3)",
    "zero": "every transaction, and all accounts, sum to zero; amounts are whole (6, L1, L2)",
    "shown": "no credit without a reduction that the meters show (6, L7)",
    "lost": "what was acknowledged is there after every death (7, C13)",
    "noted": "nothing goes out that the journal did not know before (7, C13)",
    "impossible": "no impossible reading is used, and no other than what a meter said (8, C8)",
    "few data": "nobody is limited on too few, or stale, data (8, C7)",
    "one writer": "who was replaced commands nobody, and writes nothing (9, C11)",
    "order": "epochs and sequences only grow, for journal, wire and device (9, C11, C14)",
    "reach": "no more is commanded in a minute than the limit on reach allows (10, C17)",
    "off": "nobody is limited, raised, asked or cut early in a way that the site has switched off",
    "one limit": "there is never more than one open request for a target",
    "honest": "accepted, or active, is only what the device or person said so of (C16)",
    "answers": "an answer of a person that was acknowledged is in the journal",
    "life": "a request that is over stays over",
    "whole": "the journal has no gaps, and can be replayed to the same books",
    "sound": "no pass, settlement or housekeeping fails by a fault of its own; nobody ends without need",
    "freed": "who is released is free soon, however often the word of it was lost (C3, C10)",
    "rest": "when faults stop, all are free, settled and at rest within the bound",
}
"""Every promise that is checked; in brackets the rule of the design and the reliability line."""


class Broken(Exception):
    """A promise that does not hold."""

    def __init__(self, promise: str, what: str) -> None:
        super().__init__(f"{promise}: {what}")
        assert promise in PROMISES, promise
        self.promise, self.what = promise, what


@dataclass(frozen=True)
class Promised:
    """The promises as numbers, all in seconds, kW and shares."""

    period_s: float
    fresh_s: float
    skew_s: float
    min_fresh_share: float
    persistence: int
    at_once_percent: float
    close_below: float
    close_after_s: float
    longest_s: float
    duration_s: float
    spread_s: float
    attempts_s: float
    leave_alone_s: float
    reach_share: float
    pace_share: float
    points_per_kwh: float
    minor_units_per_kwh: float
    act_early: bool
    loading_percent: float
    """the limit of each line and transformer"""
    lowest_v_pu: float
    highest_v_pu: float
    target_share: float
    """of each limit, that cuts aim at"""
    keeps_room: bool
    """who only may come has room made for"""
    limits_feed_in: bool
    raises: bool
    raise_after_s: float
    asks_people: bool
    least_asked_kw: float
    """nobody is asked by notice to go below"""
    longest_order_s: float
    bound_kw: tuple[float, ...]
    """(n_sp,) what each connection can carry"""

    @property
    def soon(self) -> timedelta:
        """After so long at the latest a new limit ends."""
        return timedelta(seconds=self.duration_s + self.spread_s)

    @property
    def leaves_after_s(self) -> float:
        """Since the event first asked somebody: from then on they are freed whatever the network says."""
        return self.longest_s / 2 - self.period_s

    @property
    def rest_s(self) -> float:
        """After so long without faults all is at rest: the longest limit twice, or after the longest order,
        silence of guard devices, the time after which an event closes, the retries, and ten periods."""
        return (
            max(2 * (self.duration_s + self.spread_s), self.longest_order_s + self.duration_s)
            + 260
            + self.close_after_s
            + self.attempts_s
            + 10 * self.period_s
        )


def floors(registry: Registry) -> dict[str, float]:
    """Device → its guaranteed minimum."""
    return {device.device: device.min_kw for device in registry.devices}


def protected_of(registry: Registry) -> frozenset[str]:
    """Devices, and customers, that nobody may limit or ask."""
    critical = {customer.service_point: customer.critical for customer in registry.customers}
    devices = {d.device for d in registry.devices if d.critical or critical.get(d.service_point, False)}
    return frozenset(devices | {c.customer for c in registry.customers if c.critical})
