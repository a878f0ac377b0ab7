"""[1] What came in, and what time brought: the first half of a cycle. Pure: (memory, books, input, now) →
entries, memory.

Readings and statuses go into the feeder's state, answers move requests, and states whose deadline has passed
move on. Decides nothing about the network. An answer that names a request of another device is refused; one
that tells nothing new is dropped, so doubled and late answers are harmless (C14). So is one that refuses a
command of another sender: a controller that was replaced, or somebody without the key. The device learnt
nothing from that command, so its answer says nothing of ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from controller.books import Books
from controller.entries import Entry, RequestAnswered, RequestMoved, RequestState
from controller.feeder_control import FeederControl
from controller.feeder_state import FeederState, take_in
from controller.intake import Drained, refuse
from controller.memory import Memory
from controller.operators import free
from controller.plausibility import Refusals, RefusedCount
from controller.put_right import frees_nobody_yet, is_overdue, told_ahead
from controller.refusal_log import tell
from controller.requests import RequestRecord, Trigger, due, next_state, on_answer
from devices.messages import Answer, DeviceStatus, Direction

LIMIT_SHOWN_WITHIN_KW = 0.05
"""A device shows our limit if what it reports is this near."""
STALE, FORGED = "stale epoch", "signature"
"""The reasons of a device that refuses what another sender commanded (`devices.limit_holder`, rules 1, 2)."""
CLOCK = "clock"
"""The reason of one whose clock of the day is behind (rule 6)."""
_WHY: Mapping[Trigger, str] = {
    "lost": "could not be sent in time",
    "silent": "no answer to any attempt",
    "started": "its start has come",
    "ended": "its end has come",
}


@dataclass(frozen=True)
class Heard:
    """The first half of a cycle."""

    entries: tuple[Entry, ...]
    memory: Memory
    refused: Mapping[str, RefusedCount]
    late: int
    readings: int


class _Hearing:
    """Collects the entries of one pass; records are as they will be once the entries are journaled."""

    def __init__(self, control: FeederControl, books: Books, memory: Memory, now: datetime) -> None:
        self.control, self.books, self.now = control, books, now
        self.entries: list[Entry] = []
        self.acknowledged = dict(memory.acknowledged)
        self.told_ahead = told_ahead(books.unsettled(control.feeder), memory.told_ahead, now)
        self._moved: dict[str, RequestRecord] = {}
        self._opened: dict[str, str] = {}
        """target → its open request, of devices that a move of this pass concerns"""

    def record(self, request: str) -> RequestRecord | None:
        return self._moved.get(request) or self.books.requests.get(request)

    def move(self, record: RequestRecord, trigger: Trigger, reason: str) -> RequestRecord:
        state: RequestState = next_state(record.state, trigger, record.resource)
        self.entries.append(RequestMoved(at=self.now, request=record.request, state=state, reason=reason))
        moved = replace(record, state=state, moved_at=self.now)
        self._moved[record.request] = moved
        target = record.planned.target
        if moved.resource == "device" and moved.is_open:
            self._opened[target] = record.request
        elif self._opened.get(target) == record.request:
            del self._opened[target]
        return moved

    def held_by(self, target: str) -> str | None:
        """The open request of a target, moves of this pass included."""
        opened = self._opened.get(target)
        if opened is not None:
            return opened
        held = self.books.held_by(self.control.feeder, target)
        return None if held is None or held.request in self._moved else held.request

    def answer(self, answer: Answer, refusals: Refusals) -> None:
        record = self.record(answer.request)
        if record is None:
            refusals.add("unknown_request", f"answer of {answer.device!r} to {answer.request!r}")
            return
        planned = record.planned
        if (planned.feeder, planned.resource, planned.target) != (answer.feeder, "device", answer.device):
            refusals.add(
                "foreign_answer", f"{answer.device!r} answered {answer.request!r} of {planned.target!r}"
            )
            return
        if _is_to_another_sender(answer, record):
            refusals.add("answer_to_another_sender", f"{answer.device!r} refused: {answer.reason}")
            return
        trigger = on_answer(record, answer.answer, self.now, self.held_by(planned.target))
        known = self.acknowledged.get(record.request, 0)
        confirms = known < record.sent_sequence and not (record.releasing and _leaves_open(answer))
        if trigger is None and not confirms:
            return
        if confirms:
            self.acknowledged[record.request] = record.sent_sequence
        if record.is_over:
            return  # a release that is confirmed after the settlement: nothing to tell any more
        self.entries.append(
            RequestAnswered(at=self.now, request=record.request, answer=answer.answer, reason=answer.reason)
        )
        if trigger is not None:
            if self._may_hold_yet(record, trigger):
                self.entries += free([record], self.books.epoch, self.now, "let_go", "")
            self.move(record, trigger, answer.reason or f"the device answered {answer.answer}")

    def _may_hold_yet(self, record: RequestRecord, trigger: Trigger) -> bool:
        """Whether a release has to stand behind the answer that ends a request before its time, so that
        nothing holds that nobody watches: who lets go may not have heard the newest command yet, and who
        refuses may hold on to what it took before, or take a late copy of what it refused.
        """
        if record.releasing or self.now >= record.end:
            return False
        held = record.state in ("accepted", "active")
        return trigger == "refused" or (trigger == "ended" and held and record.sequence > 1)

    def shown(self, status: DeviceStatus) -> None:
        """A status that shows our limit proves that the command arrived, even when the answer was lost."""
        for direction, request, limit_kw in _shown(status):
            record = None if request is None or limit_kw is None else self.record(request)
            if record is not None and record.planned.direction == direction:
                self._shows(record, status)

    def _shows(self, record: RequestRecord, status: DeviceStatus) -> None:
        if record.planned.target != status.device or record.resource != "device":
            return
        if record.state in ("planned", "sent", "unanswered", "failed"):
            trigger = on_answer(record, "accepted", self.now, self.held_by(status.device))
            if trigger is not None:
                self.move(record, trigger, "the device shows the limit")

    def time_passes(self, record: RequestRecord) -> None:
        """Every step that time alone asks for. A release that nobody confirmed ends by the device's own clock
        only.
        """
        rules = self.control.site.requests
        since = self.told_ahead.get(record.request)
        overdue = since is not None and is_overdue(record, since, self.now)
        if overdue or frees_nobody_yet(record, self.now):
            self.entries += free([record], self.books.epoch, self.now, "released", "")
            return  # the release says how it goes on
        for _ in range(len(_WHY)):
            trigger = due(record, rules, self.now)
            if trigger is None or (trigger == "ended" and self._still_holds(record)):
                return
            record = self.move(record, trigger, _WHY[trigger])

    def _still_holds(self, record: RequestRecord) -> bool:
        confirmed = self.acknowledged.get(record.request, 0) >= record.sequence
        may_hold = record.resource == "device" and self.now < record.free_by(self.now)
        return may_hold and record.releasing and not confirmed


def _shown(status: DeviceStatus) -> tuple[tuple[Direction, str | None, float | None], ...]:
    """What a device holds by its own word, in each direction."""
    return (
        ("consumption", status.request, status.limit_kw),
        ("production", status.production_request, status.production_limit_kw),
    )


def _leaves_open(answer: Answer) -> bool:
    """Whether a device may hold its limit after this answer to a release: `accepted` was said to an earlier
    command, or by one whose clock is behind ours and which says `ended` in a moment; who refuses for its
    clock has learnt nothing from the command.
    """
    return answer.answer == "accepted" or (answer.answer == "refused" and answer.reason == CLOCK)


def _is_to_another_sender(answer: Answer, record: RequestRecord) -> bool:
    """A device that obeyed us before knows our signature, so what it refuses as forged is not ours."""
    if answer.answer != "refused":
        return False
    return answer.reason == STALE or (answer.reason == FORGED and record.state in ("accepted", "active"))


def hear(control: FeederControl, books: Books, memory: Memory, drained: Drained, now: datetime) -> Heard:
    """Take one drain of this feeder in."""
    refusals = Refusals()
    refuse(drained, refusals)
    taken = take_in(memory.state, control, drained.readings, drained.statuses, now=now, refusals=refusals)
    hearing = _Hearing(control, books, memory, now)
    for answer in drained.answers:
        hearing.answer(answer, refusals)
    for status in taken.statuses:
        hearing.shown(status)
    unsettled = books.unsettled(control.feeder)
    for record in unsettled:
        hearing.time_passes(hearing.record(record.request) or record)
    refused = refusals.by_reason()
    log, told = tell(memory.refusals, control.feeder, refused, now)
    after = replace(
        memory,
        state=taken.state,
        refusals=log,
        acknowledged={r: sequence for r, sequence in hearing.acknowledged.items() if _matters(books, r, now)},
        told_ahead=hearing.told_ahead,
        not_held=_not_held(unsettled, memory.not_held, taken.state, now),
    )
    return Heard((*hearing.entries, *told), after, refused, taken.late, len(drained.readings))


def _matters(books: Books, request: str, now: datetime) -> bool:
    """Whether anybody will ask what the device of this request confirmed."""
    record = books.requests.get(request)
    return record is not None and (not record.is_over or now < record.free_by(now))


def _not_held(
    records: tuple[RequestRecord, ...], before: Mapping[str, int], state: FeederState, now: datetime
) -> dict[str, int]:
    """For how many cycles in a row each device that should hold a limit has shown another, or none."""
    counts: dict[str, int] = {}
    for record in records:
        if record.resource != "device" or record.state not in ("accepted", "active") or record.releasing:
            continue
        device = state.devices.get(record.planned.target)
        spoke_since = device is not None and device.at is not None and device.at > (record.sent_at or now)
        if device is None or not device.online or not spoke_since:
            continue
        limit_kw, request = device.shows(record.planned.direction)
        holds = request == record.request and limit_kw is not None
        if not holds or abs((limit_kw or 0.0) - record.limit_kw) > LIMIT_SHOWN_WITHIN_KW:
            counts[record.request] = before.get(record.request, 0) + 1
    return counts
