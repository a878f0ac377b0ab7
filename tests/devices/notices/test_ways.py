"""The ways of a site: URLs, what they need, and what counts against whom."""

import pytest

from devices.notices.rate_limit import NO_LIMIT, RateLimit
from devices.notices.ways import Way, refusal, target_url, ways_in_order
from tests.devices.notices.people import START, key, person, took, word

EMAIL = Way("email", "email", "mailto://h/?to={email}")
SMS = Way("sms", "sms", "sms://{secret}@h/{phone}", secret="p/w 1")


def test_placeholders_are_filled_and_quoted() -> None:
    assert target_url(SMS, person()) == "sms://p%2Fw%201@h/%2B491511000001"
    assert target_url(EMAIL, person(address={"email": "a+b@x.example"})) == "mailto://h/?to=a%2Bb%40x.example"
    assert (EMAIL.needs, SMS.needs) == (("email",), ("phone",))
    assert "p/w" not in repr(SMS)
    assert "h/" not in repr(SMS)


@pytest.mark.parametrize(
    ("way", "address"),
    [
        (EMAIL, {"email": "a@b.example,c@d.example"}),
        (EMAIL, {"email": "a b@c.example"}),
        (EMAIL, {"email": "a@b"}),
        (EMAIL, {"email": "o'brien@b.example"}),  # what is behind the quote would be taken for the address
        (EMAIL, {"email": "用户@例子.example"}),
        (EMAIL, {"phone": "+49151"}),
        (SMS, {"phone": "+49 151 1 / +49 151 2345678"}),
        (SMS, {"phone": "call me"}),
        (SMS, {"phone": "1234"}),
    ],
)
def test_what_is_not_one_address_is_none(way: Way, address: dict[str, str]) -> None:
    assert target_url(way, person(address=address)) is None


def test_a_word_that_two_ways_took_counts_once_and_never_against_itself() -> None:
    first, second = word(request="R1"), word(request="R2")
    taken = tuple(took(way, notice) for way in ("email", "sms") for notice in (first, second))
    reach = person(taken=taken)
    for way in (EMAIL, SMS):
        third = refusal(way, reach, key(word(request="R3")), RateLimit(per_hour=3), START)
        assert third is None, "two words were told so far, not four"
        again = refusal(way, reach, key(second), RateLimit(per_hour=2), START)
        assert again is None, "one other word was told so far"
        over = refusal(way, reach, key(word(request="R3")), RateLimit(per_hour=2), START)
        assert over == "rate_limited"


def test_without_limits_and_history_all_ways_are_there() -> None:
    assert ways_in_order((EMAIL, SMS), person(), key(word())) == [EMAIL, SMS]
    assert [refusal(way, person(), key(word()), NO_LIMIT, START) for way in (EMAIL, SMS)] == [None, None]
