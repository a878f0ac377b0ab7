"""Messages lost, late and doubled; a broker and a concentrator that are away; meters that are wrong."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from devices.errors import Unreachable
from devices.messages import Answer, DeviceStatus, Inbound, ReadingBatch
from simulations.carriage import Carriage, carriage_of
from simulations.direct_link import DirectLink, live_in_turn
from simulations.errors import ScenarioRejected
from simulations.metering import Metering
from simulations.scenario import Scenario
from simulations.scenario_faults import Link
from simulations.scenario_file import parse_scenario
from simulations.virtual_time import VirtualClock, run_virtual
from tests.simulations.small_field import START, command, field_of, population, scenario
from tests.simulations.test_scenario_file import LEAST

MINUTES = timedelta(minutes=1)


class _NoHead:
    def head(self, moment: Any) -> Any:
        from simulations.substation import Head

        return Head(0.0, 0.0, (230.0,) * 3, (0.0,) * 3, 0.0, None, np.array(230.0))  # type: ignore[arg-type]


def told(a_scenario: Scenario, minutes: float, *, send_at: float | None = None) -> list[Inbound]:
    """All that comes up from a small field; a command goes down after so many minutes."""
    who = population(a_scenario)
    heard: list[Inbound] = []

    async def live() -> None:
        import asyncio

        clock = VirtualClock(START)
        link = DirectLink(
            field_of(a_scenario, who),
            _NoHead(),  # type: ignore[arg-type]
            clock,
            60,
            lambda _moment, _head: None,
            carriage=carriage_of(a_scenario),
            metering=Metering(who, a_scenario),
        )
        tasks = [
            asyncio.create_task(live_in_turn([link], clock)),
            asyncio.create_task(link.run(heard.append)),
        ]
        if send_at is not None:
            await clock.sleep(60 * send_at)
            await link.send(command("ev-001", clock.now()))
            await clock.sleep(60 * (minutes - send_at))
        else:
            await clock.sleep(60 * minutes)
        for task in tasks:
            task.cancel()

    run_virtual(live())
    return heard


def batches(heard: list[Inbound]) -> list[ReadingBatch]:
    return [one for one in heard if isinstance(one, ReadingBatch)]


def test_messages_are_lost_late_and_doubled_as_often_as_the_scenario_says() -> None:
    way = Carriage(Link(loss=0.2, duplicate=0.1, delay_s=3), (), np.random.default_rng(1))
    fates = [way.fates() for _ in range(5000)]
    counts = np.bincount([len(one) for one in fates]) / len(fates)
    assert counts == pytest.approx([0.2, 0.72, 0.08], abs=0.02)
    first = [one[0] for one in fates if len(one) == 1]
    assert np.mean(first) == pytest.approx(3, rel=0.1)
    assert Carriage(Link(), (), np.random.default_rng(1)).fates() == (0.0,)


def test_a_delayed_command_acts_later_and_its_answer_comes_back_later() -> None:
    soon = told(scenario(devices={"reaction_s": 1}), 20, send_at=1.5)
    late = told(scenario(devices={"reaction_s": 1}, link={"delay_s": 300}, seed=4), 20, send_at=1.5)
    lost = told(scenario(link={"loss": 1.0}), 20, send_at=1.5)

    def first_limited(heard: list[Inbound]) -> datetime:
        seen = [one for one in heard if isinstance(one, DeviceStatus) and one.device == "ev-001"]
        return min(one.at for one in seen if one.limit_kw is not None and one.at is not None)

    assert first_limited(soon) < first_limited(late)
    assert any(isinstance(one, Answer) for one in late)
    assert lost == []


def test_a_broker_that_is_away_takes_nothing_and_answers_wait_for_it() -> None:
    away = {"of": "broker", "begin": START + 1 * MINUTES, "end": START + 10.5 * MINUTES}
    heard = told(scenario(outage=[away]), 20)
    at = [(one.at - START) / MINUTES for one in batches(heard)]
    assert at == [0, *range(11, 20)]
    with pytest.raises(Unreachable):
        told(scenario(outage=[away]), 20, send_at=5)
    # the command is taken just before, its answer comes when the broker is back
    heard = told(scenario(outage=[away], devices={"reaction_s": 60}), 20, send_at=0.9)
    (place,) = [n for n, one in enumerate(heard) if isinstance(one, Answer) and one.answer == "accepted"]
    later = [one for one in heard[place:] if isinstance(one, ReadingBatch)]
    assert (later[0].at - START) / MINUTES == 11


def test_a_silent_concentrator_and_a_silent_rtu() -> None:
    quiet = [
        {"of": of, "number": 2, "begin": START + 2 * MINUTES, "end": START + 5 * MINUTES}
        for of in ("concentrator", "substation")
    ]
    heard = told(scenario(outage=quiet, meters={"concentrators": 3}), 8)
    by_meters = Counter(batch.meters for batch in batches(heard))
    assert sorted(by_meters.values()) == [5, 8, 8]
    assert by_meters["M-003", "M-004"] == 5
    rtu = [one for one in heard if getattr(one, "meter", None) == "substation"]
    assert len(rtu) == 5


def test_false_readings_hold_for_their_time_and_their_meters() -> None:
    rows = [
        {"meters": ["M-000"], "scale": -1.0, "begin": START + 1 * MINUTES, "end": START + 2 * MINUTES},
        {"meters": ["M-001"], "add_kw": 5.0},
        {"meters": ["M-002"], "frozen": True},
    ]
    a_scenario = scenario(false_reading=rows)
    metering = Metering(population(a_scenario), a_scenario)
    one = np.full(7, 1.0)
    assert metering.shown_kw(one, START).tolist() == [1, 6, 1, 1, 1, 1, 1]
    assert metering.shown_kw(2 * one, START + 1 * MINUTES).tolist() == [-2, 7, 1, 2, 2, 2, 2]
    assert metering.shown_kw(2 * one, START + 2 * MINUTES).tolist() == [2, 7, 1, 2, 2, 2, 2]
    half = scenario(false_reading=[{"share": 0.5, "scale": 0.0}])
    assert (Metering(population(half), half).shown_kw(one, START) == 0).sum() == round(0.5 * 7)


def test_a_meter_that_is_none_is_told() -> None:
    wrong = scenario(false_reading=[{"meters": ["M-099"]}])
    with pytest.raises(ScenarioRejected, match="'M-099' is no meter; expected M-000 to M-006"):
        Metering(population(wrong), wrong)


def test_noise_and_bias() -> None:
    a_scenario = scenario(meters={"noise_percent": 2, "bias_percent": 1})
    metering = Metering(population(a_scenario), a_scenario)
    shown = np.array([metering.shown_kw(np.full(7, 10.0), START) for _ in range(400)])
    assert shown.std(axis=0) == pytest.approx(0.2, rel=0.2)
    assert 0.02 < shown.mean(axis=0).std() < 0.3


def test_those_without_a_meter_are_no_customers_of_the_controller() -> None:
    who = population(scenario())
    metered = np.ones(7, dtype=bool)
    metered[5] = False
    known = replace(who, metered=metered).known
    assert [c.meter for c in known.customers] == ["M-000", "M-001", "M-002", "M-003", "M-004", "M-006"]
    assert known.devices == who.registry.devices
    a_scenario = scenario()
    (one,) = Metering(replace(who, metered=metered), a_scenario).concentrators
    assert "M-005" not in one.meters


def test_all_refuse_from_a_time_on() -> None:
    from simulations.emulated_devices import EmulatedDevices
    from simulations.occurrences import CommandActs
    from tests.simulations.small_field import SECRET, marked

    a_scenario = scenario(devices={"refuse_from": START + 5 * MINUTES})
    devices = EmulatedDevices("F1", marked(population(a_scenario), refuses=[0]), a_scenario, SECRET)
    for minutes, answer in ((1, "accepted"), (6, "refused")):
        now = START + minutes * MINUTES
        said, _ = devices.act(CommandActs(0, command("ev-001", now, request=f"R{minutes}")), now)
        assert next(one.answer for one in said if isinstance(one, Answer)) == answer


def test_faults_in_rows_are_told_with_their_line() -> None:
    rows = """\
[[outage]]
of = "broker"
begin = 2016-01-12T18:00:00Z
end = 2016-01-12T17:00:00Z
[[false_reading]]
scale = 2.0
"""
    with pytest.raises(ScenarioRejected) as caught:
        parse_scenario(LEAST + rows, "s.toml")
    assert caught.value.findings == (
        "s.toml, line 5, outage.0: expected begin < end",
        "s.toml, line 9, false_reading.0: expected meters, a share, or both",
    )
    with pytest.raises(ScenarioRejected, match=r"line 6, outage.0.of: .*'brokr'"):
        parse_scenario(LEAST + rows.replace('"broker"', '"brokr"'), "s.toml")
    with pytest.raises(ScenarioRejected, match=r"line 7, outage.0.beginn: no such key; did you mean begin"):
        parse_scenario(LEAST + rows.replace("scale = 2.0", "").replace("begin =", "beginn ="), "s.toml")
