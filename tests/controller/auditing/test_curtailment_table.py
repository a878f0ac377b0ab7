import pytest

from controller import entries as e
from controller.auditing.curtailment_table import COLUMNS, Cell, row
from controller.auditing.curtailments import curtailments
from controller.stores.port import Numbered
from tests.controller.record_builders import EVENT, T0, after, closed, moved, opened, planned

R1 = f"{EVENT}-R001"


def row_of(*entries: e.Entry) -> dict[str, Cell]:
    journal = [Numbered(seq, entry) for seq, entry in enumerate(entries, start=1)]
    return row(curtailments(journal, lambda plan: plan.request == R1)[R1])


def changed(reason: str, sequence: int, limit_kw: float = 4.2, at_s: float = 60) -> e.RequestChanged:
    return e.RequestChanged(
        at=after(at_s),
        request=R1,
        limit_kw=limit_kw,
        end=after(900),
        epoch=1,
        sequence=sequence,
        reason=reason,
    )


SETTLED = e.RequestSettled(
    at=after(930), request=R1, asked_kwh=1.7, reduced_kwh=1.2, intervals=2, intervals_measured=2,
    compliance_percent=70.6, points=120, minor_units=0, outcome="credited",
)  # fmt: skip
ACTIVE = (opened(), planned(), *(moved(R1, state, after(5)) for state in ("sent", "accepted", "active")))
ENDED = moved(R1, "ended", after(900), "its end has come")


def test_every_column_of_a_whole_curtailment() -> None:
    life = (*ACTIVE, changed("tightened", 2, 3.7), changed("relaxed", 3, 5.0), ENDED, SETTLED)
    assert row_of(*life, moved(R1, "settled", after(930), "settled"), closed()) == {
        "event": EVENT,
        "request": R1,
        "feeder": "dorf",
        "element": "line:3",
        "violation": "line_overload",
        "value": 127.4,
        "limit": 100.0,
        "unit": "percent",
        "expected": "no",
        "customer": "C-001",
        "device": "ev-001",
        "kind": "ev_charger",
        "asked_at": "2026-01-12T18:00:00Z",
        "from": "2026-01-12T18:00:05Z",
        "until": "2026-01-12T18:15:00Z",
        "programme": None,
        "share_percent": None,
        "floor_kw": None,
        "limit_kw": 3.7,
        "p_before_kw": 11.0,
        "baseline_kw": 12.0,
        "asked_kwh": 1.7,
        "reduced_kwh": 1.2,
        "by_interval": None,
        "corrections": None,
        "first_reduced_kwh": None,
        "disputes": None,
        "answer": None,
        "state": "settled",
        "reason": "its end has come",
        "outcome": "credited",
        "entries": "1 2 3 4 5 6 7 8 9 10 11",
    }
    assert tuple(row_of(*life)) == COLUMNS


def test_what_is_not_known_is_empty_and_never_zero() -> None:
    running = row_of(*ACTIVE)
    assert [running[c] for c in ("until", "asked_kwh", "reduced_kwh", "reason", "outcome")] == [None] * 5
    refused = row_of(*ACTIVE[:3], moved(R1, "refused", after(9), "declined by its owner"))
    assert [refused[c] for c in ("from", "until", "reason")] == [None, None, "declined by its owner"]
    other_element = row_of(opened(), planned(element="line:9"))
    assert (other_element["violation"], other_element["limit"]) == (None, None)


def test_a_voltage_and_a_person() -> None:
    told = row_of(
        opened(), planned(element="bus:7", value=0.88, resource="person", kind="person", target="C-001")
    )
    assert (told["value"], told["unit"], told["device"], told["customer"]) == (0.88, "pu", None, "C-001")


@pytest.mark.parametrize(
    ("freed", "move", "reason"),
    [
        ("overridden", moved(R1, "overridden", after(60), "release by Ann Smith"), "released by an operator"),
        (
            "protected",
            moved(R1, "overridden", after(60), "critical, or not known any more"),
            "released, it may not be limited",
        ),
        ("released", moved(R1, "ended", after(70), "released"), "released, there was room again"),
        ("let_go", moved(R1, "ended", after(60), "declined by its owner"), "declined by its owner"),
    ],
)
def test_no_names_and_no_private_reasons(freed: str, move: e.RequestMoved, reason: str) -> None:
    told = row_of(*ACTIVE, changed(freed, 2), move)
    assert told["reason"] == reason
    assert "Ann" not in str(told)
    assert "critical" not in str(told)


def corrected(version: int, reduced_kwh: float, before_kwh: float) -> e.SettlementCorrected:
    shown = (e.SettledInterval(T0, 850, 700, 900, 900), e.SettledInterval(after(900), 850, 0, 9, 900, False))
    return e.SettlementCorrected(
        at=after(5000 + version), request=R1, feeder="dorf", customer="C-001", version=version,
        cause="late_readings", dispute=None, asked_kwh=1.7, reduced_kwh=reduced_kwh, intervals=2,
        intervals_measured=1, compliance_percent=41.2, points=70, minor_units=0, outcome="credited",
        reduced_kwh_before=before_kwh, points_before=120, minor_units_before=0, by_interval=shown,
    )  # fmt: skip


def test_what_holds_now_stands_beside_what_held_first() -> None:
    opens = e.DisputeOpened(at=after(6000), dispute="D-1", request=R1, reason="meter_wrong", who="desk")
    shuts = e.DisputeClosed(
        at=after(7000), dispute="D-1", request=R1, outcome="upheld", who="desk", why="Ann Smith was right"
    )
    again = e.DisputeOpened(at=after(8000), dispute="D-2", request=R1, reason="other", who="desk")
    later = (corrected(1, 0.9, 1.2), opens, corrected(2, 0.7, 0.9), shuts, again)
    told = row_of(*ACTIVE, ENDED, SETTLED, *later)
    assert [told[c] for c in ("reduced_kwh", "first_reduced_kwh", "corrections")] == [0.7, 1.2, "2"]
    assert told["disputes"] == "D-1 (meter_wrong: upheld), D-2 (other: open)"
    assert told["by_interval"] == "18:00:00Z=700/850 18:15:00Z=?/850"
    assert "Ann" not in str(told)
    assert told["entries"] == "1 2 3 4 5 6 7 8 9 10 11 12"


def test_a_correction_of_what_the_books_forgot_still_counts() -> None:
    """Of an event long closed, after twenty others."""
    others: list[e.Entry] = []
    for number in range(25):
        others += [opened(f"E-{number}"), closed(f"E-{number}")]
    moved_on = moved(R1, "settled", after(930))
    told = row_of(*ACTIVE, ENDED, SETTLED, moved_on, closed(), *others, corrected(1, 0.7, 1.2))
    assert (told["reduced_kwh"], told["corrections"]) == (0.7, "1")


def test_the_terms_and_the_share_are_told_where_they_are_known() -> None:
    notice = planned(
        resource="person",
        kind="person",
        target="C-001",
        programme="winter",
        share_percent=12.345,
        floor_kw=0.5,
    )
    answered = e.NoticeAnswered(at=after(9), request=R1, answer="opted_out", via="link")
    told = row_of(opened(), notice, answered)
    assert [told[c] for c in ("programme", "share_percent", "floor_kw", "answer")] == [
        "winter", 12.345, 0.5, "opted_out",
    ]  # fmt: skip
