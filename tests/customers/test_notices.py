from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from customers.notices import LANGUAGES, notice_text
from customers.registry import Customer


@dataclass(frozen=True)
class Request:
    limit_kw: float = 2.14
    end: datetime = datetime(2026, 1, 12, 19, 0, tzinfo=UTC)
    releasing: bool = False


def customer(language: str) -> Customer:
    return Customer("C-1", "load:0", "M-1", takes_notices=True, language=language)


def test_english_with_local_time_and_reward() -> None:
    text = notice_text(customer("en"), Request(), zone=ZoneInfo("Europe/Berlin"), points_per_kwh=100)
    assert "below 2.1 kW until 20:00." in text
    assert "100 points for every kilowatt-hour" in text
    assert "UTC" not in text


def test_chinese_with_local_time_and_reward() -> None:
    text = notice_text(customer("zh"), Request(), zone=ZoneInfo("Asia/Shanghai"), points_per_kwh=100)
    assert "请在03:00之前将用电功率保持在2.1千瓦以下" in text
    assert "每少用1千瓦时电可获得100积分" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_promised_that_was_not_given_and_utc_is_named(language: str) -> None:
    text = notice_text(customer(language), Request())
    assert "19:00 UTC" in text
    assert "points" not in text
    assert "积分" not in text


@pytest.mark.parametrize(("language", "thanks"), [("en", "Thank you"), ("zh", "谢谢您")])
def test_a_release_thanks_and_asks_for_nothing(language: str, thanks: str) -> None:
    text = notice_text(customer(language), Request(releasing=True))
    assert text.startswith(thanks)
    assert "kW" not in text
