"""Who makes any element's value what it is, asked for beside the cycle."""

import asyncio
from dataclasses import replace

import pytest

from controller.contributions import MOST_AT_ONCE, Contributions, contributions, flexible_kw_of
from controller.cycle import Decisions
from controller.feeder_view import feeder_view
from grid_model.errors import UnknownElement
from tests.builders import EV_KW, HOUSES, control, inline
from tests.controller.passes import Passes, calm_evening


@pytest.fixture(scope="module")
def decided() -> Decisions:
    """Everybody charges; the transformer is overloaded, the first cable as well."""
    evening = Passes(control(calm_evening()), charging_kw=EV_KW, base_kw=2.0)
    return evening.step()


def test_parts_add_up_to_the_value(decided: Decisions) -> None:
    situation = decided.situation
    for element in ("trafo:0", "line:3", "bus:11"):
        found = contributions(situation, element, flexible_kw_of(situation))
        assert found is not None
        parts = found.without_load + found.caused + found.losses + found.relieved + found.rest
        assert parts == pytest.approx(found.value)
        assert sum(one.share_percent for one in found.causes) == pytest.approx(100.0)
    assert found.kind == "undervoltage"
    assert found.limit == pytest.approx(0.9)


def test_a_line_is_made_by_those_behind_it(decided: Decisions) -> None:
    found = contributions(decided.situation, "line:3", flexible_kw_of(decided.situation))
    assert found is not None
    behind = {one.service_point for one in found.causes if one.share_percent > 1}
    assert behind == {f"sp{n:02d}" for n in range(3, HOUSES // 2)}
    assert {one.customer for one in found.causes} <= {f"C{n:02d}" for n in range(HOUSES)}


async def test_it_is_worked_out_once_a_cycle(decided: Decisions) -> None:
    asked = []

    async def counted(function: object, *args: object) -> object:
        asked.append(args[1])
        return await inline(function, *args)  # type: ignore[arg-type]

    desk = Contributions(counted)  # type: ignore[arg-type]
    first = await desk.of(decided, "line:3")
    assert await desk.of(decided, "line:3") is first
    assert asked == ["line:3"]
    with pytest.raises(UnknownElement, match="line:99"):
        await desk.of(decided, "line:99")


async def test_who_asks_again_joins_what_has_begun(decided: Decisions) -> None:
    """Whoever waits no longer throws nothing away: else who asks every few seconds is never answered."""
    asked, go = [], asyncio.Event()

    async def slow(function: object, *args: object) -> object:
        asked.append(args[1])
        await go.wait()
        return await inline(function, *args)  # type: ignore[arg-type]

    desk = Contributions(slow)  # type: ignore[arg-type]
    first = asyncio.create_task(desk.of(decided, "line:3"))
    while not asked:
        await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    again = asyncio.create_task(desk.of(decided, "line:3"))
    others = [asyncio.create_task(desk.of(decided, f"bus:{n}")) for n in range(2, 2 + MOST_AT_ONCE)]
    assert await others[-1] is None  # as many wait as may
    go.set()
    found = await again
    assert found is not None
    await asyncio.gather(*others)
    assert asked.count("line:3") == 1


def test_the_view_says_how_each_service_point_is_known(decided: Decisions) -> None:
    known = decided.check.snapshot
    quality = known.quality.copy()
    quality[3:5] = (1, 2)
    mixed = replace(decided, check=replace(decided.check, snapshot=replace(known, quality=quality)))
    view = feeder_view(mixed.situation.control, mixed.situation.books, mixed, automatic=True)
    assert view.service_point_quality == (0, 0, 0, 1, 2, *[0] * (HOUSES - 5))
    assert view.forecast == ()
