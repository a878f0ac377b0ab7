"""How often somebody may try to sign in: by account and by address. Pure: time is passed in.

After `FREE` failures each further one costs a pause that doubles, up to `LONGEST_PAUSE_S`; a quiet hour
forgets them. Nothing is locked for ever. Bounded: of too many keys the one that failed longest ago is
forgotten.
"""

import ipaddress
from dataclasses import dataclass

FREE = 5
LONGEST_PAUSE_S = 60.0
FORGOTTEN_AFTER_S = 3600.0
MOST_KEYS = 10_000


@dataclass(slots=True)
class _Failures:
    count: int
    last_s: float


class Throttle:
    """Failures by key."""

    def __init__(self) -> None:
        self._failures: dict[str, _Failures] = {}

    def wait_s(self, key: str, now_s: float) -> float:
        """So long this one has to wait before another try; 0: not at all."""
        known = self._failures.get(key)
        if known is None or now_s - known.last_s >= FORGOTTEN_AFTER_S or known.count < FREE:
            return 0.0
        pause_s = min(LONGEST_PAUSE_S, 2.0 ** min(known.count - FREE, 30))
        return max(0.0, known.last_s + pause_s - now_s)

    def failed(self, key: str, now_s: float) -> None:
        """Count one."""
        known = self._failures.pop(key, None)
        if known is None or now_s - known.last_s >= FORGOTTEN_AFTER_S:
            known = _Failures(0, now_s)
        self._failures[key] = _Failures(known.count + 1, now_s)
        if len(self._failures) > MOST_KEYS:
            del self._failures[next(iter(self._failures))]

    def take_back(self, key: str) -> None:
        """One was none after all; those of before stay."""
        known = self._failures.get(key)
        if known is not None and known.count > 1:
            known.count -= 1
        else:
            self._failures.pop(key, None)

    def forget(self, key: str) -> None:
        """All of its failures."""
        self._failures.pop(key, None)

    def __len__(self) -> int:
        return len(self._failures)


def place_of(address: str) -> str:
    """What counts as one place: an IPv4 address; of IPv6 the /64, all of which one caller has to itself."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv4Address):
        return str(known)
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(known), 64), strict=False))
