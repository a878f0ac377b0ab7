"""How many words one person gets."""

from datetime import timedelta

import pytest

from devices.messages import NoticeKind
from devices.notices.rate_limit import NO_LIMIT, RateLimit
from devices.notices.words import Taken, WordKey
from tests.devices.notices.people import START


def given(*minutes_ago: float) -> list[Taken]:
    return [
        Taken("email", WordKey(f"R{n}", 1, "notice"), START - timedelta(minutes=ago))
        for n, ago in enumerate(minutes_ago)
    ]


@pytest.mark.parametrize(
    ("per_hour", "per_day", "minutes_ago", "kind", "allowed"),
    [
        (2, None, [10], "notice", True),
        (2, None, [10, 20], "notice", False),
        (2, None, [10, 60], "notice", True),  # an hour ago is over
        (2, None, [10, 20], "follow_up", False),
        (2, None, [10, 20, 30], "taken_back", True),
        (4, None, [10], "thanks", True),
        (4, None, [10, 20], "thanks", False),  # courtesy has half
        (4, None, [10, 20], "notice", True),
        (3, None, [10], "explanation", True),  # rounded up
        (1, None, [], "thanks", True),
        (None, 2, [70, 1439], "notice", False),
        (None, 2, [70, 1440], "notice", True),
        (5, 2, [70, 80], "notice", False),
    ],
)
def test_what_may_still_go_out(
    per_hour: int | None, per_day: int | None, minutes_ago: list[float], kind: NoticeKind, allowed: bool
) -> None:
    assert RateLimit(per_hour, per_day).allows(kind, given(*minutes_ago), START) is allowed


def test_without_a_limit_everything_goes_out() -> None:
    assert NO_LIMIT.allows("thanks", given(*range(1000)), START)
