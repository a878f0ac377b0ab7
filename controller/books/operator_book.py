"""Who keeps the automatic out of a feeder, and of which targets, and why: for people. Pure; a part of the
books. What follows from it is the subject of `operators.Orders`.
"""

from dataclasses import dataclass, field
from typing import assert_never

from controller.entries import OperatorActed


@dataclass(slots=True)
class OperatorBook:
    """Of all feeders."""

    _by_hand: dict[str, OperatorActed] = field(default_factory=dict)
    _excluded: dict[tuple[str, str], OperatorActed] = field(default_factory=dict)
    """by feeder and target: the order that keeps it out of requests"""

    def by_hand(self, feeder: str) -> OperatorActed | None:
        """The `automatic_off` that stands."""
        return self._by_hand.get(feeder)

    def exclusions(self, feeder: str) -> tuple[OperatorActed, ...]:
        """Those that stand, oldest first."""
        return tuple(act for (where, _), act in self._excluded.items() if where == feeder)

    def all_exclusions(self) -> tuple[OperatorActed, ...]:
        """Of all feeders, oldest first."""
        return tuple(self._excluded.values())

    def take(self, entry: OperatorActed) -> None:
        """Take one act in."""
        match entry.action:
            case "automatic_off":
                self._by_hand[entry.feeder] = entry
            case "automatic_on":
                self._by_hand.pop(entry.feeder, None)
                for key in [key for key in self._excluded if key[0] == entry.feeder]:
                    del self._excluded[key]
            case "exclude" if entry.target is not None:
                self._excluded[entry.feeder, entry.target] = entry
            case "include" if entry.target is not None:
                self._excluded.pop((entry.feeder, entry.target), None)
            case "release" | "release_all" | "exclude" | "include" | "limit":
                pass  # the requests that it ends or makes tell it
            case _:
                assert_never(entry.action)

    def fork(self) -> "OperatorBook":
        """A copy that can be written to without touching this one."""
        return OperatorBook(dict(self._by_hand), dict(self._excluded))
