"""The one queue: its bounds and what goes first when it is full."""

from datetime import timedelta

from controller.intake import ANSWERS_OF_ONE, KEPT_PAYLOAD_BYTES, KEPT_REFUSED, Intake, by_feeder, refuse
from controller.plausibility import Refusals, RefusedCount
from devices.messages import Answer, DeviceStatus, Reading, ReadingBatch, Refused
from tests.builders import START


def reading(number: int, feeder: str = "F1") -> Reading:
    return Reading(feeder, f"M{number}", START + timedelta(seconds=number), 1.0)


def status(device: str, second: int | None, online: bool = True) -> DeviceStatus:
    at = None if second is None else START + timedelta(seconds=second)
    return DeviceStatus("F1", device, at, online)


def test_when_full_the_oldest_readings_go_and_are_counted() -> None:
    intake = Intake(readings_bound=10)
    for number in range(25):
        intake.deliver(reading(number))
    drained = intake.drain()
    assert [r.meter for r in drained.readings if isinstance(r, Reading)] == [f"M{n}" for n in range(15, 25)]
    assert drained.shed == 15
    assert intake.drain().shed == 0


def batch(meters: int, feeder: str = "F1") -> ReadingBatch:
    return ReadingBatch(feeder, START, tuple(f"M{n}" for n in range(meters)), (1.0,) * meters, None)


def test_the_bound_counts_readings_not_messages() -> None:
    intake = Intake(readings_bound=10)
    for message in (reading(1), batch(4), batch(4), reading(2), batch(3)):
        intake.deliver(message)
    drained = intake.drain()
    assert drained.readings == (batch(4), reading(2), batch(3))
    assert drained.shed == 2
    for message in (batch(9), reading(1), reading(2)):
        intake.deliver(message)
    assert intake.drain().readings == (reading(1), reading(2))  # the drain left room for 10 again


def test_the_newest_batch_stays_however_large_and_an_empty_one_takes_room() -> None:
    intake = Intake(readings_bound=10)
    for message in (reading(1), batch(11)):
        intake.deliver(message)
    assert intake.drain().readings == (batch(11),)
    for _ in range(100):
        intake.deliver(batch(0))
    assert len(intake) == 10


def test_a_flood_of_readings_never_pushes_answers_or_statuses_out() -> None:
    intake = Intake(readings_bound=10)
    intake.deliver(Answer("F1", "D1", "R1", "accepted"))
    intake.deliver(status("D1", 1))
    for number in range(1000):
        intake.deliver(reading(number))
    drained = intake.drain()
    assert len(drained.answers) == 1
    assert len(drained.statuses) == 1


def test_answers_have_a_bound_of_their_own() -> None:
    intake = Intake(others_bound=3)
    for number in range(5):
        intake.deliver(Answer("F1", f"D{number}", f"R{number}", "accepted"))
    assert len(intake) == 3
    drained = intake.drain()
    assert [a.request for a in drained.answers] == ["R0", "R1", "R2"]
    assert drained.shed == 2
    assert len(intake) == 0


def test_a_device_that_floods_with_answers_pushes_out_its_own_only() -> None:
    intake = Intake(others_bound=ANSWERS_OF_ONE + 1)
    for number in range(1000):
        intake.deliver(Answer("F1", "D1", f"R{number}", "accepted"))
    intake.deliver(Answer("F1", "D2", "R", "accepted"))
    intake.deliver(Answer("F1", "D1", "R", "ended"))
    drained = intake.drain()
    of_one = [a for a in drained.answers if a.device == "D1"]
    assert [a.request for a in of_one] == [*(f"R{number}" for number in range(985, 1000)), "R"]
    assert [a.request for a in drained.answers if a.device == "D2"] == ["R"]
    assert drained.shed == 1000 - ANSWERS_OF_ONE + 1


def test_only_the_newest_status_of_a_device_is_kept() -> None:
    intake = Intake(others_bound=2)
    for second in (1, 3, 2):
        intake.deliver(status("D1", second))
    intake.deliver(status("D2", 1))
    intake.deliver(status("D2", None, online=False))
    intake.deliver(status("D3", 1))
    drained = intake.drain()
    assert drained.statuses == (status("D1", 3), status("D2", None, online=False))
    assert drained.shed == 1


def test_refused_input_is_counted_for_ever_and_kept_bounded() -> None:
    intake = Intake()
    for _ in range(3 * KEPT_REFUSED):
        intake.deliver(Refused("topic", "malformed", "not JSON", b"x" * 10_000))
    drained = intake.drain()
    assert drained.refused_count == {(None, "malformed"): 3 * KEPT_REFUSED}
    assert len(drained.refused) == KEPT_REFUSED
    assert len(intake.inspect) == KEPT_REFUSED
    assert all(len(refused.payload) == KEPT_PAYLOAD_BYTES for refused in intake.inspect)
    assert intake.drain().refused_count == {}


def test_what_waits_is_counted_and_drained_once() -> None:
    intake = Intake()
    intake.deliver(reading(1))
    intake.deliver(status("D1", 1))
    intake.deliver(Answer("F1", "D1", "R1", "accepted"))
    assert len(intake) == 3
    intake.drain()
    assert len(intake) == 0


def test_messages_go_to_their_feeder_and_unknown_ones_are_refused() -> None:
    intake, refusals = Intake(), Refusals()
    for message in (reading(1), reading(2, "F2"), reading(3, "F9"), status("D1", 1)):
        intake.deliver(message)
    intake.deliver(Refused("a/b", "malformed", "not JSON", b""))
    intake.deliver(Refused("g/F9/readings", "malformed", "not JSON", b"", "F9"))
    intake.deliver(Refused("g/F2/readings", "malformed", "no at", b"", "F2"))
    grouped = by_feeder(intake.drain(), ("F1", "F2"), refusals)
    assert [len(grouped[f].readings) for f in ("F1", "F2")] == [1, 1]
    assert len(grouped["F1"].statuses) == 1
    assert {reason: refused.count for reason, refused in refusals.by_reason().items()} == {
        "unknown_feeder": 1,
        "malformed": 2,
    }
    assert refusals.by_reason()["malformed"].sample in ("a/b: not JSON", "g/F9/readings: not JSON")
    assert grouped["F1"].refused_count == {}
    of_f2 = Refusals()
    refuse(grouped["F2"], of_f2)
    assert of_f2.by_reason() == {"malformed": RefusedCount(1, "g/F2/readings: no at")}
