"""What a roof that is held back would feed in: other roofs tell it, or else the sun's own way down."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from controller import sun_witness
from controller.entries import RequestChanged
from controller.situation import Situation
from controller.without_control import held_back_kw
from tests.builders import FEEDER
from tests.controller.passes import of_kind
from tests.controller.sunny import RATED_KW, SunnyPasses, sunny

RENEWED = timedelta(hours=9)


def _at_noon() -> SunnyPasses:
    """Some roofs may feed in nothing, some a part; the others are free."""
    passes = SunnyPasses(sunny(), sun_kw=RATED_KW)
    passes.step()
    passes.obey()
    passes.step()
    held = {r.planned.target: r.limit_kw for r in passes.books.open_requests(FEEDER)}
    assert 0.0 in held.values()
    assert len(held) <= len(passes.of.registry.devices) / 2
    return passes


def _held_on(passes: SunnyPasses, hours: float) -> Situation:
    """So much later nobody was freed, and all is looked at once more."""
    passes.clock.passed_s += hours * 3600
    now = passes.clock.now()
    for record in passes.books.open_requests(FEEDER):
        passes.books.apply(
            RequestChanged(
                at=now,
                request=record.request,
                limit_kw=record.limit_kw,
                end=record.end + RENEWED,
                epoch=record.planned.epoch,
                sequence=record.sequence + 1,
                reason="renewed",
            )
        )
    passes.shine()
    return passes.step().situation


def _without_memory(passes: SunnyPasses) -> SunnyPasses:
    passes.memory = replace(passes.memory, sun={})
    return passes


def test_after_sunset_nothing_counts_as_held_back() -> None:
    passes = _at_noon()
    passes.sun_kw[:] = 0.0
    situation = _held_on(passes, 5.0)
    assert situation.limited
    assert sum(held_back_kw(situation).values()) == pytest.approx(0.0, abs=1e-6)
    decided = passes.step()
    assert decided.sample.curtailed_kw == pytest.approx(0.0, abs=1e-6)
    assert decided.sample.without_control_percent == pytest.approx(
        decided.sample.transformer_loading_percent, abs=0.1
    )


def test_while_the_sun_stands_all_of_it_counts_for_hours() -> None:
    passes = _at_noon()
    situation = _held_on(passes, 5.0)
    cut_kw = sum(r.planned.p_before_kw - r.limit_kw for r in situation.limited)
    assert sum(held_back_kw(situation).values()) == pytest.approx(cut_kw, rel=1e-6)


def test_free_roofs_under_a_cloud_tell_what_it_leaves() -> None:
    passes = _at_noon()
    passes.sun_kw[:] = 0.4 * RATED_KW
    situation = _held_on(passes, 0.1)
    for record in situation.limited:
        shown_kw = min(0.4 * RATED_KW, record.limit_kw)
        held_kw = held_back_kw(situation)[situation.position(record)]
        assert held_kw == pytest.approx(max(0.4 * RATED_KW - shown_kw, 0.0), abs=1e-6)


def test_free_roofs_are_looked_at_once_in_a_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    situation, looks = _held_on(_at_noon(), 0.1), list[str]()
    is_free = sun_witness._is_free
    monkeypatch.setattr(
        sun_witness, "_is_free", lambda of, device: looks.append(device) or is_free(of, device)
    )
    anew = replace(situation)  # knows nothing that was reckoned before
    assert held_back_kw(anew) == held_back_kw(anew) == held_back_kw(situation)
    assert sorted(looks) == sorted(device.device for device in situation.control.registry.devices)


def test_never_more_is_told_than_was_fed_in_before() -> None:
    """Who witnesses may have stood under a cloud when the limit began."""
    passes = SunnyPasses(sunny(), sun_kw=20.0)
    passes.sun_kw[8:] = 24.0
    passes.shine()
    passes.step()
    passes.obey()
    passes.sun_kw[:] = RATED_KW
    situation = _held_on(passes, 0.1)
    held = held_back_kw(situation)
    for record in situation.limited:
        assert held[situation.position(record)] <= record.planned.p_before_kw - record.limit_kw + 1e-6


@pytest.mark.parametrize(
    ("hours", "share"), [(0.0, 1.0), (2.0, np.cos(np.pi / 6)), (5.99, 0.003), (7.0, 0.0)]
)
def test_where_nobody_witnesses_the_sun_goes_down_as_from_its_highest(hours: float, share: float) -> None:
    situation = _held_on(_without_memory(_at_noon()), hours)
    record = next(r for r in situation.limited if r.limit_kw == 0.0)
    told_kw = held_back_kw(situation)[situation.position(record)]
    assert told_kw == pytest.approx(share * RATED_KW, abs=0.01 * RATED_KW)


def test_a_roof_far_below_its_rating_is_taken_for_one_of_the_evening() -> None:
    """Half of what it can: an hour or two before sunset, for all that is known."""
    passes = SunnyPasses(sunny(), sun_kw=RATED_KW / 2, base_kw=-6.0)
    passes.step()
    passes.obey()
    _without_memory(passes)
    assert held_back_kw(_held_on(passes, 0.1))
    assert sum(held_back_kw(_held_on(_without_memory(passes), 2.0)).values()) == 0.0


def test_a_roof_that_was_freed_a_moment_ago_is_no_witness_yet() -> None:
    """It shows what the limit left until it is back."""
    passes = _at_noon()
    begun = {r.planned.target for r in passes.books.open_requests(FEEDER)}
    situation = _held_on(passes, 0.1)
    freed = next(r for r in situation.limited if r.limit_kw == 0.0)
    told_kw = sum(held_back_kw(situation).values())
    passes.books.apply(
        RequestChanged(
            at=passes.clock.now(),
            request=freed.request,
            limit_kw=freed.limit_kw,
            end=passes.clock.now(),
            epoch=freed.planned.epoch,
            sequence=freed.sequence + 1,
            reason="released",
        )
    )
    situation = passes.step().situation
    assert len(situation.limited) == len(begun) - 1
    assert sum(held_back_kw(situation).values()) == pytest.approx(told_kw - RATED_KW, rel=1e-6)


def test_what_is_remembered_goes_with_the_limits() -> None:
    passes = _at_noon()
    assert len(passes.memory.sun) == 1
    passes.sun_kw[:] = 0.0
    passes.clock.passed_s += RENEWED.total_seconds()
    passes.shine()
    passes.step()
    assert not passes.books.open_requests(FEEDER)
    passes.step()
    assert passes.memory.sun == {}
    assert not of_kind(passes.step().entries, RequestChanged)


def test_after_a_restart_free_roofs_tell_again_from_there_on() -> None:
    """What they fed in when the limit began is forgotten: the sun is taken for gone down until then."""
    passes = _without_memory(_at_noon())
    at_restart = _held_on(passes, 1.0)
    record = next(r for r in at_restart.limited if r.limit_kw == 0.0)
    position = at_restart.position(record)
    down = np.cos(np.pi / 12)
    assert held_back_kw(at_restart)[position] == pytest.approx(down * RATED_KW, rel=0.01)
    passes.sun_kw[:] = 0.5 * RATED_KW
    under_a_cloud = _held_on(passes, 0.1)
    assert held_back_kw(under_a_cloud)[position] == pytest.approx(0.5 * down * RATED_KW, rel=0.01)
    passes.sun_kw[:] = RATED_KW
    assert held_back_kw(_held_on(passes, 3.0))[position] == pytest.approx(down * RATED_KW, rel=0.01)


def test_nothing_is_taken_for_what_was_fed_in_before_a_restart_while_nobody_feeds_in() -> None:
    passes = _without_memory(_at_noon())
    passes.sun_kw[:] = 0.0
    _held_on(passes, 0.1)
    assert passes.memory.sun == {}
    passes.sun_kw[:] = RATED_KW
    _held_on(passes, 0.1)
    assert passes.memory.sun


def test_what_the_sun_left_is_the_same_to_the_last_bit_in_every_process() -> None:
    """Sums in the order of a set of names go with Python's hash seed, and a run would not replay."""
    passes = _at_noon()
    situation = passes.step().situation
    now_kw = sun_witness.witness(situation).now_kw
    then_kw = {device: 1.0 + kw / (3 + place) for place, (device, kw) in enumerate(now_kw.items())}
    shown_kw = {device: kw / (7 + place) for place, (device, kw) in enumerate(now_kw.items())}
    assert len(now_kw) > 4
    assert sun_witness._left(then_kw, shown_kw) == sum(shown_kw.values()) / sum(then_kw.values())
