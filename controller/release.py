"""[6] Frees devices, load flow first, staggered; renews those that cannot be freed yet. Pure.

A limited device counts as coming back to what it took before it was limited, and to more for a while where
its kind makes up for what it missed (a heat pump; `grid_model/allocation/restoring.py`); an inverter as
feeding in all that it can, whatever the sun did when it was limited; one whose limit does not bind (it takes,
or feeds in, clearly less than it may) as staying where it is. Those released a moment ago count as back
already, but who feeds in makes no room for who takes, nor the other way round: the sun may have set, and a
car may be full. The longest limited is tried first, and released when the load flow with its power back stays
below the closing threshold everywhere, while it makes up and afterwards. No more than
`release_share_per_minute` of what the event took away comes back in 60 s, but one device always may.

A request near its end that cannot be released yet is renewed, up to the end of its customer's turn in the
event (`turns.py`). Before that each is released without proof, at a time of their own: the programme's limit
stands above the network's comfort, and an alarm tells it. Those whose call ends by their own programme are
freed without proof too, as far as these go: at the pace, in time for its end, and not renewed any more. So
are the devices of who said no to a notice of the same programme. Targets that became critical, are gone from
the registry, or hang at a service point that is gone from the network are freed at once.

After an emergency stop that frees one after another, everybody is a candidate at once, whoever limited them
(`orders/stopping.py`).

What an operator limited is theirs until its own end, but for these. Then it ends, or, in an event that it
would break, is kept as one of the event's.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from controller.bounds import feeds_in, free_again_kw
from controller.changing import changed
from controller.entries import Entry, RequestChanged
from controller.operators import free
from controller.orders.stopping import all_free_by, lets_go
from controller.people.call_rules import lets_go_at, may_last_until, spread_end
from controller.planning import OBEYED_WITHIN_KW
from controller.reach import (
    cut_kw,
    freed_at,
    given_back_kw_since,
    lowest_kw_since,
    renewed_within,
    taken_away_kw,
)
from controller.requests import RequestRecord
from controller.situation import Situation
from customers.registry import Registry
from devices.messages import Direction
from grid_model.allocation.restoring import Held, rebound_of
from grid_model.network import Floats

PACE_WINDOW = timedelta(seconds=60)
RETURN_WITHIN = timedelta(seconds=120)
"""A device that was released shows its power within this; until then it counts as back."""
NOT_BINDING_SHARE = 0.9
"""A device that takes less than this share of its limit is not held back by it."""


@dataclass(frozen=True)
class Releases:
    """What one pass decides about the limits that are in force."""

    entries: tuple[Entry, ...] = ()
    released: frozenset[str] = frozenset()
    """requests"""
    turns_end: bool = False
    """the first of those whom the event asked has had their turn"""
    leaving: frozenset[str] = frozenset()
    """requests that end by what was agreed or answered: never renewed"""
    owed: tuple[Entry, ...] = ()
    """of the entries those that free whatever the network says"""


def releases(situation: Situation) -> Releases:
    """Who is freed now."""
    protected = _no_longer_allowed(situation)
    let_go = free(protected, situation.epoch, situation.now, "protected", "critical, or not known any more")
    gone = {record.request for record in protected}
    candidates = sorted(
        (r for r in situation.limited if r.request not in gone and _is_ours(situation, r)),
        key=limited_since,
    )
    leaving = _leaving(situation, candidates)
    freed = _released(situation, candidates, leaving)
    in_any_case = [record for record in freed if record.request in leaving]
    proven = [record for record in freed if record.request not in leaving]
    owed = (*let_go, *free(in_any_case, situation.epoch, situation.now, "released", ""))
    return Releases(
        entries=(*owed, *free(proven, situation.epoch, situation.now, "released", "")),
        released=frozenset(gone | {record.request for record in freed}),
        turns_end=_turns_end(situation),
        leaving=frozenset(leaving),
        owed=owed,
    )


def renewals(situation: Situation, freed: Releases, changed: Iterable[Entry]) -> tuple[RequestChanged, ...]:
    """Later ends for those near their end who are not freed; what `changed` already has its turn later."""
    if not situation.may_act:
        return ()
    touched = {entry.request for entry in changed if isinstance(entry, RequestChanged)}
    touched |= freed.released | freed.leaving
    near, no_later = renewed_within(situation.control.site), _no_later(situation)
    return tuple(
        renewed
        for record in situation.limited
        if record.request not in touched
        and record.state in ("accepted", "active")
        and timedelta(0) < record.end - situation.now <= near  # the device freed itself when it ran out
        and (end := _latest_end(situation, record)) > record.end
        and (later := min(end, no_later.get(record.request, end))) > record.end
        # an operator's own limit on a target that is taken out is not the automatic's to keep
        and situation.left_alone.isdisjoint((record.planned.target, record.planned.customer))
        and not _ends_as_ordered(situation, record)
        and (renewed := _renewed(situation, record, later)) is not None
    )


def _latest_end(situation: Situation, record: RequestRecord) -> datetime:
    planned = record.planned
    return situation.latest_end(situation.now, customer=planned.customer, target=planned.target)


def _ends_as_ordered(situation: Situation, record: RequestRecord) -> bool:
    """Whether an operator's limit may end: its device fits in again, or feeds in and the automatic asks no
    inverters. Else the automatic keeps it.
    """
    if not record.is_ordered(situation.now):
        return False
    if feeds_in(record) and not situation.control.asks_feed_in:
        return True
    coming = _with_returns(situation)
    after = coming.with_back(situation, record) if binds(situation, record) else coming
    return after.fits(situation, record.planned.direction)


def _no_later(situation: Situation) -> dict[str, datetime]:
    """The latest ends of requests that are in a programme: spread, as those of new ones are."""
    by_programme: dict[str, list[tuple[RequestRecord, datetime]]] = {}
    for record in sorted(situation.limited, key=limited_since):
        until = may_last_until(situation, record)
        if until is not None:
            by_programme.setdefault(record.planned.programme or "", []).append((record, until))
    site = situation.control.site
    return {
        record.request: spread_end(site, record.planned.start, until, (place + 1) / len(together))
        for together in by_programme.values()
        for place, (record, until) in enumerate(together)
    }


def _leaving(situation: Situation, candidates: Sequence[RequestRecord]) -> dict[str, datetime | None]:
    """Requests that are freed without proof, and by when; None: as soon as the pace allows."""
    stop = situation.stop
    if stop is not None and lets_go(stop, situation.control.site, situation.now):
        return dict.fromkeys((r.request for r in candidates), all_free_by(stop, situation.control.site))
    leaving: dict[str, datetime | None] = {}
    site = situation.control.site
    for record in candidates:
        planned, until = record.planned, may_last_until(situation, record)
        turn = situation.turn(planned.customer, planned.target)
        if turn is not None and situation.now >= turn.leaves_at(site):
            leaving[record.request] = min(turn.ends_by(site.events), record.end)  # it is not renewed any more
            continue
        if until is None:
            continue
        if (planned.customer, planned.programme) in situation.opted_out:
            leaving[record.request] = None
        elif situation.now >= lets_go_at(site, planned.start, until):
            leaving[record.request] = max(until, record.end)  # later where the hours were changed since
    return leaving


def _is_ours(situation: Situation, record: RequestRecord) -> bool:
    """Whether it may be freed by us: what an operator limited only after an emergency stop."""
    return situation.stop is not None or not record.is_ordered(situation.now)


def limited_since(record: RequestRecord) -> tuple[datetime, str]:
    """By this the longest limited come first."""
    return record.planned.start, record.request


def _no_longer_allowed(situation: Situation) -> list[RequestRecord]:
    registry = situation.control.registry
    return [
        *situation.astray,
        *(record for record in situation.limited if _is_forbidden(registry, record)),
    ]


def _is_forbidden(registry: Registry, record: RequestRecord) -> bool:
    device = registry.device.get(record.planned.target)
    return device is None or registry.is_protected(device)


def _turns_end(situation: Situation) -> bool:
    """Whether somebody whom the event itself asked has begun to leave."""
    site, event = situation.control.site, situation.event
    earliest = timedelta(seconds=site.events.max_duration_s / 2)
    if event is None or situation.now < event.opened_at + earliest:  # nobody leaves before
        return False
    return any(turn.number and situation.now >= turn.leaves_at(site) for turn in situation.turns.values())


def _released(
    situation: Situation, candidates: Sequence[RequestRecord], leaving: Mapping[str, datetime | None]
) -> list[RequestRecord]:
    """The candidates that are freed now: within the pace, and (but for those who leave in any case) proven by
    load flow.
    """
    going = [r for r in candidates if r.request in leaving]
    ripe = [
        r
        for r in candidates
        if r.request not in leaving and (situation.stop is not None or _held_long_enough(situation, r))
    ]
    unproven = not (situation.good and situation.proves)
    if unproven or situation.check.worst_ratio >= situation.control.site.events.close_below:
        ripe = []
    if not going and not ripe:
        return []
    budget_kw, one_may = _pace(situation, going, leaving)
    coming = _with_returns(situation)
    freed: list[RequestRecord] = []
    for record in (*going, *ripe):
        kw = cut_kw(record)
        if kw > budget_kw and not (one_may and not freed):
            break  # in order: the longest limited is not overtaken by a smaller one
        after = coming.with_back(situation, record) if binds(situation, record) else coming
        if record.request in leaving or after.fits(situation, record.planned.direction):
            freed.append(record)
            coming, budget_kw = after, budget_kw - kw
    return freed


def _held_long_enough(situation: Situation, record: RequestRecord) -> bool:
    """A device is not switched to and fro (C5): it is held for a while, or until its end is near."""
    return (situation.now - record.planned.start).total_seconds() >= held_for_s(situation)


def held_for_s(situation: Situation) -> float:
    """So long a limit stands before it is lifted, or nearly until its end."""
    rules = situation.control.site.requests
    return min(rules.min_between_s, max(rules.duration_s - rules.renew_before_s, 0.0))


def _pace(
    situation: Situation, going: Sequence[RequestRecord], leaving: Mapping[str, datetime | None]
) -> tuple[float, bool]:
    """kW that may still come back in this window, and whether one device may whatever it takes.

    Where some must be free by a time, the pace is at least what that needs: else the rest would go in one
    minute.
    """
    records = [r for r in _records(situation) if r.resource == "device" and r.active_at is not None]
    share_kw = situation.control.site.safety.release_share_per_minute * sum(map(taken_away_kw, records))
    due_kw = 0.0
    for by, kw in sorted((by, cut_kw(r)) for r in going if (by := leaving[r.request]) is not None):
        due_kw += kw
        share_kw = max(share_kw, due_kw / max((by - situation.now) / PACE_WINDOW, 1.0))
    back_kw = given_back_kw_since(records, situation.now - PACE_WINDOW, situation.now)
    lately = _freed_after(records, situation.now - PACE_WINDOW, situation.now)
    return share_kw - back_kw, back_kw == 0 and not any(lately)


def _records(situation: Situation) -> tuple[RequestRecord, ...]:
    """Those that come back together: the event's, after an emergency stop also those of operators."""
    if situation.stop is None:
        return situation.event_records
    return (*situation.event_records, *situation.books.ordered_requests(situation.control.feeder))


def _freed_after(records: Iterable[RequestRecord], since: datetime, now: datetime) -> Iterable[RequestRecord]:
    devices = (r for r in records if r.resource == "device")
    return (r for r in devices if (at := freed_at(r)) is not None and since < at <= now)


@dataclass(frozen=True)
class _Coming:
    """What the service points take with those back who are free, (n_sp,) each; those who take and those who
    feed in apart, because none of them is sure to come.
    """

    at_first_kw: Floats
    """while they make up for what they missed"""
    at_last_kw: Floats
    fed_in_kw: Floats
    """with those back who feed in, and nobody who takes"""

    def with_back(self, situation: Situation, record: RequestRecord) -> "_Coming":
        coming, rising_kw = held(situation, record), 0.0
        if not record.releasing and record.is_open:  # what it was raised by a moment ago counts already
            rising_kw = rising(situation, record)
        first_kw = max(coming.taken_kw(1.0, 0.0) - coming.now_kw - rising_kw, 0.0)
        last_kw = max(coming.back_kw - coming.now_kw - rising_kw, 0.0)
        return self.with_more(situation.position(record), record.planned.direction, first_kw, last_kw)

    def with_more(self, position: int, direction: Direction, first_kw: float, last_kw: float) -> "_Coming":
        """`first_kw` and `last_kw` more in this direction, at first and at last."""
        if direction == "production":
            return replace(self, fed_in_kw=_with(self.fed_in_kw, position, -last_kw))
        at_first_kw, at_last_kw = self.at_first_kw, self.at_last_kw
        return replace(
            self,
            at_first_kw=_with(at_first_kw, position, first_kw),
            at_last_kw=_with(at_last_kw, position, last_kw),
        )

    def fits(self, situation: Situation, direction: Direction) -> bool:
        """Whether those fit in who come back in this direction."""
        if direction == "production":
            return _fits(situation, self.fed_in_kw)
        if not _fits(situation, self.at_first_kw):
            return False
        return np.array_equal(self.at_first_kw, self.at_last_kw) or _fits(situation, self.at_last_kw)


def _with(p_kw: Floats, position: int, more_kw: float) -> Floats:
    p_kw = p_kw.copy()
    p_kw[position] += more_kw
    return p_kw


def _with_returns(situation: Situation) -> _Coming:
    """The snapshot with everybody back who was freed, or raised, a moment ago."""
    shown_kw = situation.check.snapshot.p_kw
    coming = _Coming(shown_kw, shown_kw, shown_kw)
    for record in _freed_after(_records(situation), situation.now - RETURN_WITHIN, situation.now):
        if situation.is_placed(record):
            coming = coming.with_back(situation, record)
    for record in situation.limited:
        more_kw = rising(situation, record)
        if more_kw > 0:
            place, direction = situation.position(record), record.planned.direction
            coming = coming.with_more(place, direction, more_kw, more_kw)
    return coming


def rising(situation: Situation, record: RequestRecord) -> float:
    """What a device whose limit went up a moment ago does not show yet of it, in kW of its direction."""
    since = situation.now - RETURN_WITHIN
    if record.limits[-1][0] <= since or lowest_kw_since(record, since) >= record.limit_kw:
        return 0.0
    return max(record.limit_kw - held(situation, record).now_kw, 0.0) if binds(situation, record) else 0.0


def coming_kw(situation: Situation) -> dict[Direction, Floats]:
    """(n_sp,) the snapshot with those back who were freed, or raised, a moment ago, making up for what they
    missed: by direction, as in `_Coming`.
    """
    coming = _with_returns(situation)
    return {"consumption": coming.at_first_kw, "production": coming.fed_in_kw}


def free_kw(situation: Situation, record: RequestRecord) -> float:
    """What a limited device takes, or feeds in, at most once it is free."""
    return held(situation, record).taken_kw(1.0, 0.0)


def pace(situation: Situation) -> tuple[float, bool]:
    """kW that may still come back in this window, and whether one device may whatever it takes."""
    return _pace(situation, (), {})


def held(situation: Situation, record: RequestRecord) -> Held:
    """The target as the way back sees it, in kW of its direction."""
    target = record.planned.target
    kw, device = situation.target_kw(record), situation.control.registry.device.get(target)
    return Held(
        device=target,
        service_point=situation.position(record),
        now_kw=record.limit_kw if kw is None else kw,
        back_kw=free_again_kw(record, device),
        rebound=rebound_of(record.planned.kind),
        most_kw=None if device is None else device.rated_kw,
    )


def binds(situation: Situation, record: RequestRecord) -> bool:
    """Whether the limit holds the device back; taken for granted where its power is not known. One that was
    raised a moment ago is judged by the limit before, and one that still shows a lower limit by that.
    """
    kw = situation.target_kw(record)
    limit_kw = lowest_kw_since(record, situation.now - RETURN_WITHIN)
    shown_kw = situation.shown_limit_kw(record)
    limit_kw = limit_kw if shown_kw is None else min(limit_kw, shown_kw)
    return kw is None or kw >= NOT_BINDING_SHARE * limit_kw - OBEYED_WITHIN_KW


def _fits(situation: Situation, p_kw: Floats) -> bool:
    """Below the closing threshold everywhere, and with room for what may come within the lead."""
    control, headroom, result = situation.control, situation.headroom, situation.solve(p_kw)
    if headroom is not None and headroom.limits.worst_ratio(result) > 1:
        return False
    return control.element_limits.worst_ratio(result) < control.site.events.close_below


def fits_with(situation: Situation, record: RequestRecord, more_kw: float) -> bool:
    """The same with one target taking, or feeding in, more, and everybody back who was freed a moment ago."""
    position, direction = situation.position(record), record.planned.direction
    return (
        _with_returns(situation).with_more(position, direction, more_kw, more_kw).fits(situation, direction)
    )


def _renewed(situation: Situation, record: RequestRecord, end: datetime) -> RequestChanged | None:
    """A later end; none for a device that is gone, because nobody would hear it."""
    device = situation.state.devices.get(record.planned.target)
    if device is not None and not device.online:
        return None
    return changed(situation, record, "renewed", end=end)
