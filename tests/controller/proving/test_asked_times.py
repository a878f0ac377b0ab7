"""When a meter was asked is known for as long as any rule looks back."""

from datetime import timedelta

from controller.proving.asked_times import KEEP, AskedTimes
from tests.controller.record_builders import T0

HOUR = timedelta(hours=1)


def test_what_ended_longer_ago_than_any_rule_looks_back_is_forgotten() -> None:
    known = AskedTimes()
    known.add("load:1", T0, T0 + HOUR)
    known.add("load:1", T0 + KEEP, T0 + KEEP + HOUR / 2)
    assert len(known.spans("load:1")) == 2, "it ended within that time"
    known.add("load:1", T0 + KEEP + HOUR / 2, T0 + KEEP + HOUR)
    assert known.spans("load:1")[0][0] == T0 + KEEP
    assert known.spans("load:2") == ()


def test_a_copy_is_written_to_without_touching_what_it_was_made_from() -> None:
    known = AskedTimes()
    known.add("load:1", T0, T0 + HOUR)
    copy = known.fork()
    copy.add("load:1", T0 + HOUR, T0 + 2 * HOUR)
    assert len(known.spans("load:1")) == 1
