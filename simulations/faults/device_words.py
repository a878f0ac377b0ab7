"""What devices said of their power, as one controller may believe it when it decides."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from devices.messages import DeviceStatus
from simulations.faults.promises import Promised

WORD_LASTS = 2
"""times as long as a reading: devices speak when something changes"""
REMEMBERED = 6
"""of one device: what came while a cycle was under way is not what it decided on"""
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class _Word:
    at: datetime
    kw: float | None
    heard_at: datetime
    """by the controller's clock; NEVER: before that jumped"""
    ahead: bool
    """when it was heard: refused by who looked at it at once, and not by who looked later"""


class DeviceWords:
    """That one controller process heard."""

    def __init__(self, promised: Promised) -> None:
        self._promised = promised
        self._words: dict[str, deque[_Word]] = {}

    def hear(self, status: DeviceStatus, by_its_clock: datetime) -> None:
        """Something is delivered."""
        if status.at is not None:
            word = _Word(status.at, status.p_kw, by_its_clock, self._is_ahead(status.at, by_its_clock))
            self._words.setdefault(status.device, deque(maxlen=REMEMBERED)).append(word)

    def clock_jumps(self) -> None:
        """The controller's clock did."""
        for device, words in self._words.items():
            self._words[device] = deque((replace(w, heard_at=NEVER) for w in words), maxlen=REMEMBERED)

    def device_kw(self, device: str, at: datetime) -> set[float | None]:
        """What the device may have been believed to take by who decided at `at`, by its clock; None where it
        may count as unknown.
        """
        heard = [
            word
            for word in self._words.get(device, ())
            if word.heard_at <= at and not self._is_ahead(word.at, at)
        ]
        return {self._latest_kw(heard, at), self._latest_kw((w for w in heard if not w.ahead), at)}

    def _latest_kw(self, words: Iterable[_Word], at: datetime) -> float | None:
        latest = max(words, key=lambda word: word.at, default=None)
        oldest_s = WORD_LASTS * self._promised.fresh_s
        return None if latest is None or (at - latest.at).total_seconds() > oldest_s else latest.kw

    def _is_ahead(self, at: datetime, now: datetime) -> bool:
        return (at - now).total_seconds() > self._promised.skew_s
