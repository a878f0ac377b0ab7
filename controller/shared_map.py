"""A map that is copied at once and pays for a copy only where it is written to. Pure.

The books are copied before every write, to see whether it fits. A map of 100,000 customers is therefore kept
in parts, which copies share until one of them writes: it copies that part (some hundred entries) first. A
copy is a true one: neither sees what the other writes.
"""

from collections.abc import Iterator
from typing import Any, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")
PARTS = 1024
_NOTHING: dict[Any, Any] = {}


class SharedMap(Generic[K, V]):
    """A dict in parts. Iterates in no order that means anything: sort what is shown."""

    __slots__ = ("_own", "_parts")

    def __init__(self) -> None:
        self._parts: list[dict[K, V]] = [_NOTHING] * PARTS
        self._own: set[int] = set()
        """places of the parts that no other map shares"""

    def fork(self) -> "SharedMap[K, V]":
        """A copy."""
        twin: SharedMap[K, V] = SharedMap.__new__(SharedMap)
        twin._parts = self._parts.copy()
        twin._own = set()
        self._own = set()
        return twin

    def get(self, key: K, default: V) -> V:
        """The value of a key."""
        return self._parts[hash(key) % PARTS].get(key, default)

    def find(self, key: K) -> V | None:
        """The value of a key, or None."""
        return self._parts[hash(key) % PARTS].get(key)

    def __contains__(self, key: K) -> bool:
        return key in self._parts[hash(key) % PARTS]

    def __setitem__(self, key: K, value: V) -> None:
        self._to_write(key)[key] = value

    def discard(self, key: K) -> None:
        """Take a key out, if it is there."""
        if key in self:
            del self._to_write(key)[key]

    def items(self) -> Iterator[tuple[K, V]]:
        """All that is in it; it must not be written to meanwhile."""
        for part in self._parts:
            yield from part.items()

    def __iter__(self) -> Iterator[K]:
        for part in self._parts:
            yield from part

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SharedMap) and self._parts == other._parts

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        return f"SharedMap({dict(self.items())!r})"

    def _to_write(self, key: K) -> dict[K, V]:
        place = hash(key) % PARTS
        if place not in self._own:
            self._parts[place] = self._parts[place].copy()
            self._own.add(place)
        return self._parts[place]


class MapsByMonth(Generic[K, V]):
    """One shared map for each month, of which old ones are dropped whole."""

    __slots__ = ("_months", "_own")

    def __init__(self) -> None:
        self._months: dict[int, SharedMap[K, V]] = {}
        self._own: set[int] = set()

    def fork(self) -> "MapsByMonth[K, V]":
        """A copy."""
        twin: MapsByMonth[K, V] = MapsByMonth()
        twin._months = dict(self._months)
        self._own = set()
        return twin

    def found(self, key: K) -> Iterator[V]:
        """The values of a key in all months, oldest month first."""
        for _, kept in sorted(self._months.items()):
            if key in kept:
                yield kept._parts[hash(key) % PARTS][key]

    def of_month(self, month: int) -> SharedMap[K, V]:
        """The map of a month, to be written to."""
        if month not in self._own:
            kept = self._months.get(month)
            self._months[month] = SharedMap() if kept is None else kept.fork()
            self._own.add(month)
        return self._months[month]

    def drop_before(self, month: int) -> None:
        """Forget all months before this one."""
        for old in [m for m in self._months if m < month]:
            del self._months[old]
            self._own.discard(old)

    def __len__(self) -> int:
        return sum(map(len, self._months.values()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MapsByMonth) and self._months == other._months

    __hash__ = None  # type: ignore[assignment]  # it changes
