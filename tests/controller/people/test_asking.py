"""Who is asked by notice, and whose devices are limited, by programme, enrolment and tags."""

from dataclasses import replace
from datetime import date, time, timedelta

import pytest

from controller import settings
from controller.entries import LedgerPosted, NoticeAnswered, RequestChanged, RequestMoved, RequestPlanned
from controller.feeder_control import FeederControl
from controller.gatekeeper import Gatekeeper
from customers.appliances.ownership import Ownership
from customers.appliances.use_files import default_use
from customers.appliances.values import Appliance, Observation
from customers.programmes import Agreements, Enrolment, Hours, Programme, Window
from customers.registry import Registry
from tests.builders import HOUSES, START, control, registry
from tests.controller.passes import Passes, calm_evening, of_kind

DAY = START.date()
ALL = frozenset(range(HOUSES))
EVENING = Programme("evening", hours=Hours(weekday=(Window(time(16), time(21)),)))


def feeder(
    *programmes: Programme,
    enrolled: dict[int, str] | None = None,
    tags: dict[int, set[str]] | None = None,
    since: date = DAY,
    until: date | None = None,
    zone: str = "UTC",
    notices_of: frozenset[int] = ALL,
    events: settings.Events | None = None,
    **requests: object,
) -> FeederControl:
    """Who is enrolled, tagged and takes notices is told by house."""
    who, tagged = registry(notices=notices_of), tags or {}
    customers = tuple(replace(c, tags=frozenset(tagged.get(n, ()))) for n, c in enumerate(who.customers))
    agreements = None
    if programmes:
        enrolments = tuple(Enrolment(f"C{n:02d}", name, since, until) for n, name in (enrolled or {}).items())
        agreements = Agreements({p.programme: p for p in programmes}, enrolments)
    ahead = settings.LookAhead(act_early=False, time_zone=zone)
    of = calm_evening(
        look_ahead=ahead,
        requests=settings.Requests(min_cut_kw=0.0, **requests),
        events=events or settings.Events(),
    )  # type: ignore[arg-type]
    return control(of, Registry(customers, who.devices, agreements))


def asked(of: FeederControl, steps: int = 6, base_kw: float = 4.0) -> list[RequestPlanned]:
    """All that an evening's first passes plan."""
    passes = Passes(of, base_kw=base_kw)
    planned: list[RequestPlanned] = []
    for _ in range(steps):
        planned += of_kind(passes.step().entries, RequestPlanned)
        passes.obey()
    return planned


def people(planned: list[RequestPlanned]) -> list[str]:
    return [p.customer for p in planned if p.resource == "person"]


def devices(planned: list[RequestPlanned]) -> set[str]:
    return {p.customer for p in planned if p.resource == "device"}


def test_without_programmes_everybody_who_takes_notices_may_be_asked() -> None:
    planned = asked(feeder())
    assert len(people(planned)) >= 4
    assert {p.programme for p in planned} == {None}


def test_with_programmes_only_who_is_enrolled_is_asked_and_devices_stay_as_they_were() -> None:
    planned = asked(feeder(EVENING, enrolled={17: "evening", 19: "evening"}))
    assert set(people(planned)) == {"C17", "C19"}
    assert {p.programme for p in planned if p.resource == "person"} == {"evening"}
    assert devices(planned) == devices(asked(feeder()))
    assert {p.programme for p in planned if p.resource == "device"} == {None}


@pytest.mark.parametrize(
    ("changes", "may"),
    [
        ({}, True),
        ({"since": DAY + timedelta(days=1)}, False),
        ({"until": DAY - timedelta(days=1), "since": date(2015, 1, 1)}, False),
        ({"until": DAY}, True),
        ({"zone": "Asia/Shanghai"}, False),  # 01:00 there
        ({"notices": False}, False),
    ],
)
def test_enrolments_hold_from_a_day_until_another(changes: dict[str, object], may: bool) -> None:
    assert bool(people(asked(feeder(EVENING, enrolled={17: "evening"}, **changes)))) is may  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("hours", "may"),
    [
        (Hours(weekday=(Window(time(17), time(18)),)), True),
        (Hours(weekday=(Window(time(18), time(19)),)), False),
        (Hours(weekday=()), False),
        (Hours(weekend=()), True),
        (Hours(months=frozenset({2, 3})), False),
        (Hours(weekday=(Window(time(16), time(17, 4)),)), False),  # too little is left of it
    ],
)
def test_nobody_is_asked_outside_the_programmes_hours(hours: Hours, may: bool) -> None:
    of = feeder(replace(EVENING, hours=hours), enrolled={17: "evening"})
    assert bool(people(asked(of))) is may


def test_a_call_ends_with_the_window_and_the_longest_call() -> None:
    window = replace(EVENING, hours=Hours(weekday=(Window(time(16), time(17, 8)),)))
    (notice,) = [p for p in asked(feeder(window, enrolled={17: "evening"})) if p.resource == "person"]
    assert notice.end == START + timedelta(minutes=8)
    short = replace(EVENING, longest_call_s=420.0)
    (notice,) = [p for p in asked(feeder(short, enrolled={17: "evening"})) if p.resource == "person"]
    assert notice.end - notice.start == timedelta(seconds=420)


def test_a_call_to_a_person_lasts_as_long_as_the_programme_says() -> None:
    def lasts(event_s: float = 14400.0, **changes: object) -> timedelta:
        of = feeder(
            replace(EVENING, baseline="meter before", **changes),  # type: ignore[arg-type]
            enrolled={17: "evening"},
            events=settings.Events(max_duration_s=event_s),
        )
        (notice,) = [p for p in asked(of) if p.resource == "person"]
        return notice.end - notice.start

    assert lasts() == timedelta(seconds=900), "no longest call: as all others"
    assert lasts(longest_call_s=7200.0) == timedelta(hours=2)
    assert timedelta(hours=2) < lasts(longest_call_s=6 * 3600.0) < timedelta(hours=4), "within the hours"
    assert timedelta(minutes=55) < lasts(3600.0, longest_call_s=7200.0) <= timedelta(hours=1), "and the event"


def test_a_call_starts_after_its_notice_time_and_within_the_hours() -> None:
    early = replace(EVENING, notice_s=600.0)
    (notice,) = [p for p in asked(feeder(early, enrolled={17: "evening"})) if p.resource == "person"]
    assert notice.start - notice.at == timedelta(seconds=600)
    assert notice.end - notice.start == timedelta(seconds=900)
    later = replace(early, hours=Hours(weekday=(Window(time(16), time(17, 12)),)))
    assert people(asked(feeder(later, enrolled={17: "evening"}))) == []


@pytest.mark.parametrize(("until", "may"), [(None, True), (DAY, False)])
def test_an_enrolment_that_ends_before_the_call_would_begin_does_not_count(
    until: date | None, may: bool
) -> None:
    tomorrow = replace(EVENING, hours=Hours(), notice_s=2.5 * 3600)  # from 22:00 there until after midnight
    of = feeder(tomorrow, enrolled={17: "evening"}, until=until, zone="Asia/Karachi")
    assert bool(people(asked(of))) is may


def test_the_record_says_floor_share_and_programme() -> None:
    planned = asked(feeder(EVENING, enrolled={17: "evening"}))
    device = next(p for p in planned if p.resource == "device")
    assert device.floor_kw == 4.2
    assert device.share_percent is not None
    assert device.share_percent > 0
    notice = next(p for p in planned if p.resource == "person")
    assert notice.floor_kw == 0.5
    assert notice.share_percent is not None
    assert sum(p.share_percent or 0.0 for p in planned) <= 100.5


DEVICE_PROGRAMME = Programme("flex", asks="devices")


def test_devices_in_a_programme_are_limited_within_its_hours_and_under_its_name() -> None:
    inside = asked(feeder(DEVICE_PROGRAMME, enrolled=dict.fromkeys(range(8, 16), "flex")))
    assert {p.programme for p in inside if p.customer in {f"C{n:02d}" for n in range(8, 16)}} == {"flex"}
    closed = replace(DEVICE_PROGRAMME, hours=Hours(weekday=(Window(time(18), time(19)),)))
    outside = asked(feeder(closed, enrolled=dict.fromkeys(range(8, 16), "flex")))
    assert devices(outside)
    assert devices(outside).isdisjoint({f"C{n:02d}" for n in range(8, 16)})
    assert people(outside) == []


def test_no_device_is_limited_for_the_last_minutes_of_its_programmes_hours() -> None:
    ending = replace(DEVICE_PROGRAMME, hours=Hours(weekday=(Window(time(16), time(17, 4)),)))
    assert devices(asked(feeder(ending, enrolled=dict.fromkeys(range(16), "flex")))) == set()


def test_a_device_ends_with_its_programmes_longest_call() -> None:
    short = replace(DEVICE_PROGRAMME, longest_call_s=600.0)
    planned = asked(feeder(short, enrolled=dict.fromkeys(range(16), "flex")))
    assert planned
    assert all(p.end - p.start <= timedelta(seconds=600) for p in planned if p.resource == "device")


def test_an_event_that_called_a_customer_already_may_go_on_asking() -> None:
    once = replace(DEVICE_PROGRAMME, calls_per_day=1)
    passes = Passes(feeder(once, enrolled=dict.fromkeys(range(16), "flex"), notices=False))
    for _ in range(5):
        passes.step()
        passes.obey()
    held = {record.request for record in passes.books.open_requests("F1")}
    assert held
    for house in passes.field.houses:
        house.base_kw += 0.8
    changed: list[RequestChanged] = []
    for _ in range(6):
        changed += of_kind(passes.step().entries, RequestChanged)
        passes.obey()
    assert {c.request for c in changed if c.reason == "tightened"} & held


def test_who_says_no_keeps_the_devices_of_the_same_programme_out_of_the_event() -> None:
    both = Programme("both", asks="both")
    last = dict.fromkeys((15,), "both")
    passes = Passes(feeder(both, enrolled=last), charging_kw=11.0)
    passes.field.houses[15].ev_kw = 0.0
    planned: list[RequestPlanned] = []
    for _ in range(4):
        planned += of_kind(passes.step().entries, RequestPlanned)
        passes.obey()
    (notice,) = [p for p in planned if p.resource == "person"]
    now = passes.clock.now()
    passes.books.apply_all(
        [
            NoticeAnswered(at=now, request=notice.request, answer="opted_out", via="link"),
            RequestMoved(at=now, request=notice.request, state="ended", reason="the customer said no"),
        ]
    )
    for house in passes.field.houses[:16]:
        house.ev_kw = 11.0
        house.base_kw = 6.0
    later = of_kind(passes.run(4), RequestPlanned)
    assert later
    assert "C15" not in {p.customer for p in later}


def test_sensitive_households_are_asked_last_to_no_less_than_their_floor_and_never_limited() -> None:
    tags = {n: {"sensitive_to_outages"} for n in (*range(8, 16), 19)}
    passes = Passes(feeder(tags=tags, notices_of=frozenset({7, 9, 18, 19})))
    passes.field.houses[19].base_kw = 2.4
    passes.field.houses[7].ev_kw = 0.0
    planned: list[RequestPlanned] = []
    for _ in range(4):
        planned += of_kind(passes.step().entries, RequestPlanned)
    assert people(planned) == ["C07", "C18", "C09", "C19"]  # C09 causes most
    assert devices(planned)
    assert devices(planned).isdisjoint({f"C{n:02d}" for n in tags})
    assert {p.customer: p.limit_kw for p in planned}["C19"] == 2.0  # 30 % less would be 1.7


@pytest.mark.parametrize(("zone", "may"), [("UTC", True), ("Asia/Shanghai", False)])
def test_nobody_is_woken_who_asked_not_to_be(zone: str, may: bool) -> None:
    planned = asked(feeder(tags={17: {"no_night_calls"}}, zone=zone, notices_of=frozenset({17, 18})))
    assert ("C17" in people(planned)) is may
    assert "C18" in people(planned)


@pytest.mark.parametrize("tag", ["medical", "critical"])
def test_protected_households_are_neither_asked_nor_limited(tag: str) -> None:
    planned = asked(feeder(tags={n: {tag} for n in range(8, 18)}))
    assert planned
    assert {p.customer for p in planned}.isdisjoint({f"C{n:02d}" for n in range(8, 18)})


@pytest.mark.parametrize(("spent", "may"), [(0, True), (99, True), (100, False), (150, False)])
def test_a_programme_whose_budget_is_spent_calls_nobody(spent: int, may: bool) -> None:
    of = feeder(replace(EVENING, budget_points=100), enrolled={17: "evening"})
    passes = Passes(of)
    if spent:
        passes.books.apply(
            LedgerPosted(
                at=START,
                key="evening/F1/E-R1/credit/v1",
                postings=(
                    ("programme:evening:budget", "points", -spent),
                    ("customer:C17", "points", spent),
                ),
                reason="before",
                request=None,
            )
        )
    planned = of_kind(passes.run(4), RequestPlanned)
    assert bool(people(planned)) is may


def test_nobody_is_asked_to_go_below_their_own_floor_and_the_gate_knows_it() -> None:
    of = feeder(EVENING, enrolled={17: "evening"}, tags={17: {"sensitive_to_outages"}}, notice_cut_share=0.9)
    (notice,) = [p for p in asked(of) if p.resource == "person"]
    assert (notice.limit_kw, notice.floor_kw) == (2.0, 2.0)
    odd = feeder(EVENING, enrolled={17: "evening"}, notice_min_kw=1.04, notice_cut_share=0.9)
    (notice,) = [p for p in asked(odd) if p.resource == "person"]
    assert notice.limit_kw == 1.1, "rounded up, never below the floor"
    passes = Passes(of)
    gate = Gatekeeper(of, passes.books, START, 0, START + timedelta(hours=4), True, 1e9, 1e9)
    ends = {"start": START, "end": START + timedelta(minutes=15), "epoch": 0}
    assert not gate.passes("R1", "person", "C17", "new", limit_kw=1.9, **ends)  # type: ignore[arg-type]
    assert gate.passes("R1", "person", "C17", "new", limit_kw=2.0, **ends)  # type: ignore[arg-type]
    assert gate.passes("R2", "person", "C18", "new", limit_kw=1.9, **ends)  # type: ignore[arg-type]


def owning(of: FeederControl, house: int, kind: str, kw: float) -> FeederControl:
    """The same feeder, where the customer of a house owns something."""
    seen = (Observation("list", "1", kw, None, 1.0),)
    owned = (Appliance(f"C{house:02d}", f"sp{house:02d}", kind, kw, None, 1.0, seen),)
    return replace(of, registry=replace(of.registry, ownership=Ownership(owned, default_use())))


def test_owners_of_what_runs_are_asked_first_for_a_share_of_it() -> None:
    plain = [p for p in asked(feeder()) if p.resource == "person"]
    assert "C16" not in {p.customer for p in plain}, "the ten largest come first"
    of = owning(feeder(), 16, "ev_charger", 3.0)
    first, *others = [p for p in asked(of) if p.resource == "person"]
    assert of.registry.ownership is not None
    flexible_kw = of.registry.ownership.flexible_kw(of.registry.ownership.of("sp16"), 4.0, 0.5, START)
    assert (first.customer, first.limit_kw) == ("C16", round(4.0 - 0.3 * flexible_kw, 1))
    assert 1.2 < flexible_kw < 3.0
    assert [(p.customer, p.limit_kw) for p in others] == [(p.customer, p.limit_kw) for p in plain[:-1]]


@pytest.mark.parametrize(
    ("house", "kind", "kw"),
    [
        (16, "ev_charger", 11.0),  # it does not run: the house takes 4 kW
        (16, "ev_charger", 2.5),  # it gives less than everybody is asked for
        (16, "pv_inverter", 3.0),
        (3, "ev_charger", 11.0),  # a device is connected there
    ],
)
def test_what_is_owned_and_does_not_cover_what_all_are_asked_for_changes_nothing(
    house: int, kind: str, kw: float
) -> None:
    assert asked(owning(feeder(), house, kind, kw)) == asked(feeder())


def test_care_comes_before_what_is_owned() -> None:
    few, tags = frozenset({16, 17, 18}), {16: {"elderly"}}
    order = people(asked(owning(feeder(tags=tags, notices_of=few), 16, "ev_charger", 3.0)))
    assert (len(order), order[-1]) == (3, "C16")


def test_an_owner_is_never_asked_below_the_floor() -> None:
    of = feeder(EVENING, enrolled={17: "evening"}, tags={17: {"sensitive_to_outages"}}, notice_cut_share=0.5)
    (notice,) = [p for p in asked(owning(of, 17, "ev_charger", 3.9)) if p.resource == "person"]
    assert notice.limit_kw >= notice.floor_kw == 2.0  # type: ignore[operator]
