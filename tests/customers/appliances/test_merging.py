"""The same thing in two lists is one; the order and number of imports make no difference."""

import math
import time
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from customers.appliances.appliance_files import COLUMNS, cells, list_name, load_appliances
from customers.appliances.merging import Register
from customers.appliances.values import Appliance, Observation
from customers.errors import RegistryRejected

DAY = date(2025, 1, 14)
POINTS = {"C-1": "load:1", "C-2": "load:2"}


def seen(
    list_name: str, key: str, kw: float = 3.5, days: int | None = 0, confidence: float = 1.0
) -> Observation:
    return Observation(list_name, key, kw, None if days is None else DAY + timedelta(days=days), confidence)


def merged(*observations: Observation, same_as: dict[str, str] | None = None) -> list[Appliance]:
    register = Register()
    for one in observations:
        register.note("C-1", "air_conditioner", one)
    return register.appliances(POINTS, same_as or {})


@pytest.mark.parametrize(
    ("observations", "count"),
    [
        ([seen("a", "1"), seen("b", "1")], 1),
        ([seen("a", "1"), seen("a", "2")], 2),  # one list: two things
        ([seen("a", "1"), seen("a.rejected", "2")], 2),  # mended rows of the same list
        ([seen("a", "1"), seen("b", "1", 3.8)], 1),
        ([seen("a", "1"), seen("b", "1", 4.0)], 2),
        ([seen("a", "1", 0.5), seen("b", "1", 0.64)], 1),
        ([seen("a", "1"), seen("b", "1", days=60)], 1),
        ([seen("a", "1"), seen("b", "1", days=61)], 2),
        ([seen("a", "1"), seen("b", "1", days=None)], 1),
        ([seen("a", "1"), seen("a", "2"), seen("b", "1"), seen("b", "2")], 2),
        ([seen("a", "1"), seen("b", "1", days=50), seen("c", "1", days=100)], 2),  # the ends are not near
        ([seen("a", "1"), seen("b", "1", days=40), seen("b", "2", days=1)], 2),
        ([seen("a", "1"), seen("a", "1")], 1),
    ],
)
def test_what_is_one(observations: list[Observation], count: int) -> None:
    assert len(merged(*observations)) == count
    assert len(merged(*observations[::-1])) == count


def test_the_surest_tells_the_rating_and_the_earliest_the_day() -> None:
    (one,) = merged(seen("a", "1", 3.5, 20, 0.9), seen("b", "1", 3.6, 3, 1.0), seen("c", "1", 3.4, None, 0.8))
    assert (one.rated_kw, one.bought_on, one.confidence) == (3.6, DAY + timedelta(days=3), 1.0)
    assert [source.list_name for source in one.sources] == ["a", "b", "c"]


def test_a_unit_belongs_to_one_customer_and_two_ids_may_be_one() -> None:
    register = Register()
    assert register.note("C-1", "boiler", seen("a", "1"))
    assert not register.note("C-2", "boiler", seen("a", "1"))
    assert [one.customer for one in register.appliances(POINTS, {})] == ["C-2"]
    register.note("C-1", "boiler", seen("b", "1"))
    assert len(register.appliances(POINTS, {})) == 2
    (one,) = register.appliances(POINTS, {"C-2": "C-1"})
    assert (one.customer, one.service_point, len(one.sources)) == ("C-1", "load:1", 2)
    assert register.appliances({}, {}) == []
    left = Register([one]).appliances({}, {})
    assert [(gone.customer, gone.service_point) for gone in left] == [("C-1", "load:1")], "nothing is lost"


OBSERVATIONS = st.lists(
    st.builds(
        seen,
        st.sampled_from(["a", "b", "c", "a.rejected"]),
        st.sampled_from("12345"),
        st.sampled_from([1.0, 1.1, 1.2, 3.5]),
        st.one_of(st.none(), st.integers(0, 150)),
        st.sampled_from([0.9, 1.0]),
    ),
    max_size=10,
)


@given(OBSERVATIONS, st.randoms(use_true_random=False))
@profile(max_examples=60, deadline=None)
def test_order_and_repetition_make_no_difference(observations: list[Observation], random: object) -> None:
    once = merged(*observations)
    shuffled = [*observations, *observations]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert merged(*shuffled) == once
    units = {(one.list_name, one.key) for one in observations}
    assert sorted((s.list_name, s.key) for one in once for s in one.sources) == sorted(units), (
        "nothing is lost"
    )


@given(OBSERVATIONS, OBSERVATIONS)
@profile(max_examples=60, deadline=None)
def test_what_was_written_and_read_goes_on_as_if_it_never_was(
    first: list[Observation], second: list[Observation]
) -> None:
    before = merged(*first)
    register = Register(before)
    for one in second:
        register.note("C-1", "air_conditioner", one)
    assert register.appliances(POINTS, {}) == merged(*first, *second)


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    held = merged(seen("a", "1"), seen("b", "1"), seen("b", "2", 1.103, None, 0.98))
    path = tmp_path / "appliances.csv"
    path.write_text("\n".join(",".join(row) for row in (COLUMNS, *map(cells, held))), encoding="utf-8")
    assert list(load_appliances(path)) == held


def test_rows_by_hand_are_appliances_each_and_stay(tmp_path: Path) -> None:
    path = tmp_path / "appliances.csv"
    path.write_text(
        "customer,service_point,kind,rated_kw,bought_on,source\n"
        "C-1,load:1,boiler,2,,survey\nC-1,load:1,boiler,2,,survey\nC-2,load:2,heat_pump,3,2020-05-01,\n"
    )
    held = load_appliances(path)
    again = Register(held).appliances(POINTS, {})
    assert [(one.customer, one.rated_kw, one.sources[0].list_name) for one in again] == [
        ("C-1", 2.0, "survey"), ("C-1", 2.0, "survey"), ("C-2", 3.0, "by_hand"),
    ]  # fmt: skip


def test_what_is_wrong_in_the_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "appliances.csv"
    path.write_text(
        "customer,service_point,kind,rated_kw,bought_on,confidence\n"
        "C-1,load:1,toaster,2,,\nC-1,load:1,boiler,0,,\nC-1,load:1,boiler,1,yesterday,\nC-1,load:1,boiler,1,,2\n"
    )
    with pytest.raises(RegistryRejected) as rejected:
        load_appliances(path)
    assert [(f.row, f.field) for f in rejected.value.findings] == [
        (2, "kind"), (3, "rated_kw"), (4, "bought_on"), (5, "confidence"),
    ]  # fmt: skip


def test_names_of_lists_fit_into_the_file() -> None:
    assert list_name("January: a|b c") == "January_a_b_c"
    assert list_name("=cmd") == "_cmd"
    assert list_name("销售 一月") == "销售_一月"


def test_who_counts_as_another_but_is_gone_keeps_what_they_own() -> None:
    register = Register()
    register.note("C-1", "boiler", seen("a", "1"))
    assert [one.customer for one in register.appliances(POINTS, {"C-1": "gone"})] == ["C-1"]


def test_very_many_units_of_one_customer_are_joined_in_time() -> None:
    """Four times as many take 16 times as long, and not 64 times; 300 take some milliseconds."""
    few, many = _joined_s(300), _joined_s(1200)
    assert many < 32 * few


def _joined_s(count: int) -> float:
    """The least of several times, in seconds of the processor: what else the machine does is not in it."""
    least_s, pairs = math.inf, count // 8
    for _ in range(4):
        register = Register()
        for n in range(count):
            register.note("C-1", "air_conditioner", seen("a", str(n)))
        for n in range(pairs):
            register.note("C-2", "air_conditioner", seen("a", f"x{n}", days=n % 30))
            register.note("C-2", "air_conditioner", seen("b", f"x{n}", days=n % 30))
        before_s = time.process_time()
        owned = [one.customer for one in register.appliances(POINTS, {})]
        least_s = min(least_s, time.process_time() - before_s)
        assert (owned.count("C-1"), owned.count("C-2")) == (count, pairs)
    return least_s
