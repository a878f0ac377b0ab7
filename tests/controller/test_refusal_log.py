"""A flood of refused input does not fill the journal, and nothing of it is lost count of."""

from datetime import timedelta

from controller.plausibility import RefusedCount
from controller.refusal_log import RefusalLog, tell
from tests.builders import START


def test_first_at_once_then_together_once_a_minute() -> None:
    log, told, total = RefusalLog(), [], 0
    for second in range(0, 200, 5):
        refused = {"too_old": RefusedCount(3, f"sample {second}")} if second < 150 else {}
        total += 3 if refused else 0
        log, entries = tell(log, "F1", refused, START + timedelta(seconds=second))
        told += [(second, entry.count) for entry in entries]
    assert [second for second, _ in told] == [0, 60, 120, 180]
    assert sum(count for _, count in told) == total


def test_reasons_are_told_apart_and_samples_are_cut() -> None:
    refused = {"too_old": RefusedCount(1, "x" * 1000), "malformed": RefusedCount(2, "y")}
    _, entries = tell(RefusalLog(), None, refused, START)
    assert [(entry.reason, entry.count, len(entry.sample)) for entry in entries] == [
        ("malformed", 2, 1),
        ("too_old", 1, 300),
    ]
