"""All kinds of alarms: priority, delays, what explains what. Data, with the rationalisation behind it.

A condition is an alarm only if an operator has something to do (ISA-18.2, clause 8): that a limit is broken
and the automatic relieves it is worth a look (low), that nobody relieves it needs a hand now (high), that an
event runs is neither. Cause, consequence and what to do stand in words by `kind` in the console and in
docs/operating.md; `response_s` is how long somebody has, which with the consequence gives the priority.

By instances (elements, devices, links) about 80 of 100 are low, 15 medium, 5 high; `critical` is kept for
when nobody is in control at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Priority = Literal["critical", "high", "medium", "low"]
PRIORITIES: tuple[Priority, ...] = get_args(Priority)
"""the most urgent first"""
RANK: Mapping[Priority, int] = {priority: rank for rank, priority in enumerate(PRIORITIES)}
GOAL_PERCENT: Mapping[Priority, float] = {"critical": 0.0, "high": 5.0, "medium": 15.0, "low": 80.0}
"""ISA-18.2, table of metrics: distribution of annunciated priorities"""
NEVER_GROUPED: frozenset[Priority] = frozenset({"critical", "high"})


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of alarm."""

    kind: str
    priority: Priority
    response_s: float
    """how long an operator has until the consequence"""
    on_s: float = 0.0
    """it must stand so long before it is raised: what mends itself before is no alarm"""
    off_s: float = 60.0
    """and be gone so long before it has returned, so that it does not chatter"""
    family: str = ""
    """kinds of one family about the same thing are one alarm, which may become worse; empty: its own"""
    explained_by: tuple[str, ...] = ()
    """kinds that, standing on the same feeder or on the whole site, explain it"""
    one_each: bool = False
    """one for each feeder, whichever element its subject names"""
    retold: bool = False
    """its text names whom it is about: with another text it is raised again"""
    suppressed_by: tuple[str, ...] = ()
    """kinds that, standing on the same feeder or on the whole site, leave it nothing to tell"""

    @property
    def one_of(self) -> str:
        """The name that its alarms share."""
        return self.family or self.kind


DATA_KINDS = frozenset({"too_few_meters", "substation_silent", "feeder_sum", "diverged"})
"""about readings; what carries only orders explains none of them"""
_DATA = ("link_down",)
_ALL = (
    # nobody is in control
    Kind("journal_unwritable", "critical", 60.0, off_s=15.0),
    # an operator has to act, the automatic cannot
    Kind("overload_unattended", "high", 600.0, on_s=30.0, off_s=60.0),
    Kind("event_short", "high", 600.0, on_s=0.0, off_s=60.0, one_each=True),
    Kind("near_collapse", "high", 300.0, off_s=30.0),
    Kind("controller_fault", "high", 600.0, off_s=0.0, suppressed_by=("journal_unwritable",)),
    Kind("emergency_stop", "high", 1800.0, off_s=0.0),
    # the automatic is out, or will be; or its people are at risk
    Kind("overload_severe", "medium", 1800.0, on_s=60.0, off_s=120.0, family="overload"),
    Kind("too_few_meters", "medium", 1800.0, explained_by=_DATA, off_s=30.0),
    Kind("substation_silent", "medium", 1800.0, explained_by=_DATA, off_s=30.0),
    Kind("feeder_sum", "medium", 3600.0, explained_by=("wrong_meter", *_DATA), off_s=30.0),
    Kind("busbar_voltage", "medium", 3600.0, off_s=30.0),
    Kind("network_voltages", "medium", 3600.0, explained_by=("wrong_meter",), off_s=30.0),
    Kind("diverged", "medium", 1800.0, explained_by=("too_few_meters", *_DATA), off_s=30.0),
    Kind("link_down", "medium", 900.0, on_s=30.0, off_s=30.0),
    Kind("cycle_late", "medium", 1800.0, on_s=60.0, off_s=120.0),
    Kind("failsafe_not_lifted", "medium", 3600.0, explained_by=_DATA, retold=True),
    Kind("alarms_held_back", "medium", 1800.0),
    # worth a look in this shift
    Kind("overload", "low", 3600.0, on_s=30.0, off_s=120.0),
    Kind("undervoltage", "low", 3600.0, on_s=60.0, off_s=120.0),
    Kind("overvoltage", "low", 3600.0, on_s=60.0, off_s=120.0),
    Kind("overload_expected", "low", 3600.0, suppressed_by=("event_short", "overload_unattended")),
    Kind("wrong_meter", "low", 86_400.0, off_s=0.0, retold=True),
    Kind("failsafe_unconfirmed", "low", 28_800.0, explained_by=_DATA, retold=True),
    Kind("heartbeats_not_heard", "low", 28_800.0, explained_by=_DATA, retold=True),
    Kind("requests_unanswered", "low", 3600.0, on_s=60.0, explained_by=_DATA),
    Kind("readings_refused", "low", 28_800.0, off_s=60.0),
    Kind("automatic_off", "low", 28_800.0, off_s=0.0),
)  # fmt: skip
KINDS: Mapping[str, Kind] = {kind.kind: kind for kind in _ALL}
MILDER: Mapping[str, tuple[str, ...]] = {
    one.kind: tuple(
        other.kind
        for other in _ALL
        if one.family and other.one_of == one.one_of and RANK[other.priority] > RANK[one.priority]
    )
    for one in _ALL
}
"""Kind → those of its family that stand as well while it does."""
UNKNOWN_KIND = Kind("unknown", "medium", 1800.0)
"""of a journal that a later release wrote, and of a data alarm that has no row here yet"""


def kind_of(kind: str) -> Kind:
    """Its row."""
    return KINDS.get(kind, UNKNOWN_KIND)
