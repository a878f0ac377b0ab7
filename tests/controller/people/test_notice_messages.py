"""What goes to a person, from a request as the books have it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from controller import settings
from controller.entries import MessagePlanned, RequestSettled
from controller.feeder_control import FeederControl
from controller.people.notice_messages import consent_links, further_word, notice_of
from controller.requests import RequestRecord
from customers.programmes import Agreements, Programme
from customers.registry import Registry
from tests.builders import SECRET, START, control, registry, site
from tests.controller.people.people_worlds import PUBLIC, token_in
from tests.controller.record_builders import books_of, ended, opened, planned

RELIEF = Programme(
    "relief", names={"en": "Evening relief", "zh": "晚间减负"}, points_per_kwh=120, minor_units_per_kwh=30
)


def feeder(
    programme: Programme | None = RELIEF, public: str | None = PUBLIC, **customer: object
) -> FeederControl:
    who = registry(notices=frozenset({17}))
    customers = tuple(replace(c, **customer) for c in who.customers)  # type: ignore[arg-type]
    agreements = None if programme is None else Agreements({programme.programme: programme})
    of = site(
        api=settings.Api(public_url=public),
        look_ahead=settings.LookAhead(act_early=False, time_zone="Europe/Berlin"),
    )
    built = control(of, Registry(customers, who.devices, agreements))
    return replace(built, links=consent_links(of, SECRET))


def request(programme: str | None = "relief", **changes: object) -> RequestRecord:
    values: dict[str, object] = {
        "resource": "person", "kind": "person", "target": "C17", "customer": "C17", "service_point": "sp17",
        "limit_kw": 2.8, "at": START, "start": START, "end": START + timedelta(hours=1),
        "programme": programme,
    }  # fmt: skip
    notice = planned(17, **(values | changes))
    return books_of(opened(), notice).requests[notice.request]


def test_a_notice_names_the_programme_the_limit_the_reward_and_how_to_say_no() -> None:
    of, asked = feeder(), request()
    notice = notice_of(of, asked)
    assert notice.kind == "notice"
    assert (notice.customer, notice.request, notice.sequence) == ("C17", asked.request, 1)
    assert notice.text.startswith("Evening relief: the power grid near you is overloaded.")
    assert "below 2.8 kW until 19:00." in notice.text
    assert "120 points and 0.30 EUR for every kilowatt-hour" in notice.text
    assert "You take part unless you say no here: https://" in notice.text
    assert of.links is not None
    consent = of.links.key.open(token_in(notice.text))
    assert consent is not None
    assert (consent.request, consent.answer, consent.end) == (asked.request, "opted_out", asked.end)


def test_a_programme_that_needs_a_yes_has_a_link_that_says_yes() -> None:
    of = feeder(replace(RELIEF, answer="opt_in"))
    text = notice_of(of, request()).text
    assert "It counts only if you say yes. Say yes here: https://" in text
    assert of.links is not None
    consent = of.links.key.open(token_in(text))
    assert consent is not None
    assert consent.answer == "opted_in"


def test_without_programmes_and_address_the_notice_is_the_sites_own() -> None:
    text = notice_of(feeder(None, None), request(None)).text
    assert text.startswith(
        "The power grid near you is overloaded. Please keep your use below 2.8 kW until 19:00."
    )
    assert "100 points and 0.25 EUR" in text
    assert "http" not in text


def test_a_later_start_is_told() -> None:
    later = request(start=START + timedelta(minutes=15))
    assert "below 2.8 kW from 18:15 until 19:00." in notice_of(feeder(), later).text


def test_who_drives_electric_is_told_what_could_wait() -> None:
    assert "Your car could charge later." in notice_of(feeder(tags=frozenset({"ev_owner"})), request()).text
    assert "car" not in notice_of(feeder(), request()).text


def test_in_chinese_with_all_figures() -> None:
    text = notice_of(feeder(language="zh", tags=frozenset({"ev_owner"})), request()).text
    assert text.startswith("晚间减负：您附近的电网负荷过高。")
    assert "请在19:00之前将用电功率保持在2.8千瓦以下" in text
    assert "每少用1千瓦时电可获得120积分和0.30 EUR" in text
    assert "电动汽车可以稍后充电" in text
    assert "如不参与，请点击：https://" in text


def test_what_is_taken_back_asks_for_nothing() -> None:
    notice = notice_of(feeder(), replace(request(), releasing=True))
    assert notice.kind == "taken_back"
    assert "http" not in notice.text
    assert "kW" not in notice.text


def test_a_customer_who_is_gone_gets_no_words() -> None:
    assert notice_of(feeder(), request(target="C99")).text == ""


def word(kind: str, **values: object) -> MessagePlanned:
    return MessagePlanned(
        at=START,
        message=f"R/{kind}/1",
        request="R",
        customer="C17",
        kind=kind,
        **values,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_follow_up_says_both_powers_and_how_to_say_no(language: str) -> None:
    notice = further_word(feeder(language=language), request(), word("follow_up", p_kw=4.63))
    assert notice is not None
    assert notice.kind == "follow_up"
    for figure in ("4.6", "2.8", "19:00", "https://"):
        assert figure in notice.text
    silent = further_word(feeder(public=None, language=language), request(), word("follow_up", p_kw=4.63))
    assert silent is not None
    assert "http" not in silent.text


def settled_request(**changes: object) -> RequestRecord:
    values: dict[str, object] = {
        "at": START, "request": "R", "asked_kwh": 0.5, "reduced_kwh": 0.42, "intervals": 1,
        "intervals_measured": 1, "compliance_percent": 84.0, "points": 50, "minor_units": 13,
        "outcome": "credited",
    }  # fmt: skip
    return replace(ended(), settled=RequestSettled(**(values | changes)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "0.42 kWh less: you were credited 50 points and 0.13 EUR."),
        ("zh", "少用了0.42千瓦时，已为您记入50积分和0.13 EUR。"),
    ],
)
def test_thanks_say_what_the_meter_shows_and_what_it_earned(language: str, told: str) -> None:
    notice = further_word(
        feeder(language=language), settled_request(), word("thanks", reduced_kwh=0.42, points=50)
    )
    assert notice is not None
    assert told in notice.text


@pytest.mark.parametrize(
    ("outcome", "english", "chinese"),
    [
        ("nothing_shown", "your meter shows 0.00 kWh less", "少用0.00千瓦时"),
        ("too_little_data", "was not read often enough", "电表读数不足"),
    ],
)
def test_an_explanation_says_why(outcome: str, english: str, chinese: str) -> None:
    record = settled_request(outcome=outcome)
    for language, told in (("en", english), ("zh", chinese)):
        notice = further_word(
            feeder(language=language), record, word("explanation", reduced_kwh=0.0, points=0)
        )
        assert notice is not None
        assert told in notice.text


def test_nobody_is_told_who_is_gone() -> None:
    gone = MessagePlanned(at=START, message="R/thanks/1", request="R", customer="C99", kind="thanks")
    assert further_word(feeder(), settled_request(), gone) is None


def test_two_sites_have_different_keys() -> None:
    of = site(api=settings.Api(public_url=PUBLIC))
    one, other = consent_links(of, SECRET), consent_links(of, SECRET + b"!")
    assert one is not None
    assert other is not None
    assert one.key != other.key
    assert consent_links(site(), SECRET) is None
