"""Links by which people answer a notice without signing in: tokens that nobody else can make or read. Pure.

A token holds the request it is about, the answer it stands for and when it ends, and no customer: a request
is to exactly one. It is sealed by AES-SIV (RFC 5297) without a nonce, so equal texts give equal tokens, any
changed bit is refused, and nothing of the text stands in the clear.

    token = base64url( AES-SIV( answer[1] || end, Unix seconds[5] || request ) )

The key is derived by whoever builds the links from the site's secret. Knows no clock, no route and no
journal: that a request is over, or was answered before, is for whoever asks.
"""

import base64
import binascii
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

Choice = Literal["opted_in", "opted_out"]

_DOMAIN = b"gridward-consent-1"
_PROOF_BYTES = 16
"""the synthetic vector that a sealed text begins with"""
MOST_TOKEN_CHARACTERS = 1000
"""room for a request of a feeder whose long id is in another script: four bytes a character"""
_CHOICES: tuple[Choice, ...] = ("opted_in", "opted_out")
_END_BYTES = 5
"""Unix seconds until the year 36812"""


@dataclass(frozen=True, slots=True)
class Consent:
    """What a token says."""

    request: str
    answer: Choice
    end: datetime
    """the request's end when the token was made: an answer after it changes nothing; whole seconds"""


@dataclass(frozen=True)
class ConsentKey:
    """The key of a site's tokens."""

    key: bytes = field(repr=False)
    """64 bytes, derived from the site's secret for this and nothing else"""

    def seal(self, consent: Consent) -> str:
        """The token, fit for a URL; the same for the same consent."""
        return encoded(self._cipher.encrypt(_text(consent), [_DOMAIN]))

    def open(self, token: str) -> Consent | None:
        """What a token says, or None when it is not one of ours."""
        sealed = decoded(token)
        if sealed is None or len(sealed) <= _PROOF_BYTES + 1 + _END_BYTES:
            return None
        try:
            return _consent(self._cipher.decrypt(sealed, [_DOMAIN]))
        except InvalidTag:
            return None

    @cached_property
    def _cipher(self) -> AESSIV:
        return AESSIV(self.key)


@dataclass(frozen=True)
class ConsentLinks:
    """The links of one site: its public address, and its key."""

    public_url: str
    """`https://people.example.org`, perhaps with a path; `/people/answer` follows"""
    key: ConsentKey

    def link(self, request: str, answer: Choice, end: datetime) -> str:
        """The address by which this answer is given."""
        token = self.key.seal(Consent(request, answer, end))
        return f"{self.public_url.rstrip('/')}/people/answer?t={token}"


def _text(consent: Consent) -> bytes:
    end_s = int(consent.end.timestamp())
    return (
        _CHOICES.index(consent.answer).to_bytes(1, "big")
        + end_s.to_bytes(_END_BYTES, "big")
        + consent.request.encode()
    )


def _consent(text: bytes) -> Consent:
    """Of a text whose proof was right: it is one of `_text`."""
    end_s = int.from_bytes(text[1 : 1 + _END_BYTES], "big")
    return Consent(
        request=text[1 + _END_BYTES :].decode(),
        answer=_CHOICES[text[0]],
        end=datetime.fromtimestamp(end_s, UTC),
    )


def encoded(sealed: bytes) -> str:
    """The token of sealed bytes."""
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def decoded(token: str) -> bytes | None:
    """The bytes of a token in its one right spelling; None for all others."""
    if len(token) > MOST_TOKEN_CHARACTERS:
        return None
    try:
        sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return sealed if encoded(sealed) == token else None
