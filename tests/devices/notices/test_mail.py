"""E-mail through a real mail server: what arrives, byte by byte, and every way in which it does not."""

import asyncio
import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from devices.errors import ProfileRejected
from devices.notices.addresses import Reach
from devices.notices.apprise_wire import check, hand_over
from devices.notices.channel import NoticeChannels, Rules
from devices.notices.templates import load_templates
from devices.notices.ways import Way
from devices.notices.words import WordDelayed, WordRefused
from tests.devices.live import RealClock, until
from tests.devices.notices.people import LINK, OPT_OUT, WRITING, Book, person, word
from tests.devices.notices.servers import Mailbox, mail_server, silent_server
from tests.devices.ocpp.certificates import Authority

CHINESE = f"您附近的电网负荷过高。请在21:00之前将用电功率保持在3.2千瓦以下。如不参与，请点击：{LINK}"
MAIL = "mailto://127.0.0.1:{port}/?from=strom%40example.org&name=Stadtwerke&to={{email}}"


def by_mail(port: int, **changed: object) -> Way:
    return Way("email", "email", MAIL.format(port=port), **changed)  # type: ignore[arg-type]


def channel(way: Way, *people: Reach, deadline_s: float = 5.0) -> NoticeChannels:
    return NoticeChannels(
        Rules((way,), deadline_s=deadline_s), Book(*people), WRITING, RealClock(), hand_over=hand_over
    )


async def test_a_chinese_notice_arrives_as_it_was_written() -> None:
    mailbox = Mailbox()
    async with mail_server(mailbox) as port:
        people = channel(by_mail(port), person(language="zh"))
        await people.notify(word(text=CHINESE))
    (mail,) = mailbox.mails
    assert mail["subject"] == "请在21:00 UTC之前少用电"
    assert mail["to"] == "zq7canary.c-001@example.org"
    assert mail["from"] == "Stadtwerke <strom@example.org>"
    assert mail["list-unsubscribe"] == f"<{OPT_OUT}>"
    assert mail["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    plain, html = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert html is not None
    assert CHINESE in plain.get_content()
    assert f"不想再收到此类消息？请点击：{OPT_OUT}" in plain.get_content()
    assert f'请点击：<a href="{LINK}">{LINK}</a>' in html.get_content()
    head = mailbox.raw[0].split(b"\r\n\r\n")[0]
    assert head.isascii(), "headers are encoded (RFC 2047)"
    assert [report.result for report in people.reports()] == ["taken"]


async def test_starttls_with_a_password_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority, secret = Authority(tmp_path, "ca"), "p@ss/w:rd%21 ?#"
    issued = authority.issue("mail.example.org")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(issued.certificate, issued.key)
    mailbox = Mailbox()
    url = "mailtos://grid:{{secret}}@127.0.0.1:{port}/?from=strom%40example.org&to={{email}}&mode=starttls"
    async with mail_server(mailbox, tls, ("grid", secret)) as port:
        way = Way("email", "email", url.format(port=port), secret)
        with pytest.raises(WordDelayed, match="unreachable"):  # nobody vouches for its certificate
            await channel(way, person()).notify(word())
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        await channel(way, person()).notify(word())
        wrong = Way("email", "email", url.format(port=port), "guessed")
        with pytest.raises(WordDelayed, match="unreachable"):
            await channel(wrong, person()).notify(word())
    assert len(mailbox.mails) == 1


@pytest.mark.parametrize(
    ("rcpt", "data", "refused"),
    [
        ("550 5.1.1 no such user", "250 OK", True),
        ("250 OK", "554 5.7.1 looks like spam", False),  # or like somebody who may not send
        ("421 4.3.2 closing", "250 OK", False),
        ("450 4.7.1 greylisted", "250 OK", False),
        ("250 OK", "452 4.3.1 disk full", False),
        ("530 5.7.0 log in first", "250 OK", False),
    ],
)
async def test_for_good_or_not_now(rcpt: str, data: str, refused: bool) -> None:
    mailbox = Mailbox()
    mailbox.data = data
    mailbox.rcpt["zq7canary.c-001@example.org"] = [rcpt]
    async with mail_server(mailbox) as port:
        people = channel(by_mail(port), person())
        with pytest.raises(WordRefused if refused else WordDelayed) as told:
            await people.notify(word())
    assert str(told.value) == ("refused" if refused else "unreachable")
    assert not mailbox.mails


@pytest.mark.parametrize(
    ("greeting", "sender"),
    [("554 5.7.1 not today", ""), ("220 hello", "550 5.7.1 you may not send from here")],
)
async def test_what_is_said_of_us_is_no_refusal_of_anybody(greeting: str, sender: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"{greeting}\r\n".encode())
        while line := await reader.readline():
            writer.write(f"{sender}\r\n".encode() if line.upper().startswith(b"MAIL") else b"250 fine\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        with pytest.raises(WordDelayed, match="unreachable"):
            await channel(by_mail(server.sockets[0].getsockname()[1]), person()).notify(word())


@pytest.mark.parametrize(
    "address", ["o'brien@example.org", "+ann@example.org", "ann+@example.org", ".ann@example.org"]
)
async def test_an_address_that_would_be_read_as_another_gets_nothing(address: str) -> None:
    mailbox = Mailbox()
    async with mail_server(mailbox) as port:
        with pytest.raises(WordRefused, match="no_address"):
            await channel(by_mail(port), person(address={"email": address})).notify(word())
        await channel(by_mail(port), person(address={"email": "Ann.O-B+1@Example.ORG"})).notify(word())
    assert [mail["to"] for mail in mailbox.mails] == ["Ann.O-B+1@Example.ORG"]


async def test_greylisting_takes_the_second_try() -> None:
    mailbox = Mailbox()
    mailbox.rcpt["zq7canary.c-001@example.org"] = ["451 4.7.1 try again", "250 OK"]
    async with mail_server(mailbox) as port:
        people = channel(by_mail(port), person())
        with pytest.raises(WordDelayed):
            await people.notify(word())
        await people.notify(word())
    assert len(mailbox.mails) == 1


async def test_an_address_like_a_code_is_no_code() -> None:
    mailbox = Mailbox()
    mailbox.rcpt["550@example.org"] = ["451 4.7.1 later, 550@example.org"]
    async with mail_server(mailbox) as port:
        people = channel(by_mail(port), person(address={"email": "550@example.org"}))
        with pytest.raises(WordDelayed):
            await people.notify(word())


async def test_nobody_there_and_a_server_that_says_nothing() -> None:
    async with silent_server() as port:
        people = channel(by_mail(port), person(), deadline_s=0.3)
        with pytest.raises(WordDelayed) as told:
            await people.notify(word())
        assert told.value.word == "timeout"
    people = channel(by_mail(port), person())  # that port is closed now
    with pytest.raises(WordDelayed) as told:
        await people.notify(word())
    assert told.value.word == "unreachable"


async def test_a_slow_server_is_waited_for_and_never_told_twice() -> None:
    mailbox = Mailbox()
    mailbox.hold = asyncio.Event()
    async with mail_server(mailbox) as port:
        people = channel(by_mail(port), person(), deadline_s=0.4)  # its socket waits longer
        for _ in range(2):
            with pytest.raises(WordDelayed) as told:
                await people.notify(word())
            assert told.value.word == "timeout"
        mailbox.hold.set()
        await until(lambda: len(mailbox.mails) == 1)
        await people.notify(word())
        await people.notify(word())
    assert (len(mailbox.mails), mailbox.tries) == (1, 1)


async def test_a_flood_of_mails_comes_eight_at_a_time() -> None:
    mailbox, many = Mailbox(), 20
    mailbox.hold = asyncio.Event()
    everybody = [person(f"C-{number:03}") for number in range(many)]
    async with mail_server(mailbox) as port:
        people = channel(by_mail(port), *everybody, deadline_s=20.0)
        telling = asyncio.gather(*(people.notify(word(one.customer)) for one in everybody))
        await until(lambda: mailbox.together == 8)
        mailbox.hold.set()
        await telling
    assert sorted(mail["to"] for mail in mailbox.mails) == sorted(one.address["email"] for one in everybody)
    assert mailbox.most_together == 8


async def test_markup_in_a_name_stays_text(tmp_path: Path) -> None:
    own = tmp_path / "texts.toml"
    own.write_text('[en.notice]\ntext = "Dear {name}, {text}"\n')
    writing, mailbox = replace(WRITING, templates=load_templates(own)), Mailbox()
    async with mail_server(mailbox) as port:
        book = Book(person(name="<script>alert(1)</script> & Ann"))
        people = NoticeChannels(Rules((by_mail(port),)), book, writing, RealClock(), hand_over=hand_over)
        await people.notify(word())
    plain, html = (mailbox.mails[0].get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert html is not None
    assert "Dear &lt;script&gt;alert(1)&lt;/script&gt; &amp; Ann, " in html.get_content()
    assert "Dear <script>alert(1)</script> & Ann, " in plain.get_content()


@pytest.mark.parametrize(
    "url",
    [
        "nothing://127.0.0.1/?to={email}",
        "mailto://127.0.0.1/?from=a%40example.org&to={email},b%40example.org",
        "mailto://?to={email}",
    ],
)
def test_a_url_that_cannot_be_meant_is_refused_without_being_told(url: str) -> None:
    with pytest.raises(ProfileRejected) as told:
        check(Way("email", "email", url, secret="hush"))
    assert str(told.value).startswith("way 'email': expected ")
    assert "127.0.0.1" not in str(told.value)
