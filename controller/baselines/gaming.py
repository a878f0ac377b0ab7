"""Was the baseline raised ahead of the events? Step [7]. Pure.

A same-day adjustment, and a meter before, pay for every kW taken in the hours that set them. Whoever is
told in time can raise them: that is how phantom reductions were made (for the baseline of the first days:
FERC, Lincoln Paper and Tissue, 144 FERC 61,162, 2013). The test looks at these hours only:

1. Each day d has s_d, the customer's mean in these hours divided by a yardstick: what comparable customers
   (peers, who were not asked) took in the same hours, or, without peers, what the customer took in the hours
   earlier that day. Events come with cold or heat; an honest home takes more then too, and so does the
   yardstick.
2. Days of one kind are cut into blocks of `block_days` or more, so that season and change of habits do not
   count. In each block an honest customer's event days are any of its days; the exact rank-sum test
   (`rank_test`) over all blocks says how probable such high ones are.
3. Suspected: that probability is at most `false_alarm_rate`, and the median over the events of s_d over the
   median of its block is at least 1 + `least_raise_share`. The second condition can only lower the rate of
   false alarms.

What it cannot see: a baseline raised on the days without event as well, one event alone, less than the
scatter of a home allows, or honest use that comes with notices (a home heated ahead). So it shows; it does
not judge.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np

from controller.baselines.beside_event import beside
from controller.baselines.history import DayHistory, DayKind, EventWindow, Floats
from controller.baselines.rank_test import p_value
from controller.baselines.rules import Stretch

_BEFORE = Stretch(far=240, near=60)
_EARLIER = Stretch(far=600, near=240)


@dataclass(frozen=True, slots=True)
class GamingRule:
    """When a customer is shown as suspected."""

    before: Stretch = _BEFORE
    """the hours that set the baseline"""
    earlier: Stretch = _EARLIER
    """the hours that are the yardstick where there are no peers"""
    false_alarm_rate: float = 0.01
    """of one test of one honest customer, at most"""
    block_days: int = 60
    """calendar days, at least"""
    events_at_least: int = 3
    days_at_least: int = 15
    """days without event beside the events of a block"""
    least_raise_share: float = 0.1


@dataclass(frozen=True, slots=True)
class EventEvidence:
    """One event in the light of the days without."""

    window: EventWindow
    measured_kw: float
    """in the hours before the event"""
    usual_kw: float
    """what the median of the block's days says for this day's yardstick"""
    days_as_high: int
    """days without event that stand at least as high"""
    days: int


@dataclass(frozen=True, slots=True)
class GamingVerdict:
    """What the test says of one customer."""

    suspected: bool
    p_value: float | None
    """None where there was too little to test"""
    raise_share: float
    """median over the events: 0.3 is 30 % above the usual"""
    events: tuple[EventEvidence, ...]
    """those that could be tested"""
    reason: str


@dataclass(frozen=True, slots=True)
class _Day:
    """One whole day in the hours before."""

    day: date
    measured_kw: float
    yardstick_kw: float

    @property
    def share(self) -> float:
        """What is ranked."""
        return self.measured_kw / self.yardstick_kw


@dataclass(frozen=True, slots=True)
class _Block:
    marked: Floats
    others: Floats
    evidence: tuple[EventEvidence, ...]


def detect_gaming(
    history: DayHistory,
    events: Sequence[EventWindow],
    rule: GamingRule = GamingRule(),
    peers: DayHistory | None = None,
) -> GamingVerdict:
    """Test one customer over several events; `history` may go on after them, and should.

    `peers` is the mean or sum of comparable customers who were not asked.
    """
    groups: dict[tuple[int, DayKind], list[EventWindow]] = {}
    for window in events:
        groups.setdefault((window.begin_minute, history.kind_of(window.day)), []).append(window)
    event_days = history.event_days | {window.day for window in events}
    blocks = [
        block
        for (_, kind), windows in groups.items()
        for days in _cut(_days(history, windows[0], kind, rule, peers), rule)
        if (block := _block(days, windows, event_days, rule)) is not None
    ]
    evidence = tuple(one for block in blocks for one in block.evidence)
    if len(evidence) < rule.events_at_least:
        why = f"{len(evidence)} events with enough days beside them, {rule.events_at_least} needed"
        return GamingVerdict(False, None, 0.0, evidence, why)
    probability = p_value([(block.marked, block.others) for block in blocks])
    raised = float(np.median([one.measured_kw / one.usual_kw for one in evidence])) - 1
    suspected = probability <= rule.false_alarm_rate and raised >= rule.least_raise_share
    told = (
        f"{raised:+.0%} in the hours before {len(evidence)} events; an honest customer stands as high with a "
        f"probability of {probability:.2g}"
    )
    return GamingVerdict(suspected, probability, raised, evidence, told)


def _days(
    history: DayHistory, window: EventWindow, kind: DayKind, rule: GamingRule, peers: DayHistory | None
) -> list[_Day]:
    """The days of one kind that are whole in the hours before and have a yardstick above zero."""
    whole = []
    for day in history.dates:
        if history.kind_of(day) is not kind or day in history.outage_days:
            continue
        own = float(beside(history, window, day, rule.before, None).mean())
        if peers is not None:
            yardstick = float(beside(peers, window, day, rule.before, None).mean())
        else:
            yardstick = float(beside(history, window, day, rule.earlier, None).mean())
        if np.isfinite(own) and yardstick > 0:
            whole.append(_Day(day, own, yardstick))
    return whole


def _cut(days: Sequence[_Day], rule: GamingRule) -> list[list[_Day]]:
    """Blocks of equal numbers of days, none shorter than the rule says; longer for a rare kind of day."""
    if not days:
        return []
    span = (days[-1].day - days[0].day).days + 1
    blocks = max(min(span // rule.block_days, len(days) // (2 * rule.days_at_least)), 1)
    borders = np.linspace(0, len(days), blocks + 1).round().astype(int)
    return [list(days[begin:end]) for begin, end in pairwise(borders)]


def _block(
    days: Sequence[_Day], windows: Sequence[EventWindow], event_days: frozenset[date], rule: GamingRule
) -> _Block | None:
    """The events of a block beside its other days; None without events or with too few days."""
    of_day = {window.day: window for window in windows}
    others = np.array([one.share for one in days if one.day not in event_days])
    asked = [one for one in days if one.day in of_day]
    if not asked or len(others) < rule.days_at_least:
        return None
    usual = float(np.median(others))
    if not usual > 0:
        return None
    evidence = tuple(
        EventEvidence(
            window=of_day[one.day],
            measured_kw=one.measured_kw,
            usual_kw=usual * one.yardstick_kw,
            days_as_high=int((others >= one.share).sum()),
            days=len(others),
        )
        for one in asked
    )
    return _Block(np.array([one.share for one in asked]), others, evidence)
