from datetime import date
from typing import Any

import pytest

from controller import entries as e
from controller.auditing.curtailments import curtailments
from controller.auditing.story import Story, story
from controller.stores.port import Numbered
from tests.controller.record_builders import EVENT, T0, after, closed, moved, opened, planned

R1 = f"{EVENT}-R001"
KEY = f"evening-relief/dorf/{R1}/credit/v1"


def settled(**changes: Any) -> e.RequestSettled:
    values: dict[str, Any] = {
        "at": after(930), "request": R1, "asked_kwh": 1.7, "reduced_kwh": 1.2, "intervals": 2,
        "intervals_measured": 2, "compliance_percent": 70.6, "points": 120, "minor_units": 0,
        "outcome": "credited",
    }  # fmt: skip
    return e.RequestSettled(**(values | changes))


def posted(key: str, points: int, reason: str) -> e.LedgerPosted:
    postings = (("programme:p:budget", "points", -points), ("customer:C-001", "points", points))
    return e.LedgerPosted(at=after(930), key=key, postings=postings, reason=reason, request=R1)


def changed(reason: str, sequence: int, **changes: Any) -> e.RequestChanged:
    values: dict[str, Any] = {"at": T0, "request": R1, "limit_kw": 4.2, "end": after(1800), "epoch": 1}
    return e.RequestChanged(**(values | changes), sequence=sequence, reason=reason)


def told(*entries: e.Entry) -> dict[str, list[str]]:
    """Title of the chapter → its sentences."""
    return {c.title: [line.text for line in c.lines] for c in story_of(*entries).chapters}


def story_of(*entries: e.Entry) -> Story:
    journal = [Numbered(seq, entry) for seq, entry in enumerate(entries, start=1)]
    return story(curtailments(journal, lambda plan: plan.request == R1)[R1])


LIFE: tuple[e.Entry, ...] = (
    opened(),
    planned(),
    e.RequestSent(at=T0, request=R1, sequence=1, attempt=1),
    moved(R1, "sent", T0, "the next hop took it"),
    e.RequestSent(at=after(10), request=R1, sequence=1, attempt=2),
    e.RequestAnswered(at=after(12), request=R1, answer="accepted", reason=None),
    moved(R1, "accepted", after(12)),
    moved(R1, "active", after(12)),
    changed("renewed", 2),
    changed("tightened", 3, limit_kw=3.7),
    changed("released", 4, end=after(900)),
    moved(R1, "ended", after(900)),
)


def test_from_the_violation_to_the_credit() -> None:
    told_all = story_of(
        *LIFE, settled(), posted(KEY, 120, "1200 Wh less at the meter"), closed(at=after(1200))
    )
    assert told_all.title == f"Request {R1}: EV charger ev-001 of C-001, load:1 on dorf"
    chapters = {c.title: [(line.seq, line.text) for line in c.lines] for c in told_all.chapters}
    assert chapters["Why"] == [
        (1, f"Line 3 at 127.4 %, over its limit of 100.0 %: event {EVENT} opened"),
        (2, "Line 3 was at 127.4 % (limit 100.0 %) when the request was planned"),
        (15, f"Event {EVENT} closed, its peak was 127.4 %"),
        (None, "The journal notes no doubt about the violation"),
    ]
    assert chapters["Why this target"][0] == (
        2,
        "It took 11.0 kW, and it was asked for no more than 4.2 kW: 6.8 kW less",
    )
    assert chapters["What happened"] == [
        (2, "Planned: no more than 4.2 kW from 18:00:00 until 18:15:00 (command 1)"),
        (3, "Sent to the device (command 1)"),
        (4, "Now sent (the next hop took it)"),
        (5, "Sent to the device (command 1, attempt 2)"),
        (6, "The device answered: accepted"),
        (7, "Now accepted (test)"),
        (8, "Now in force (test)"),
        (9, "Renewed: no more than 4.2 kW until 18:30:00 (command 2)"),
        (10, "Limit tightened to 3.7 kW until 18:30:00 (command 3)"),
        (11, "Released ahead of its end: there is room again (command 4)"),
        (12, "Now ended (test)"),
        (13, "Settled: credited"),
    ]
    assert chapters["What the meter proved"] == [
        (2, "Baseline 12.00 kW at the meter, frozen before anybody was told"),
        (None, "In force from 18:00:12 until 18:15:00"),
        (13, "2 of 2 intervals were read well enough; the journal holds their sum, not each of them"),
        (
            13,
            "1.200 kWh less than the baseline count, of 1.700 kWh asked"
            " (70.6 % of what was asked where it was read)",
        ),
    ]
    assert chapters["Credit"] == [
        (None, "Customer C-001 was credited 120 points"),
        (14, f"Booked under {KEY}: 1200 Wh less at the meter"),
        (14, "  -120 points to programme:p:budget"),
        (14, "  +120 points to customer:C-001"),
    ]


def test_a_correction_is_part_of_what_was_credited() -> None:
    credit = told(*LIFE, settled(), posted(KEY, 120, "credit"), posted(f"{KEY}/late", -20, "late reading"))
    assert credit["Credit"][0] == "Customer C-001 was credited 100 points"
    assert f"Booked under {KEY}/late: late reading" in credit["Credit"]


SILENT = moved(R1, "unanswered", after(60), "no answer")
REFUSED = moved(R1, "refused", after(5), "declined by its owner")
NOTHING = {"points": 0, "reduced_kwh": 0.0}
NO_CREDIT: tuple[tuple[tuple[e.Entry, ...], str], ...] = (
    (
        (*LIFE[:4], REFUSED, settled(outcome="refused_or_silent", **NOTHING)),
        "Nothing was credited: the request never came into force, it was refused (declined by its owner)",
    ),
    (
        (*LIFE[:4], SILENT, settled(outcome="refused_or_silent", **NOTHING)),
        "Nothing was credited: the request never came into force, it was unanswered (no answer)",
    ),
    (
        (*LIFE, settled(outcome="too_little_data", intervals_measured=0, **NOTHING)),
        "Nothing was credited: the meter was read in 0 of 2 intervals, too few to prove anything",
    ),
    (
        (*LIFE, settled(outcome="nothing_shown", **NOTHING)),
        "Nothing was credited: the meter shows no less than the baseline",
    ),
    (
        (*LIFE, e.BesideMoved(at=after(60), request=R1, kw=9.0), settled(outcome="nothing_shown", **NOTHING)),
        "Nothing was credited: the meter shows nothing that other devices behind it cannot have done, up to "
        "9.00 kW: no meter tells which of them did it",
    ),
    (
        (*LIFE, settled(outcome="nothing_shown", points=0, reduced_kwh=0.004)),
        "Nothing was credited: 0.004 kWh earn no whole point or cent",
    ),
    (
        (*LIFE, settled()),
        "Nothing was credited: the journal holds no booking for it, although it says credited",
    ),
    (LIFE, "Nothing is credited before the request is settled"),
)


@pytest.mark.parametrize(("entries", "sentence"), NO_CREDIT)
def test_why_nothing_was_credited(entries: tuple[e.Entry, ...], sentence: str) -> None:
    assert told(*entries)["Credit"] == [sentence]


def test_a_request_that_still_runs() -> None:
    assert told(*LIFE[:8])["What the meter proved"][1:] == [
        "In force from 18:00:12 until now",
        "Not settled yet: the request is active",
    ]


def test_what_the_meter_showed_is_shared() -> None:
    other = f"{EVENT}-R002"
    beside = [
        planned(2, service_point="load:1"),
        *(moved(other, s, T0) for s in ("sent", "accepted", "active")),
    ]
    proof = told(*LIFE[:2], *beside, *LIFE[2:], settled())["What the meter proved"]
    assert proof[-1] == f"What the meter showed is shared with {other}, in force beside it"


def test_an_operator_who_frees_it_is_named_with_the_reason() -> None:
    act = e.OperatorActed(
        at=after(60), who="ann", why="a call", action="release", feeder="dorf", target="ev-001"
    )
    freed = changed("overridden", 2, end=after(60))
    steps = told(*LIFE[:8], act, freed, moved(R1, "overridden", after(60), "release by ann"))
    assert steps["What happened"][-3:] == [
        "ann released ev-001 on dorf (a call)",
        "Released by an operator (command 2)",
        "Now overridden (release by ann)",
    ]


def test_what_was_expected_and_how_sure() -> None:
    early = e.EventOpened(
        at=T0, event=EVENT, feeder="dorf", element="bus:7", kind="undervoltage", value=0.88, limit=0.9,
        expected=True, probability=0.93,
    )  # fmt: skip
    why = told(early, planned(element="bus:7", value=0.88, expected=True))["Why"]
    assert "Bus 7 was expected at 0.880 pu (limit 0.900 pu) when the request was planned" in why
    assert "The violation was 93% sure when the event opened" in why


def test_a_person_is_told_by_the_meter() -> None:
    person = planned(resource="person", kind="person", target="C-001", limit_kw=6.0, p_before_kw=10.0)
    chapters = told(opened(), person, e.RequestSent(at=T0, request=R1, sequence=1, attempt=1))
    assert chapters["Why this target"][0] == (
        "The meter showed 10.0 kW, and the customer was asked for no more than 6.0 kW: 4.0 kW less"
    )
    assert chapters["What happened"][-1] == "Sent to the customer (command 1)"


def test_a_roof_is_told_by_what_it_fed_in() -> None:
    roof = planned(
        kind="pv_inverter", direction="production", p_before_kw=9.0, limit_kw=4.0, baseline_kw=-8.0,
        floor_kw=2.0,
    )  # fmt: skip
    chapters = told(opened(), roof)
    lines = "\n".join(line for lines in chapters.values() for line in lines)
    assert "It fed in 9.0 kW, and it was asked to feed in no more than 4.0 kW: 5.0 kW less" in lines
    assert "It is guaranteed 2.0 kW of feeding in" in lines
    assert "Planned: to feed in no more than 4.0 kW" in lines
    assert "Baseline -8.00 kW at the meter" in lines
    assert "The sun is taken for falling from then on" in lines


def correction(version: int, **changes: Any) -> e.SettlementCorrected:
    values: dict[str, Any] = {
        "at": after(5000), "request": R1, "feeder": "dorf", "customer": "C-001", "version": version,
        "cause": "late_readings", "dispute": None, "asked_kwh": 1.7, "reduced_kwh": 1.0, "intervals": 2,
        "intervals_measured": 2, "compliance_percent": 58.8, "points": 100, "minor_units": 0,
        "outcome": "credited", "reduced_kwh_before": 1.2, "points_before": 120, "minor_units_before": 0,
    }  # fmt: skip
    return e.SettlementCorrected(**(values | changes))


def test_corrections_and_disputes_have_their_own_chapter() -> None:
    shown = (e.SettledInterval(T0, 850, 400, 900, 900), e.SettledInterval(after(900), 850, 600, 890, 900))
    opens = e.DisputeOpened(at=after(4000), dispute="D-1", request=R1, reason="meter_wrong", who="service")
    shuts = e.DisputeClosed(
        at=after(5000), dispute="D-1", request=R1, outcome="upheld", who="service", why="meter exchanged"
    )
    fix = correction(1, cause="dispute", dispute="D-1", by_interval=shown)
    chapters = told(
        *LIFE, settled(), posted(KEY, 120, "credit"), opens, fix, posted(f"{KEY}/c", -20, "c"), shuts
    )
    assert list(chapters)[-2:] == ["Corrections and disputes", "Credit"]
    assert chapters["Corrections and disputes"] == [
        f"Dispute D-1 about {R1} opened by service: meter wrong",
        f"Settlement of {R1} corrected (dispute D-1): 1.00 kWh instead of 1.20, 100 points instead of 120",
        "  2 of 2 intervals were read well enough",
        "    18:00:00: 400 Wh less, of 850 Wh asked; read in 900 of 900 s",
        "    18:15:00: 600 Wh less, of 850 Wh asked; read in 890 of 900 s",
        "  1.000 kWh less than the baseline count, of 1.700 kWh asked"
        " (58.8 % of what was asked where it was read)",
        "Dispute D-1 upheld by service (meter exchanged)",
    ]
    assert chapters["What the meter proved"][-1] == (
        "This was corrected: the last correction below is what holds"
    )
    assert chapters["Credit"][0] == "Customer C-001 was credited 100 points"


def test_without_corrections_there_is_no_such_chapter() -> None:
    assert "Corrections and disputes" not in told(*LIFE, settled())


def test_each_interval_is_told_where_the_journal_has_it() -> None:
    shown = (
        e.SettledInterval(T0, 850, 700, 900, 900),
        e.SettledInterval(after(900), 850, 0, 12, 900, False),
    )
    proof = told(*LIFE, settled(by_interval=shown, intervals_measured=1))["What the meter proved"]
    assert proof[2:5] == [
        "1 of 2 intervals were read well enough",
        "  18:00:00: 700 Wh less, of 850 Wh asked; read in 900 of 900 s",
        "  18:15:00: nothing is proven; read in 12 of 900 s",
    ]


def test_the_samples_that_were_seen_are_told_by_their_digest() -> None:
    proof = told(*LIFE, settled(readings="5f" * 16))["What the meter proved"]
    assert f"The digest of the meter's samples is {'5f' * 16}" in proof


def test_a_baseline_by_a_rule_is_told_with_its_days() -> None:
    used = e.SettledBaseline(
        rule="high_5_of_10", method="high_4_of_5", baseline_kwh=2.9,
        days=(date(2026, 1, 9), date(2026, 1, 8)), adjustment="raised by 4 % for the day itself",
        reasons=("too few days",),
    )  # fmt: skip
    proof = told(*LIFE, settled(baseline=used))["What the meter proved"]
    assert proof[2:6] == [
        "The programme's baseline is by the rule high_5_of_10, and high_4_of_5 was used: "
        "2.900 kWh in the active time",
        "  from the days 2026-01-09, 2026-01-08",
        "  raised by 4 % for the day itself",
        "  too few days",
    ]


def test_why_this_target_is_told_where_the_journal_knows() -> None:
    known = planned(floor_kw=4.2, share_percent=12.34, programme="winter")
    assert told(opened(), known)["Why this target"][1:] == [
        "Its service point causes 12.3 % of the violation",
        "It was asked by the terms of the programme winter",
        "It is guaranteed 4.2 kW: it is never asked for less",
    ]
    assert told(opened(), planned())["Why this target"][1:] == [
        "The journal does not hold how much of the violation it causes",
        "The journal does not hold its guaranteed minimum; that stands in the site's list of devices",
    ]


def test_what_a_person_answered_and_was_told() -> None:
    person = planned(resource="person", kind="person", target="C-001", limit_kw=6.0, p_before_kw=10.0)
    message = f"{R1}/thanks/1"
    steps = told(
        opened(),
        person,
        e.NoticeAnswered(at=after(5), request=R1, answer="opted_in", via="link"),
        e.NoticeAnswered(at=after(6), request=R1, answer="opted_out", via="api"),
        e.MessagePlanned(at=after(9), message=message, request=R1, customer="C-001", kind="thanks"),
        e.NoticeDelivered(
            at=after(9), request=R1, kind="thanks", sequence=1, channel="sms", result="no_address"
        ),
        e.NoticeDelivered(
            at=after(9), request=R1, kind="thanks", sequence=1, channel="email", result="taken"
        ),
        e.MessageDone(at=after(10), message=message, outcome="given_up", reason="opted_out"),
        e.MessagePlanned(at=after(9), message="R2/x", request="R2", customer="C-002", kind="thanks"),
        e.MessageDone(at=after(10), message="R2/x", outcome="sent", reason=""),
    )["What happened"]
    assert steps[1:] == [
        "The customer takes part (by link)",
        "The customer does not take part (by api)",
        "The customer is to be told what they earned, with thanks",
        "Thanks by sms: not taken (no address)",
        "Thanks by email: taken",
        "Not told: opted out",
    ]


def test_the_proof_tells_what_others_behind_the_meter_may_do_and_what_the_sun_did() -> None:
    sun = e.SettledSun(begin=T0, step_s=60.0, gone=(0.0, 0.125, None))
    chapters = told(
        opened(),
        planned(beside_kw=5.0),
        e.BesideMoved(at=after(1), request=R1, kw=2.5),
        *LIFE[2:],
        settled(sun=sun),
    )
    proof = chapters["What the meter proved"]
    assert "Others behind the meter may do 5.00 kW of it: what they do of that does not count" in proof
    assert "By other roofs up to 12.5 % of the sun is gone; they told it in 2 of 3 steps" in proof
    assert "Other devices behind its meter do 2.5 kW of what it would show" in chapters["What happened"]
