"""Any order of limits, renewals, replacements and releases, against the emulated charger's own book.

Never two limits for one device, none for ever, none below the floor, and always the latest one. Without
sockets: the codec's payloads go into `simulations.charging_profiles` as the library would hand them over.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ocpp.charge_point import camel_to_snake_case

from devices.messages import LimitCommand
from devices.ocpp.charging_profile import Ability, tolerance_kw
from devices.ocpp.codec_v16 import CodecV16
from devices.ocpp.codec_v201 import CodecV201
from devices.ocpp.heard import Codec, Outgoing
from devices.ocpp.settings import ChargerDevice
from simulations.charging_profiles import ProfileBook, read_profile

START = datetime(2026, 1, 12, 18, tzinfo=UTC)
FLOOR_KW = 4.2
REQUESTS = st.sampled_from(["r1", "r2", "r3"])


@dataclass(frozen=True)
class Limit:
    request: str
    limit_kw: float
    seconds: int


@dataclass(frozen=True)
class Release:
    request: str


@dataclass(frozen=True)
class Pass:
    seconds: int


STEPS = st.lists(
    st.builds(Limit, REQUESTS, st.floats(FLOOR_KW, 22.0), st.integers(1, 900))
    | st.builds(Release, REQUESTS)
    | st.builds(Pass, st.integers(1, 600)),
    max_size=12,
)


class Far:
    """A charger that takes our calls, and what we do when it will not."""

    def __init__(self, codec: Codec, device: ChargerDevice, unit: Literal["W", "A"]) -> None:
        self.book = ProfileBook(same_level_is_refused=codec.keeps_same_level)
        self.now = START
        self._codec, self._device, self._ability = codec, device, Ability(unit, 1)

    def limit(self, step: Limit, sequence: int) -> None:
        end = self.now + timedelta(seconds=step.seconds)
        command = LimitCommand("f1", "ev1", step.request, step.limit_kw, self.now, end, 1, sequence)
        outgoing = self._codec.limit(command, self._device, self._ability, None)
        if not self._set(outgoing):
            assert self._clear(self._codec.clear_level(self._device, self._ability))
            assert self._set(outgoing)

    def release(self, request: str) -> None:
        self._clear(self._codec.release(request))

    def _set(self, outgoing: Outgoing) -> bool:
        payload: dict[str, Any] = camel_to_snake_case(outgoing.payload)
        place = payload.get("connector_id", payload.get("evse_id"))
        profile = payload.get("cs_charging_profiles") or payload["charging_profile"]
        assert isinstance(place, int)
        return self.book.set(read_profile(place, profile, self.now, 0.230))

    def _clear(self, outgoing: Outgoing) -> bool:
        wire: dict[str, Any] = camel_to_snake_case(outgoing.payload)
        by = wire.get("charging_profile_criteria", wire)
        number = wire.get("id", wire.get("charging_profile_id"))
        place = by.get("connector_id", by.get("evse_id"))
        return self.book.clear(number, place, by.get("charging_profile_purpose"), by.get("stack_level"))


@pytest.mark.parametrize("codec", [CodecV16(), CodecV201()], ids=["1.6", "2.0.1"])
@given(steps=STEPS, unit=st.sampled_from(["W", "A"]), connector=st.sampled_from([0, 1]))
def test_the_latest_limit_holds_until_its_end_and_nothing_else(
    codec: Codec, steps: list[Limit | Release | Pass], unit: Literal["W", "A"], connector: int
) -> None:
    device = ChargerDevice("f1", "ev1", connector)
    far = Far(codec, device, unit)
    latest: Limit | None = None
    ends = START
    for sequence, step in enumerate(steps, start=1):
        match step:
            case Limit():
                far.limit(step, sequence)
                latest, ends = step, far.now + timedelta(seconds=step.seconds)
            case Release():
                far.release(step.request)
                latest = None if latest is not None and latest.request == step.request else latest
            case Pass():
                far.now += timedelta(seconds=step.seconds)
        latest = latest if far.now < ends else None
        held_kw = far.book.limit_kw(1, far.now)
        if latest is None:
            assert held_kw == math.inf
        else:
            assert held_kw >= FLOOR_KW - 1e-9
            assert abs(held_kw - latest.limit_kw) <= tolerance_kw(device)
    assert far.book.limit_kw(1, far.now + timedelta(seconds=901)) == math.inf
