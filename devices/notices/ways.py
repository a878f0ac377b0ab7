"""The ways a site has to its people, and which of them one word takes. Pure.

A way without a URL is the app on the broker. All others are URLs of the `apprise` library, with
placeholders: {email}, {phone} and {push} stand for what is held of the customer, {customer} for their id,
{secret} for what is in the way's secret file.
"""

import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args
from urllib.parse import quote

from devices.notices.addresses import Address, Reach
from devices.notices.rate_limit import NO_LIMIT, RateLimit
from devices.notices.words import Refusal, WordKey

Style = Literal["email", "sms", "text", "app"]
"""email: subject, text and HTML · sms: the short form · text: subject and text · app: the notice as it is"""
ADDRESSES: tuple[Address, ...] = get_args(Address)
PLACEHOLDERS = frozenset({*ADDRESSES, "customer", "secret"})
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_PHONE = re.compile(r"\+?\d{5,15}")
_PUSH = re.compile(r"[A-Za-z0-9._:@+-]{1,200}")


@dataclass(frozen=True, slots=True)
class Way:
    """One way."""

    name: str
    style: Style
    url: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    limit: RateLimit = NO_LIMIT
    most_at_once: int = 8
    only_for: frozenset[str] | None = None
    """customers; None: for all"""

    @property
    def needs(self) -> tuple[Address, ...]:
        """What must be held of a customer."""
        return tuple(name for name in ADDRESSES if name in placeholders(self.url))


def placeholders(url: str) -> frozenset[str]:
    """The names in braces of a URL. ValueError for what is none."""
    found = [name for _, name, *_ in string.Formatter().parse(url) if name is not None]
    if any(not name.isidentifier() for name in found):
        raise ValueError("a brace that is no placeholder")
    return frozenset(found)


def ways_in_order(ways: Sequence[Way], reach: Reach, word: WordKey) -> list[Way]:
    """Those meant for this customer, the liked one first. Who likes some ways is told by these alone, as long
    as there is one. What takes a notice back goes first where the notice went.
    """
    meant = [way for way in ways if way.only_for is None or reach.customer in way.only_for]
    liked = [way for name in reach.prefers for way in meant if way.name == name] or meant
    if word.kind != "taken_back":
        return liked
    told = {one.way for one in reach.taken if one.word.request == word.request and one.word.kind == "notice"}
    return sorted(liked, key=lambda way: way.name not in told)


def refusal(way: Way, reach: Reach, word: WordKey, site_limit: RateLimit, now: datetime) -> Refusal | None:
    """Why a way is out of question for a word; None when it may be tried.

    A customer who took their consent back, or whose supply is over, gets nothing, also nothing that takes
    back: the notice ends by itself. Who never agreed to be written to may still use the app. A word that
    several ways took counts once for the person, and never against itself.
    """
    why = _by_standing(way, reach)
    if why is not None:
        return why
    others = [one for one in reach.taken if one.word != word]
    by_way = [one for one in others if one.way == way.name]
    allowed = site_limit.allows(word.kind, {one.word: one for one in others}.values(), now)
    return None if allowed and way.limit.allows(word.kind, by_way, now) else "rate_limited"


def target_url(way: Way, reach: Reach) -> str | None:
    """The way's URL to this customer; None when what is held does not look like an address of its kind."""
    values = {"customer": reach.customer, "secret": way.secret}
    for name in way.needs:
        address = _plain(name, reach.address.get(name, ""))
        if address is None:
            return None
        values[name] = address
    return filled(way.url, values)


def filled(url: str, values: Mapping[str, str]) -> str:
    """A URL with its placeholders filled, each quoted."""
    return url.format_map({name: quote(value, safe="") for name, value in values.items()})


def _by_standing(way: Way, reach: Reach) -> Refusal | None:
    if reach.standing in ("opted_out", "ended"):
        return reach.standing
    if way.style == "app":
        return None
    if reach.standing == "not_held" and way.needs:
        return "no_address"
    if reach.standing == "no_consent":
        return "no_consent"
    return "no_address" if target_url(way, reach) is None else None


def _plain(name: Address, address: str) -> str | None:
    """The address without what people write for the eye; None when it may mean more than one target."""
    if name == "phone":
        digits = re.sub(r"[\s()/.-]", "", address)
        return digits if _PHONE.fullmatch(digits) else None
    pattern = _EMAIL if name == "email" else _PUSH
    return address if pattern.fullmatch(address) else None
