"""Do the settings make sense together? Pure but for one look: whether the files they name are there.

How the field is reached is `settings_link_checks`'s subject.
"""

import re
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from controller.alarms.kinds import KINDS
from controller.people.call_rules import quiet_hours
from controller.proving.holiday_calendar import calendar_fault
from controller.rewards.ledger import POINTS
from controller.rewards.reward_rules import rule_faults
from controller.settings import Api, Feeder, NoticeWay, Site, Store
from controller.settings_link_checks import Fault, link_faults, there
from controller.toml_lines import Place
from devices.identifiers import id_fault

POSTGRES_URLS = ("postgresql://", "postgres://")
_KEY_VALUE = re.compile(r"\s*[a-z_]+\s*=")
_WAY_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_PLACEHOLDERS = ("email", "phone", "push", "customer", "secret")
"""of a channel's URL"""
_NETWORK_SOURCES = ("simbench:", "pandapower:")


def is_file(network: str) -> bool:
    """Whether a network's source is a file, and not the name of one that a library brings."""
    return not network.startswith(_NETWORK_SOURCES)


def sense_faults(site: Site) -> Iterator[Fault]:
    """All that cannot be meant. Paths are absolute."""
    if not site.name.strip():
        yield ("name",), "expected a name, it is empty"
    yield from _feeders(site)
    yield from link_faults(site)
    yield from _store(site.store)
    yield from _notices(site)
    yield from _times(site)
    yield from _limits(site)
    yield from _time_zone(site.look_ahead.time_zone)
    yield from _out_of_service(site)
    yield from rule_faults(site.rewards.earning, site.rewards.catalogue, site.rewards.tier)
    if site.rewards.currency == POINTS:
        yield ("rewards", "currency"), f"expected another unit than that of points, got {POINTS!r}"
    if site.rewards.holidays is not None and (fault := calendar_fault(site.rewards.holidays)) is not None:
        yield ("rewards", "holidays"), fault
    yield from there(site.api.operator_token_file, ("api", "operator_token_file"))
    yield from _public_url(site.api.public_url)
    yield from _openid(site.api)
    yield from _proxies(site.api.trusted_proxies)


def _feeders(site: Site) -> Iterator[Fault]:
    if not site.feeder:
        yield ("feeder",), "expected at least one [[feeder]]"
    first: dict[str, int] = {}
    for number, feeder in enumerate(site.feeder):
        place: Place = ("feeder", number)
        fault = id_fault(feeder.id)
        if fault is not None:
            yield (*place, "id"), f"expected an id that is fit for a topic: {feeder.id!r} {fault}"
        if feeder.id == "controller":
            yield (*place, "id"), "expected another id: topics below `controller` are the controller's own"
        if feeder.id in first:
            yield (
                (*place, "id"),
                f"expected each id once, {feeder.id!r} is feeder[{first[feeder.id] + 1}] already",
            )
        first.setdefault(feeder.id, number)
        yield from there(feeder.customers, (*place, "customers"))
        yield from there(feeder.devices, (*place, "devices"))
        yield from _agreements(feeder, place)
        if is_file(feeder.network):
            yield from _network_there(Path(feeder.network), (*place, "network"))


def _agreements(feeder: Feeder, place: Place) -> Iterator[Fault]:
    for given, needed in (("programmes", "enrolments"), ("enrolments", "programmes")):
        if getattr(feeder, given) is not None and getattr(feeder, needed) is None:
            yield (*place, given), f"expected {needed} beside it"
        yield from there(getattr(feeder, given), (*place, given))


def _out_of_service(site: Site) -> Iterator[Fault]:
    feeders = {feeder.id for feeder in site.feeder}
    for named in site.alarms.out_of_service:
        kind, _, feeder = named.partition("/")
        if kind not in KINDS:
            yield ("alarms", "out_of_service"), f"expected kinds of alarms, {kind!r} is none"
        elif KINDS[kind].priority == "critical":
            expected = f"expected no alarm of priority critical, got {kind!r}"
            yield ("alarms", "out_of_service"), expected
        elif feeder and feeder not in feeders:
            yield ("alarms", "out_of_service"), f"expected a feeder of this site, got {feeder!r}"


def _openid(api: Api) -> Iterator[Fault]:
    if api.openid is None:
        return
    if api.public_url is None:
        yield ("api", "openid"), "expected api.public_url beside it: the provider sends people back there"
    elif "/" in api.public_url.partition("://")[2].rstrip("/"):
        expected = "expected an address without a path, because people come back to the API's own"
        yield ("api", "public_url"), f"{expected}; got {api.public_url!r}"
    scheme = api.openid.issuer.partition("://")[0]
    if scheme not in ("https", "http"):
        expected = f"expected an address such as https://login.example.org, got {api.openid.issuer!r}"
        yield ("api", "openid", "issuer"), expected
    if not api.openid.roles:
        yield ("api", "openid", "roles"), 'expected at least one, such as { operators = "operator" }'
    yield from there(api.openid.client_secret_file, ("api", "openid", "client_secret_file"))
    yield from there(api.openid.ca_file, ("api", "openid", "ca_file"))


def _proxies(proxies: tuple[str, ...]) -> Iterator[Fault]:
    for number, proxy in enumerate(proxies):
        try:
            ip_network(proxy)
        except ValueError:
            expected = "expected an address or network such as 10.0.0.5 or 10.0.0.0/24"
            yield ("api", "trusted_proxies", number), f"{expected}; got {proxy!r}"


def _public_url(url: str | None) -> Iterator[Fault]:
    if url is None:
        return
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and url.isprintable()
        fine = fine and not (parts.query or parts.fragment or parts.username or " " in url)
    except ValueError:
        fine = False
    if not fine:
        expected = "expected an address such as https://people.example.org, without ? and #"
        yield ("api", "public_url"), f"{expected}; got {url!r}"


def _notices(site: Site) -> Iterator[Fault]:
    notices = site.notices
    try:
        quiet_hours(notices.quiet)
    except ValueError:
        yield ("notices", "quiet"), f"expected a span such as 22:00-07:00, got {notices.quiet!r}"
    yield from there(notices.texts, ("notices", "texts"))
    longest_s, most_s = notices.deadline_s * max(len(notices.channel), 1), site.requests.answer_within_s
    if notices.channel and longest_s >= most_s:
        expected = f"expected, times the channels, less than requests.answer_within_s ({most_s:g} s)"
        yield ("notices", "deadline_s"), f"{expected}; got {notices.deadline_s:g}"
    names = [way.name for way in notices.channel]
    for number, way in enumerate(notices.channel):
        place: Place = ("notices", "channel", number)
        if not _WAY_NAME.fullmatch(way.name) or names.index(way.name) < number:
            yield (*place, "name"), f"expected a word of its own, of a-z, 0-9, - and _; got {way.name!r}"
        yield from _way(way, place)


def _way(way: NoticeWay, place: Place) -> Iterator[Fault]:
    """Never repeats a URL: there may be a secret in it."""
    yield from there(way.secret_file, (*place, "secret_file"))
    names = set(re.findall(r"{([^{}]*)}", way.url or ""))
    if names.difference(_PLACEHOLDERS) or "{" in re.sub(r"{[^{}]*}", "", way.url or ""):
        yield (*place, "url"), f"expected no other braces than {', '.join(f'{{{n}}}' for n in _PLACEHOLDERS)}"
    if ("secret" in names) != (way.secret_file is not None):
        yield (*place, "secret_file"), "expected it and {secret} in the url, or neither"
    if way.url is not None and re.search(r"://[^/?#]*:(?!\{secret\}@)[^/?#@]*@", way.url):
        yield (*place, "url"), "expected no password in it: write it into a file and {secret} in its place"


def _store(store: Store) -> Iterator[Fault]:
    if store.postgres is not None:
        fault = postgres_fault(store.postgres)
        if fault is not None:
            yield ("store", "postgres"), fault
    elif store.password_file is not None:
        yield ("store", "password_file"), "expected postgres beside it"
    yield from there(store.password_file, ("store", "password_file"))


def postgres_fault(conninfo: str) -> str | None:
    """What is wrong with the text that says where a PostgreSQL database is; None when it may be right.

    Never repeats the text: there may be a password in it.
    """
    if conninfo.startswith(POSTGRES_URLS):
        url = urlsplit(conninfo)
        has_password = url.password is not None or "password" in parse_qs(url.query)
    elif _KEY_VALUE.match(conninfo):
        has_password = re.search(r"\bpassword\s*=", conninfo) is not None
    else:
        return "expected a URL such as postgresql://gridward@db.example/gridward, or host=... dbname=..."
    if has_password:
        return "expected no password in it: write it into a file and name that as password_file"
    return None


def _times(site: Site) -> Iterator[Fault]:
    cycle, requests, longest_s = site.cycle, site.requests, site.events.max_duration_s
    patience_s = requests.answer_within_s * requests.attempts
    if cycle.fresh_s < cycle.period_s:
        yield (
            ("cycle", "fresh_s"),
            f"expected at least period_s ({cycle.period_s:g} s), got {cycle.fresh_s:g}",
        )
    if requests.renew_before_s >= requests.duration_s:
        expected = (
            f"expected less than duration_s ({requests.duration_s:g} s), got {requests.renew_before_s:g}"
        )
        yield ("requests", "renew_before_s"), expected
    if patience_s >= requests.duration_s:
        expected = (
            f"expected, times attempts, less than duration_s ({requests.duration_s:g} s), got {patience_s:g}"
        )
        yield ("requests", "answer_within_s"), expected
    if requests.duration_s > longest_s:
        expected = f"expected at most events.max_duration_s ({longest_s:g} s), got {requests.duration_s:g}"
        yield ("requests", "duration_s"), expected


def _limits(site: Site) -> Iterator[Fault]:
    limits, events, target = site.limits, site.events, site.requests.target_share
    if limits.min_v_pu >= limits.max_v_pu:
        yield (
            ("limits", "min_v_pu"),
            f"expected less than max_v_pu ({limits.max_v_pu:g}), got {limits.min_v_pu:g}",
        )
    if events.at_once_percent < limits.loading_percent:
        least = f"limits.loading_percent ({limits.loading_percent:g})"
        yield ("events", "at_once_percent"), f"expected at least {least}, got {events.at_once_percent:g}"
    if not 0.0 < target <= events.close_below:
        most = f"events.close_below ({events.close_below:g}), or what is asked for never ends an event"
        yield ("requests", "target_share"), f"expected above 0 and at most {most}; got {target:g}"
    elif site.requests.act_above_share < target:
        expected = f"expected at least target_share ({target:g}), got {site.requests.act_above_share:g}"
        yield ("requests", "act_above_share"), expected


def _time_zone(name: str) -> Iterator[Fault]:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield ("look_ahead", "time_zone"), f"expected a time zone's IANA name, got {name!r}"


def _network_there(path: Path, place: Place) -> Iterator[Fault]:
    """A network may be a folder of tables."""
    if not path.exists():
        yield place, f"expected a file or folder at {path}"
