"""The judge finds what is planted: a checker whose green means something."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from customers.registry import Customer, Device, Registry
from devices.messages import CustomerNotice, LimitCommand
from simulations.checker import PROMISES, Broken, Evidence, Rules, judge, limit_spans
from simulations.direct_link import OnTheWire
from simulations.emulated_devices import DeviceNote
from simulations.record_reading import Record

START = datetime(2016, 1, 12, 18, 0, tzinfo=UTC)
END = START + timedelta(minutes=15)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def entry(tag: str, when: datetime, **fields: Any) -> dict[str, Any]:
    return {"entry": tag, "at": when.isoformat()} | fields


def planned(**fields: Any) -> dict[str, Any]:
    return entry(
        "request_planned",
        START,
        **{
            "request": "R1",
            "event": "E1",
            "resource": "device",
            "target": "ev-001",
            "customer": "C-001",
            "service_point": "house",
            "limit_kw": 4.2,
            "baseline_kw": 12.0,
            "sequence": 1,
        }
        | fields,
    )


POSTINGS = (("budget", "points", -100), ("customer:C-001", "points", 100))
CREDIT = entry(
    "ledger_posted", at(16), key="p/F1/R1/credit", request="R1", postings=[list(p) for p in POSTINGS]
)
SETTLED = entry("request_settled", at(16), request="R1", reduced_kwh=1.0, outcome="credited")
ENTRIES = (entry("event_opened", START, event="E1"), planned(), SETTLED, CREDIT)
COMMAND = LimitCommand("F1", "ev-001", "R1", 4.2, START, END, 1, 1, "signed")
LIMITED = DeviceNote(at(0.1), "ev-001", "limited", "R1", 1, 4.2, END)
FREE = DeviceNote(END, "ev-001", "free")
GUARD = "ev-003"


def silent(*notes: DeviceNote) -> Evidence:
    """A device of guard mode loses contact in minute 2, for good; what else it notes."""
    first = (DeviceNote(at(1), GUARD, "armed", limit_kw=6.0), DeviceNote(at(2), GUARD, "offline"))
    return journal(*first, *notes, LIMITED, FREE)


def failsafe(minutes: float, limit_kw: float = 6.0) -> DeviceNote:
    return DeviceNote(at(minutes), GUARD, "failsafe", limit_kw=limit_kw)


def protected_guard(limit_kw: float) -> Evidence:
    """A device that became critical, and goes to its failsafe all the same."""
    evidence = silent(failsafe(4, limit_kw=limit_kw))
    registry = evidence.registry
    devices = tuple(replace(d, critical=d.device == GUARD) for d in registry.devices)
    return replace(evidence, registry=replace(registry, devices=devices))


def honest() -> Evidence:
    """A request as it should be: 6.8 kW less for a quarter of an hour, credited with 100 points for 1 kWh."""
    steps = 21
    meter = np.where((np.arange(steps) >= 1) & (np.arange(steps) <= 15), 5.2, 12.0)
    return Evidence(
        registry=Registry(
            customers=(
                Customer("C-001", "house", "M-001"),
                Customer("C-002", "ward", "M-002", critical=True),
            ),
            devices=(
                Device("ev-001", "house", "ev_charger", 11.0, 4.2),
                Device("ev-002", "ward", "ev_charger", 11.0, 4.2),
                Device(GUARD, "house", "ev_charger", 11.0, 4.2, on_contact_loss="guard", failsafe_kw=6.0),
            ),
        ),
        rules=Rules(longest_event_s=6 * 3600, points_per_kwh=100, minor_units_per_kwh=25),
        wire=(OnTheWire(START, COMMAND),),
        journal=(LIMITED, FREE),
        record=Record(ENTRIES, tuple(("p/F1/R1/credit", *p) for p in POSTINGS)),
        at=tuple(at(minute) for minute in range(steps)),
        meter_kw={"house": meter, "ward": np.ones(steps)},
        ended_at=at(20),
    )


def roof(sun_kw: float = 8.2, floor_kw: float = 4.2, shown_kw: float = -4.2, **told: Any) -> Evidence:
    """A roof that is held to 4.2 of 8.2 kW for a quarter of an hour, and credited with 1 kWh."""
    evidence = honest()
    inverter = Device("ev-001", "house", "pv_inverter", 10.0, floor_kw)
    plan = planned(baseline_kw=-8.2, direction="production")
    steps = np.arange(21)
    return replace(
        evidence,
        registry=Registry(evidence.registry.customers, (inverter, *evidence.registry.devices[1:])),
        wire=(OnTheWire(START, replace(COMMAND, direction="production", **told)),),
        record=Record((ENTRIES[0], plan, SETTLED, CREDIT), evidence.record.postings),
        meter_kw={"house": np.where((steps >= 1) & (steps <= 15), shown_kw, -8.2), "ward": np.ones(21)},
        sun_kw={"ev-001": np.full(21, sun_kw)},
    )


def with_entries(*entries: dict[str, Any], postings: Any = None) -> Evidence:
    record = honest().record
    return replace(honest(), record=Record(entries, record.postings if postings is None else postings))


def on_the_wire(**changes: Any) -> Evidence:
    return replace(honest(), wire=(OnTheWire(START, replace(COMMAND, **changes)),))


def journal(*notes: DeviceNote) -> Evidence:
    return replace(honest(), journal=notes)


def meter_of(kw: float) -> Evidence:
    return replace(honest(), meter_kw={"house": np.full(21, kw), "ward": np.ones(21)})


UNEVEN = CREDIT | {"postings": [["budget", "points", -90], ["customer:C-001", "points", 100]]}
ASKED_WARD = OnTheWire(START, CustomerNotice("F1", "C-002", "R1", 0.5, START, END, 1, "please"))
PLANTED = {
    "floor: sent": ("floor", on_the_wire(limit_kw=4.1)),
    "floor: held": ("floor", journal(replace(LIMITED, limit_kw=3.0), FREE)),
    "floor: of feeding in": ("floor", roof(floor_kw=5.0)),
    "direction: a charger is to feed in less": ("direction", on_the_wire(direction="production")),
    "direction: an inverter is to take less": ("direction", replace(roof(), wire=honest().wire)),
    "shown: the sun was gone": ("shown", roof(sun_kw=5.0)),
    "shown: as much feed-in as before": ("shown", roof(shown_kw=-8.2)),
    "protected: sent": ("protected", on_the_wire(device="ev-002")),
    "protected: held": ("protected", journal(LIMITED, FREE, replace(LIMITED, device="ev-002"))),
    "protected: asked": ("protected", replace(honest(), wire=(ASKED_WARD,))),
    "floor: armed": ("floor", silent(DeviceNote(at(3), GUARD, "armed", limit_kw=4.0), failsafe(4))),
    "floor: failsafe": ("floor", silent(failsafe(4, limit_kw=4.0))),
    "silence: free": ("silence", silent()),
    "silence: too late": ("silence", silent(failsafe(4.5))),
    "silence: above": ("silence", silent(failsafe(4, limit_kw=7.0))),
    "silence: free again": ("silence", silent(failsafe(4), DeviceNote(at(4.2), GUARD, "free"))),
    "silence: more later on": ("silence", silent(failsafe(4), failsafe(9, limit_kw=7.0))),
    "silence: over too early": (
        "silence",
        replace(silent(failsafe(4), DeviceNote(at(100), GUARD, "free")), ended_at=at(200)),
    ),
    "armed: told nothing before": (
        "armed",
        journal(replace(LIMITED, device=GUARD), replace(FREE, device=GUARD)),
    ),
    "armed: told too late": (
        "armed",
        journal(replace(LIMITED, device=GUARD), DeviceNote(at(1), GUARD, "armed", limit_kw=6.0)),
    ),
    "protected: by silence": ("protected", protected_guard(6.0)),
    "end: past it": ("end", journal(LIMITED, replace(FREE, at=END + timedelta(seconds=30)))),
    "end: never": ("end", journal(LIMITED)),
    "bounded: no event": ("bounded", journal(replace(LIMITED, request="R7"), FREE)),
    "bounded: too long": (
        "bounded",
        replace(honest(), rules=replace(honest().rules, longest_event_s=600)),
    ),
    "intent: unknown": ("intent", on_the_wire(request="R2")),
    "intent: other sequence": ("intent", on_the_wire(sequence=2)),
    "intent: other limit": ("intent", on_the_wire(limit_kw=5.0)),
    "intent: other target": ("intent", on_the_wire(device="ev-002")),
    "intent: before the note": ("intent", replace(honest(), wire=(OnTheWire(at(-1), COMMAND),))),
    "ledger: uneven transaction": ("ledger", with_entries(*ENTRIES[:3], UNEVEN)),
    "ledger: uneven accounts": (
        "ledger",
        with_entries(*ENTRIES, postings=(*honest().record.postings, ("p/F1/R1/credit", "x", "points", 5))),
    ),
    "ledger: lost posting": ("ledger", with_entries(*ENTRIES, postings=())),
    "once: credited twice": ("once", with_entries(*ENTRIES, CREDIT | {"key": "p/F1/R1/credit/v2"})),
    "once: settled twice": ("once", with_entries(*ENTRIES, SETTLED)),
    "shown: nothing at the meter": ("shown", meter_of(12.0)),
    "shown: less at the meter": ("shown", meter_of(10.0)),
    "shown: not settled": ("shown", with_entries(ENTRIES[0], ENTRIES[1], CREDIT)),
    "shown: never held": ("shown", journal()),
    "shown: too many points": ("shown", with_entries(*ENTRIES[:2], SETTLED | {"reduced_kwh": 0.5}, CREDIT)),
}


def test_an_honest_run_is_green() -> None:
    assert judge(honest()) == []
    assert judge(roof()) == []


def test_silence_that_is_kept_and_contact_that_returns_are_green() -> None:
    assert judge(silent(failsafe(4))) == []
    assert judge(silent(DeviceNote(at(3.9), GUARD, "online"))) == []
    assert judge(journal(DeviceNote(at(2), GUARD, "offline"), LIMITED, FREE)) == []  # never armed
    back = (DeviceNote(at(6), GUARD, "online"), DeviceNote(at(6.1), GUARD, "free"))
    assert judge(silent(failsafe(4), *back)) == []
    over = silent(failsafe(4), DeviceNote(at(123), GUARD, "free"))
    assert judge(replace(over, ended_at=at(200))) == []  # two hours are what it promised
    assert judge(protected_guard(11.0)) == []  # a failsafe of all that it can take limits nothing


def test_a_failsafe_ends_what_a_request_held() -> None:
    (span,) = limit_spans([LIMITED, replace(LIMITED, at=at(5), what="failsafe", request=None)], at(30))
    assert (span.request, span.end) == ("R1", at(5))


@pytest.mark.parametrize(("promise", "evidence"), PLANTED.values(), ids=PLANTED.keys())
def test_planted_faults_are_found(promise: str, evidence: Evidence) -> None:
    found = judge(evidence)
    assert promise in {one.invariant for one in found}, found
    assert promise in PROMISES


def test_every_promise_has_a_planted_fault() -> None:
    assert {promise for promise, _ in PLANTED.values()} == set(PROMISES)


def test_findings_read_well() -> None:
    (found,) = [one for one in judge(on_the_wire(limit_kw=4.1)) if one.invariant == "floor"]
    assert found == Broken("floor", "ev-001", f"sent 4.1 kW at {START}, floor 4.2 kW")
    assert str(found).startswith("floor: ev-001: sent 4.1 kW")


def test_spans_are_cut_by_renewals() -> None:
    renewed = replace(LIMITED, at=at(5), end=at(20), sequence=2)
    first, second = limit_spans([LIMITED, renewed, replace(FREE, at=at(20))], at(30))
    assert (first.begin, first.end, first.told_end) == (at(0.1), at(5), END)
    assert (second.begin, second.end, second.told_end) == (at(5), at(20), at(20))
