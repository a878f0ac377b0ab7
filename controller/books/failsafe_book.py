"""What devices of guard mode were told to do in silence, and whether they have shown it. Pure; a part of the
books.
"""

from dataclasses import dataclass, field

from controller.entries import FailsafeArmed, FailsafeConfirmed
from controller.errors import BooksBroken


@dataclass(slots=True)
class FailsafeBook:
    """Of all feeders; by feeder and device."""

    _armed: dict[tuple[str, str], FailsafeArmed] = field(default_factory=dict)
    """the latest"""
    _shown: dict[tuple[str, str], int] = field(default_factory=dict)
    """the sequence that the device has shown"""

    def next_sequence(self, feeder: str, device: str) -> int:
        """The sequence of the next failsafe that a device is told, from 1."""
        armed = self._armed.get((feeder, device))
        return 1 if armed is None else armed.sequence + 1

    def told(self, feeder: str, device: str) -> FailsafeArmed | None:
        """The failsafe that a device was told last."""
        return self._armed.get((feeder, device))

    def awaited(self, feeder: str, device: str) -> FailsafeArmed | None:
        """The failsafe that a device was told last, until it has shown it."""
        armed = self._armed.get((feeder, device))
        shown = self._shown.get((feeder, device), 0)
        return armed if armed is not None and armed.sequence > shown else None

    def take(self, entry: FailsafeArmed | FailsafeConfirmed) -> None:
        """Take one entry in; raises BooksBroken for one that cannot be."""
        key = (entry.feeder, entry.device)
        newest = self.next_sequence(*key) - 1
        if isinstance(entry, FailsafeArmed):
            if entry.sequence <= newest:
                raise BooksBroken(f"failsafe {entry.sequence} of {entry.device} told after {newest}")
            self._armed[key] = entry
        elif entry.sequence > newest:
            raise BooksBroken(f"failsafe {entry.sequence} of {entry.device} shown, but never told")
        else:
            self._shown[key] = max(entry.sequence, self._shown.get(key, 0))

    def fork(self) -> "FailsafeBook":
        """A copy that can be written to without touching this one."""
        return FailsafeBook(dict(self._armed), dict(self._shown))
