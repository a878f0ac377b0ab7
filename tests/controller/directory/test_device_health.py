"""A device's health in one word, and which fault is told of several."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from controller.books import Books
from controller.directory.device_health import Outlook
from controller.entries import EventOpened, RequestMoved, RequestPlanned, RequestSent, RequestState
from controller.feeder_state import DeviceState
from customers.registry import Registry
from tests.builders import FEEDER, START, control, registry

NOW = START + timedelta(minutes=10)
GUARDED = {"on_contact_loss": "guard", "failsafe_kw": 4.2}
PROVEN = {"failsafe_kw": 4.2, "failsafe_s": 7200, "heartbeat_timeout_s": 120}


def shown(**said: Any) -> DeviceState:
    values: dict[str, Any] = {"online": True, "at": NOW, "p_kw": 3.0, "limit_kw": None, "request": None}
    return DeviceState(**(values | said))


def asked(state: RequestState = "active", sent_s: float = 0.0) -> Books:
    """A charger that was asked to stay below 4.2 kW."""
    books, at = Books(), START
    books.apply(
        EventOpened(
            at=at, event="E", feeder=FEEDER, element="line:0", kind="line_overload", value=110.0, limit=100.0
        )
    )
    books.apply(
        RequestPlanned(
            at=at,
            request="R",
            event="E",
            feeder=FEEDER,
            resource="device",
            target="EV00",
            kind="ev_charger",
            customer="C00",
            service_point="sp00",
            limit_kw=4.2,
            p_before_kw=11.0,
            baseline_kw=11.0,
            start=at,
            end=at + timedelta(hours=1),
            epoch=1,
            sequence=1,
            element="line:0",
            value=110.0,
        )
    )
    books.apply(RequestSent(at=at + timedelta(seconds=sent_s), request="R", sequence=1, attempt=1))
    steps: list[RequestState] = ["sent", "accepted", "active"]
    for step in steps[: steps.index(state) + 1]:
        books.apply(RequestMoved(at=at, request="R", state=step, reason="test"))
    return books


def health(
    said: DeviceState | None, books: Books | None = None, critical: bool = False, **declared: Any
) -> str:
    who = registry(critical=frozenset({0}) if critical else frozenset())
    device = replace(who.devices[0], **declared)
    of = control(who=Registry(who.customers, (device, *who.devices[1:])))
    return Outlook(of, books or Books(), NOW).seen(device, said).health


@pytest.mark.parametrize(
    ("said", "declared", "word"),
    [
        (None, {}, "never_heard"),
        (shown(online=False), {}, "offline"),
        (shown(online=False, at=None), GUARDED, "offline"),
        (shown(at=NOW - timedelta(hours=1)), {}, "silent"),
        (shown(), {}, "good"),
        (shown(), GUARDED, "unconfirmed"),
        (shown(**PROVEN), GUARDED, "good"),
        (shown(guard="failsafe", **PROVEN), GUARDED, "at_failsafe"),
        (shown(guard="init"), GUARDED, "at_failsafe"),
        (shown(guard="init"), {}, "good"),
    ],
)
def test_the_word(said: DeviceState | None, declared: dict[str, Any], word: str) -> None:
    assert health(said, **declared) == word


def test_who_must_not_be_limited_by_silence_needs_no_failsafe() -> None:
    assert health(shown(), critical=True, **GUARDED) == "good"


@pytest.mark.parametrize(
    ("said", "books", "word"),
    [
        (shown(p_kw=4.2, limit_kw=4.2, request="R"), asked(), "good"),
        (shown(p_kw=4.8, limit_kw=4.8, request="R"), asked(), "good"),
        (shown(p_kw=3.0, limit_kw=6.0, request="R"), asked(), "disobeys"),
        (shown(p_kw=3.0, limit_kw=6.0, request="R0"), asked(), "good"),
        (shown(p_kw=11.0), asked(), "disobeys"),
        (shown(p_kw=11.0), asked(sent_s=570.0), "good"),
        (shown(p_kw=11.0), asked("accepted"), "good"),
    ],
)
def test_who_takes_or_shows_more_than_was_asked(said: DeviceState, books: Books, word: str) -> None:
    assert health(said, books) == word


def test_who_seldom_does_what_it_is_asked() -> None:
    class Unreliable(Books):
        def compliance(self, feeder: str, device: str) -> float:
            return 0.49

    assert health(shown(), Unreliable()) == "unreliable"
