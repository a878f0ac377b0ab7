"""[6] How much of what a roof fed in before it was limited the sun would give it now. Pure; a guess for what
is told and learnt, never for who is freed.

Other roofs are the witnesses: inverters that nobody holds back, or whose limit does not bind, by their own
word. What they feed in now, of what the same ones fed in when the limit began, is what the sun left. It is
never taken for more than it was then. Whoever was freed a moment ago has still to come back, and whoever fed
in next to nothing then tells nothing.

Where nobody witnesses, the sun is taken for going down from the limit's begin on: what cannot be seen is not
believed for longer than half a day of light. What was fed in then is remembered by the daemon alone. After a
restart the sun is taken for gone down until the first pass that hears others, which witness from there on; so
they do for what was limited by hand, between two passes.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from controller.bounds import direction_of, feeds_in, turned
from controller.entries import Entry, RequestPlanned
from controller.release import RETURN_WITHIN, binds
from controller.requests import RequestRecord
from controller.situation import FedIn, Situation

LEAST_KW = 1.0
"""Witnesses that fed in less than this together when the limit began are none."""
_TURNS_PER_HOUR = math.radians(15.0)


@dataclass(frozen=True)
class SunWitness:
    """What free roofs tell in one pass."""

    now_kw: FedIn
    """of those that feed in all that the sun gives them"""
    shares: Mapping[datetime, float | None]
    """by when limits on feed-in began: what the sun left since; None where nobody who fed in something then
    tells anything now
    """


def witness(situation: Situation) -> SunWitness:
    """Ask for it by `situation.once`: all inverters are looked at."""
    now_kw = {
        device.device: max(turned("production", p_kw), 0.0)
        for device in situation.control.registry.devices
        if direction_of(device.kind) == "production"
        and (p_kw := situation.device_p_kw(device.device)) is not None
        and _is_free(situation, device.device)
    }
    return SunWitness(now_kw, {begun: _left(then_kw, now_kw) for begun, then_kw in situation.sun.items()})


def share_of_sun(situation: Situation, record: RequestRecord) -> float:
    """What the sun gives the roof of a request now, of what it fed in before: 0 to 1."""
    share = situation.once(witness).shares.get(record.planned.at)
    return _gone_down(situation, record) if share is None else share


def remembered(situation: Situation, entries: Iterable[Entry]) -> Mapping[datetime, FedIn]:
    """What was fed in when the limits of now began, those that begin in this pass (`entries`) among them."""
    begun: dict[datetime, list[RequestRecord]] = {}
    for record in filter(feeds_in, situation.limited):
        begun.setdefault(record.planned.at, []).append(record)
    kept = {at: fed_in for at, fed_in in situation.sun.items() if at in begun}
    for at in begun.keys() - kept.keys():
        then_kw = _taken_for_then(situation, begun[at])
        kept |= {at: then_kw} if then_kw else {}
    if any(isinstance(entry, RequestPlanned) and entry.direction == "production" for entry in entries):
        kept[situation.now] = situation.once(witness).now_kw
    return kept


def _taken_for_then(situation: Situation, records: Iterable[RequestRecord]) -> FedIn:
    """What was fed in when limits began that nobody remembers: what is now, and the sun's way down since.
    Nothing where there is none of either. Of limits of one begin the one that leaves most of the sun counts.
    """
    now_kw = situation.once(witness).now_kw
    share = max(_gone_down(situation, record) for record in records)
    if share <= 0 or sum(now_kw.values()) < LEAST_KW:
        return {}
    return {device: kw / share for device, kw in now_kw.items()}


def _left(then_kw: FedIn, now_kw: FedIn) -> float | None:
    both = [device for device in then_kw if device in now_kw]
    before_kw = sum(then_kw[device] for device in both)
    if before_kw < LEAST_KW:
        return None
    return min(sum(now_kw[device] for device in both) / before_kw, 1.0)


def _is_free(situation: Situation, device: str) -> bool:
    books, feeder = situation.books, situation.control.feeder
    record = books.held_by(feeder, device)
    if record is not None:
        return not record.releasing and not binds(situation, record)
    freed_at = books.last_released_at(feeder, device)
    return freed_at is None or situation.now - freed_at > RETURN_WITHIN


def _gone_down(situation: Situation, record: RequestRecord) -> float:
    """As the sun goes down on the shortest way that what was fed in then allows.

    A clear sky's light on level ground goes with the sine of the sun's height, sin φ sin δ + cos φ cos δ
    cos ω (J. A. Duffie, W. A. Beckman, "Solar Engineering of Thermal Processes", 4th edition, equation
    1.6.5). At the equinox δ is 0, and at every latitude φ of the Earth it goes with cos ω alone; the hour
    angle ω turns by 15° in an hour. Where the roof stands is not known, nor whether it was limited before
    noon or after: what it fed in of its rated power is taken for cos ω of an afternoon. So from its full
    power on it feeds in for six hours, and from half of it for two.
    """
    device = situation.control.registry.device.get(record.planned.target)
    rated_kw = record.planned.p_before_kw if device is None else device.rated_kw
    height = min(record.planned.p_before_kw / rated_kw, 1.0) if rated_kw > 0 else 0.0
    hours = max((situation.now - record.planned.at) / timedelta(hours=1), 0.0)
    angle = math.acos(height) + _TURNS_PER_HOUR * hours
    return max(math.cos(angle) / height, 0.0) if height > 0 and angle < math.pi / 2 else 0.0
