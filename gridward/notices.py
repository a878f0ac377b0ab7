"""People are told over the ways of a site: builds the channel from `[notices]`, and sends a trial word.

`gridward notices test SITE.toml CUSTOMER` sends over each way that reaches the customer, and says what came
of it; consent, quiet hours and limits are not asked, because an engineer does it, and it is noted with
their contacts.
"""

import argparse
import getpass
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from controller.clock import WallClock
from controller.errors import ConfigRejected
from controller.feeder_control import FeederControl
from controller.people.call_rules import is_quiet_for, zone_of
from controller.people.notice_messages import consent_links
from controller.settings import NoticeWay, Site
from controller.settings_file import load_site
from customers.address_book import ContactAddresses, Found
from customers.contact_store import ContactStore
from customers.contacts import Access, Told
from customers.errors import ContactsUnavailable, RegistryRejected
from customers.opt_out_links import OptOutLinks
from customers.registry_files import load_registry
from devices.errors import ProfileRejected, Unreachable
from devices.notices.addresses import Address, Asking, Reach, TakenFor
from devices.notices.channel import NoticeChannels, Rules
from devices.notices.rate_limit import RateLimit
from devices.notices.rendering import Writing, render_trial
from devices.notices.templates import load_templates
from devices.notices.ways import Style, Way, placeholders, target_url
from devices.notices.words import Result, Taken, WordKey
from devices.ports import Clock, NoticeChannel

_MAIL = ("mailto", "mailtos")


class AddressesOfContacts:
    """`devices.notices.addresses.AddressBook` over the site's contacts. Both calls block."""

    def __init__(self, contacts: ContactAddresses) -> None:
        self._contacts = contacts

    def reach(self, askings: Sequence[Asking]) -> Sequence[Reach]:
        """See the port."""
        wanted = [(asking.customer, f"{asking.word.kind} {asking.word.request}") for asking in askings]
        try:
            found = self._contacts.find(wanted, max(asking.at for asking in askings))
        except ContactsUnavailable as error:
            raise Unreachable("contacts_unavailable") from error
        return [_reach(one) for one in found]

    def note(self, taken: Sequence[TakenFor]) -> None:
        """See the port."""
        told = [Told(one.customer, one.taken.way, _spelled(one.taken.word), one.taken.at) for one in taken]
        try:
            self._contacts.note(told)
        except ContactsUnavailable as error:
            raise Unreachable("contacts_unavailable") from error


def notice_channel(
    site: Site,
    feeders: Sequence[FeederControl],
    app: NoticeChannel,
    *,
    clock: Clock,
    wire_clock: Clock,
    secret: bytes,
) -> NoticeChannels | None:
    """The channel of a site; None where it has no `[[notices.channel]]`, and the app is all there is.

    Raises ConfigRejected, ProfileRejected: they name the channel or the file, and never repeat a URL.
    """
    notices = site.notices
    if not notices.channel:
        return None
    from devices.notices import apprise_wire  # noqa: PLC0415  half a second, which few sites need

    ways = ways_of(site)
    for way in ways:
        if way.style != "app":
            apprise_wire.check(way)
    languages = {name: one.language for control in feeders for name, one in control.customer.items()}
    return NoticeChannels(
        Rules(ways, notices.reaches, RateLimit(notices.per_hour, notices.per_day), notices.deadline_s),
        AddressesOfContacts(_addresses(site, secret, languages)),
        writing_of(site),
        clock,
        hand_over=apprise_wire.hand_over,
        app=app,
        wire_clock=wire_clock,
        is_quiet=partial(_is_quiet, feeders),
    )


def _is_quiet(feeders: Sequence[FeederControl], customer: str, now: datetime) -> bool:
    return any(is_quiet_for(control, customer, now) for control in feeders)


def notice_findings(site: Site) -> Iterator[str]:
    """All that is wrong with a site's channels and texts; nothing is sent."""
    for build in (ways_of, writing_of):
        try:
            build(site)
        except (ConfigRejected, ProfileRejected) as error:
            yield from str(error).splitlines()
            return
    from devices.notices import apprise_wire  # noqa: PLC0415  as above

    for number, way in enumerate(ways_of(site), start=1):
        if way.style != "app":
            try:
                apprise_wire.check(way)
            except ProfileRejected as error:
                yield f"notices.channel[{number}].url: {error}"


def ways_of(site: Site) -> tuple[Way, ...]:
    """The ways of the settings, with their secrets. Raises ConfigRejected."""
    return tuple(_way(one) for one in site.notices.channel)


def writing_of(site: Site) -> Writing:
    """How the site writes. Raises ProfileRejected."""
    texts = load_templates(site.notices.texts)
    return Writing(texts, site.name, zone_of(site), site.notices.most_sms_parts)


def _way(one: NoticeWay) -> Way:
    secret = ""
    if one.secret_file is not None:
        try:
            secret = one.secret_file.read_text(encoding="utf-8").rstrip("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigRejected(
                [f"{one.secret_file}: expected a readable file in UTF-8: {error}"]
            ) from error
    style = _style(one.url)
    if style == "email" and not secret.isascii():
        raise ConfigRejected([f"{one.secret_file}: expected ASCII: a password of SMTP knows nothing else"])
    return Way(
        name=one.name,
        style=style,
        url=one.url or "",
        secret=secret,
        limit=RateLimit(one.per_hour, one.per_day),
        most_at_once=one.most_at_once,
        only_for=None if one.customers is None else frozenset(one.customers),
    )


def _style(url: str | None) -> Style:
    if url is None:
        return "app"
    if urlsplit(url).scheme in _MAIL:
        return "email"
    return "sms" if "phone" in placeholders(url) else "text"


def _addresses(site: Site, secret: bytes, languages: Mapping[str, str]) -> ContactAddresses:
    return ContactAddresses(
        partial(ContactStore, site.contacts.path),
        languages=languages,
        zone=zone_of(site),
        links=OptOutLinks.beside(consent_links(site, secret)),
    )


def _reach(found: Found) -> Reach:
    held: dict[Address, str | None] = {"email": found.email, "phone": found.phone, "push": found.push}
    return Reach(
        customer=found.customer,
        standing=found.standing,
        language=found.language,
        name=found.name,
        address={name: address for name, address in held.items() if address},
        prefers=found.channels,
        opt_out_link=found.opt_out_link,
        taken=tuple(
            Taken(told.channel, word, told.at)
            for told in found.told
            if (word := _word(told.word)) is not None
        ),
    )


def _spelled(word: WordKey) -> str:
    return f"{word.kind} {word.sequence} {word.request}"


def _word(spelled: str) -> WordKey | None:
    kind, _, rest = spelled.partition(" ")
    sequence, _, request = rest.partition(" ")
    return WordKey(request, int(sequence), kind) if sequence.isdecimal() else None  # type: ignore[arg-type]


# --- the command


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand."""
    commands = parser.add_subparsers(dest="notices_command", required=True, metavar="test")
    trial = commands.add_parser("test", help="send a trial message to a customer over each channel")
    trial.add_argument("site", type=Path, metavar="SITE.toml")
    trial.add_argument("customer", metavar="CUSTOMER")
    trial.add_argument("--channel", help="over this one only")
    trial.add_argument("--who", default=getpass.getuser(), help="who you are, better a role than a name")
    trial.add_argument("--json", action="store_true", help="print one JSON document and nothing else")


def run(args: argparse.Namespace) -> int:
    """0 some channel took it; 1 none did; 2 wrong input, or the contacts cannot be used."""
    try:
        site = load_site(args.site)
        ways = _to_try(args, site)
        results = _trial(site, ways, args.customer, Access(args.who, "trial message", WallClock().now()))
    except (ConfigRejected, ProfileRejected, ContactsUnavailable) as error:
        print(f"gridward notices: {error}", file=sys.stderr)
        return 2
    lines = [f"{name}: {result.replace('_', ' ')}" for name, result in results.items()]
    document = {"customer": args.customer, "channels": results}
    print(json.dumps(document, ensure_ascii=False) if args.json else "\n".join(lines))
    return 0 if "taken" in results.values() else 1


def _to_try(args: argparse.Namespace, site: Site) -> list[Way]:
    """The ways with a URL, or the one that is named."""
    ways = [way for way in ways_of(site) if way.style != "app"]
    if not ways:
        raise ConfigRejected([f"{args.site}: expected a [[notices.channel]] with a url, to try it"])
    wanted = [way for way in ways if args.channel in (None, way.name)]
    if not wanted:
        names = ", ".join(way.name for way in ways)
        raise ConfigRejected([f"--channel: expected one of {names}, got {args.channel!r}"])
    return wanted


def _trial(site: Site, ways: Sequence[Way], customer: str, access: Access) -> dict[str, Result]:
    from devices.notices import apprise_wire  # noqa: PLC0415  as above

    reach = _reach_for_trial(site, customer, access)
    word = render_trial(reach, writing_of(site))
    results: dict[str, Result] = {}
    for way in ways:
        apprise_wire.check(way)
        known = target_url(way, reach) is not None
        results[way.name] = (
            apprise_wire.hand_over(way, reach, word, site.notices.deadline_s) if known else "no_address"
        )
    return results


def _reach_for_trial(site: Site, customer: str, access: Access) -> Reach:
    """How somebody is reached, whatever they agreed to."""
    from gridward.wiring import site_secret  # noqa: PLC0415  it builds with this module

    with closing(ContactStore(site.contacts.path)) as contacts:
        (looked,) = contacts.use([(customer, access)], access.at)
    contact = looked.contact
    if contact is None:
        raise ConfigRejected([f"nothing is held of {customer!r}: `gridward contacts import` takes them"])
    links = None
    if site.api.public_url is not None:
        links = OptOutLinks.beside(consent_links(site, site_secret(site.secret_file)))
    held: dict[Address, str | None] = {"email": contact.email, "phone": contact.phone, "push": contact.push}
    return Reach(
        customer=customer,
        standing="agreed",
        language=_languages(site).get(customer, contact.language),
        name=contact.name,
        address={name: text for name, text in held.items() if text},
        opt_out_link="" if links is None else links.link(customer),
    )


def _languages(site: Site) -> dict[str, str]:
    """By customer, as the registries have them; none where one cannot be read, which is not our subject."""
    try:
        registries = [load_registry(feeder.customers, feeder.devices) for feeder in site.feeder]
    except RegistryRejected:
        return {}
    return {one.customer: one.language for registry in registries for one in registry.customers}
