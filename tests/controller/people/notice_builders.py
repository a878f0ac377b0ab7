"""A feeder whose people take part in a programme, and the entries of one notice and its settlement."""

from dataclasses import replace
from datetime import datetime, timedelta

from controller import settings
from controller.books import Books
from controller.entries import Entry, RequestSent, RequestSettled
from controller.feeder_control import FeederControl
from customers.programmes import Agreements, Programme
from customers.registry import Registry
from tests.builders import FEEDER, START, control, registry, site
from tests.controller.record_builders import moved, opened, planned

RELIEF = Programme("relief", follow_up_s=300.0)
EVENT = "E-F1-1"
REQUEST = f"{EVENT}-R017"


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def feeder(
    programme: Programme = RELIEF, tags: frozenset[str] = frozenset(), zone: str = "UTC"
) -> FeederControl:
    who = registry(notices=frozenset(range(20)))
    customers = tuple(replace(c, tags=tags) for c in who.customers)
    ahead = settings.LookAhead(act_early=False, time_zone=zone)
    agreements = Agreements({programme.programme: programme})
    return control(site(look_ahead=ahead), Registry(customers, who.devices, agreements))


def notice(number: int = 17, **changes: object) -> list[Entry]:
    """A notice of 15 minutes that is in force."""
    request = f"{EVENT}-R{number:03d}"
    house = f"{number % 20:02d}"
    values: dict[str, object] = {
        "request": request, "event": EVENT, "feeder": FEEDER, "resource": "person", "kind": "person",
        "target": f"C{house}", "customer": f"C{house}", "service_point": f"sp{house}", "limit_kw": 3.0,
        "at": START, "start": START, "end": after(900), "programme": "relief",
    }  # fmt: skip
    return [
        planned(number, **(values | changes)),
        RequestSent(at=START, request=request, sequence=1, attempt=1),
        moved(request, "sent", START),
        moved(request, "active", START),
    ]


def books_of(*told: list[Entry]) -> Books:
    books = Books()
    books.apply(opened(EVENT, FEEDER, at=START))
    for entries in told:
        books.apply_all(entries)
    return books


def settled(outcome: str = "credited", **changes: object) -> list[Entry]:
    values: dict[str, object] = {
        "at": after(960), "request": REQUEST, "asked_kwh": 0.5, "reduced_kwh": 0.42, "intervals": 1,
        "intervals_measured": 1, "compliance_percent": 84.0, "points": 42, "minor_units": 10,
        "outcome": outcome,
    }  # fmt: skip
    return [moved(REQUEST, "ended", after(900)), RequestSettled(**(values | changes))]  # type: ignore[arg-type]
