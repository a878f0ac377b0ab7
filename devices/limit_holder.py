"""What a device, or the gateway before it, must do with commands: the far end of [6]. Pure.

The emulated devices run it, and a real gateway does well to do the same. Rules, in this order:

1. Wrong device or signature: refused, and nothing else is learnt from the command.
2. An epoch lower than the highest seen: refused "stale epoch" (that controller was replaced).
3. A sequence that this request has already seen: the same one repeats the last answer (the first one may have
   been lost on the way), a lower one gets none. Neither changes anything. What was refused as "clock" (6) is
   judged anew: clocks are put right.
4. The end is not after now: a limit held for this request is gone, answer "ended". If none was ever held:
   refused "expired". An ended request is remembered past its latest end, so a captured command cannot bring
   it back.
5. A direction that the device cannot limit, or another than the request had before; a limit that is below
   the device's own floor (of what it takes; nobody has a right to feed in), negative or not finite; a window
   that ends before it starts: refused. What was held for the request stays.
6. A start further ahead than `STARTS_WITHIN`: refused "clock". A request starts when it is sent, so the clock
   of this device is behind, and would hold the limit for as long past its end.
7. Otherwise the limit is held until its end, whatever happens to the controller.

There is never more than one limit in each direction: the latest accepted request replaces the one that was
held, and that one is answered "ended" with the reason "replaced" through `expired`.

The clock of the day is read once for each command: how long it is until its start and its end. From there on
`at_s` counts, seconds that never jump, so a clock that is set meanwhile neither lengthens nor shortens a
limit that is held. Where none is given the time of day stands in for it. A clock that is behind when it is
read lengthens nothing either: a limit lasts from its coming for as long as its window at most, and a change
of one that is held moves its end by no more than the two ends differ.

A real gateway keeps `Kept` over its own restarts. Then the clock of the day is asked once more, but a limit
never lasts longer than it had left: a clock that begins in 1970 holds nobody for decades.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from devices.messages import Answer, AnswerKind, Direction, LimitCommand
from devices.signing import verify

MAX_REMEMBERED = 256
"""Requests remembered against replay; the one whose end is nearest is forgotten first."""
_CONSUMPTION: frozenset[Direction] = frozenset({"consumption"})
STARTS_WITHIN = timedelta(seconds=60)
"""A command starts when it is planned; one that starts later than this, by the clock here, shows that it is
behind."""
REMEMBER_AFTER_END = timedelta(hours=1)
"""So long a release that comes late is still answered "ended"."""


@dataclass(slots=True)
class _Known:
    """What is remembered of one request."""

    sequence: int
    latest_end_s: float
    answer: Answer
    direction: Direction
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class _Held:
    """A limit, and its window in seconds that never jump."""

    command: LimitCommand
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Kept:
    """What a gateway writes down, so that a restart of its own loses nothing."""

    highest_epoch: int = 0
    held: tuple[tuple[LimitCommand, float], ...] = ()
    """each with the seconds that it had left"""
    known: Mapping[str, tuple[int, float, Answer, Direction, bool]] = field(default_factory=dict)
    """request → sequence, seconds until its latest end, answer, direction, accepted"""


class LimitHolder:
    """Holds the limits of one device."""

    def __init__(
        self,
        device: str,
        key: bytes,
        floor_kw: float,
        directions: Collection[Direction] = _CONSUMPTION,
    ) -> None:
        self.device = device
        self.floor_kw = floor_kw
        self.highest_epoch = 0
        self._directions = frozenset(directions)
        self._key = key
        self._held: dict[Direction, _Held] = {}
        self._known: dict[str, _Known] = {}
        self._ended: list[Answer] = []

    @property
    def held(self) -> LimitCommand | None:
        """The command on what the device takes that is held, also before its start."""
        return self.held_in("consumption")

    def held_in(self, direction: Direction) -> LimitCommand | None:
        """The command that is held in this direction, also before its start."""
        held = self._held.get(direction)
        return None if held is None else held.command

    def limit_at(
        self, now: datetime, direction: Direction = "consumption", *, at_s: float | None = None
    ) -> float | None:
        """The limit in force at this time in kW, or None: no limit."""
        held, at_s = self._held.get(direction), _steady(now, at_s)
        return held.command.limit_kw if held is not None and held.start_s <= at_s < held.end_s else None

    def expired(self, now: datetime, *, at_s: float | None = None) -> Answer | None:
        """One request that ended by itself or was replaced, told once; call until None."""
        at_s = _steady(now, at_s)
        for direction in [d for d, held in self._held.items() if held.end_s <= at_s]:
            self._let_go(direction, "end reached")
        return self._ended.pop(0) if self._ended else None

    def receive(self, command: LimitCommand, now: datetime, *, at_s: float | None = None) -> Answer | None:
        """Judge one command; None when there is nothing to say to it."""
        at_s = _steady(now, at_s)
        if command.device != self.device or not verify(command, self._key):
            return self._answer(command, "refused", "signature")
        if command.epoch < self.highest_epoch:
            return self._answer(command, "refused", "stale epoch")
        self.highest_epoch = command.epoch
        self._forget(at_s)
        known = self._known.get(command.request)
        if known is not None and command.sequence <= known.sequence:
            return known.answer if command.sequence == known.sequence else None
        answer = self._decide(command, known, now, at_s)
        if answer.reason == "clock":
            return answer  # not remembered: once the clock is right the same command is obeyed
        self._remember(command, known, answer, _steady_of(command.end, now, at_s))
        return answer

    def is_news(self, command: LimitCommand) -> bool:
        """Whether `receive` would take it for a word of the present controller that it has not heard yet."""
        known = self._known.get(command.request)
        if command.device != self.device or command.epoch < self.highest_epoch:
            return False
        return (known is None or command.sequence > known.sequence) and verify(command, self._key)

    def kept(self, now: datetime, *, at_s: float | None = None) -> Kept:
        """What must survive a restart."""
        at_s = _steady(now, at_s)
        return Kept(
            highest_epoch=self.highest_epoch,
            held=tuple((held.command, held.end_s - at_s) for held in self._held.values()),
            known={
                request: (
                    known.sequence,
                    known.latest_end_s - at_s,
                    known.answer,
                    known.direction,
                    known.accepted,
                )
                for request, known in self._known.items()
            },
        )

    def restore(self, kept: Kept, now: datetime, *, at_s: float | None = None) -> None:
        """Go on after a restart; how long that took only the clock of the day can tell."""
        at_s = _steady(now, at_s)
        self.highest_epoch = kept.highest_epoch
        for command, left_s in kept.held:
            window = (command.end - command.start).total_seconds()
            end_s = min(_steady_of(command.end, now, at_s), at_s + left_s)
            self._held[command.direction] = _Held(command, end_s - window, end_s)
        for request, (sequence, left_s, answer, direction, accepted) in kept.known.items():
            self._known[request] = _Known(sequence, at_s + left_s, answer, direction, accepted)

    def _decide(self, command: LimitCommand, known: _Known | None, now: datetime, at_s: float) -> Answer:
        end_s = self._end_s(command, now, at_s)
        if end_s <= at_s:
            return self._end(command, known)
        fault = self._fault(command, known)
        if fault is None and command.start - now > STARTS_WITHIN:
            fault = "clock"
        if fault is not None:
            return self._answer(command, "refused", fault)
        held = self._held.get(command.direction)
        if held is not None and held.command.request != command.request:
            self._let_go(command.direction, "replaced")
        self._held[command.direction] = _Held(command, _steady_of(command.start, now, at_s), end_s)
        return self._answer(command, "accepted", None)

    def _end_s(self, command: LimitCommand, now: datetime, at_s: float) -> float:
        """Its end in seconds that never jump; a clock of the day that is behind makes it no later."""
        end_s = _steady_of(command.end, now, at_s)
        if now < command.start < command.end:
            end_s = min(end_s, at_s + (command.end - command.start).total_seconds())
        held = self._held.get(command.direction)
        if held is not None and held.command.request == command.request:
            end_s = min(end_s, held.end_s + (command.end - held.command.end).total_seconds())
        return end_s

    def _fault(self, command: LimitCommand, known: _Known | None) -> str | None:
        turned = known is not None and known.direction != command.direction
        if turned or command.direction not in self._directions:
            return "direction"
        if command.end <= command.start:
            return "window"
        if not math.isfinite(command.limit_kw) or command.limit_kw < 0:
            return "not a limit"
        below = command.direction == "consumption" and command.limit_kw < self.floor_kw
        return "below floor" if below else None

    def _end(self, command: LimitCommand, known: _Known | None) -> Answer:
        for direction, held in self._held.items():
            if held.command.request == command.request:
                del self._held[direction]
                return self._answer(command, "ended", "released")
        if known is not None and known.accepted:
            return self._answer(command, "ended", "not held any more")
        return self._answer(command, "refused", "expired")

    def _let_go(self, direction: Direction, reason: str) -> None:
        held = self._held.pop(direction, None)
        if held is None:
            return
        ended = self._answer(held.command, "ended", reason)
        self._ended.append(ended)
        known = self._known.get(held.command.request)
        if known is not None:
            known.answer = ended

    def _remember(self, command: LimitCommand, known: _Known | None, answer: Answer, end_s: float) -> None:
        latest_end_s = end_s if known is None else max(end_s, known.latest_end_s)
        accepted = answer.answer == "accepted" or (known is not None and known.accepted)
        direction = command.direction if known is None else known.direction
        self._known[command.request] = _Known(command.sequence, latest_end_s, answer, direction, accepted)

    def _forget(self, at_s: float) -> None:
        held = {one.command.request for one in self._held.values()}
        horizon_s = at_s - REMEMBER_AFTER_END.total_seconds()
        over = [r for r, known in self._known.items() if known.latest_end_s <= horizon_s and r not in held]
        for request in over:
            del self._known[request]
        while len(self._known) >= MAX_REMEMBERED:
            others = (r for r in self._known if r not in held)
            del self._known[min(others, key=lambda r: self._known[r].latest_end_s)]

    def _answer(self, command: LimitCommand, kind: AnswerKind, reason: str | None) -> Answer:
        return Answer(command.feeder, self.device, command.request, kind, reason)


def _steady(now: datetime, at_s: float | None) -> float:
    return now.timestamp() if at_s is None else at_s


def _steady_of(at: datetime, now: datetime, at_s: float) -> float:
    """A time of day in seconds that never jump; exact where the time of day stands in for them."""
    return at.timestamp() if at_s == now.timestamp() else at_s + (at - now).total_seconds()
