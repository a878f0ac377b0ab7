"""What an order needs before it is carried out: how many persons, and an effect that is still the one that
was looked at. Pure.

What frees people is let through at once, whoever orders it and whatever the rules say: `FREEING`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from controller.books import Books
from controller.entries import Entry, RequestChanged, RequestPlanned
from controller.feeder_control import FeederControl
from controller.order_effects import WhatIf
from controller.orders.order_errors import EffectCode
from controller.reach import limited_kw_since
from controller.requests import RequestRecord
from controller.safety_gate import BUDGET_WINDOW
from controller.settings import Orders, Safety

FREEING = frozenset({"automatic_off", "release", "release_all", "exclude"})
TWO = 2
MOST_OPEN = 50
"""drafts of people and programs that wait at a time, of all feeders; the automatic's stand beside them"""
MOST_OPEN_EACH = 20
"""of them by one giver: nobody shuts the others out"""
MORE_PERCENT = 2.0
"""of loading: an effect that is worse by less is the same"""
OTHER_SHARE, OTHER_KW = 0.2, 1.0
"""of curtailed power: an effect that differs by less than either is the same"""


@dataclass(frozen=True, slots=True)
class Reach:
    """What an order moves with all that was commanded in the 60 s before; percent of controllable power."""

    feeder_percent: float
    fleet_percent: float | None
    """None where there is one feeder: its own share alone counts"""


def persons_needed(rules: Orders, safety: Safety, action: str, reach: Reach | None) -> int:
    """How many persons must agree to an order: 1 or 2. `reach`: of a limit; None while it is not known."""
    if action in FREEING:
        return 1
    if action == "more_reach" or action in rules.two_person:
        return TWO
    if action != "limit" or reach is None:
        return 1
    above = rules.two_person_above_percent
    for_feeder = safety.feeder_share_per_minute * 100 if above is None else above
    for_fleet = safety.fleet_share_per_minute * 100 if above is None else above
    beyond_fleet = reach.fleet_percent is not None and reach.fleet_percent > for_fleet
    return TWO if reach.feeder_percent > for_feeder or beyond_fleet else 1


def reach_of(
    moves_kw: float,
    feeder: str,
    controls: Mapping[str, FeederControl],
    books: Books,
    now: datetime,
) -> Reach:
    """Of a limit on a feeder that moves so much."""
    commanded_kw = {one: commanded_lately_kw(books, one, now) for one in controls}
    fleet_kw = sum(control.controllable_kw for control in controls.values())
    here_kw = commanded_kw[feeder] + moves_kw
    whole = len(controls) > 1
    return Reach(
        feeder_percent=_percent(here_kw, controls[feeder].controllable_kw),
        fleet_percent=_percent(sum(commanded_kw.values()) + moves_kw, fleet_kw) if whole else None,
    )


def _percent(part_kw: float, whole_kw: float) -> float:
    if part_kw <= 0:
        return 0.0
    return 100 * part_kw / whole_kw if whole_kw > 0 else float("inf")


def commanded_lately_kw(books: Books, feeder: str, now: datetime) -> float:
    """What limits of the last 60 s took away, by the automatic and by hand."""
    event = books.latest_event(feeder)
    records: dict[str, RequestRecord] = {r.request: r for r in books.unsettled(feeder)}
    if event is not None:
        records |= {r.request: r for r in books.requests_of(event.event)}
    return limited_kw_since(records.values(), now - BUDGET_WINDOW, now)


def moved_kw(entries: Iterable[Entry], books: Books, rated_kw: Callable[[str], float]) -> float:
    """What these entries would take away from what devices may take, beyond what was taken before: the same
    measure as `WhatIf.reach_kw`, so that one step counts as much as two. `rated_kw`: of a device.
    """
    total = 0.0
    for entry in entries:
        if isinstance(entry, RequestPlanned) and entry.resource == "device":
            total += max(rated_kw(entry.target) - entry.limit_kw, 0.0)
        elif isinstance(entry, RequestChanged) and (record := books.requests.get(entry.request)) is not None:
            lower = entry.reason == "tightened" and record.resource == "device"
            total += max(record.limit_kw - entry.limit_kw, 0.0) if lower else 0.0
    return total


@dataclass(frozen=True, slots=True)
class Change:
    """What is different about an effect."""

    code: EffectCode
    text: str


def what_changed(seen: WhatIf | None, now: WhatIf | None) -> Change | None:
    """What is so different about an effect that it must be looked at again; None where it is as it was."""
    if seen is None:
        return None  # nobody looked at anything
    if now is None:
        return Change("effect_unknown", "the effect of the order cannot be foreseen any more")
    return next(iter(_differences(seen, now)), None)


def _differences(seen: WhatIf, now: WhatIf) -> Sequence[Change]:
    found: list[Change] = []
    if seen.after.converged and not now.after.converged:
        found.append(Change("effect_no_solution", "no load flow exists after the order any more"))
    left = {one.device for one in now.left_out} - {one.device for one in seen.left_out}
    if left:
        told = f"{', '.join(sorted(left)[:3])} would not be reached any more"
        found.append(Change("effect_not_reached", told))
    before, later = seen.after.highest_loading_percent, now.after.highest_loading_percent
    if before is not None and later is not None and later > before + MORE_PERCENT:
        told = f"the highest loading would be {later:.1f} %, it was foreseen at {before:.1f} %"
        found.append(Change("effect_loading", told))
    known = {(one.id, one.kind) for one in seen.after.violations}
    new = [one.id for one in now.after.violations if (one.id, one.kind) not in known]
    if new:
        found.append(Change("effect_violation", f"{', '.join(new[:3])} would be outside its limit"))
    difference_kw = abs(now.curtailed_kw - seen.curtailed_kw)
    if difference_kw > max(OTHER_KW, OTHER_SHARE * abs(seen.curtailed_kw)):
        found.append(Change("effect_power", _power_told(seen, now)))
    return found


def _power_told(seen: WhatIf, now: WhatIf) -> str:
    if now.less_fed_in_kw or seen.less_fed_in_kw:
        return f"{now.less_fed_in_kw:.1f} kW less would be fed in, {seen.less_fed_in_kw:.1f} kW were foreseen"
    return f"it would take {now.curtailed_kw:.1f} kW, {seen.curtailed_kw:.1f} kW were foreseen"
