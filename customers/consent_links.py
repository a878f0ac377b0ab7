"""Links by which people answer a notice without signing in: tokens that nobody else can make or read. Pure.

A token holds the request it is about, the answer it stands for and when it ends, and no customer: a request
is to exactly one. It is sealed by HMAC-SHA256 in the manner of a synthetic initialisation vector (RFC 5297
has the idea; there with AES): the first 16 bytes of the HMAC of the text are its proof and, under a second
key, the seed of the stream that the text is hidden with. So equal texts give equal tokens, any other text has
another proof, and nothing of the text stands in the clear. 128 bits of proof cannot be guessed.

    token = base64url( proof[16] || hidden( answer[1] || end, Unix seconds[5] || request ) )

Both keys come from one that whoever builds the links derives from the site's secret. Knows no clock, no route
and no journal: that a request is over, or was answered before, is for whoever asks.
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

Choice = Literal["opted_in", "opted_out"]

PROOF_BYTES = 16
MOST_TOKEN_CHARACTERS = 400
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
    """The two keys of a site's tokens."""

    key: bytes = field(repr=False)
    """32 bytes, derived from the site's secret for this and nothing else"""

    def seal(self, consent: Consent) -> str:
        """The token, fit for a URL; the same for the same consent."""
        text = _text(consent)
        proof = self._proof(text)
        return base64.urlsafe_b64encode(proof + self._hidden(proof, text)).decode().rstrip("=")

    def open(self, token: str) -> Consent | None:
        """What a token says, or None when it is not one of ours; as slow for every wrong proof."""
        sealed = _decoded(token)
        if sealed is None or len(sealed) <= PROOF_BYTES + 1 + _END_BYTES:
            return None
        proof = sealed[:PROOF_BYTES]
        text = self._hidden(proof, sealed[PROOF_BYTES:])
        if not hmac.compare_digest(proof, self._proof(text)):
            return None
        return _consent(text)

    def _proof(self, text: bytes) -> bytes:
        return hmac.digest(self._part(b"proof"), text, hashlib.sha256)[:PROOF_BYTES]

    def _hidden(self, proof: bytes, text: bytes) -> bytes:
        """The text, or from the hidden one the text: xor with a stream of HMACs (of the proof, counted)."""
        key, stream = self._part(b"stream"), b""
        while len(stream) < len(text):
            counted = proof + len(stream).to_bytes(4, "big")
            stream += hmac.digest(key, counted, hashlib.sha256)
        return bytes(a ^ b for a, b in zip(text, stream, strict=False))

    def _part(self, purpose: bytes) -> bytes:
        return hmac.digest(self.key, purpose, hashlib.sha256)


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


def _decoded(token: str) -> bytes | None:
    """The bytes of a token in its one right spelling; None for all others."""
    if len(token) > MOST_TOKEN_CHARACTERS:
        return None
    try:
        sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return sealed if base64.urlsafe_b64encode(sealed).decode().rstrip("=") == token else None
