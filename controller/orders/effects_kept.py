"""What open drafts are foreseen to do, as whoever confirms them has seen it, and what turned out of them
since. In memory only: a draft does not outlive the controller that took it. Bounded by the drafts that are
open: what turns out of one that is over, by somebody who still looks at it, is not kept.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from controller.order_effects import WhatIf


@dataclass(frozen=True, slots=True)
class _Kept:
    number: int = 0
    effect: WhatIf | None = None
    needed: int = 1
    lost: frozenset[str] = frozenset()


class EffectsKept:
    """By draft. All calls are on the loop's thread."""

    def __init__(self, is_open: Callable[[str], bool]) -> None:
        self._is_open = is_open
        self._kept: dict[str, _Kept] = {}

    def put(self, draft: str, effect: WhatIf | None) -> None:
        """What it would do by what is known now; the next number."""
        self._change(draft, number=self._of(draft).number + 1, effect=effect)

    def get(self, draft: str) -> tuple[int, WhatIf | None]:
        """The newest, with its number, from 1; 0 and None where nothing was ever looked at."""
        kept = self._of(draft)
        return kept.number, kept.effect

    def needs(self, draft: str, persons: int) -> None:
        """It turned out to take so many persons."""
        self._change(draft, needed=persons)

    def needed(self, draft: str) -> int:
        """So many persons, as far as that turned out later; 1 at least."""
        return self._of(draft).needed

    def lose(self, draft: str, persons: frozenset[str]) -> None:
        """These agreed, and may not operate there any more."""
        if persons or draft in self._kept:
            self._change(draft, lost=persons)

    def lost(self, draft: str) -> frozenset[str]:
        """Whose agreement does not count, as far as that turned out later."""
        return self._of(draft).lost

    def forget(self, draft: str) -> None:
        """It is over."""
        self._kept.pop(draft, None)

    def _of(self, draft: str) -> _Kept:
        return self._kept.get(draft, _Kept())

    def _change(self, draft: str, **values: Any) -> None:
        if self._is_open(draft):
            self._kept[draft] = replace(self._of(draft), **values)
