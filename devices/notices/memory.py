"""What ways took lately, what was spoken, and what was reported, as far as this process has seen it. Bounded,
no I/O.

The address book keeps the same over a restart; this one knows it at once, and also while the book cannot be
written.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from devices.notices.addresses import Reach
from devices.notices.words import DeliveryReport, Result, Taken, WordKey

KEPT_FOR = timedelta(days=1)
MOST_CUSTOMERS = 50_000
"""Of more, the one whose last word is longest ago is forgotten; the address book still has them."""
MOST_REPORTS = 20_000
"""Of more that nobody fetches, the oldest is dropped."""
MOST_REQUESTS = 50_000
"""Of more, the one of which was spoken first is forgotten."""


class Memory:
    """Of one site."""

    def __init__(self) -> None:
        self._taken: dict[str, dict[tuple[str, WordKey], Taken]] = {}
        self._reports: deque[DeliveryReport] = deque(maxlen=MOST_REPORTS)
        self._last: dict[tuple[str, WordKey], Result] = {}
        self._newest: dict[str, int] = {}

    def spoken(self, word: WordKey) -> None:
        """Somebody is being told this."""
        self._newest[word.request] = max(word.sequence, self._newest.pop(word.request, 0))
        if len(self._newest) > MOST_REQUESTS:
            del self._newest[next(iter(self._newest))]

    def is_overtaken(self, word: WordKey, taken: Iterable[Taken]) -> bool:
        """Whether a later word of the same request was spoken, as one that takes it back is."""
        newest = self._newest.get(word.request, 0)
        lately = (one.word.sequence for one in taken if one.word.request == word.request)
        return word.sequence < max((newest, *lately))

    def add(self, customer: str, taken: Taken) -> None:
        """One way took one word."""
        known = self._taken.pop(customer, {})  # so that it comes last
        horizon = taken.at - KEPT_FOR
        kept = {key: one for key, one in known.items() if one.at > horizon}
        kept[taken.way, taken.word] = taken
        self._taken[customer] = kept
        while len(self._taken) > MOST_CUSTOMERS:
            del self._taken[next(iter(self._taken))]

    def within(self, reach: Reach) -> Reach:
        """The same, with what this process knows besides."""
        merged = {(one.way, one.word): one for one in reach.taken} | self._taken.get(reach.customer, {})
        return replace(reach, taken=tuple(merged.values()))

    def report(self, at: datetime, word: WordKey, way: str, result: Result) -> None:
        """Tell what came of a try; the same again of the same word and way is told once."""
        if self._last.get((way, word)) == result:
            return
        self._last[way, word] = result
        if len(self._last) > MOST_REPORTS:
            del self._last[next(iter(self._last))]
        self._reports.append(DeliveryReport(at, word, way, result))

    def reports(self) -> Sequence[DeliveryReport]:
        """What was not fetched yet."""
        told = tuple(self._reports)
        self._reports.clear()
        return told
