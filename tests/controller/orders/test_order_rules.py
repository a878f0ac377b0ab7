"""How many persons an order takes, and when its effect must be looked at again."""

from dataclasses import replace

import pytest

from controller import settings
from controller.order_effects import ForeseenViolation, LeftOut, Outlook, WhatIf
from controller.orders.order_rules import Reach, persons_needed, what_changed
from tests.builders import FEEDER, START

STRICT = settings.Orders(two_person=("limit",), two_person_above_percent=0.0)
SAFETY = settings.Safety(feeder_share_per_minute=0.3, fleet_share_per_minute=0.2)


@pytest.mark.parametrize(
    ("rules", "action", "reach", "persons"),
    [
        (settings.Orders(), "limit", Reach(30.0, 20.0), 1),
        (settings.Orders(), "limit", Reach(30.1, 20.0), 2),
        (settings.Orders(), "limit", Reach(1.0, 20.1), 2),
        (settings.Orders(), "limit", Reach(1.0, None), 1),
        (settings.Orders(), "limit", None, 1),
        (settings.Orders(), "automatic_on", Reach(99.0, 99.0), 1),
        (settings.Orders(), "more_reach", None, 2),
        (settings.Orders(two_person_above_percent=50.0), "limit", Reach(49.0, 49.0), 1),
        (settings.Orders(two_person_above_percent=50.0), "limit", Reach(49.0, 51.0), 2),
        (settings.Orders(two_person=("limit",)), "limit", Reach(0.0, None), 2),
        (settings.Orders(two_person=("automatic_on",)), "automatic_on", None, 2),
        (STRICT, "release_all", Reach(99.0, 99.0), 1),
        (STRICT, "exclude", Reach(99.0, 99.0), 1),
        (STRICT, "limit", Reach(0.1, None), 2),
    ],
)  # fmt: skip
def test_persons_needed(rules: settings.Orders, action: str, reach: Reach | None, persons: int) -> None:
    assert persons_needed(rules, SAFETY, action, reach) == persons


def _outlook(percent: float, *violations: str) -> Outlook:
    return Outlook(
        converged=True,
        highest_loading_percent=percent,
        highest_loaded="trafo:0",
        lowest_v_pu=0.97,
        highest_v_pu=1.0,
        substation_p_kw=100.0,
        violations=tuple(ForeseenViolation(v, "line_overload", 101.0, 100.0) for v in violations),
    )


SEEN = WhatIf(
    feeder=FEEDER,
    at=START,
    is_data_good=True,
    before=_outlook(95.0),
    after=_outlook(80.0, "line:1"),
    elements=(),
    voltages=(),
    devices=(),
    left_out=(LeftOut("EV1", "protected", "x"),),
    event=None,
    curtailed_kw=10.0,
    less_fed_in_kw=0.0,
    customers=(),
    critical_customers=(),
    reach_kw=10.0,
    reach_percent=5.0,
    cautions=(),
    columns_after=None,
)


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (SEEN, None),
        (replace(SEEN, after=_outlook(81.9, "line:1"), curtailed_kw=11.9), None),
        (replace(SEEN, after=_outlook(40.0)), None),
        (replace(SEEN, after=_outlook(82.1, "line:1")), "highest loading would be 82.1 %"),
        (replace(SEEN, after=_outlook(80.0, "line:1", "line:7")), "line:7 would be outside"),
        (replace(SEEN, after=replace(SEEN.after, converged=False)), "no load flow"),
        (replace(SEEN, curtailed_kw=12.1), "12.1 kW"),
        (replace(SEEN, curtailed_kw=7.9), "7.9 kW"),
        (replace(SEEN, left_out=(*SEEN.left_out, LeftOut("EV2", "excluded", "x"))), "EV2"),
        (None, "cannot be foreseen"),
    ],
)
def test_what_must_be_looked_at_again(now: WhatIf | None, said: str | None) -> None:
    changed = what_changed(SEEN, now)
    assert changed is None if said is None else said in (changed.text if changed else "")
    assert what_changed(None, now) is None, "nobody looked at anything"


def test_of_feed_in_it_is_told_how_much_less_would_be_fed_in() -> None:
    seen = replace(SEEN, curtailed_kw=-10.0, less_fed_in_kw=10.0)
    assert what_changed(seen, replace(seen, curtailed_kw=-11.9, less_fed_in_kw=11.9)) is None
    changed = what_changed(seen, replace(seen, curtailed_kw=-7.0, less_fed_in_kw=7.0))
    assert changed is not None
    assert changed.text == "7.0 kW less would be fed in, 10.0 kW were foreseen"
