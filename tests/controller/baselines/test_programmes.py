"""Every programme can be worked with."""

import pytest

from controller.baselines.calculation import baseline
from controller.baselines.history import DayKind
from controller.baselines.programmes import PROGRAMMES
from controller.baselines.rules import Adjustment, AdjustmentKind, MeterAround, Programme, Stretch
from tests.controller.baselines.day_builders import always, evening


def test_names_are_unique_and_every_source_is_told() -> None:
    names = [programme.name for programme in PROGRAMMES]
    assert len(set(names)) == len(names)
    assert all(programme.source for programme in PROGRAMMES)


@pytest.mark.parametrize("programme", PROGRAMMES, ids=lambda one: one.name)
@pytest.mark.parametrize("event", [98, 103, 104])
def test_a_home_that_always_takes_the_same_has_that_as_baseline(programme: Programme, event: int) -> None:
    """A Monday, a Saturday and a Sunday, with a control group of homes that take half."""
    result = baseline(always(2.0, 105), evening(event), programme, [always(1.0, 105)] * 150)
    assert result.method == programme.name
    assert result.p_kw is not None
    assert result.p_kw.tolist() == pytest.approx([2.0] * 12)


@pytest.mark.parametrize("programme", PROGRAMMES, ids=lambda one: one.name)
def test_every_kind_of_day_has_at_most_one_rule_and_at_least_one(programme: Programme) -> None:
    if isinstance(programme.method, MeterAround):
        return
    for kind in DayKind:
        assert sum(kind in rule.kinds for rule in programme.method.days) == 1


@pytest.mark.parametrize(("far", "near"), [(60, 60), (60, 120), (60, -15)])
def test_a_stretch_without_length_is_refused(far: int, near: int) -> None:
    with pytest.raises(ValueError, match="away from the event"):
        Stretch(far, near)


def test_an_adjustment_that_contradicts_itself_is_refused() -> None:
    before = Stretch(240, 60)
    with pytest.raises(ValueError, match="hours before or after"):
        Adjustment(AdjustmentKind.ADDITIVE, before=None)
    with pytest.raises(ValueError, match="times the baseline"):
        Adjustment(AdjustmentKind.ADDITIVE, before=before, lowest_ratio=1.1)
    with pytest.raises(ValueError, match="times the baseline"):
        Adjustment(AdjustmentKind.ADDITIVE, before=before, highest_ratio=0.9)
