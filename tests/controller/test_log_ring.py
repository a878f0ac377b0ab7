"""The latest log lines: bounded, by level, paged, without secrets."""

import structlog

from controller.log_ring import LINES, TEXT_CHARACTERS, WITHHELD, LogRing


def logger(ring: LogRing) -> structlog.typing.FilteringBoundLogger:
    return structlog.wrap_logger(
        structlog.ReturnLogger(),
        processors=[structlog.processors.add_log_level, ring],
        wrapper_class=structlog.BoundLogger,
    )


def test_lines_are_kept_newest_first_by_level() -> None:
    ring = LogRing()
    log = logger(ring)
    log.info("cycle", feeder="F1")
    log.warning("late", seconds=7.25)
    log.error("broken")
    assert [line.event for line in ring.latest()] == ["broken", "late", "cycle"]
    assert [line.event for line in ring.latest(level="warning")] == ["broken", "late"]
    assert ring.latest()[1].fields == {"seconds": "7.25"}


def test_older_lines_are_had_by_the_number_of_the_last() -> None:
    ring = LogRing()
    log = logger(ring)
    for number in range(7):
        log.info(f"line {number}")
    first = ring.latest(limit=3)
    following = ring.latest(before=first[-1].seq, limit=3)
    assert [line.event for line in (*first, *following)] == [f"line {n}" for n in range(6, 0, -1)]


def test_what_may_be_secret_or_personal_is_not_kept() -> None:
    ring = LogRing()
    logger(ring).info("sign_in", operator_token="hunter2", email="a@b.example", name="the.operator")
    line = ring.latest()[0]
    assert line.fields == {"operator_token": WITHHELD, "email": WITHHELD, "name": "the.operator"}


def test_neither_many_nor_long_lines_make_it_grow() -> None:
    ring = LogRing()
    log = logger(ring)
    for number in range(LINES + 5):
        log.info("line", number=number)
    log.info("long", text="x" * (3 * TEXT_CHARACTERS))
    lines = ring.latest(limit=2 * LINES)
    assert len(lines) == LINES
    assert len(lines[0].fields["text"]) <= TEXT_CHARACTERS + 2
    assert lines[-1].fields["number"] == "6"


def test_the_line_goes_on_as_it_came() -> None:
    ring = LogRing()
    event = {"event": "sign_in", "token": "t", "level": "info"}
    assert ring(None, "info", event) is event
    assert event["token"] == "t"
