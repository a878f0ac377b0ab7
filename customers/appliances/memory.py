"""What was decided about matches, and what waits for a decision: one file, no name and no address in it.

Buyers stand in it as keyed fingerprints: without the key (the site's secret) nobody can tell whom one means,
nor try out whether it means somebody. Written whole or not at all, for its owner alone.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from customers.appliances.addresses import read_address
from customers.appliances.parties import folded_name, folded_number
from customers.appliances.private_files import write_private
from customers.appliances.values import Buyer, Sale
from customers.errors import Finding, RegistryRejected

VERSION = 1
REFUSED = ""
"""in place of a customer: none of those who were shown"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A sale that a person has to look at."""

    list_name: str
    keys: tuple[str, ...]
    """of its units"""
    buyer: str
    """fingerprint"""
    kind: str
    rated_kw: float
    bought_on: date | None
    candidates: tuple[str, ...]


@dataclass
class Memory:
    """Decisions, and what waits for one."""

    decided: dict[str, str] = field(default_factory=dict)
    """by fingerprint of the buyer: the customer, or `REFUSED`"""
    same_as: dict[str, str] = field(default_factory=dict)
    """an id of a customer, and the one that counts"""
    apart: set[tuple[str, str]] = field(default_factory=set)
    """pairs of ids that a person said are two customers"""
    waiting: dict[str, Waiting] = field(default_factory=dict)
    """by the name of its line in the review list"""

    def resolved(self) -> dict[str, str]:
        """Every id that is another one's, followed to its end."""
        ends: dict[str, str] = {}
        for customer in self.same_as:
            end, seen = customer, set[str]()
            while end in self.same_as and end not in seen:
                seen.add(end)
                end = self.same_as[end]
            ends[customer] = end
        return ends


class Fingerprints:
    """Names buyers and units by keyed digests."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def buyer(self, buyer: Buyer) -> str:
        """The same for all spellings that are read alike."""
        address = read_address(buyer.address) if buyer.address else None
        spelled = buyer.address if address is None else address.spelled
        place = "" if buyer.latitude is None else f"{buyer.latitude:.5f} {buyer.longitude:.5f}"
        return self._digest(folded_number(buyer.customer), folded_name(buyer.name), spelled, place)

    def units(self, sales: Iterable[Sale]) -> list[tuple[Sale, str, tuple[str, ...]]]:
        """Each sale of one list with its buyer's fingerprint and a key for each of its units.

        Units that are alike are numbered, so that the order of rows makes no difference.
        """
        seen: Counter[str] = Counter()
        named = []
        for sale in sales:
            buyer = self.buyer(sale.buyer)
            what = self._digest(sale.list_name, buyer, sale.kind, f"{sale.rated_kw:g}", str(sale.bought_on))
            first = seen[what]
            seen[what] += sale.count
            keys = tuple(f"{what[:12]}.{n}" for n in range(first, first + sale.count))
            named.append((sale, buyer, keys))
        return named

    def _digest(self, *parts: str) -> str:
        return hashlib.blake2b("\0".join(parts).encode(), key=self._key, digest_size=12).hexdigest()


def load_memory(path: Path) -> Memory:
    """What is remembered; nothing where there is no file. Raises RegistryRejected."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        if raw["version"] != VERSION:
            raise ValueError(f"version {raw['version']}")
        return Memory(
            decided=_texts(raw["decided"]),
            same_as=_texts(raw["same_as"]),
            apart={(str(a), str(b)) for a, b in raw["apart"]},
            waiting={str(name): _waiting(one) for name, one in raw["waiting"].items()},
        )
    except FileNotFoundError:
        return Memory()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        expected = f"expected what `gridward appliances` wrote, version {VERSION}: {error!r}"
        raise RegistryRejected([Finding(str(path), None, None, expected)]) from error


def save_memory(path: Path, memory: Memory) -> None:
    """Raises OSError, having changed nothing."""
    whole = {
        "version": VERSION,
        "decided": memory.decided,
        "same_as": memory.same_as,
        "apart": sorted(memory.apart),
        "waiting": {name: _plain(one) for name, one in memory.waiting.items()},
    }
    write_private(path, json.dumps(whole, ensure_ascii=False, indent=1) + "\n")


def _texts(raw: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): str(value) for name, value in raw.items()}


def _plain(one: Waiting) -> dict[str, object]:
    return {
        "list": one.list_name,
        "keys": one.keys,
        "buyer": one.buyer,
        "kind": one.kind,
        "rated_kw": one.rated_kw,
        "bought_on": None if one.bought_on is None else one.bought_on.isoformat(),
        "candidates": one.candidates,
    }


def _waiting(raw: Mapping[str, Any]) -> Waiting:
    return Waiting(
        list_name=str(raw["list"]),
        keys=tuple(map(str, raw["keys"])),
        buyer=str(raw["buyer"]),
        kind=str(raw["kind"]),
        rated_kw=float(raw["rated_kw"]),
        bought_on=None if raw["bought_on"] is None else date.fromisoformat(raw["bought_on"]),
        candidates=tuple(map(str, raw["candidates"])),
    )
