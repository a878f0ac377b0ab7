"""Bots and webhooks through a real receiver, and that nothing of anybody is told where it must not be."""

import asyncio
import logging

import pytest
import structlog

from devices.notices.apprise_wire import check, hand_over
from devices.notices.channel import NoticeChannels, Rules
from devices.notices.rendering import render
from devices.notices.ways import Way
from devices.notices.words import WordDelayed, WordRefused
from tests.devices.live import RealClock
from tests.devices.notices.people import CANARY, LINK, START, WRITING, Book, person, word
from tests.devices.notices.servers import Hook, Mailbox, mail_server, web_server

JSON = "json://127.0.0.1:{port}/told/{{push}}?:customer={{customer}}&-key={{secret}}"


def hook(port: int) -> Way:
    return Way("hub", "text", JSON.format(port=port), "s3cret")


def channel(*ways: Way, deadline_s: float = 5.0) -> NoticeChannels:
    book = Book(person())
    return NoticeChannels(Rules(ways, deadline_s=deadline_s), book, WRITING, RealClock(), hand_over=hand_over)


async def test_a_webhook_gets_subject_text_and_customer() -> None:
    receiver = Hook()
    async with web_server(receiver) as port:
        await channel(hook(port)).notify(word())
    (body,) = receiver.bodies
    assert body["title"] == "Please use less electricity until 21:00 UTC"
    assert LINK in body["message"]
    assert body["customer"] == "C-001"
    assert receiver.paths == [f"/told/{CANARY}-C-001?key=s3cret"]


async def test_chinese_arrives_in_a_webhook() -> None:
    receiver = Hook()
    async with web_server(receiver) as port:
        await channel(hook(port)).notify(word(text="谢谢您！您附近的电网已恢复正常。"))
    assert receiver.bodies[0]["message"].startswith("谢谢您！您附近的电网已恢复正常。")


@pytest.mark.parametrize(
    ("status", "refused"),
    [(500, False), (503, False), (429, False), (408, False), (401, False), (404, True), (422, True)],
)
async def test_which_answers_are_for_good(status: int, refused: bool) -> None:
    receiver = Hook()
    receiver.statuses = [status]
    async with web_server(receiver) as port:
        with pytest.raises(WordRefused if refused else WordDelayed):
            await channel(hook(port)).notify(word())
    assert receiver.bodies == []


async def test_too_many_requests_and_then_room() -> None:
    receiver = Hook()
    receiver.statuses = [429, 200]
    async with web_server(receiver) as port:
        people = channel(hook(port))
        with pytest.raises(WordDelayed):
            await people.notify(word())
        await people.notify(word())
    assert len(receiver.bodies) == 1


async def test_a_slow_receiver_does_not_hold_up_the_loop() -> None:
    receiver = Hook()
    receiver.delay = asyncio.Event()
    async with web_server(receiver) as port:
        people = channel(hook(port), deadline_s=0.2)
        turns = 0
        telling = asyncio.create_task(people.notify(word()))
        while not telling.done():
            turns += 1
            await asyncio.sleep(0.01)
        with pytest.raises(WordDelayed, match="timeout"):
            await telling
        assert turns > 5
        receiver.delay.set()
        await people.notify(word())
    assert len(receiver.bodies) == 1


@pytest.mark.parametrize(
    "url",
    [
        "wecombot://{secret}/",
        "twilio://AC{secret}:{secret}@15551230000/{phone}/",
        "vonage://{secret}:{secret}@15551230000/{phone}",
        "smseagle://{secret}@sms.example.org/{phone}",
        "threema://*GRIDWAR@{secret}/{phone}",
        "ntfy://ntfy.example.org/{push}",
        "json://hub.example.org/told?:customer={customer}",
    ],
)
def test_services_of_the_field_are_known(url: str) -> None:
    check(Way("any", "text", url, secret="a" * 32))


@pytest.mark.parametrize(
    "url",
    [
        "twilio://AC{secret}:{secret}@15551230000/{phone}/",
        "vonage://{secret}:{secret}@15551230000/{phone}",
        "sinch://{secret}:{secret}@15551230000/{phone}/",
    ],
)
def test_a_number_that_a_gateway_drops_is_not_told_to_its_sender(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr("requests.Session.request", lambda *_, **more: asked.append(more))
    way, read = Way("sms", "sms", url, secret="a" * 32), render(word(), person(), WRITING, START)
    for phone in ("030 123456", "112233", "0151 / 1"):
        assert hand_over(way, person(address={"phone": phone}), read, 1.0) == "no_address"
    assert asked == []
    hand_over(way, person(address={"phone": "+49 151 1000001"}), read, 1.0)
    assert len(asked) == 1
    assert "491511000001" in str(asked)


async def test_no_log_and_no_error_names_anybody(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    mailbox, receiver = Mailbox(), Hook()
    mailbox.rcpt[f"{CANARY}.c-001@example.org"] = [f"550 5.1.1 no {CANARY}", f"451 4.2.1 {CANARY}"]
    receiver.statuses = [500, 404]
    told: list[str] = []
    with structlog.testing.capture_logs() as logs:
        async with mail_server(mailbox) as mail_port, web_server(receiver) as port:
            mail = Way("email", "email", f"mailto://127.0.0.1:{mail_port}/?from=a%40b.example&to={{email}}")
            people = channel(mail, hook(port))
            for _ in range(2):
                with pytest.raises((WordDelayed, WordRefused)) as error:
                    await people.notify(word())
                told += [str(error.value), repr(error.value), repr(error.value.__cause__)]
            told += map(repr, people.reports())
            told.append(repr(people._rules))
        gone = channel(mail, hook(port))  # nobody listens there any more
        with pytest.raises(WordDelayed):
            await gone.notify(word())
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("mail.")]
    out, err = capfd.readouterr()
    everything = "\n".join((*told, *ours, repr(logs), out, err, repr(person())))
    for secret in (CANARY, "s3cret", "example.org"):
        assert secret not in everything
