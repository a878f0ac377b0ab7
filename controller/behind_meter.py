"""[5, 6] What other devices behind a meter do that looks like what one of them is asked. Pure.

A meter shows a house, not a device. Where a roof is to feed in less, a car that begins to charge looks the
same; where a car is to take less, so does a sun that comes out. So each request notes, when it is planned,
how much of such doing there could be, and the journal how much of it there is while the request lives, by the
devices' own word: so much of what the meter shows proves nothing (`proving/verification.py`). A word can only
take away, and who is not heard counts as doing all that it can.

Devices that take and stop by themselves are, as ever, part of the house's baseline. What another roof leaves
out because it is asked to is reckoned with by its own request.
"""

import math
from collections.abc import Iterator
from datetime import timedelta

from controller.bounds import direction_of, feeds_in, turned
from controller.entries import BesideMoved
from controller.requests import RequestRecord
from controller.situation import Situation
from customers.registry import Device
from devices.messages import Direction

STEP_KW = 0.5
"""What is told goes up and down by this."""
NOISE_KW = 0.05
"""A device's word is not finer."""
NOT_DOWN_BEFORE = timedelta(seconds=60)
"""after it was told last: one that goes up and down would fill the journal"""
_STORING = "battery"
"""it takes and gives"""


def beside_kw(situation: Situation, position: int, target: str, direction: Direction) -> float:
    """What all devices at a service point but the target could do more at most than now."""
    return sum(_left_kw(situation, device, direction) for device in _others(situation, position, target))


def beside_moved(situation: Situation) -> Iterator[BesideMoved]:
    """What is news of it, for requests that are not over."""
    for record in situation.books.open_requests(situation.control.feeder):
        if record.planned.beside_kw <= 0 or not situation.is_placed(record):
            continue
        told_at, told_kw = record.beside[-1] if record.beside else (record.planned.at, 0.0)
        kw = _rounded_up(_moved_kw(situation, record), record.planned.beside_kw)
        if kw > told_kw or (kw < told_kw and situation.now >= told_at + NOT_DOWN_BEFORE):
            yield BesideMoved(at=situation.now, request=record.request, kw=kw)


def _moved_kw(situation: Situation, record: RequestRecord) -> float:
    """What others do more than when it was planned; all that they may where one of them is not heard."""
    planned = record.planned
    others = _others(situation, situation.position(record), planned.target)
    if any(situation.device_p_kw(device.device) is None for device in others):
        return planned.beside_kw
    left_kw = sum(_left_kw(situation, device, planned.direction) for device in others)
    return planned.beside_kw - left_kw


def _rounded_up(kw: float, most_kw: float) -> float:
    return min(math.ceil(kw / STEP_KW) * STEP_KW, most_kw) if kw > NOISE_KW else 0.0


def _others(situation: Situation, position: int, target: str) -> list[Device]:
    return [one for one in situation.control.devices_at.get(position, ()) if one.device != target]


def _left_kw(situation: Situation, device: Device, direction: Direction) -> float:
    """What a device could still do. A roof that is asked to feed in less counts as it was before."""
    held = situation.books.held_by(situation.control.feeder, device.device)
    if direction == "production" and held is not None and feeds_in(held):
        return held.planned.p_before_kw
    return _most_kw(situation, device, direction)


def _most_kw(situation: Situation, device: Device, direction: Direction) -> float:
    """What a device could do that looks like less in this direction."""
    p_kw = situation.device_p_kw(device.device)
    if direction_of(device.kind) == "production":
        fed_in_kw = None if p_kw is None else min(max(turned("production", p_kw), 0.0), device.rated_kw)
        if direction == "production":  # the sun leaves it
            return device.rated_kw if fed_in_kw is None else fed_in_kw
        return device.rated_kw - (fed_in_kw or 0.0)  # the sun comes out
    if direction == "production":  # it begins to take
        lowest_kw = -device.rated_kw if device.kind == _STORING else 0.0
        return max(device.rated_kw - (lowest_kw if p_kw is None else p_kw), 0.0)
    if device.kind == _STORING:  # it begins to give
        return max(device.rated_kw + (device.rated_kw if p_kw is None else p_kw), 0.0)
    return 0.0
