"""A roof among roofs is settled by what the others show, in the journal, once and again."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from controller.entries import RequestSettled, SettlementCorrected
from controller.proving.dispute_errors import NotPossible
from controller.proving.settlement_desk import Remedy
from controller.stores.port import FeederSample
from tests.builders import FEEDER, HOUSES
from tests.controller.proving.test_settlement_desk import DeskEvening, late
from tests.controller.proving.test_settling import Evening, sample
from tests.controller.sunny import sunny

ROOF: dict[str, Any] = {
    "kind": "pv_inverter",
    "direction": "production",
    "p_before_kw": 9.0,
    "baseline_kw": -8.0,
    "limit_kw": 4.0,
}
CLOUD_FROM_S = 300


class Noon(DeskEvening):
    """All roofs feed in 8 kW at their meters; that of house 0 is held to 3. Then a cloud leaves `left` of it:
    for the roof that is held more than its limit.
    """

    left = 1.0

    async def lived(self, houses: int = 1, **changes: Any) -> Evening:
        await super().lived(houses, **(ROOF | changes))
        self.control = sunny()
        self.settling = self.made()
        return self

    async def measured(self, kw: float = 5.2, begin_s: int = -300, end_s: int = 900) -> None:
        await self.keeper.write((), [self._sample(at_s) for at_s in range(begin_s, end_s, 10)])

    def _sample(self, at_s: int) -> FeederSample:
        shown = sample(at_s, -8.0 * (self.left if at_s >= CLOUD_FROM_S else 1.0))
        p_kw = shown.p_kw.copy()
        p_kw[0] = -3.0 if at_s >= 0 else -8.0
        return replace(shown, p_kw=p_kw)


class CloudyNoon(Noon):
    """Two thirds are left, 6 kW of the 9."""

    left = 2 / 3


def settled(evening: DeskEvening) -> RequestSettled:
    """The first that was."""
    return next(iter(evening.entries(RequestSettled)))  # type: ignore[no-any-return]


async def test_a_cloud_over_other_roofs_takes_from_the_credit_what_it_took_from_the_sun() -> None:
    clear, cloudy = settled(await Noon().begun(1)), settled(await CloudyNoon().begun(1))
    assert cloudy.sun is not None
    assert cloudy.sun.gone == (*[0.0] * 5, *[0.334] * 10)
    assert clear.sun is not None
    assert set(clear.sun.gone) == {0.0}
    at_s = np.arange(10, 901, 10)
    held_kw = np.where(at_s <= CLOUD_FROM_S, 5.0, 2.0)
    believed_kw = np.minimum(held_kw, np.maximum(5.0 - 9.0 * at_s / 1800, 0.0))
    assert cloudy.reduced_kwh == pytest.approx(believed_kw.sum() / 360, abs=0.01)
    assert cloudy.reduced_kwh < clear.reduced_kwh - 0.05


async def test_calculated_anew_it_comes_to_the_same() -> None:
    """The roofs' samples are not needed for it."""
    evening = await CloudyNoon().begun(1)
    taken = await evening.desk.late_readings(FEEDER, late(-3.0))
    assert (taken.corrected, taken.unchanged) == ((), 1)
    opened = await evening.desk.open("E-R000", "other", "hotline")
    with pytest.raises(NotPossible):  # the same again
        await evening.desk.uphold(opened.dispute, Remedy(), who="s", why="w")
    assert evening.entries(SettlementCorrected) == []


async def test_where_all_roofs_are_asked_nobody_witnesses() -> None:
    assert settled(await CloudyNoon().begun(HOUSES - 4)).sun is None
