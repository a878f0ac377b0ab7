"""Links by which people take back their consent to be written to: tokens that nobody else can make or read.
Pure.

A token holds a customer's id, sealed as those of `consent_links.py` are and with their key, under another
name, so that neither is ever taken for the other. It has no end: a message of last year must still offer
its way out.
"""

from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from customers.consent_links import ConsentKey, ConsentLinks, decoded, encoded

_DOMAIN = b"gridward-opt-out-1"
_PROOF_BYTES = 16
PATH = "/people/opt-out"


@dataclass(frozen=True)
class OptOutLinks:
    """The links of one site: its public address, and its key."""

    public_url: str
    key: ConsentKey

    @classmethod
    def beside(cls, links: ConsentLinks | None) -> "OptOutLinks | None":
        """Those of the site whose consent links these are."""
        return None if links is None else cls(links.public_url, links.key)

    def link(self, customer: str) -> str:
        """The address by which this customer gets no more messages."""
        return f"{self.public_url.rstrip('/')}{PATH}?t={self.seal(customer)}"

    def seal(self, customer: str) -> str:
        """The token, fit for a URL; the same for the same customer."""
        return encoded(AESSIV(self.key.key).encrypt(customer.encode(), [_DOMAIN]))

    def open(self, token: str) -> str | None:
        """Whose token it is, or None when it is not one of ours."""
        sealed = decoded(token)
        if sealed is None or len(sealed) <= _PROOF_BYTES:
            return None
        try:
            return AESSIV(self.key.key).decrypt(sealed, [_DOMAIN]).decode()
        except InvalidTag:
            return None
