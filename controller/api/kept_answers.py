"""Answers to commands by their idempotency keys, so that a command sent twice is done once
(draft-ietf-httpapi-idempotency-key-header). Pure but for being a memory; knows no HTTP server.

Bounded: `MOST_ANSWERS`, of `MOST_BYTES` together, each for `KEPT_S`; of more the oldest is forgotten. What
the journal keeps of commands lasts longer (`orders/order_book.py`). At most `MOST_RUNNING` commands with a
key run at a time; one more is refused.
"""

from dataclasses import dataclass, field
from typing import Literal

from controller.access.principal import Principal

MOST_ANSWERS = 2_000
MOST_BYTES = 16 * 2**20
KEPT_S = 24 * 3600.0
MOST_RUNNING = 500
Name = tuple[str, str]
"""(principal, key)"""


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What was answered."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    to: Principal | None = None
    """with what they were allowed then"""

    def is_for(self, principal: Principal) -> bool:
        """Whether whoever comes under the same name may still do all that they might then."""
        then = self.to
        if then is None:
            return True
        has_feeders = principal.feeders is None or (
            then.feeders is not None and then.feeders <= principal.feeders
        )
        return then.may <= principal.may and has_feeders


@dataclass(frozen=True, slots=True)
class _Kept:
    fingerprint: str
    until_s: float
    answer: KeptAnswer


Begun = Literal["new", "running", "another", "full"]
"""new: do it, then `finish` or `give_up` · running: the first one is not done yet · another: the key came
with another request · full: too many run
"""


@dataclass(slots=True)
class KeptAnswers:
    """Of one process."""

    _kept: dict[Name, _Kept] = field(default_factory=dict)
    _running: dict[Name, str] = field(default_factory=dict)
    _bytes: int = 0

    def begin(self, name: Name, fingerprint: str, now_s: float) -> KeptAnswer | Begun:
        """What becomes of a command that comes under this name; `now_s` never jumps."""
        kept = self._kept.get(name)
        if kept is not None and now_s >= kept.until_s:
            self._drop(name)
            kept = None
        known = self._running.get(name) if kept is None else kept.fingerprint
        if known is not None and known != fingerprint:
            return "another"
        if kept is not None:
            return kept.answer
        if name in self._running:
            return "running"
        if len(self._running) >= MOST_RUNNING:
            return "full"
        self._running[name] = fingerprint
        return "new"

    def finish(self, name: Name, answer: KeptAnswer, now_s: float) -> None:
        """It is done."""
        fingerprint = self._running.pop(name)
        self._kept[name] = _Kept(fingerprint, now_s + KEPT_S, answer)
        self._bytes += len(answer.body)
        while self._kept and (len(self._kept) > MOST_ANSWERS or self._bytes > MOST_BYTES):
            self._drop(next(iter(self._kept)))

    def give_up(self, name: Name) -> None:
        """Nothing was done: the same may be sent again."""
        self._running.pop(name, None)

    def _drop(self, name: Name) -> None:
        self._bytes -= len(self._kept.pop(name).answer.body)
