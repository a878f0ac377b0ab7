"""Words to people as a site is built: settings, contacts and real servers, and a trial of each channel."""

import asyncio
import json
import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from controller.errors import ConfigRejected
from controller.feeder_control import FeederControl
from controller.people.notice_messages import consent_links
from controller.settings import Site
from controller.settings_file import load_site
from customers.contact_store import ContactStore
from customers.contacts import Access, Contact
from customers.opt_out_links import OptOutLinks
from devices.errors import ProfileRejected
from devices.messages import CustomerNotice
from devices.notices.channel import NoticeChannels
from devices.notices.words import WordDelayed, WordRefused
from gridward.cli import main
from gridward.notices import notice_channel, notice_findings
from tests.builders import control, registry
from tests.builders import site as plain_site
from tests.devices.live import RealClock
from tests.devices.notices.servers import Hook, Mailbox, mail_server, web_server
from tests.gridward.sites import write_site

NOW = datetime.now(UTC)
SECRET = bytes(32)
CANARY = "zq7canary"
PUBLIC = '[api]\npublic_url = "https://people.example.org"\n'
MAIL = """
[notices]
per_hour = 3
[[notices.channel]]
name = "email"
url = "mailto://127.0.0.1:{port}/?from=strom%40example.org&to={{email}}"
"""


class Broker:
    """The app's way, which nobody takes here."""

    async def notify(self, notice: CustomerNotice) -> None:
        raise AssertionError(notice.customer)


def contact(customer: str = "C-001", **more: object) -> Contact:
    return Contact(customer, CANARY, f"{CANARY}@example.org", consented_on=date(2026, 1, 1), **more)  # type: ignore[arg-type]


def a_site(folder: Path, more: str, *held: Contact) -> Site:
    site = load_site(write_site(folder, PUBLIC + more))
    with closing(ContactStore(site.contacts.path)) as contacts:
        contacts.put(held, Access("test", "", NOW))
    return site


def channel(site: Site, feeders: tuple[FeederControl, ...] = ()) -> NoticeChannels:
    clock = RealClock()
    made = notice_channel(site, feeders, Broker(), clock=clock, wire_clock=clock, secret=SECRET)
    assert made is not None
    return made


def notice(number: int = 1, **more: object) -> CustomerNotice:
    made = CustomerNotice(
        feeder="dorf",
        customer="C-001",
        request=f"R{number}",
        limit_kw=3.0,
        start=NOW,
        end=NOW + timedelta(hours=1),
        sequence=1,
        text="Please keep your use below 3.0 kW.",
    )
    return replace(made, **more)  # type: ignore[arg-type]


async def test_from_the_settings_to_the_mail_and_out_again(tmp_path: Path) -> None:
    mailbox = Mailbox()
    async with mail_server(mailbox) as port:
        site = a_site(tmp_path, MAIL.format(port=port), contact())
        people = channel(site)
        await people.notify(notice(1))
        await channel(site).notify(notice(1))  # a new process, the same word
        await channel(site).notify(notice(2))
        (found,) = re.findall(
            r"<(https://people\.example\.org/people/opt-out\?t=\S+)>", str(mailbox.mails[0])
        )
        links = OptOutLinks.beside(consent_links(site, SECRET))
        assert links is not None
        with closing(ContactStore(site.contacts.path)) as contacts:
            whose = links.open(found.partition("t=")[2])
            assert whose == "C-001"
            contacts.withdraw(whose, NOW.date(), "link", Access("customer", "", NOW))
        with pytest.raises(WordRefused, match="opted_out"):
            await people.notify(notice(3))
    assert [mail["to"] for mail in mailbox.mails] == [f"{CANARY}@example.org"] * 2
    with closing(ContactStore(site.contacts.path)) as contacts:
        used = [(one.who, one.why) for one in contacts.log("C-001") if one.action == "used"]
    assert used == [("gridward", f"notice R{number}") for number in (1, 1, 2, 3)]


async def test_the_limit_holds_over_a_restart(tmp_path: Path) -> None:
    mailbox = Mailbox()
    async with mail_server(mailbox) as port:
        site = a_site(tmp_path, MAIL.format(port=port), contact())
        for number in (1, 2):
            await channel(site).notify(notice(number))
        with pytest.raises(WordRefused, match="rate_limited"):  # courtesy has half of 3, rounded up
            await channel(site).notify(notice(2, kind="thanks"))
        await channel(site).notify(notice(3))
        with pytest.raises(WordRefused, match="rate_limited"):
            await channel(site).notify(notice(4))
        await channel(site).notify(notice(1, kind="taken_back", sequence=2))
    assert len(mailbox.mails) == 4


async def test_contacts_that_cannot_be_used_hold_words_back(tmp_path: Path) -> None:
    site = a_site(tmp_path, MAIL.format(port=9), contact())
    site.contacts.path.write_text("no database at all", encoding="utf-8")
    with pytest.raises(WordDelayed, match="contacts_unavailable"):
        await channel(site).notify(notice())


def test_second_tries_ask_for_the_night_of_each(tmp_path: Path) -> None:
    who = registry(notices=frozenset({17}))
    tagged = (
        replace(one, tags=frozenset({"no_night_calls"} if one.takes_notices else ())) for one in who.customers
    )
    feeder = control(plain_site(), replace(who, customers=tuple(tagged)))
    people = channel(a_site(tmp_path, MAIL.format(port=9)), (feeder,))
    night = NOW.replace(hour=23)
    assert [people._is_quiet(name, night) for name in ("C17", "C1", "C-777")] == [True, False, False]
    assert not people._is_quiet("C17", NOW.replace(hour=12))


def test_without_a_channel_there_is_the_app_alone(tmp_path: Path) -> None:
    site, clock = load_site(write_site(tmp_path)), RealClock()
    assert notice_channel(site, (), Broker(), clock=clock, wire_clock=clock, secret=SECRET) is None


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ('[notices]\nquiet = "night"', "line 10: notices.quiet: expected a span such as 22:00-07:00"),
        ('[notices]\nquiet = "22:00Z-07:00Z"', "notices.quiet: expected a span such as 22:00-07:00"),
        (
            "[notices]\ndeadline_s = 30\n[[notices.channel]]\nname = 'a'",
            "notices.deadline_s: expected, times",
        ),
        ("[[notices.channel]]\nname = 'a b'", "notices.channel[1].name: expected a word of its own"),
        (
            "[[notices.channel]]\nname = 'a'\n[[notices.channel]]\nname = 'a'",
            "notices.channel[2].name: expected a word of its own",
        ),
        ("[[notices.channel]]\nname = 'a'\nurl = 'x://{mail}'", "url: expected no other braces than {email}"),
        ("[[notices.channel]]\nname = 'a'\nurl = 'x://{{}'", "url: expected no other braces than {email}"),
        ("[[notices.channel]]\nname = 'a'\nurl = 'x://{secret}'", "secret_file: expected it and {secret}"),
        (
            "[[notices.channel]]\nname = 'a'\nsecret_file = 'site.toml'",
            "secret_file: expected it and {secret}",
        ),
        ("[[notices.channel]]\nname = 'a'\nurl = 'x://u:hush@h/'", "url: expected no password in it"),
        ("[[notices.channel]]\nname = 'a'\nper_hour = 0", "notices.channel[1].per_hour: expected"),
        ("[notices]\ntexts = 'none.toml'", "notices.texts: expected a file at"),
    ],
)
def test_settings_that_cannot_be_meant(tmp_path: Path, more: str, told: str) -> None:
    with pytest.raises(ConfigRejected) as error:
        load_site(write_site(tmp_path, more))
    assert told in str(error.value)
    assert "hush" not in str(error.value)


def test_faults_that_only_the_channel_can_see(tmp_path: Path) -> None:
    way = "[[notices.channel]]\nname = 'a'\n"
    wrong = a_site(tmp_path, way + "url = 'nothing://127.0.0.1/{email}'")
    with pytest.raises(ProfileRejected, match=r"way 'a': expected a URL that apprise knows"):
        channel(wrong)
    (tmp_path / "p").write_text("pässword\n", encoding="utf-8")
    wrong = a_site(tmp_path, way + "secret_file = 'p'\nurl = 'mailto://u:{secret}@127.0.0.1/?to={email}'")
    with pytest.raises(ConfigRejected, match="expected ASCII"):
        channel(wrong)
    (tmp_path / "t.toml").write_text('[en.notice]\nsubject = "{x}"', encoding="utf-8")
    wrong = a_site(tmp_path, "[notices]\ntexts = 't.toml'\n" + way)
    with pytest.raises(ProfileRejected, match=r"t\.toml, line 2: en\.notice\.subject"):
        channel(wrong)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (MAIL.format(port=9), []),
        (
            MAIL.format(port=9) + "[[notices.channel]]\nname = 'a'\nurl = 'nothing://h'",
            ["notices.channel[2].url: way 'a': expected a URL"],
        ),
        ("[notices]\ntexts = 'customers.csv'", ["customers.csv: expected a readable TOML file"]),
    ],
)
def test_a_check_tells_what_the_channel_would(tmp_path: Path, more: str, told: list[str]) -> None:
    found = list(notice_findings(a_site(tmp_path, more)))
    assert len(found) == len(told)
    assert all(part in finding for part, finding in zip(told, found, strict=True))


def test_the_example_of_the_docs_is_one(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs/operating.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(\[notices\]\n.*?)```", text, re.DOTALL)
    (words,) = re.findall(r"```toml\n(\[en\]\n.*?)```", text, re.DOTALL)
    (tmp_path / "state").mkdir()
    for secret in re.findall(r'secret_file = "(.+?)"', example):
        (tmp_path / secret).write_text("a1b2c3d4e5f6a7b8\n", encoding="utf-8")
    (tmp_path / "words.toml").write_text(words, encoding="utf-8")
    site = load_site(write_site(tmp_path, f"{example}\n[requests]\nanswer_within_s = 60"))
    assert list(notice_findings(site)) == []
    assert len(site.notices.channel) == 5


# --- gridward notices test
# -----------------------------------------------------------------------------------------------------------


CUSTOMERS_IN_CHINESE = (
    "customer,service_point,meter,critical,notices,language\nC17,load:0,M00,false,true,zh\n"
)


async def _tried(*arguments: str) -> int:
    command: Callable[[list[str]], int] = main
    return await asyncio.to_thread(command, ["notices", "test", *arguments])


async def test_a_trial_is_in_the_language_of_what_they_are_told(tmp_path: Path) -> None:
    mailbox = Mailbox()
    async with mail_server(mailbox) as port:
        who = contact("C17", language="en"), contact("C-999", language="zh")
        site = a_site(tmp_path, MAIL.format(port=port), *who)
        customers = site.feeder[0].customers
        customers.write_text(CUSTOMERS_IN_CHINESE, encoding="utf-8")
        for customer in ("C17", "C-999"):
            assert await _tried(str(tmp_path / "site.toml"), customer) == 0
    assert {str(mail["subject"]) for mail in mailbox.mails} == {f"来自{site.name}的测试消息"}


async def test_a_trial_says_what_each_channel_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mailbox, hook = Mailbox(), Hook()
    hook.statuses = [404]
    async with mail_server(mailbox) as port, web_server(hook) as hub:
        ways = MAIL.format(port=port) + (
            f"[[notices.channel]]\nname = 'hub'\nurl = 'json://127.0.0.1:{hub}/{{customer}}'\n"
            "[[notices.channel]]\nname = 'sms'\nurl = 'json://127.0.0.1/{phone}'\n"
            "[[notices.channel]]\nname = 'app'\n[requests]\nanswer_within_s = 60\n"
        )
        site = a_site(tmp_path, ways, contact())
        path = str(tmp_path / "site.toml")
        assert await _tried(path, "C-001", "--json", "--who", "engineer") == 0
        results = {"email": "taken", "hub": "refused", "sms": "no_address"}
        assert json.loads(capsys.readouterr().out) == {"customer": "C-001", "channels": results}
        assert await _tried(path, "C-001", "--channel", "hub") == 1
        assert capsys.readouterr().out == "hub: refused\n"
        assert await _tried(path, "C-777") == 2
        assert await _tried(path, "C-001", "--channel", "app") == 2
        assert await _tried(path, "C-001", "--channel", "letter") == 2
    captured = capsys.readouterr()
    assert captured.err.splitlines()[-1].endswith("--channel: expected one of email, hub, sms, got 'letter'")
    (mail,) = mailbox.mails
    body = mail.get_body(("plain",))
    assert body is not None
    assert mail["subject"] == f"Trial message from {site.name}"
    assert f"This is a trial message from {site.name}." in body.get_content()
    link = mail["list-unsubscribe"].strip("<>")
    assert link.startswith("https://people.example.org/people/opt-out?t=")
    assert link in body.get_content().replace("\n", "")
    assert CANARY not in captured.out + captured.err
    with closing(ContactStore(site.contacts.path)) as contacts:
        assert ("engineer", "used", "trial message") in [
            (one.who, one.action, one.why) for one in contacts.log("C-001")
        ]
