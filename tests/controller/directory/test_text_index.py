"""Finding lines by a part of a word, against the plainest search there is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.directory import text_index
from controller.directory.text_index import Place, TextIndex

WORDS = st.text("abA-\n", max_size=4)


def tier_of(text: str, words: list[str]) -> int | None:
    sought = text.replace("\n", "").casefold()
    known = [word.replace("\n", "").casefold() for word in words]
    if sought in known:
        return 0
    if any(word.startswith(sought) for word in known):
        return 1
    return 2 if any(sought in word for word in known) else None


def places(lines: list[list[str]], text: str, within: list[tuple[int, int]]) -> list[Place]:
    numbers = [number for first, end in within for number in range(first, min(end, len(lines)))]
    tiers = {number: tier_of(text, lines[number]) for number in numbers}
    return [Place(tier, number) for tier in range(3) for number in numbers if tiers[number] == tier]


@settings(max_examples=60, deadline=None, database=None)
@given(
    lines=st.lists(st.lists(WORDS, max_size=3), max_size=12),
    text=WORDS.filter(lambda text: text.strip("\n")),
    cut=st.integers(0, 12),
    skip=st.integers(0, 4),
)
def test_it_finds_what_a_plain_search_finds_and_goes_on_anywhere(
    lines: list[list[str]], text: str, cut: int, skip: int
) -> None:
    index = TextIndex(lines)
    within = [(0, cut), (cut + skip, 99)]
    expected = places(lines, text, within)
    assert list(index.search(text, within)) == expected
    for seen, place in enumerate(expected):
        assert list(index.search(text, within, place)) == expected[seen + 1 :]


def test_what_lies_across_two_windows_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_index, "_WINDOW", 7)
    lines = [[f"customer-{number:03d}"] for number in range(40)]
    index = TextIndex(lines)
    for number in range(40):
        assert list(index.search(f"mer-{number:03d}", [(0, 40)])) == [Place(2, number)]


def test_whole_words_come_before_beginnings_and_these_before_parts() -> None:
    index = TextIndex([["xC1"], ["C10"], ["C1", "C10"], ["M1"]])
    assert list(index.search("c1", [(0, 4)])) == [Place(0, 2), Place(1, 1), Place(2, 0)]


def test_no_text_finds_nothing_and_neither_does_an_empty_index() -> None:
    assert list(TextIndex([["a"]]).search("\n", [(0, 1)])) == []
    assert list(TextIndex([]).search("a", [(0, 0)])) == []
