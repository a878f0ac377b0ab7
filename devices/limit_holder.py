"""What a device, or the gateway before it, must do with commands: the far end of [6]. Pure.

The emulated devices run it, and a real gateway does well to do the same. Rules, in this order:

1. Wrong device or signature: refused, and nothing else is learnt from the command.
2. An epoch lower than the highest seen: refused "stale epoch" (that controller was replaced).
3. A sequence that this request has already seen: the same one repeats the last answer (the first one may have
   been lost on the way), a lower one gets none. Neither changes anything.
4. The end is not after now: a limit held for this request is gone, answer "ended". If none was ever held:
   refused "expired". An ended request is remembered past its latest end, so a captured command cannot bring
   it back.
5. A limit that is below the device's own floor, negative or not finite, or a window that ends before it
   starts: refused. What was held for the request stays.
6. Otherwise the limit is held until its end, by the device's own clock, whatever happens to the controller.

There is never more than one limit: the latest accepted request replaces the one that was held, and that one
is answered "ended" with the reason "replaced" through `expired`.

A real gateway keeps `highest_epoch` and the held command over its own restarts.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from devices.messages import Answer, AnswerKind, LimitCommand
from devices.signing import verify

MAX_REMEMBERED = 256
"""Requests remembered against replay; the one whose end is nearest is forgotten first."""
REMEMBER_AFTER_END = timedelta(hours=1)
"""So long a release that comes late is still answered "ended"."""


@dataclass(slots=True)
class _Known:
    """What is remembered of one request."""

    sequence: int
    latest_end: datetime
    answer: Answer
    accepted: bool = False


class LimitHolder:
    """Holds the limit of one device."""

    def __init__(self, device: str, key: bytes, floor_kw: float) -> None:
        self.device = device
        self.floor_kw = floor_kw
        self.highest_epoch = 0
        self._key = key
        self._held: LimitCommand | None = None
        self._known: dict[str, _Known] = {}
        self._ended: list[Answer] = []

    @property
    def held(self) -> LimitCommand | None:
        """The command that is held, also before its start."""
        return self._held

    def limit_at(self, now: datetime) -> float | None:
        """The limit in force at this time in kW, or None: no limit."""
        held = self._held
        return held.limit_kw if held is not None and held.start <= now < held.end else None

    def expired(self, now: datetime) -> Answer | None:
        """One request that ended by itself or was replaced, told once; call until None."""
        if self._held is not None and self._held.end <= now:
            self._let_go("end reached")
        return self._ended.pop(0) if self._ended else None

    def receive(self, command: LimitCommand, now: datetime) -> Answer | None:
        """Judge one command; None when there is nothing to say to it."""
        if command.device != self.device or not verify(command, self._key):
            return self._answer(command, "refused", "signature")
        if command.epoch < self.highest_epoch:
            return self._answer(command, "refused", "stale epoch")
        self.highest_epoch = command.epoch
        self._forget(now)
        known = self._known.get(command.request)
        if known is not None and command.sequence <= known.sequence:
            return known.answer if command.sequence == known.sequence else None
        answer = self._decide(command, known, now)
        self._remember(command, known, answer)
        return answer

    def _decide(self, command: LimitCommand, known: _Known | None, now: datetime) -> Answer:
        if command.end <= now:
            return self._end(command, known)
        if command.end <= command.start:
            return self._answer(command, "refused", "window")
        if not math.isfinite(command.limit_kw) or command.limit_kw < 0:
            return self._answer(command, "refused", "not a limit")
        if command.limit_kw < self.floor_kw:
            return self._answer(command, "refused", "below floor")
        if self._held is not None and self._held.request != command.request:
            self._let_go("replaced")
        self._held = command
        return self._answer(command, "accepted", None)

    def _end(self, command: LimitCommand, known: _Known | None) -> Answer:
        if self._held is not None and self._held.request == command.request:
            self._held = None
            return self._answer(command, "ended", "released")
        if known is not None and known.accepted:
            return self._answer(command, "ended", "not held any more")
        return self._answer(command, "refused", "expired")

    def _let_go(self, reason: str) -> None:
        held, self._held = self._held, None
        if held is None:
            return
        ended = self._answer(held, "ended", reason)
        self._ended.append(ended)
        known = self._known.get(held.request)
        if known is not None:
            known.answer = ended

    def _remember(self, command: LimitCommand, known: _Known | None, answer: Answer) -> None:
        latest_end = command.end if known is None else max(command.end, known.latest_end)
        accepted = answer.answer == "accepted" or (known is not None and known.accepted)
        self._known[command.request] = _Known(command.sequence, latest_end, answer, accepted)

    def _forget(self, now: datetime) -> None:
        held = None if self._held is None else self._held.request
        horizon = now - REMEMBER_AFTER_END
        over = [r for r, known in self._known.items() if known.latest_end <= horizon and r != held]
        for request in over:
            del self._known[request]
        while len(self._known) >= MAX_REMEMBERED:
            others = (r for r in self._known if r != held)
            del self._known[min(others, key=lambda r: self._known[r].latest_end)]

    def _answer(self, command: LimitCommand, kind: AnswerKind, reason: str | None) -> Answer:
        return Answer(command.feeder, self.device, command.request, kind, reason)
