"""[3, 6] What the feeder would take if nobody were limited or asked now: for people, the trend and what is
learnt. Pure; nobody is freed by it (`release.py` reckons with all that may come).
"""

from controller.bounds import feeds_in
from controller.reach import taken_away_kw
from controller.release import binds, held
from controller.requests import RequestRecord
from controller.situation import Situation
from controller.sun_witness import share_of_sun
from grid_model.network import Floats


def without_control_kw(situation: Situation) -> Floats:
    """(n_sp,) what the service points would take if nobody were limited or asked now."""
    p_kw = situation.check.snapshot.p_kw.copy()
    for position, kw in curtailed_kw(situation).items():
        p_kw[position] += kw
    for position, kw in held_back_kw(situation).items():
        p_kw[position] -= kw
    return p_kw


def held_back_kw(situation: Situation) -> dict[int, float]:
    """What the limits in force now keep from being fed in, by service point; never below 0."""
    held_back: dict[int, float] = {}
    for record in situation.limited:
        if feeds_in(record) and record.state in ("accepted", "active"):
            position = situation.position(record)
            held_back[position] = held_back.get(position, 0.0) + comes_back_kw(situation, record)
    return held_back


def curtailed_kw(situation: Situation) -> dict[int, float]:
    """What the limits in force now take away of what is taken, by service point; never below 0.

    A person's part shows at the same meter as that of a device, so the larger of both counts, not their sum.
    """
    by_device: dict[int, float] = {}
    by_person: dict[int, float] = {}
    for record in situation.books.open_requests(situation.control.feeder):
        if not situation.is_placed(record) or feeds_in(record):
            continue
        position = situation.position(record)
        if record.resource == "device":
            if record.state in ("accepted", "active") and not record.releasing:
                by_device[position] = by_device.get(position, 0.0) + comes_back_kw(situation, record)
        elif record.state == "active":
            shown = float(situation.check.snapshot.p_kw[position])
            by_person[position] = max(record.planned.p_before_kw - shown, 0.0)
    places = by_device.keys() | by_person.keys()
    return {place: max(by_device.get(place, 0.0), by_person.get(place, 0.0)) for place in sorted(places)}


def comes_back_kw(situation: Situation, record: RequestRecord) -> float:
    """What a limited device will take, or feed in, more once it is free, and has made up for what it missed.

    For feed-in a guess, not a bound: what the sun is believed to give now of what it gave before, if that was
    more than the limit.
    """
    share = share_of_sun(situation, record) if feeds_in(record) else 1.0
    return _back_kw(situation, record, share)


def back_as_before_kw(situation: Situation, record: RequestRecord) -> float:
    """The same, the sun taken for as high as it was: for whom others are to make room."""
    return _back_kw(situation, record, 1.0)


def _back_kw(situation: Situation, record: RequestRecord, share: float) -> float:
    if not binds(situation, record):
        return 0.0
    target = held(situation, record)
    as_before = feeds_in(record) and taken_away_kw(record) > 0  # else it fed in less than it may
    back_kw = share * record.planned.p_before_kw if as_before else target.back_kw
    return max(back_kw - target.now_kw, 0.0)
