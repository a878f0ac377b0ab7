"""How likely a device does what it is asked."""

import pytest

from controller.compliance import PRIOR, Compliance


def test_nothing_is_known_at_first_and_a_new_device_is_like_the_others() -> None:
    known = Compliance()
    assert known.probability("EV1") == PRIOR
    for _ in range(90):
        known.add("EV1", False)
    assert known.probability("EV2") == pytest.approx((10 * PRIOR) / 100)


def test_a_device_that_refuses_is_told_from_those_that_do_not() -> None:
    known = Compliance()
    for _ in range(20):
        for device in ("EV1", "EV2", "EV3"):
            known.add(device, device != "EV1")
    assert known.probability("EV1") < 0.35
    assert known.probability("EV2") > 0.85
    assert known.probability("EV2") < 1


def test_a_repaired_device_is_believed_again() -> None:
    known = Compliance()
    for _ in range(50):
        known.add("EV1", False)
        known.add("EV2", True)
    before = known.probability("EV1")
    for _ in range(40):
        known.add("EV1", True)
    assert before < 0.3
    assert known.probability("EV1") > 0.8


def test_a_copy_is_written_to_without_touching_what_it_was_made_from() -> None:
    known = Compliance()
    known.add("EV1", True)
    before = known.probability("EV1")
    copy = known.fork()
    assert copy.probability("EV1") == before
    for _ in range(20):
        copy.add("EV1", False)
    assert known.probability("EV1") == before
