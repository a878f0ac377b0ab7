from datetime import timedelta
from typing import get_args

import pytest

from controller import entries as e
from controller.books import Books
from controller.narration.personal import impersonal
from controller.narration.telling import tell
from controller.stores.port import Numbered
from controller.views import Told
from tests.controller.record_builders import EVENT, T0, after, closed, moved, opened, planned

R1, R2 = f"{EVENT}-R001", f"{EVENT}-R002"


def settled(outcome: str, points: int = 0) -> e.RequestSettled:
    return e.RequestSettled(
        at=T0,
        request=R1,
        asked_kwh=1.7,
        reduced_kwh=points / 100,
        intervals=2,
        intervals_measured=1,
        compliance_percent=72.4,
        points=points,
        minor_units=30,
        outcome=outcome,
    )


def changed(reason: str, sequence: int) -> e.RequestChanged:
    return e.RequestChanged(
        at=T0,
        request=R1,
        limit_kw=5.0,
        end=T0 + timedelta(minutes=30),
        epoch=1,
        sequence=sequence,
        reason=reason,
    )


def corrected() -> e.SettlementCorrected:
    return e.SettlementCorrected(
        at=T0,
        request=R1,
        feeder="dorf",
        customer="C-001",
        version=1,
        cause="late_readings",
        dispute=None,
        asked_kwh=2.5,
        reduced_kwh=2.0,
        intervals=2,
        intervals_measured=2,
        compliance_percent=80.0,
        points=200,
        minor_units=50,
        outcome="credited",
        reduced_kwh_before=1.23,
        points_before=123,
        minor_units_before=30,
    )


_NAMED = e.AlarmNamed("overload-3f9a2c81d0b4", "overload", "dorf", "line:3")
_WHICH = {"alarm": _NAMED.alarm, "kind": _NAMED.kind, "feeder": _NAMED.feeder, "subject": _NAMED.subject}
_ALARMS: tuple[tuple[e.Entry, str, str], ...] = (
    (
        e.AlarmRaised(at=T0, priority="medium", text="dorf: Line 3 at 121.0 %", **_WHICH),
        "warning",
        "Alarm (medium): dorf: Line 3 at 121.0 %",
    ),
    (
        e.AlarmAcknowledged(at=T0, alarms=(_NAMED,), who="mara", why="crew sent"),
        "info",
        "mara acknowledged overload line:3 on dorf (crew sent)",
    ),
    (
        e.AlarmAcknowledged(at=T0, alarms=(e.AlarmNamed("l", "cycle_late", None, ""),) * 5, who="mara"),
        "info",
        "mara acknowledged cycle_late, cycle_late, cycle_late and 2 more",
    ),
    (
        e.AlarmShelved(at=T0, until=T0 + timedelta(hours=1), who="mara", why="works on it", **_WHICH),
        "warning",
        "mara shelved overload line:3 on dorf until 2026-01-12 19:00 UTC (works on it)",
    ),
    (
        e.AlarmUnshelved(at=T0, cause="expired", who="", **_WHICH),
        "info",
        "No longer shelved, its time is over: overload line:3 on dorf",
    ),
    (
        e.AlarmUnshelved(at=T0, cause="operator", who="jo", why="done", **_WHICH),
        "info",
        "jo took overload line:3 on dorf back from the shelf (done)",
    ),
    (e.AlarmReturned(at=T0, **_WHICH), "info", "Alarm over: overload line:3 on dorf"),
)
STORY: tuple[tuple[e.Entry, str, str], ...] = (
    (
        e.ControllerStarted(at=T0, epoch=3, version="0.1.0", feeders=("dorf", "vorstadt")),
        "info",
        "Controller 0.1.0 took over dorf, vorstadt (epoch 3)",
    ),
    (
        e.ReadingsRefused(at=T0, feeder="dorf", reason="too_old", count=4, sample="M-001 from 17:00"),
        "warning",
        "4 inputs of dorf not used: too_old (for example M-001 from 17:00)",
    ),
    (
        e.DataAlarm(
            at=T0, feeder="dorf", kind="too_few_meters", raised=True, text="61 % of the meters are fresh"
        ),
        "alarm",
        "Data alarm on dorf: 61 % of the meters are fresh. No automatic action until it clears",
    ),
    (
        e.DataAlarm(at=T0, feeder="dorf", kind="too_few_meters", raised=False, text="90 % are fresh"),
        "good",
        "Data alarm on dorf is over: 90 % are fresh",
    ),
    (
        e.DataAlarm(
            at=T0, feeder="dorf", kind="near_collapse", raised=True, text="the load is at 94% of the largest"
        ),
        "alarm",
        "Voltage stability on dorf: the load is at 94% of the largest",
    ),
    (
        e.ViolationCleared(at=T0, feeder="dorf", element="trafo3w:0", kind="transformer_overload"),
        "good",
        "Three-winding transformer 0 is within its limit again",
    ),
    (
        e.RoundPlanned(
            at=T0,
            event="E-7",
            feeder="dorf",
            element="trafo:0",
            kind="transformer_overload",
            value=112.34,
            limit=100.0,
            expected=False,
            asked=(e.AskedInRound("E-7-R001", 6.8, 0.39), e.AskedInRound("E-7-R002", 3.0)),
            left=(
                e.LeftAlone("protected", 3, ("EV-1", "EV-2", "EV-3")),
                e.LeftAlone("feeds_in", 1, ("PV-1",)),
            ),
        ),
        "info",
        "Transformer 0 is at 112.3 %: 2 asked for 9.8 kW less in all, 4 devices left alone",
    ),
    (
        e.ViolationAppeared(
            at=T0, feeder="dorf", element="bus:7", kind="undervoltage", value=0.88, limit=0.9
        ),
        "warning",
        "Bus 7 at 0.880 pu, under its limit of 0.900 pu",
    ),
    (
        e.ViolationCleared(at=T0, feeder="dorf", element="bus:7", kind="undervoltage"),
        "good",
        "Bus 7 is within its limit again",
    ),
    (opened(), "alarm", f"Line 3 at 127.4 %, over its limit of 100.0 %: event {EVENT} opened"),
    (
        planned(),
        "info",
        "Asking EV charger ev-001 of customer C-001 to stay below 4.2 kW until 18:15 UTC (it took 11.0 kW), "
        "because line 3 is at 127.4 %",
    ),
    (
        planned(9, expected=True),
        "info",
        "Asking EV charger ev-009 of customer C-009 to stay below 4.2 kW until 18:15 UTC (it took 11.0 kW), "
        "because line 3 may soon be at 127.4 %",
    ),
    (
        planned(2, resource="person", target="C-002", kind="person"),
        "info",
        "Asking customer C-002 to stay below 4.2 kW until 18:15 UTC (it took 11.0 kW), "
        "because line 3 is at 127.4 %",
    ),
    (
        e.EventShort(at=T0, event=EVENT, feeder="dorf", element="trafo:0", value=108.2, limit=100.0),
        "alarm",
        "All that may be asked for leaves transformer 0 at 108.2 % (limit 100.0 %): an operator is needed",
    ),
    (
        e.EventShort(
            at=T0, event=EVENT, feeder="dorf", element="trafo:0", value=108.2, limit=100.0, missing_kw=32.84
        ),
        "alarm",
        "All that may be asked for leaves transformer 0 at 108.2 % (limit 100.0 %), "
        "32.8 kW at least are missing: an operator is needed",
    ),
    (
        e.RequestSent(at=T0, request=R1, sequence=1, attempt=1),
        "info",
        "Sent to EV charger ev-001 of C-001 (command 1)",
    ),
    (
        e.RequestSent(at=T0, request=R1, sequence=1, attempt=2),
        "info",
        "Sent to EV charger ev-001 of C-001 (command 1, attempt 2)",
    ),
    (
        e.BesideMoved(at=T0, request=R1, kw=2.5),
        "info",
        "Others behind the meter of EV charger ev-001 of C-001 do 2.5 kW of what it would show",
    ),
    (
        moved(R1, "sent", T0, "taken"),
        "info",
        "EV charger ev-001 of C-001: asked, the answer is awaited (taken)",
    ),
    (
        e.RequestAnswered(at=T0, request=R1, answer="accepted", reason=None),
        "info",
        "EV charger ev-001 of C-001 answered: accepted",
    ),
    (moved(R1, "accepted", T0), "info", "EV charger ev-001 of C-001: has accepted (test)"),
    (moved(R1, "active", T0), "good", "EV charger ev-001 of C-001: the request is in force (test)"),
    (changed("renewed", 2), "info", "EV charger ev-001 of C-001: limit kept until 18:30 UTC"),
    (
        changed("tightened", 3),
        "info",
        "EV charger ev-001 of C-001: limit tightened to 5.0 kW until 18:30 UTC",
    ),
    (changed("relaxed", 4), "info", "EV charger ev-001 of C-001: limit relaxed to 5.0 kW until 18:30 UTC"),
    (changed("raised", 5), "info", "EV charger ev-001 of C-001: limit raised to 5.0 kW until 18:30 UTC"),
    (changed("released", 6), "info", "EV charger ev-001 of C-001: released, there is room again"),
    (changed("overridden", 7), "info", "EV charger ev-001 of C-001: released by an operator"),
    (changed("protected", 8), "info", "EV charger ev-001 of C-001: released, it is protected now"),
    (
        changed("let_go", 9),
        "info",
        "EV charger ev-001 of C-001: told that nothing of it holds any more, after its answer",
    ),
    (moved(R1, "ended", after(900)), "info", "EV charger ev-001 of C-001: the request has ended (test)"),
    (closed(), "good", f"Event {EVENT} closed, its peak was 127.4 %"),
    (
        settled("credited", 123),
        "good",
        "C-001 credited 123 points: the meter shows 1.23 kWh less (72 % of what was asked)",
    ),
    (
        e.LedgerPosted(
            at=T0,
            key="k",
            request=R1,
            reason="1230 Wh less at the meter",
            postings=(
                ("programme:p:budget", "points", -123),
                ("customer:C-001", "points", 123),
                ("programme:p:budget", "EUR-cent", -30),
                ("customer:C-001", "EUR-cent", 30),
            ),
        ),
        "info",
        "Booked 123 points and 30 EUR-cent to customer:C-001 (1230 Wh less at the meter)",
    ),
    (moved(R1, "settled", after(930)), "info", "EV charger ev-001 of C-001: the request is settled (test)"),
    (
        e.OperatorActed(at=T0, who="Li", why="work", action="automatic_off", feeder="dorf", target=None),
        "warning",
        "Li took dorf into their own hands: no automatic action (work)",
    ),
    (
        e.OperatorActed(at=T0, who="Li", why="done", action="automatic_on", feeder="dorf", target=None),
        "warning",
        "Li gave dorf back to the automatic (done)",
    ),
    (
        e.OperatorActed(at=T0, who="Li", why="call", action="release", feeder="dorf", target="ev-001"),
        "warning",
        "Li released ev-001 on dorf (call)",
    ),
    (
        e.OperatorActed(at=T0, who="Li", why="call", action="release_all", feeder="dorf", target=None),
        "warning",
        "Li released everybody on dorf (call)",
    ),
    (
        e.OperatorActed(at=T0, who="Li", why="broken", action="exclude", feeder="dorf", target="ev-001"),
        "warning",
        "Li excluded ev-001 on dorf from requests (broken)",
    ),
    (
        e.OperatorActed(at=T0, who="Li", why="mended", action="include", feeder="dorf", target="ev-001"),
        "warning",
        "Li let ev-001 on dorf be asked again (mended)",
    ),
    (
        e.OperatorActed(
            at=T0,
            who="Li",
            why="works",
            action="limit",
            feeder="dorf",
            target="pv-001",
            order="O-dorf-9",
            targets=("pv-001",),
            limit_kw=4.2,
            until=T0 + timedelta(minutes=90),
            direction="production",
        ),
        "warning",
        "Li limited pv-001 on dorf to feeding in 4.2 kW until "
        f"{T0 + timedelta(minutes=90):%H:%M} UTC (works)",
    ),
    (
        e.OverloadExpected(
            at=T0,
            feeder="dorf",
            element="trafo:0",
            kind="transformer_overload",
            expected_at=T0 + timedelta(minutes=90),
            value=108.44,
            limit=100.0,
            probability=0.86,
        ),
        "warning",
        f"Transformer 0 is expected at 108.4 % from {T0 + timedelta(minutes=90):%H:%M} UTC on"
        " (limit 100.0 %, 86% sure)",
    ),
    (
        e.ExpectationEnded(
            at=T0, feeder="dorf", element="trafo:0", kind="transformer_overload", outcome="came"
        ),
        "info",
        "Transformer 0: the overload that was announced is here",
    ),
    (
        e.ExpectationEnded(
            at=T0, feeder="dorf", element="trafo:0", kind="transformer_overload", outcome="withdrawn"
        ),
        "good",
        "Transformer 0: the overload that was announced is not expected any more",
    ),
    *(
        (entry, severity, text.replace("R1", R1).replace("R2", R2))
        for entry, severity, text in (
            (
                e.NoticeAnswered(at=T0, request=R2, answer="opted_out", via="link"),
                "info",
                "Customer C-002 does not take part (by link)",
            ),
            (
                e.MessagePlanned(at=T0, message="m1", request=R2, customer="C-002", kind="thanks"),
                "info",
                "Customer C-002 is to be told: thanks, and what they earned (R2)",
            ),
            (
                e.MessageDone(at=T0, message="m1", outcome="given_up", reason="nobody takes it"),
                "warning",
                "Message m1 not told: nobody takes it",
            ),
            (
                e.NoticeDelivered(
                    at=T0, request=R1, kind="notice", sequence=1, channel="email", result="taken"
                ),
                "info",
                "Notice to C-001: taken by email",
            ),
            (
                e.NoticeDelivered(
                    at=T0,
                    request="long-ago",
                    kind="taken_back",
                    sequence=2,
                    channel="sms",
                    result="no_address",
                ),
                "warning",
                "Taking back to long-ago: not by sms (no address)",
            ),
            (
                e.ConsentWithdrawn(at=T0, customer="C-001", via="link"),
                "info",
                "Customer C-001 wants no more messages (by link)",
            ),
            (
                e.DisputeOpened(at=T0, dispute="D1", request=R1, reason="meter_wrong", who="desk"),
                "warning",
                "Dispute D1 about R1 opened by desk: meter wrong",
            ),
            (
                corrected(),
                "info",
                "Settlement of R1 corrected (late readings arrived): 2.00 kWh instead of 1.23,"
                " 200 points instead of 123",
            ),
            (
                e.DisputeClosed(at=T0, dispute="D1", request=R1, outcome="upheld", who="Li", why="log seen"),
                "info",
                "Dispute D1 upheld by Li (log seen)",
            ),
            (
                e.FactReported(
                    at=T0,
                    fact="F1",
                    customer="C-001",
                    kind="paid_on_time",
                    amount_minor_units=4200,
                    currency="EUR-cent",
                    occurred_at=T0,
                ),
                "info",
                "Customer C-001: paid on time reported (F1)",
            ),
            (
                e.LedgerPosted(
                    at=T0,
                    key="redemption/X1/hold",
                    request=None,
                    reason="held for a bulb",
                    postings=(("customer:C-001", "points", -100), ("redemption:X1", "points", 100)),
                ),
                "info",
                "Booked 100 points to redemption:X1 (held for a bulb)",
            ),
            (
                e.RedemptionMoved(
                    at=T0,
                    redemption="X1",
                    customer="C-001",
                    item="bulb",
                    points=100,
                    state="pending",
                    who="C-001",
                    reason="asked for",
                ),
                "info",
                "Redemption X1 of C-001: bulb for 100 points, pending",
            ),
            (
                e.PayoutMoved(at=T0, payout="2026-01", currency="EUR-cent", least=500, state="begun"),
                "info",
                "Payout 2026-01 of all balances from 5.00 EUR begun",
            ),
            (
                e.JournalCheckpointed(at=T0, size=40, root="r", key="site", signature="s"),
                "info",
                "Journal sealed up to entry 40 with key site",
            ),
            (
                e.PersonalDataErased(at=T0, customer="C-001", cause="retention", who="timer"),
                "info",
                "Name and contacts of C-001 erased by timer (kept long enough)",
            ),
            (
                e.FailsafeArmed(
                    at=T0,
                    feeder="dorf",
                    device="ev-001",
                    failsafe_kw=4.2,
                    failsafe_s=7200,
                    heartbeat_timeout_s=120,
                    epoch=1,
                    sequence=1,
                ),
                "info",
                "Told ev-001: in silence at most 4.2 kW, for 2 h at least",
            ),
            (
                e.FailsafeConfirmed(
                    at=T0, feeder="dorf", device="ev-001", failsafe_kw=4.2, failsafe_s=7200, sequence=1
                ),
                "good",
                "ev-001 shows: in silence at most 4.2 kW, for 2 h at least",
            ),
            (
                e.DataAlarm(at=T0, feeder="dorf", kind="failsafe_unconfirmed", raised=True, text="ev-001"),
                "warning",
                "No failsafe shown on dorf, asked for nothing until then: ev-001",
            ),
            (
                e.DataAlarm(at=T0, feeder="dorf", kind="failsafe_not_lifted", raised=True, text="ev-001"),
                "warning",
                "Silence would still limit on dorf who must not be limited by it: ev-001",
            ),
            (
                e.DataAlarm(at=T0, feeder="dorf", kind="heartbeats_not_heard", raised=True, text="ev-001"),
                "warning",
                "At their failsafe on dorf although we live, no heartbeat reaches them: ev-001",
            ),
            (
                e.DataAlarm(
                    at=T0, feeder="dorf", kind="failsafe_unconfirmed", raised=False, text="all shown"
                ),
                "good",
                "dorf: all shown",
            ),
            (
                e.ShiftNote(at=T0, note=1, shift=0, who="mara", text="Cable 3\nis warm", feeder="dorf"),
                "info",
                "Note 1 by mara on dorf",
            ),
            (
                e.ShiftNoteMarked(at=T0, note=1, who="mara", mark="done"),
                "info",
                "Note 1 was marked as done by mara",
            ),
            (
                e.ShiftHandedOver(at=T0, shift=0, who="mara", takes_over="jo", remarks="Huber called"),
                "info",
                "Shift 0 handed over to jo by mara",
            ),
            (
                e.ShiftBegan(at=T0, shift=1, who="jo", journal_size=70),
                "info",
                "Shift 1 began: jo took over",
            ),
        )
    ),
    *_ALARMS,
    (
        e.OrderDrafted(
            at=T0,
            draft="O-1",
            feeder="dorf",
            action="limit",
            targets=("EV-001", "EV-002", "EV-003", "EV-004"),
            limit_kw=4.2,
            until=T0 + timedelta(hours=1),
            who="mara",
            why="cable 3",
            person=True,
            needed=2,
            expires_at=T0 + timedelta(minutes=2),
            epoch=3,
        ),
        "warning",
        "mara drafted for dorf: limit EV-001, EV-002, EV-003 and 1 more to 4.2 kW until "
        f"{T0 + timedelta(hours=1):%H:%M} UTC; 2 persons must agree until "
        f"{T0 + timedelta(minutes=2):%H:%M:%S} UTC (cable 3)",
    ),
    (
        e.OrderAgreed(at=T0, draft="O-1", feeder="dorf", who="ben", person=True),
        "info",
        "ben agreed: limit EV-001, EV-002, EV-003 and 1 more to 4.2 kW until "
        f"{T0 + timedelta(hours=1):%H:%M} UTC on dorf",
    ),
    (
        e.OrderClosed(at=T0, draft="O-1", feeder="dorf", outcome="withdrawn", who="ben", why="mended"),
        "info",
        "ben withdrew: limit EV-001, EV-002, EV-003 and 1 more to 4.2 kW until "
        f"{T0 + timedelta(hours=1):%H:%M} UTC on dorf (mended)",
    ),
    (
        e.EmergencyStopped(
            at=T0, stop="S-1", who="mara", why="fire", manner="at_once", feeders=("dorf", "vorstadt")
        ),
        "alarm",
        "Emergency stop by mara on dorf, vorstadt: no automatic, everybody is released at once (fire)",
    ),
    (
        e.CommandTaken(at=T0, principal="mara", key="k-1", fingerprint="f", did="stop", about="S-1"),
        "info",
        "mara sent command k-1 (stop)",
    ),
)


def test_an_event_that_opens_early_says_so() -> None:
    opened = e.EventOpened(
        at=T0,
        event="E1",
        feeder="dorf",
        element="trafo:0",
        kind="transformer_overload",
        value=101.4,
        limit=100.0,
        expected=True,
    )
    told = tell(Numbered(1, opened), Books())
    assert (told.severity, told.text) == (
        "alarm",
        "Transformer 0 may be at 101.4 % within moments, over its limit of 100.0 %: event E1 opened early",
    )


@pytest.mark.parametrize(
    ("message", "reason", "text"),
    [
        (f"{R2}/thanks/1", "opted_out", f"C-002 not told: opted out (thanks, and what they earned; {R2})"),
        (f"{R2}/follow_up/1", None, f"C-002 told: how they are doing ({R2})"),
        ("long-ago/thanks/1", None, "of long-ago told: thanks, and what they earned (long-ago)"),
    ],
)
def test_a_word_is_told_once_it_is_done_and_not_before(message: str, reason: str | None, text: str) -> None:
    books = Books()
    for entry, _, _ in STORY:
        books.apply(entry)
    done = e.MessageDone(
        at=T0, message=message, outcome="given_up" if reason else "sent", reason=reason or "taken"
    )
    told = tell(Numbered(99, done), books)
    assert (told.severity, told.text) == ("warning" if reason else "info", f"Customer {text}")


def told_story() -> list[Told]:
    books = Books()
    told = []
    for seq, (entry, _, _) in enumerate(STORY, start=1):
        numbered = Numbered(seq, entry)
        books.apply(numbered)
        told.append(tell(numbered, books))
    return told


@pytest.mark.parametrize("place", range(len(STORY)))
def test_each_entry_as_a_sentence(place: int) -> None:
    told, (entry, severity, text) = told_story()[place], STORY[place]
    assert (told.text, told.severity) == (text, severity)
    assert (told.seq, told.at) == (place + 1, entry.at)


def test_the_story_above_has_every_word_of_the_vocabulary() -> None:
    assert {type(entry) for entry, _, _ in STORY} == set(get_args(e.Entry))


def test_a_sentence_that_is_not_personal_names_no_customer() -> None:
    customers = {entry.customer for entry, _, _ in STORY if isinstance(entry, e.RequestPlanned)}
    told = told_story()
    assert [
        one.text for one in told if not one.personal and any(name in one.text for name in customers)
    ] == []
    for one, (entry, _, _) in zip(told, STORY, strict=True):
        if isinstance(entry, e.OperatorActed | e.OrderDrafted):
            assert one.personal is bool(entry.target or entry.targets), one.text
    assert {one.personal for one in told if one.entry == "operator_acted"} == {True, False}


@pytest.mark.parametrize("direction", ["consumption", "production"])
def test_who_sees_no_customers_is_told_nothing_false_of_what_was_asked(direction: str) -> None:
    asked = Numbered(1, planned(1, kind="pv_inverter", direction=direction))
    text = impersonal(tell(asked, Books())).text
    assert {"consumption": "take less", "production": "feed in less"}[direction] in text
    assert "C-001" not in text


def test_a_requests_feeder_is_known_from_the_books() -> None:
    assert {told.feeder for told in told_story() if told.entry.startswith("request_")} == {"dorf"}


def test_a_request_that_the_books_forgot_is_told_by_its_id() -> None:
    told = tell(Numbered(1, e.RequestSent(at=T0, request=R1, sequence=1, attempt=1)), Books())
    assert (told.text, told.feeder) == (f"Sent to Request {R1} (command 1)", None)


@pytest.mark.parametrize("state", get_args(e.RequestState))
def test_every_state_has_words(state: e.RequestState) -> None:
    assert tell(Numbered(1, moved(R1, state, T0)), Books()).text.startswith(f"Request {R1}: ")


@pytest.mark.parametrize(
    ("outcome", "text"),
    [
        ("nothing_shown", "not credited: the meter shows 0.00 kWh less"),
        (
            "too_little_data",
            "not credited: its meter was read in 1 of 2 intervals, too few to prove anything",
        ),
        ("refused_or_silent", "not credited: the request never came into force"),
    ],
)
def test_why_somebody_is_not_credited(outcome: str, text: str) -> None:
    assert tell(Numbered(1, settled(outcome)), Books()).text == f"{R1} {text}"


def test_a_roof_is_asked_to_feed_in_no_more() -> None:
    plan = planned(kind="pv_inverter", direction="production", p_before_kw=9.0, target="pv-001")
    raised = changed("raised", 2)
    books = Books()
    told_of = []
    for number, entry in enumerate((opened(), plan, raised), 1):
        books.apply(Numbered(number, entry))
        told_of.append(tell(Numbered(number, entry), books).text)
    assert told_of[1].startswith(
        "Asking PV inverter pv-001 of customer C-001 to feed in no more than 4.2 kW until 18:15 UTC "
        "(it fed in 9.0 kW), because line 3"
    )
    assert "limit on feeding in raised to" in told_of[2]
