"""A shared map and its copies are as if each were a dict of its own."""

import copy

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.shared_map import MapsByMonth, SharedMap

KEYS = st.integers(0, 3000)
STEPS = st.lists(st.tuples(st.sampled_from(["set", "discard", "fork"]), st.integers(0, 3), KEYS), max_size=60)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_maps_and_their_forks_against_dicts(steps: list[tuple[str, int, int]]) -> None:
    pairs: list[tuple[SharedMap[int, int], dict[int, int]]] = [(SharedMap(), {})]
    for number, (step, which, key) in enumerate(steps):
        shared, plain = pairs[which % len(pairs)]
        if step == "set":
            shared[key] = plain[key] = number
        elif step == "discard":
            shared.discard(key)
            plain.pop(key, None)
        else:
            pairs.append((shared.fork(), dict(plain)))
    for shared, plain in pairs:
        assert dict(shared.items()) == plain
        assert (len(shared), set(shared)) == (len(plain), set(plain))
        assert all((key in shared) == (key in plain) for key in range(0, 3001, 7))
        assert [shared.find(key) for key in plain] == list(plain.values())
        same: SharedMap[int, int] = SharedMap()
        for key, value in plain.items():
            same[key] = value
        assert shared == same == copy.deepcopy(shared)


def test_months_are_dropped_in_one_copy_and_kept_in_the_other() -> None:
    kept: MapsByMonth[str, int] = MapsByMonth()
    kept.of_month(3)["a"] = 1
    kept.of_month(5)["a"] = 2
    forked = kept.fork()
    assert forked == kept
    forked.drop_before(5)
    forked.of_month(5)["a"] = 7
    kept.of_month(5)["b"] = 9
    assert list(kept.found("a")) == [1, 2]
    assert list(forked.found("a")) == [7]
    assert list(forked.found("b")) == []
    assert (len(kept), len(forked)) == (3, 1)
