"""The policies by name: what people call them, and plainly what each of them knows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import msgspec

from simulations.policies.blanket import Blanket
from simulations.policies.first_come import FirstCome
from simulations.policies.largest_first import LargestFirst
from simulations.policies.pro_rata import ProRata
from simulations.policies.runs import PolicyRun, under_optimum, under_ours, under_rule, without_control
from simulations.setups import Setup

NONE, OURS, MARGIN, OPTIMUM = "none", "ours", "margin", "optimum"
_RULE_KNOWS = (
    "What all meters and devices show now, and the network: load flow tells whether it suffices. Not what "
    "comes next, and not who will refuse."
)

_OURS_KNOWS = (
    "What meters, devices and the substation tell, late and incomplete as they may be; who kept their word "
    "so far; how the loading has been rising."
)
Settings = Mapping[str, Mapping[str, float]]
"""of the scenario's control tables: table → key → value"""


@dataclass(frozen=True)
class Policy:
    """One of them."""

    name: str
    label: str
    does: str
    knows: str
    run: Callable[[Setup, str], PolicyRun]
    """of a setup and Gridward's version"""


def _rule(name: str, label: str, does: str, rule: Blanket | FirstCome | LargestFirst | ProRata) -> Policy:
    return Policy(name, label, does, _RULE_KNOWS, lambda setup, _: under_rule(setup, rule))


def _optimum(name: str, label: str, does: str, knows: str, *, late: bool, margin: bool) -> Policy:
    run = partial(under_optimum, late=late, margin=margin)
    return Policy(name, label, does, knows, lambda setup, _: run(setup))


def _ours_with(name: str, label: str, does: str, changed: Settings) -> Policy:
    def run(setup: Setup, version: str) -> PolicyRun:
        control = setup.scenario.control
        for table, values in changed.items():
            one = msgspec.structs.replace(getattr(control, table), **values)
            control = msgspec.structs.replace(control, **{table: one})
        scenario = msgspec.structs.replace(setup.scenario, control=control)
        return under_ours(replace(setup, scenario=scenario), version)

    return Policy(name, label, f"The daemon, but it {does}.", _OURS_KNOWS, run)


_ALL = (
    Policy(NONE, "no control", "Nothing.", "Nothing.", lambda setup, _: without_control(setup)),
    _rule("blanket", "blanket limit", "All devices go to their guaranteed minimum.", Blanket()),
    _rule("first-come", "first come", "Who began last goes to the minimum first.", FirstCome()),
    _rule("largest-first", "largest first", "Who takes most goes to the minimum first.", LargestFirst()),
    _rule("pro-rata", "pro rata", "All give the same share of what is above their minimum.", ProRata()),
    Policy(
        OURS,
        "ours",
        "The daemon itself, with all its safety rules, notices to people and a ledger.",
        _OURS_KNOWS,
        under_ours,
    ),
    _optimum(
        MARGIN,
        "optimum, late, margin",
        "The least cut for the step just seen, down to the daemon's target share; nothing stands longer.",
        "All of the step that was just seen, and who would refuse; obeyed at once.",
        late=True,
        margin=True,
    ),
    _optimum(
        "late",
        "optimum, late",
        "The least cut for the step just seen, exactly to the limit.",
        "All of the step that was just seen, and who would refuse; obeyed at once.",
        late=True,
        margin=False,
    ),
    _optimum(
        OPTIMUM,
        "optimum",
        "The least cut for each step that clears every limit exactly.",
        "All: what every device will take in the coming step, and who would refuse; obeyed at once.",
        late=False,
        margin=False,
    ),
)
_WITHOUT_EARLY: Settings = {"look_ahead": {"act_early": False}}
_WITHOUT_DWELL: Settings = {"requests": {"min_between_s": 0.0}}
_WITHOUT_PACE: Settings = {"safety": {"release_share_per_minute": 1.0}}
_NARROW: Settings = {
    "requests": {"target_share": 0.98, "act_above_share": 0.99},
    "events": {"close_below": 0.98},
}
_WITHOUT_RAISING: Settings = {"requests": {"raise_limits": False}}
_BARE: Settings = {
    **_WITHOUT_EARLY,
    **_WITHOUT_PACE,
    **_NARROW,
    "requests": {**_NARROW["requests"], **_WITHOUT_DWELL["requests"]},
}
_WITHOUT = (
    _ours_with("ours-blind", "ours, no look-ahead", "does not act on what may come", _WITHOUT_EARLY),
    _ours_with("ours-restless", "ours, no dwell", "lifts a limit as soon as there is room", _WITHOUT_DWELL),
    _ours_with(
        "ours-unraised", "ours, no raising", "lets limits stand until a device is free", _WITHOUT_RAISING
    ),
    _ours_with("ours-at-once", "ours, no pace", "lets everybody back at once", _WITHOUT_PACE),
    _ours_with("ours-narrow", "ours, 2 % margin", "aims at 98 % of the limit instead of 95 %", _NARROW),
    _ours_with("ours-bare", "ours, none of these", "does all four", _BARE),
)
"""What each safety rule of the daemon costs and is worth; never meant for the field."""
POLICIES = {policy.name: policy for policy in (*_ALL, *_WITHOUT)}
GROUPS = {"all": tuple(p.name for p in _ALL), "without": (NONE, OURS, *(p.name for p in _WITHOUT), OPTIMUM)}


def chosen(text: str) -> tuple[str, ...]:
    """The names in `all`, `without` or `ours,optimum`, in the table's order; no control is always among them,
    because the others are measured against it. Raises ValueError with what was expected.
    """
    wanted = [name.strip() for name in text.split(",") if name.strip()]
    wanted = [name for one in wanted for name in GROUPS.get(one, (one,))]
    unknown = [name for name in wanted if name not in POLICIES]
    if unknown or not wanted:
        what = f"there is no policy {', '.join(map(repr, unknown))}" if unknown else "no policy is named"
        raise ValueError(f"{what}; expected {', '.join(GROUPS)}, or some of {', '.join(POLICIES)}")
    return tuple(name for name in POLICIES if name in wanted or name == NONE)
