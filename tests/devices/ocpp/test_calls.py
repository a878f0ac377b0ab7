"""Our calls to one charger: one at a time, in time, and nothing left behind."""

import asyncio
import gc
import json
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosedError

from devices.errors import Unreachable
from devices.ocpp.calls import MAX_LATE, CallAnswer, Calls
from devices.ocpp.frames import CallResult
from devices.ocpp.heard import Outgoing
from tests.devices.live import RealClock, until

BEAT = Outgoing("Heartbeat", {})


class Wire:
    """Takes frames, or is gone."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.gone = False

    async def send(self, frame: str) -> None:
        if self.gone:
            raise ConnectionClosedError(None, None)
        self.sent.append(json.loads(frame)[1])


def calls_over(wire: Wire, deadline_s: float = 5.0) -> Calls:
    return Calls(wire.send, RealClock(), deadline_s, "g")


async def test_one_call_at_a_time() -> None:
    wire = Wire()
    calls = calls_over(wire)
    first, second = (asyncio.create_task(calls.ask(BEAT)) for _ in range(2))
    await until(lambda: wire.sent == ["g-1"])
    await asyncio.sleep(0)
    assert wire.sent == ["g-1"]
    assert calls.take(CallResult("g-1", b"{}"))
    await until(lambda: wire.sent == ["g-1", "g-2"])
    assert calls.take(CallResult("g-2", b"[]"))
    assert [(await task).payload for task in (first, second)] == [b"{}", b"[]"]  # type: ignore[union-attr]
    assert not calls.take(CallResult("g-1", b"{}"))


async def test_a_late_answer_goes_to_whom_it_may_concern_once() -> None:
    wire, late = Wire(), list[CallAnswer]()
    calls = calls_over(wire, 0.01)
    with pytest.raises(Unreachable, match=r"no answer within 0\.01 s"):
        await calls.ask(BEAT, late.append)
    answer = CallResult("g-1", b"{}")
    assert calls.take(answer)
    assert late == [answer]
    assert not calls.take(answer)


async def test_calls_that_are_never_answered_are_forgotten_in_the_end() -> None:
    wire, late = Wire(), list[CallAnswer]()
    calls = calls_over(wire, 0.001)
    for _ in range(MAX_LATE + 1):
        with pytest.raises(Unreachable):
            await calls.ask(BEAT, late.append)
    assert not calls.take(CallResult("g-1", b"{}"))
    assert calls.take(CallResult("g-2", b"{}"))


async def test_when_the_connection_is_lost_nobody_waits_and_nothing_is_left() -> None:
    wire, complaints = Wire(), list[dict[str, Any]]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    calls = calls_over(wire)
    waiting = asyncio.create_task(calls.ask(BEAT))
    await until(lambda: bool(wire.sent))
    calls.lose()
    with pytest.raises(Unreachable, match="lost before"):
        await waiting
    with pytest.raises(Unreachable, match="is gone"):
        await calls.ask(BEAT)
    dying = calls_over(wire)
    wire.gone = True
    with pytest.raises(Unreachable, match="is gone"):
        await dying.ask(BEAT)
    dying.lose()
    gc.collect()
    assert complaints == []
