"""[1] Takes what the drivers deliver, bounded, until the next cycle drains it; counts and keeps what no codec
could read.

Knows nothing of what a message means. Rules when it is full, so that no flood can grow without end:

* Readings: the oldest go first, counted as shed. A newer reading of the same meter says more than an older
  one. The bound is in readings, as a batch holds thousands of them; the newest message always stays.
* Statuses: only the newest of each device is kept, so their number is bounded by the number of devices; a
  device nobody knows counts as one too, and past the bound new unknown names are shed.
* Answers have a bound of their own and readings never push them out. Of one device only the latest
  `ANSWERS_OF_ONE` wait, so that one that floods pushes out nothing but its own older words; past the bound of
  all together the newest is shed, and the next attempt asks for it again. Both are counted.
* Refused input is counted by the feeder that its place names, and by reason, for ever; only the latest
  payloads are kept for inspection, each cut to a length.

All calls are on the loop's thread; `deliver` never blocks and never raises.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import TypeVar, assert_never

from controller.plausibility import Refusals
from devices.messages import Answer, DeviceStatus, Inbound, Reading, ReadingBatch, Refused

KEPT_REFUSED = 100
KEPT_PAYLOAD_BYTES = 512
ANSWERS_OF_ONE = 16
"""A device answers each command once or twice, and is asked a few times a cycle at most."""


@dataclass(frozen=True)
class Drained:
    """What came in since the last drain; readings in the order of arrival."""

    readings: tuple[Reading | ReadingBatch, ...] = ()
    statuses: tuple[DeviceStatus, ...] = ()
    answers: tuple[Answer, ...] = ()
    """in the order of arrival of each device"""
    refused: tuple[Refused, ...] = ()
    """the latest ones; `refused_count` has all"""
    refused_count: Counter[tuple[str | None, str]] = field(default_factory=Counter)
    """by the feeder that the place names, None where it names none, and the reason"""
    shed: int = 0
    """messages that were dropped because a bound was reached"""


class Intake:
    """The one queue between all drivers and the cycle."""

    # 500,000 readings: about 180 MB as single messages, 35 MB in batches; 5 s of 100,000 meters once a second
    def __init__(self, readings_bound: int = 500_000, others_bound: int = 20_000) -> None:
        self._readings: deque[Reading | ReadingBatch] = deque()
        self._readings_waiting, self._readings_bound = 0, readings_bound
        self._others_bound = others_bound
        self._statuses: dict[tuple[str, str], DeviceStatus] = {}
        self._answers: dict[tuple[str, str], deque[Answer]] = {}
        self._answers_waiting = 0
        self._refused: deque[Refused] = deque(maxlen=KEPT_REFUSED)
        self._refused_count: Counter[tuple[str | None, str]] = Counter()
        self._shed = 0
        self.inspect: deque[Refused] = deque(maxlen=KEPT_REFUSED)
        """The latest refused payloads, for a person to look at."""

    def __len__(self) -> int:
        """Messages that wait for the next drain."""
        return len(self._readings) + len(self._statuses) + self._answers_waiting + len(self._refused)

    @property
    def queues(self) -> tuple[tuple[str, int, int], ...]:
        """Name, what waits, and bound, of each kind of message."""
        return (
            ("readings", self._readings_waiting, self._readings_bound),
            ("statuses", len(self._statuses), self._others_bound),
            ("answers", self._answers_waiting, self._others_bound),
        )

    def deliver(self, message: Inbound) -> None:
        """Take one message; see the module's rules for what happens when there is no room."""
        match message:
            case Reading() | ReadingBatch():
                self._keep_reading(message)
            case DeviceStatus():
                self._keep_newest(message)
            case Answer():
                self._keep_answer(message)
            case Refused():
                kept = replace(message, payload=message.payload[:KEPT_PAYLOAD_BYTES])
                self._refused_count[message.feeder, message.reason] += 1
                self._refused.append(kept)
                self.inspect.append(kept)
            case _:
                assert_never(message)

    def drain(self) -> Drained:
        """Everything that waits, once."""
        drained = Drained(
            readings=tuple(self._readings),
            statuses=tuple(self._statuses.values()),
            answers=tuple(answer for answers in self._answers.values() for answer in answers),
            refused=tuple(self._refused),
            refused_count=self._refused_count,
            shed=self._shed,
        )
        self._readings.clear()
        self._readings_waiting = 0
        self._statuses, self._answers, self._answers_waiting = {}, {}, 0
        self._refused_count, self._shed = Counter(), 0
        self._refused.clear()
        return drained

    def _keep_reading(self, message: Reading | ReadingBatch) -> None:
        self._readings.append(message)
        self._readings_waiting += _readings_in(message)
        while self._readings_waiting > self._readings_bound and len(self._readings) > 1:
            self._readings_waiting -= _readings_in(self._readings.popleft())
            self._shed += 1

    def _keep_answer(self, answer: Answer) -> None:
        key = (answer.feeder, answer.device)
        known = self._answers.get(key)
        if known is not None and len(known) == ANSWERS_OF_ONE:
            self._shed += 1
            known.append(answer)
        elif self._answers_waiting >= self._others_bound:
            self._shed += 1
        else:
            self._answers.setdefault(key, deque(maxlen=ANSWERS_OF_ONE)).append(answer)
            self._answers_waiting += 1

    def _keep_newest(self, status: DeviceStatus) -> None:
        """A will has no time of its own: it speaks of now, so it counts as the newest."""
        key = (status.feeder, status.device)
        known = self._statuses.get(key)
        if known is None and len(self._statuses) >= self._others_bound:
            self._shed += 1
        elif known is None or known.at is None or status.at is None or status.at >= known.at:
            self._statuses[key] = status


def _readings_in(message: Reading | ReadingBatch) -> int:
    """An empty batch takes room as well."""
    return 1 if isinstance(message, Reading) else len(message.meters) or 1


def by_feeder(drained: Drained, feeders: Collection[str], refusals: Refusals) -> dict[str, Drained]:
    """What came in for each feeder; what no codec could read, or names no feeder of ours, is refused: by the
    feeder where its place names one, or else here.
    """
    by_place = {feeder: _refused_of(drained, feeder) for feeder in {at for at, _ in drained.refused_count}}
    for feeder, refused in by_place.items():
        if feeder not in feeders:
            refuse(refused, refusals)
    readings = _grouped(drained.readings, feeders, refusals)
    statuses = _grouped(drained.statuses, feeders, refusals)
    answers = _grouped(drained.answers, feeders, refusals)
    return {
        feeder: replace(
            by_place.get(feeder, Drained()),
            readings=tuple(readings[feeder]),
            statuses=tuple(statuses[feeder]),
            answers=tuple(answers[feeder]),
        )
        for feeder in feeders
    }


def refuse(drained: Drained, refusals: Refusals) -> None:
    """Count what no codec could read, with one example of each reason."""
    samples = {refused.reason: f"{refused.source}: {refused.detail}" for refused in drained.refused}
    for (_, reason), count in drained.refused_count.items():
        refusals.add(reason, samples.get(reason, ""), count)


def _refused_of(drained: Drained, feeder: str | None) -> Drained:
    """What no codec could read of one feeder, or of none."""
    return Drained(
        refused=tuple(refused for refused in drained.refused if refused.feeder == feeder),
        refused_count=Counter({key: n for key, n in drained.refused_count.items() if key[0] == feeder}),
    )


_M = TypeVar("_M", Reading | ReadingBatch, DeviceStatus, Answer)


def _grouped(
    messages: tuple[_M, ...], feeders: Collection[str], refusals: Refusals
) -> defaultdict[str, list[_M]]:
    groups: defaultdict[str, list[_M]] = defaultdict(list)
    for message in messages:
        if message.feeder in feeders:
            groups[message.feeder].append(message)
        else:
            refusals.add("unknown_feeder", f"feeder {message.feeder!r}")
    return groups
