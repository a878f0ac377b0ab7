"""What open drafts are foreseen to do, as whoever confirms them has seen it, and what turned out of them
since. In memory only: a draft does not outlive the controller that took it. Bounded by the drafts that are
open.
"""

from dataclasses import dataclass, replace

from controller.order_effects import WhatIf


@dataclass(frozen=True, slots=True)
class _Kept:
    number: int = 0
    effect: WhatIf | None = None
    needed: int = 1
    lost: frozenset[str] = frozenset()


class EffectsKept:
    """By draft. All calls are on the loop's thread."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def put(self, draft: str, effect: WhatIf | None) -> None:
        """What it would do by what is known now; the next number."""
        before = self._kept.get(draft, _Kept())
        self._kept[draft] = replace(before, number=before.number + 1, effect=effect)

    def get(self, draft: str) -> tuple[int, WhatIf | None]:
        """The newest, with its number, from 1; 0 and None where nothing was ever looked at."""
        kept = self._kept.get(draft, _Kept())
        return kept.number, kept.effect

    def needs(self, draft: str, persons: int) -> None:
        """It turned out to take so many persons."""
        before = self._kept.get(draft, _Kept())
        self._kept[draft] = replace(before, needed=persons)

    def needed(self, draft: str) -> int:
        """So many persons, as far as that turned out later; 1 at least."""
        return self._kept.get(draft, _Kept()).needed

    def lose(self, draft: str, persons: frozenset[str]) -> None:
        """These agreed, and may not operate there any more."""
        if persons or draft in self._kept:
            self._kept[draft] = replace(self._kept.get(draft, _Kept()), lost=persons)

    def lost(self, draft: str) -> frozenset[str]:
        """Whose agreement does not count, as far as that turned out later."""
        return self._kept.get(draft, _Kept()).lost

    def forget(self, draft: str) -> None:
        """It is over."""
        self._kept.pop(draft, None)
