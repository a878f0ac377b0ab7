"""What open drafts are foreseen to do, as whoever confirms them has seen it. In memory only: a draft does not
outlive the controller that took it. Bounded by the drafts that are open.
"""

from dataclasses import dataclass

from controller.order_effects import WhatIf


@dataclass(frozen=True, slots=True)
class _Kept:
    number: int = 0
    effect: WhatIf | None = None
    needed: int = 1


class EffectsKept:
    """By draft. All calls are on the loop's thread."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def put(self, draft: str, effect: WhatIf | None) -> None:
        """What it would do by what is known now; the next number."""
        before = self._kept.get(draft, _Kept())
        self._kept[draft] = _Kept(before.number + 1, effect, before.needed)

    def get(self, draft: str) -> tuple[int, WhatIf | None]:
        """The newest, with its number, from 1; 0 and None where nothing was ever looked at."""
        kept = self._kept.get(draft, _Kept())
        return kept.number, kept.effect

    def needs(self, draft: str, persons: int) -> None:
        """It turned out to take so many persons."""
        before = self._kept.get(draft, _Kept())
        self._kept[draft] = _Kept(before.number, before.effect, persons)

    def needed(self, draft: str) -> int:
        """So many persons, as far as that turned out later; 1 at least."""
        return self._kept.get(draft, _Kept()).needed

    def forget(self, draft: str) -> None:
        """It is over."""
        self._kept.pop(draft, None)
