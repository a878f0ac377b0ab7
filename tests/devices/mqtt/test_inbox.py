"""The rule for a full queue: newest readings win, answers are never dropped for them."""

import aiomqtt

from devices.mqtt.inbox import Inbox


def message(topic: str, payload: str) -> aiomqtt.Message:
    return aiomqtt.Message(topic, payload.encode(), 0, False, 0, None)


def drain(inbox: Inbox) -> list[str]:
    return [inbox.get_nowait().payload.decode() for _ in range(inbox.qsize())]


def test_the_oldest_reading_makes_room() -> None:
    inbox = Inbox(3)
    for number in range(5):
        inbox.put_nowait(message("g/f/meters/m/reading", str(number)))
    assert inbox.dropped == 2
    assert drain(inbox) == ["2", "3", "4"]


def test_answers_go_first_and_push_readings_out() -> None:
    inbox = Inbox(3)
    for number in range(3):
        inbox.put_nowait(message("g/f/meters/m/reading", f"r{number}"))
    inbox.put_nowait(message("g/f/devices/d/answer", "a"))
    inbox.put_nowait(message("g/f/devices/d/status", "s"))
    assert inbox.dropped == 2
    assert drain(inbox) == ["a", "s", "r2"]


def test_without_a_reading_to_drop_the_newcomer_is_dropped() -> None:
    inbox = Inbox(2)
    for number in range(4):
        inbox.put_nowait(message("g/f/devices/d/answer", str(number)))
    inbox.put_nowait(message("g/f/meters/m/reading", "r"))
    assert inbox.dropped == 3
    assert drain(inbox) == ["0", "1"]


async def test_a_waiting_reader_is_woken() -> None:
    inbox = Inbox(2)
    assert inbox.empty()
    inbox.put_nowait(message("g/f/readings", "r"))
    assert (await inbox.get()).payload == b"r"
    assert inbox.empty()
