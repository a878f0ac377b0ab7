from datetime import timedelta, timezone

import numpy as np
import pytest

from devices.messages import Answer, CustomerNotice
from simulations.field import FieldModel
from simulations.households import Households
from simulations.occurrences import Returned, Vanished
from simulations.population import Population
from simulations.scenario import People, Scenario
from tests.simulations.small_field import START, command, field_of, flat_load, marked, population, scenario

CHARGING = START + timedelta(hours=2, minutes=30)
"""all cars are there and charge"""
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def charging(a_scenario: Scenario, who: Population | None = None) -> FieldModel:
    field = field_of(a_scenario, who or population(a_scenario))
    field.advance(CHARGING)
    assert list(field.power().device_kw[:3]) == [11, 11, 11]
    return field


def test_a_device_obeys_after_its_reaction_and_until_the_end() -> None:
    field = charging(scenario())
    field.receive(command("ev-001", CHARGING, minutes=10))
    assert field.advance(CHARGING + SECOND / 2) == []
    (answer,) = field.advance(CHARGING + 4 * SECOND)
    assert answer == Answer("F1", "ev-001", "R1", "accepted")
    assert list(field.power().device_kw[:3]) == [4.2, 11, 11]
    (ended,) = field.advance(CHARGING + 11 * MINUTE)
    assert ended == Answer("F1", "ev-001", "R1", "ended", "end reached")
    assert field.power().device_kw[0] == 11


def test_energy_is_conserved_however_the_time_is_cut() -> None:
    coarse, fine = charging(scenario()), charging(scenario())
    for field, step in ((coarse, MINUTE), (fine, MINUTE / 3)):
        field.receive(command("ev-002", CHARGING, minutes=30))
        while field.now < CHARGING + timedelta(hours=6):
            field.advance(field.now + step)
    assert coarse.cars.charged_kwh == pytest.approx(fine.cars.charged_kwh, rel=1e-6)
    assert coarse.cars.remaining_kwh.sum() == 0


def test_who_refuses_says_so_and_changes_nothing() -> None:
    a_scenario = scenario()
    field = charging(a_scenario, marked(population(a_scenario), refuses=[0]))
    field.receive(command("ev-001", CHARGING))
    (answer,) = field.advance(CHARGING + MINUTE)
    assert isinstance(answer, Answer)
    assert (answer.answer, answer.reason) == ("refused", "declined by its owner")
    assert field.power().device_kw[0] == 11


def test_who_is_late_obeys_late() -> None:
    a_scenario = scenario(devices={"late_s": 45})
    field = charging(a_scenario, marked(population(a_scenario), late=[0]))
    field.receive(command("ev-001", CHARGING))
    assert field.advance(CHARGING + 44 * SECOND) == []
    assert len(field.advance(CHARGING + 46 * SECOND)) == 1


def test_who_vanishes_holds_the_limit_to_its_end_and_comes_back() -> None:
    a_scenario = scenario(devices={"vanish_within_s": 600, "vanish_for_s": 3600, "reaction_s": 0.1})
    field = charging(a_scenario, marked(population(a_scenario), vanishes=[0]))
    field.receive(command("ev-001", CHARGING, minutes=30))
    said = field.advance(CHARGING + 11 * MINUTE)
    assert Vanished("ev-001") in said
    assert field.power().device_kw[0] == 4.2
    assert "ev-001" not in {status.device for status in field.statuses()}
    # nothing reaches it, and nobody hears that its limit ends; but it ends
    field.receive(command("ev-001", field.now, request="R2"))
    assert field.advance(CHARGING + 31 * MINUTE) == []
    assert np.isinf(field.power().limit_kw[0])
    (back,) = field.advance(CHARGING + 75 * MINUTE)
    assert isinstance(back, Returned)
    assert back.status.online
    assert back.status.limit_kw is None
    assert [note.what for note in field.devices.journal if note.device == "ev-001"] == [
        "received",
        "limited",
        "offline",
        "free",
        "online",
    ]


def test_a_floor_is_kept_by_the_device_itself() -> None:
    field = charging(scenario())
    field.receive(command("ev-001", CHARGING, limit_kw=4.1))
    (answer,) = field.advance(CHARGING + MINUTE)
    assert isinstance(answer, Answer)
    assert answer.answer == "refused"
    assert field.power().device_kw[0] == 11


def test_people_use_less_for_as_long_as_they_were_asked_and_catch_up() -> None:
    field = field_of(
        scenario(people={"comply": 1.0, "reaction_s": 60, "catch_up": 1.0}), population(scenario())
    )
    field.advance(START + MINUTE)
    end = START + timedelta(minutes=61)
    field.receive_notice(CustomerNotice("F1", "C-005", "R9", 0.5, field.now, end, 1, "please"))
    field.advance(START + timedelta(minutes=30))
    power = field.power().p_kw
    assert (power[5], power[6]) == (0.5, 1.0)
    field.advance(end)
    assert field.power().p_kw[5] > 1.3
    field.advance(end + timedelta(hours=12))
    assert field.power().p_kw[5] == pytest.approx(1.0, abs=0.01)
    assert field.households.put_off_kwh.sum() == pytest.approx(0.0, abs=0.01)


def test_what_people_catch_up_at_once_is_no_more_than_they_put_off() -> None:
    """Within one step of a quarter-hour, of a washing of three minutes."""
    people = People(catch_up=1.0, catch_up_hours=0.05)
    home = Households(flat_load(1), people, np.array([0.5]), least_hours=0.25)
    home.cut(0, cutting=True)
    home.advance(0, 900)
    home.cut(0, cutting=False)
    after_kwh = [float(home.power(900)[0][0]) * 0.25]
    home.advance(900, 1800)
    after_kwh.append(float(home.power(1800)[0][0]) * 0.25)
    assert after_kwh == pytest.approx([0.25 + 0.125, 0.25])


def test_an_early_release_frees_people_too() -> None:
    field = field_of(scenario(people={"comply": 1.0, "reaction_s": 60}), population(scenario()))
    end = START + timedelta(hours=2)
    field.receive_notice(CustomerNotice("F1", "C-005", "R9", 0.5, START, end, 1, "please"))
    field.advance(START + 10 * MINUTE)
    assert field.power().p_kw[5] == 0.5
    field.receive_notice(CustomerNotice("F1", "C-005", "R9", 0.5, START, field.now, 2, "thank you"))
    field.advance(START + 11 * MINUTE)
    assert field.power().p_kw[5] >= 1.0


def test_people_follow_by_chance() -> None:
    a_scenario = scenario(people={"comply": 0.7})
    field = field_of(a_scenario, population(a_scenario, people=2))
    for number in range(500):
        now = field.now
        field.receive_notice(
            CustomerNotice("F1", "C-005", f"R{number}", 0.5, now, now + timedelta(hours=1), 1, "please")
        )
    assert field.residents.notices == 500
    assert field.residents.followed / 500 == pytest.approx(0.7, abs=0.06)


def test_a_reminder_or_thanks_change_nothing_for_who_follows() -> None:
    a_scenario = scenario(people={"comply": 1.0})
    field = field_of(a_scenario, population(a_scenario, people=2))
    end = START + 30 * MINUTE
    field.receive_notice(CustomerNotice("F1", "C-005", "R9", 0.5, START, end, 1, "please"))
    field.advance(START + 10 * MINUTE)
    field.receive_notice(CustomerNotice("F1", "C-005", "R9", 0.5, START, field.now, 1, "", "follow_up"))
    field.receive_notice(CustomerNotice("F1", "C-005", "R8", 0.5, START, end, 1, "thanks", "thanks"))
    field.advance(START + 11 * MINUTE)
    assert field.power().p_kw[5] == 0.5
    assert field.residents.notices == 1


def test_strangers_are_not_heard() -> None:
    field = charging(scenario())
    field.receive(command("ev-999", CHARGING))
    field.receive_notice(CustomerNotice("F1", "C-999", "R9", 0.5, START, CHARGING, 1, ""))
    assert field.advance(CHARGING + MINUTE) == []


def test_a_renewal_moves_the_end_and_is_one_note() -> None:
    field = charging(scenario())
    field.receive(command("ev-001", CHARGING, minutes=10))
    field.advance(CHARGING + 5 * MINUTE)
    field.receive(command("ev-001", CHARGING, minutes=20, sequence=2))
    said = field.advance(CHARGING + 19 * MINUTE)
    assert [one.answer for one in said if isinstance(one, Answer)] == ["accepted"]
    assert field.power().device_kw[0] == 4.2
    field.advance(CHARGING + 21 * MINUTE)
    assert field.power().device_kw[0] == 11
    assert [(n.what, n.sequence) for n in field.devices.journal] == [
        ("received", 1),
        ("limited", 1),
        ("received", 2),
        ("limited", 2),
        ("free", None),
    ]


def test_hours_are_of_the_scenarios_own_zone_and_times_go_out_in_utc() -> None:
    zone = timezone(timedelta(hours=1))
    local = scenario(time={"start": START.replace(tzinfo=zone), "days": 1})
    field = field_of(local, population(local))
    field.advance(START.replace(tzinfo=zone) + timedelta(hours=2, minutes=30))
    assert list(field.power().device_kw[:3]) == [11, 11, 11]
    assert field.power().at == CHARGING - timedelta(hours=1)
    assert field.power().at.utcoffset() == timedelta(0)
