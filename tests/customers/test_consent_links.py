from datetime import UTC, datetime
from urllib.parse import parse_qs, urlparse

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from customers.consent_links import MOST_TOKEN_CHARACTERS, Choice, Consent, ConsentKey, ConsentLinks

KEY = ConsentKey(bytes(range(64)))
END = datetime(2026, 1, 12, 19, 0, tzinfo=UTC)
REQUEST = "E-dorf-20260112T180000Z-R001"
CONSENT = Consent(REQUEST, "opted_out", END)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

consents = st.builds(
    Consent,
    request=st.text(min_size=1, max_size=60),
    answer=st.sampled_from(("opted_in", "opted_out")),
    end=st.integers(0, 4_000_000_000).map(lambda s: datetime.fromtimestamp(s, UTC)),
)


@profile(max_examples=200)
@given(consents)
def test_a_token_says_what_was_sealed_and_nothing_of_it_in_the_clear(consent: Consent) -> None:
    token = KEY.seal(consent)
    assert KEY.open(token) == consent
    assert KEY.seal(consent) == token
    assert set(token) <= set(ALPHABET)


@profile(max_examples=300)
@given(consents, st.data())
def test_any_change_of_any_character_is_refused(consent: Consent, data: st.DataObject) -> None:
    token = KEY.seal(consent)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from([c for c in f"{ALPHABET}=+/ é" if c != token[place]]))
    assert KEY.open(token[:place] + other + token[place + 1 :]) is None


def test_every_single_bit_of_a_token_counts() -> None:
    token = KEY.seal(CONSENT)
    changed = [
        token[:place] + other + token[place + 1 :]
        for place in range(len(token))
        for other in ALPHABET
        if other != token[place]
    ]
    assert [one for one in changed if KEY.open(one) is not None] == []


@given(st.text(max_size=120))
def test_any_text_is_a_token_or_none(text: str) -> None:
    assert KEY.open(text) is None


@pytest.mark.parametrize(
    "broken", ["", "AA", KEY.seal(CONSENT)[:-1], KEY.seal(CONSENT) + "A", KEY.seal(CONSENT) + "="]
)
def test_cut_or_longer_tokens_are_refused(broken: str) -> None:
    assert KEY.open(broken) is None


def test_a_token_that_is_too_long_is_not_even_decoded() -> None:
    long = KEY.seal(Consent("R" * MOST_TOKEN_CHARACTERS, "opted_in", END))
    assert len(long) > MOST_TOKEN_CHARACTERS
    assert KEY.open(long) is None


def test_a_token_of_one_site_is_none_at_another() -> None:
    assert ConsentKey(bytes(64)).open(KEY.seal(CONSENT)) is None


def test_tokens_of_two_requests_and_of_two_answers_have_nothing_in_common() -> None:
    """Proof and text of one cannot be put together with those of another."""
    mine = KEY.seal(CONSENT)
    for other in (Consent(f"{REQUEST[:-1]}2", "opted_out", END), Consent(REQUEST, "opted_in", END)):
        theirs = KEY.seal(other)
        assert mine[:20] != theirs[:20]
        assert KEY.open(mine[:20] + theirs[20:]) is None


def test_the_request_cannot_be_read_from_the_token() -> None:
    import base64

    token = KEY.seal(CONSENT)
    shown = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    assert b"dorf" not in shown
    assert b"R001" not in shown


def test_a_token_is_short_enough_for_a_message() -> None:
    assert len(KEY.seal(CONSENT)) <= 70


@pytest.mark.parametrize("address", ["https://people.example.org", "https://example.org/grid/"])
@pytest.mark.parametrize("answer", ["opted_in", "opted_out"])
def test_a_link_holds_the_token(address: str, answer: Choice) -> None:
    link = urlparse(ConsentLinks(address, KEY).link(REQUEST, answer, END))
    assert link.path.endswith("/people/answer")
    assert "//" not in link.path
    (token,) = parse_qs(link.query)["t"]
    assert KEY.open(token) == Consent(REQUEST, answer, END)


def test_the_key_is_not_shown() -> None:
    assert "key=" not in repr(KEY)


def test_a_long_feeder_id_in_another_script_has_links_that_open() -> None:
    """Characters of four bytes."""
    consent = Consent("E-" + "𠀀" * 130 + "-20160112T170020Z-R0123", "opted_out", END)
    assert KEY.open(KEY.seal(consent)) == consent
