"""The latest answers about recorded states, because pages ask again and again. Pure but for being a memory.

Bounded over all feeders together: so many answers, and so many figures in them. Whose was asked for longest
ago goes first, and one that is larger than all may be is not kept.
"""

from collections import OrderedDict
from dataclasses import dataclass

from controller.occurrences.replay import LimitsFrom, RecordedBody

MOST = 8
MOST_NUMBERS = 2_400_000
"""in all of them, some 32 bytes each: two of the largest answers"""

_OF_A_REQUEST = 20
"""so many figures a request is as large as"""


@dataclass(frozen=True, slots=True)
class _Kept:
    asked: object
    body: RecordedBody
    numbers: int


class KeptBodies:
    """Of one site, one for each feeder."""

    def __init__(self, most: int = MOST, most_numbers: int = MOST_NUMBERS) -> None:
        self._most, self._most_numbers = most, most_numbers
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._numbers = 0

    def get(self, feeder: str, asked: object) -> RecordedBody | None:
        """The answer that is kept of a feeder, if it was made of the same."""
        known = self._kept.get(feeder)
        if known is None or known.asked != asked:
            return None
        self._kept.move_to_end(feeder)
        return known.body

    def put(self, feeder: str, asked: object, body: RecordedBody) -> None:
        """Keep this one of the feeder, in place of the one before."""
        self._drop(feeder)
        numbers = _numbers_of(body)
        if numbers > self._most_numbers:
            return
        self._kept[feeder] = _Kept(asked, body, numbers)
        self._numbers += numbers
        while len(self._kept) > self._most or self._numbers > self._most_numbers:
            self._drop(next(iter(self._kept)))

    def _drop(self, feeder: str) -> None:
        known = self._kept.pop(feeder, None)
        self._numbers -= 0 if known is None else known.numbers


def _numbers_of(body: RecordedBody) -> int:
    columns = (body.line_percent, body.transformer_percent, body.v_pu, body.service_point_kw or ())
    shown = sum(len(row) for column in columns for row in column)
    return shown + sum(map(_limits_in, body.limits)) + _OF_A_REQUEST * len(body.requests)


def _limits_in(one: LimitsFrom) -> int:
    return sum(map(len, (one.line_percent, one.transformer_percent, one.min_v_pu, one.max_v_pu)))
