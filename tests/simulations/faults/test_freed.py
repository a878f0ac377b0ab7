"""Who is released, or has refused, is free soon: what the fault simulation found, and what its judge says."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from devices.messages import LimitCommand
from simulations.faults import site
from simulations.faults.judge import Judge
from simulations.faults.options import Options
from simulations.faults.run import run
from simulations.faults.site_settings import FEEDER

BEGIN = datetime(2016, 1, 12, 17, 0, tzinfo=UTC)
REQUEST = "E-street-20160112T170000Z-R001"
SEEDS = {
    "a late copy of what was refused": Options(
        seed=26262, cycles=6, doubled=0.3943, device_mood=0.0361, most=36
    ),
    "who refuses to hear it again holds on": Options(
        seed=19339, period_s=10.0, cycles=10, device_mood=0.0181, registry=0.0518
    ),
    "a release on its way when the judge looks": Options(
        seed=22974, period_s=10.0, cycles=8, guards=True, sunny=True, disk_in_doubt=0.0209
    ),
}


@pytest.mark.parametrize("what", SEEDS)
def test_nobody_holds_what_they_were_released_of(what: str) -> None:
    outcome = run(SEEDS[what])
    assert outcome.promise is None, outcome.what


@dataclass
class Holding:
    """A device, as far as it is asked."""

    name: str
    held: LimitCommand | None


class Looked:
    """A judge that looks at one device whose request the journal tells of."""

    def __init__(self) -> None:
        self.now = BEGIN
        options = Options(seed=0)
        self.judge = Judge(
            site.promised(options),
            site.registry(options.guards),
            lambda: self.now,
            lambda: 0.0,
        )
        end = BEGIN + timedelta(minutes=30)
        self.device = Holding("D0", LimitCommand(FEEDER, "D0", REQUEST, 4.2, BEGIN, end, 1, 1))

    def reads(self, **entry: object) -> None:
        seq = len(self.judge.story.bodies) + 1
        body = json.dumps({"at": self.now.isoformat(), **entry})
        self.judge.story.read([(seq, body)], decides=False)

    def looks(self, seconds: float) -> str | None:
        self.now = BEGIN + timedelta(seconds=seconds)
        self.judge.is_freed([self.device])  # type: ignore[list-item]
        return None if self.judge.broken is None else self.judge.broken.promise


@pytest.fixture
def looked() -> Looked:
    looked, end = Looked(), (BEGIN + timedelta(minutes=30)).isoformat()
    event, opened = "E-street-20160112T170000Z", {"feeder": "street", "element": "trafo:0"}
    looked.reads(entry="event_opened", event=event, **opened)
    looked.reads(
        entry="request_planned", request=REQUEST, event=event, resource="device", target="D0", customer="C0",
        service_point="load:0", limit_kw=4.2, p_before_kw=11.0, baseline_kw=11.0, end=end, sequence=1,
    )  # fmt: skip
    return looked


def released(looked: Looked, seconds: float) -> None:
    looked.now = BEGIN + timedelta(seconds=seconds)
    looked.reads(
        entry="request_changed", request=REQUEST, limit_kw=4.2, end=looked.now.isoformat(), sequence=2,
        reason="released",
    )  # fmt: skip


def test_a_release_may_be_on_its_way_but_not_for_long(looked: Looked) -> None:
    assert looked.looks(10) is None
    released(looked, 19.95)
    assert looked.looks(20) is None
    assert looked.looks(24) is None
    assert looked.looks(30) == "freed"


def test_who_heard_it_meanwhile_is_free(looked: Looked) -> None:
    released(looked, 19.95)
    assert looked.looks(20) is None
    held, looked.device.held = looked.device.held, None
    assert looked.looks(30) is None
    looked.device.held = held
    assert looked.looks(40) is None


def test_what_a_device_holds_though_it_is_over_counts_as_well(looked: Looked) -> None:
    looked.reads(entry="request_moved", request=REQUEST, state="refused")
    assert looked.looks(20) is None
    assert looked.looks(30) == "freed"
