"""[6] Raises limits of the event while there is room, before their devices may be freed whole. Pure.

A limit stands until its device may be freed whole: for a while (C5), and until all of it fits in. Meanwhile a
part may fit. Then the limit goes up so far that the load flow, with the device taking all of the new limit
and everybody back in its direction who was freed or raised a moment ago, stays at or below what cuts aim at,
with the room left that cuts leave for what may come: so no raise calls for the next cut by itself. The
longest limited is first, then the next, until the room, or what may come back in 60 s, is used up. In a
network without meshes no other order would give back more kW: the room below a line lies within that of the
line before it.

What went up and had to go down again waits twice as long as before, each time: nothing goes up and down for
ever. Never raised: what does not hold its device back, what an operator ordered, what was changed a moment
ago, what is near its end (it is renewed, or ends) or leaves by what was agreed, what switches instead of
taking a part (a heat pump, an air conditioner, a boiler), and anything by less than is worth a command. Nor
more than the device takes once it is free. People's notices stay as they are.
"""

import math
from dataclasses import replace
from itertools import pairwise

from controller.bounds import at_point
from controller.changing import changed
from controller.entries import RequestChanged
from controller.reach import cut_kw, renewed_within
from controller.release import Releases, binds, coming_kw, free_kw, limited_since, pace
from controller.requests import RequestRecord
from controller.situation import Situation
from devices.messages import Direction
from grid_model.allocation.restoring import rebound_of
from grid_model.network import Floats

LEAST_SHARE = 0.1
"""Of what its device takes when it is free: a smaller step is not worth a command."""
_HALVINGS = 5
_MISSES = 8
"""in a row for whom there is no room: then no other is looked at in this pass"""


def with_raised(situation: Situation, freed: Releases) -> Releases:
    """The same releases, and limits that go up with what room and pace these leave."""
    candidates = _candidates(situation, freed) if _is_quiet(situation) else []
    if not candidates:
        return freed
    p_kw, budget_kw, one_may = _left(situation, freed)
    raised: list[RequestChanged] = []
    misses = 0
    for record in candidates:
        if misses == _MISSES:
            break
        most_kw = free_kw(situation, record) - record.limit_kw
        if budget_kw < most_kw and not (one_may and not raised):
            most_kw = budget_kw
        direction = record.planned.direction
        more_kw = _room_kw(situation, record, p_kw[direction], most_kw)
        entry = None if more_kw is None else _raised(situation, record, record.limit_kw + more_kw)
        if entry is None or more_kw is None:
            misses += 1
            continue
        misses = 0
        raised.append(entry)
        p_kw[direction] = _with_more(situation, record, p_kw[direction], more_kw)
        budget_kw -= more_kw
    return replace(
        freed,
        entries=(*freed.entries, *raised),
        released=freed.released | {entry.request for entry in raised},
    )


def _is_quiet(situation: Situation) -> bool:
    """Whether anything may be raised now: in an open event, on good data, with nothing that presses."""
    may = (
        situation.may_act
        and situation.proves
        and situation.stop is None
        and situation.control.site.requests.raise_limits
    )
    return may and situation.worst is None and _leaves_room(situation, situation.check.snapshot.p_kw)


def _left(situation: Situation, freed: Releases) -> tuple[dict[Direction, Floats], float, bool]:
    """(n_sp,) the snapshot with those back who were, or are, freed, by direction; what may still come back in
    this window, and whether one device may whatever it takes.
    """
    coming, (budget_kw, one_may) = coming_kw(situation), pace(situation)
    p_kw = {direction: kw.copy() for direction, kw in coming.items()}
    for record in situation.limited:
        if record.request in freed.released:
            budget_kw -= cut_kw(record)
            if binds(situation, record):
                more_kw = free_kw(situation, record) - _now_kw(situation, record)
                place, direction = situation.position(record), record.planned.direction
                p_kw[direction][place] += at_point(record, more_kw)
    return p_kw, budget_kw, one_may and not freed.released


def _now_kw(situation: Situation, record: RequestRecord) -> float:
    kw = situation.target_kw(record)
    return record.limit_kw if kw is None else min(kw, record.limit_kw)


def _candidates(situation: Situation, freed: Releases) -> list[RequestRecord]:
    """Those that may be raised now, the longest limited first."""
    found = [record for record in situation.limited if _may_be_raised(situation, freed, record)]
    return sorted(found, key=limited_since)


def _may_be_raised(situation: Situation, freed: Releases, record: RequestRecord) -> bool:
    now, kind = situation.now, record.planned.kind
    if record.state not in ("accepted", "active") or record.request in freed.leaving | freed.released:
        return False
    if record.is_ordered(now) or rebound_of(kind).duration_s > 0:
        return False
    steady_s = situation.control.site.requests.raise_after_s * 2 ** _went_up_too_early(record)
    if (now - record.limits[-1][0]).total_seconds() < steady_s:
        return False
    if record.end - now <= renewed_within(situation.control.site):
        return False
    known = situation.device_p_kw(record.planned.target) is not None
    worth_it = free_kw(situation, record) - record.limit_kw >= _least_kw(situation, record)
    return known and worth_it and binds(situation, record)


def _went_up_too_early(record: RequestRecord) -> int:
    """How often it had to go down again after it went up: each time it waits twice as long as before, or it
    would go up and down for ever (C5).
    """
    times, went_up = 0, False
    for (_, before_kw), (_, after_kw) in pairwise(record.limits):
        times += went_up and after_kw < before_kw
        went_up = after_kw > before_kw or (went_up and after_kw == before_kw)
    return times


def _least_kw(situation: Situation, record: RequestRecord) -> float:
    """A smaller step is not worth a command."""
    return max(situation.control.site.requests.min_cut_kw, LEAST_SHARE * free_kw(situation, record))


def _room_kw(situation: Situation, record: RequestRecord, p_kw: Floats, most_kw: float) -> float | None:
    """By how much the limit may go up, at most `most_kw`; None where that is not worth a command."""
    least_kw = _least_kw(situation, record)
    if most_kw < least_kw or not _fits(situation, record, p_kw, least_kw):
        return None
    if _fits(situation, record, p_kw, most_kw):
        return most_kw
    fits_kw, too_much_kw = least_kw, most_kw
    for _ in range(_HALVINGS):
        middle_kw = (fits_kw + too_much_kw) / 2
        if _fits(situation, record, p_kw, middle_kw):
            fits_kw = middle_kw
        else:
            too_much_kw = middle_kw
    return fits_kw


def _fits(situation: Situation, record: RequestRecord, p_kw: Floats, more_kw: float) -> bool:
    return _leaves_room(situation, _with_more(situation, record, p_kw, more_kw))


def _with_more(situation: Situation, record: RequestRecord, p_kw: Floats, more_kw: float) -> Floats:
    """(n_sp,) with the device at all of a limit that is `more_kw` higher."""
    after = p_kw.copy()
    risen_kw = record.limit_kw + more_kw - _now_kw(situation, record)
    after[situation.position(record)] += at_point(record, risen_kw)
    return after


def _leaves_room(situation: Situation, p_kw: Floats) -> bool:
    """Whether nothing is above what cuts aim at."""
    control, headroom, result = situation.control, situation.headroom, situation.solve(p_kw)
    rules = control.site.requests
    if control.element_limits.worst_ratio(result) > rules.target_share:
        return False
    reserve = 1 - max(rules.act_above_share - rules.target_share, 0.0)
    return headroom is None or headroom.limits.worst_ratio(result) <= reserve


def _raised(situation: Situation, record: RequestRecord, limit_kw: float) -> RequestChanged | None:
    """In whole watts, never more than there is room for; None where the gate refuses."""
    return changed(situation, record, "raised", limit_kw=math.floor(limit_kw * 1000) / 1000)
