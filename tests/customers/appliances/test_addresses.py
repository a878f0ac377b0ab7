"""Addresses: all spellings of one are one, and what differs stays apart."""

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from customers.appliances.address_parts import unit_relation
from customers.appliances.addresses import read_address
from customers.appliances.latin_addresses import folded

SAME = [
    (
        ("12345", "berlin", "musterstrasse", "12a", ""),
        [
            "Musterstr. 12 a, 12345 Berlin",
            "MUSTERSTRASSE 12A\nD-12345 Berlin",
            "Frau Muster\nMusterstraße 12a;12345 Berlin, Germany",
        ],
    ),
    (
        ("sw1a1aa", "london", "highstreet", "12", "3"),
        [
            "Flat 3, 12 High St, London SW1A 1AA",
            "12 High Street Apt. 3\nLondon\nsw1a1aa",
            "Rose Cottage, 012 High St #3, London, SW1A1AA, UK",
        ],
    ),
    (
        ("62704", "springfield il", "mainstreet", "12345", ""),
        [
            "12345 Main St, Springfield, IL 62704",
        ],
    ),
    (
        ("10623", "berlin", "strassedes17juni", "135", ""),
        [
            "Straße des 17. Juni 135, 10623 Berlin",
        ],
    ),
    (
        ("1140", "wien", "linzerstrasse", "12", "5"),
        [
            "Linzer Str. 12/5, A-1140 Wien",
            "Linzer Straße 12 Top 5\n1140 Wien",
        ],
    ),
    (
        ("50667", "koeln", "ammarkt", "3-5", ""),
        [
            "Am Markt 3-5, 50667 Köln",
            "Am Markt 3 - 5\n50667 Koeln",
        ],
    ),
    (
        ("10115", "berlin", "karlmarxstrasse", "5", "og2l"),
        [
            "Karl-Marx-Str. 5, 2. OG links, 10115 Berlin",
            "Karl Marx Straße 5, 10115 Berlin, 2.OG li",
        ],
    ),
    (
        ("", "浙江省杭州市西湖区", "文三路", "123", "5-2-301"),
        [
            "浙江省杭州市西湖区文三路123号5幢2单元301室",
            "中国浙江省杭州市西湖区 文三路 １２３号 5-2-301",
            "浙江省杭州市西湖区文三路一百二十三号阳光花园5栋二单元301",
        ],
    ),
    (
        ("", "上海市浦东新区", "张杨路", "500弄12", "301"),
        [
            "上海市浦东新区张杨路500弄12号301室",
            "上海市浦东新区张杨路五百弄十二号三〇一室",
        ],
    ),
    (
        ("", "江苏省苏州市昆山市玉山镇", "人民路", "8", ""),
        [
            "江苏省苏州市昆山市玉山镇人民路8号",
        ],
    ),
]


@pytest.mark.parametrize(("parts", "spelled"), [(p, s) for p, all_ in SAME for s in all_])
def test_spellings_of_one_address(parts: tuple[str, ...], spelled: str) -> None:
    found = read_address(spelled)
    assert found is not None
    assert (found.postcode, found.city, found.street, found.number, found.unit) == parts
    assert spelled.splitlines()[0] not in repr(found)


@pytest.mark.parametrize(
    ("one", "other", "relation"),
    [
        ("5-2-301", "5-2-301", "same"),
        ("", "", "same"),
        ("301", "5-2-301", "unknown"),
        ("", "3", "unknown"),
        ("3", "4", "different"),
        ("1-301", "5-2-301", "different"),
    ],
)
def test_flats(one: str, other: str, relation: str) -> None:
    assert unit_relation(one, other) == unit_relation(other, one) == relation


WORDS = st.text("abcdefghijklmnoprstuvwäöüßé", min_size=3, max_size=9).map(str.title)
LATIN = st.builds(
    "{0}{1} {2}{3}{4}\n{5:05d} {6}".format,
    WORDS,
    st.sampled_from(["straße", "str.", "weg", " Road", " St", "-Allee", " Platz"]),
    st.integers(1, 999),
    st.sampled_from(["", "a", " b", "-7", "/3"]),
    st.sampled_from(["", ", Flat 3", ", Wohnung 12", ", 2. OG rechts"]),
    st.integers(10000, 99999),
    WORDS,
)
HAN = st.builds(
    "{0}{1}{2}{3}号{4}".format,
    st.sampled_from(["", "浙江省杭州市", "北京市", "江苏省苏州市昆山市"]),
    st.sampled_from(["", "西湖区", "浦东新区", "余杭县"]),
    st.sampled_from(["文三路", "人民大道", "张杨路500弄", "建国门外大街"]),
    st.integers(1, 999),
    st.sampled_from(["", "5幢2单元301室", "5-301", "301", "阳光小区5栋301室", "十二楼三〇一室"]),
)


@given(st.one_of(LATIN, HAN, st.text(max_size=40)))
@profile(max_examples=120, deadline=None)
def test_reading_any_text_never_fails_and_an_address_is_read_the_same_again(text: str) -> None:
    found = read_address(text)
    if found is not None and (found.postcode or found.city) and found.number:
        again = read_address(found.spelled)
        assert again is not None
        assert again.base_number == found.base_number


@given(st.one_of(LATIN, HAN))
@profile(max_examples=120, deadline=None)
def test_reading_an_address_twice_is_reading_it_once(text: str) -> None:
    found = read_address(text)
    assert found is not None
    assert read_address(found.spelled) == found


@given(st.text(max_size=60))
@profile(max_examples=80, deadline=None)
def test_folding_twice_is_folding_once(text: str) -> None:
    assert folded(folded(text)) == folded(text)
