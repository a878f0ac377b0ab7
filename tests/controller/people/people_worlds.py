"""A daemon whose people have programmes, links and further words, for tests of the whole way."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import parse_qs, urlparse

from controller import settings
from controller.daemon import Daemon
from controller.people.notice_messages import consent_links
from customers.programmes import Agreements
from customers.registry import Registry
from tests.builders import SECRET, control, registry
from tests.controller.worlds import World, evening

PUBLIC = "https://people.example.org"


@dataclass
class PeopleWorld(World):
    """As `World`, with what people are told beside it."""

    agreements: Agreements | None = None
    tags: dict[int, frozenset[str]] | None = None

    def start(self) -> Daemon:
        """A new process on the same record."""
        self.store.dead, self.store.die_at = False, None
        self.links = consent_links(self.of, SECRET)
        of = replace(control(self.of, self._registry()), links=self.links)
        daemon = Daemon(
            self.of,
            [of],
            store=self.store,
            sources=[],
            commands=self.field,
            notices=self.field,
            clock=self.clock,
            wire_clock=self.real_clock,
            offload=self.offload,
            secret=SECRET,
        )
        self.desk = daemon.desks.people
        return daemon

    def _registry(self) -> Registry:
        who = registry(critical=self.critical, notices=self.notices)
        tags = self.tags or {}
        customers = tuple(replace(c, tags=tags.get(n, frozenset())) for n, c in enumerate(who.customers))
        return Registry(customers, who.devices, self.agreements)

    def token(self, request: str, answer: str = "opted_out") -> str:
        """The token of a link for this request, as a notice would hold it."""
        assert self.links is not None
        record = self.daemon.books.requests[request]
        return token_in(self.links.link(request, answer, record.end))  # type: ignore[arg-type]

    def words(self, kind: str) -> list[str]:
        """The texts of this kind that people got."""
        return [n.text for n in self.field.notices if n.kind == kind]


def token_in(text: str) -> str:
    """Of the link in a text."""
    (link,) = re.findall(r"https://\S+", text)
    return parse_qs(urlparse(link).query)["t"][0]


def site(zone: str = "UTC", **tables: object) -> settings.Site:
    """An evening with a public address."""
    ahead = settings.LookAhead(act_early=False, time_zone=zone)
    return evening(api=settings.Api(public_url=PUBLIC), look_ahead=ahead, **tables)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)
