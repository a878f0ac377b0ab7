"""Counts log-ins that failed, and says who has to wait. No I/O; the time is given."""

from collections import OrderedDict
from dataclasses import dataclass, field

_Key = tuple[str, str]


@dataclass(slots=True)
class FailedLogins:
    """Client and address together, so that nobody locks out somebody else's client from elsewhere."""

    allowed: int = 5
    """Per client and address. An address with four times as many of all clients is notorious: there a client
    has one failure, and a client that has had none is let through, because many may share an address.
    """
    lockout_s: float = 60.0
    most_remembered: int = 10_000
    """the longest unheard of are forgotten first"""
    _failures: OrderedDict[_Key, tuple[int, float]] = field(default_factory=OrderedDict)

    def wait_s(self, client_id: str, address: str, now_s: float) -> float:
        """How long until this client may try again from this address; 0.0: at once."""
        allowed = 1 if self.is_notorious(address, now_s) else self.allowed
        return self._wait(self._key(client_id, address), allowed, now_s)

    def is_notorious(self, address: str, now_s: float) -> bool:
        """Whether so many log-ins failed from there that the rest go one at a time."""
        return self._wait(("", address), 4 * self.allowed, now_s) > 0

    def failed(self, client_id: str, address: str, now_s: float) -> None:
        """It was the wrong secret."""
        for key in (self._key(client_id, address), ("", address)):
            count, since = self._failures.pop(key, (0, now_s))
            count = count if now_s - since < self.lockout_s else 0
            self._failures[key] = (count + 1, now_s)
        while len(self._failures) > self.most_remembered:
            self._failures.popitem(last=False)

    def succeeded(self, client_id: str, address: str) -> None:
        """It was the right one."""
        self._failures.pop(self._key(client_id, address), None)

    def _wait(self, key: _Key, allowed: int, now_s: float) -> float:
        count, since = self._failures.get(key, (0, now_s))
        return max(0.0, since + self.lockout_s - now_s) if count >= allowed else 0.0

    def _key(self, client_id: str, address: str) -> _Key:
        return f"client {client_id[:128]}", address
