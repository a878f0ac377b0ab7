"""What a person is told, in their language: what they are asked, how it goes, and what came of it. Pure.

A notice says what, until when, why, what it earns and how to answer; a further word follows up, thanks or
explains. Knows no channel. Times are told in the zone that is given, and the zone is named when it is UTC,
because hardly anybody lives by it. Nothing is promised that was not given, and no figure is left out.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Literal, Protocol

from customers.programmes import AnswerModel
from customers.registry import Customer

LANGUAGES = ("en", "zh")
Why = Literal["nothing_shown", "too_little_data"]
"""why a request earned nothing"""


class Asked(Protocol):
    """What a notice needs to know of a request; `controller.requests.RequestRecord` is one."""

    @property
    def limit_kw(self) -> float:
        """What the meter should stay below."""
        ...

    @property
    def end(self) -> datetime:
        """Until when."""
        ...

    @property
    def releasing(self) -> bool:
        """Whether the request is taken back."""
        ...


@dataclass(frozen=True, slots=True)
class Offer:
    """What a notice says beside what it asks; what is empty is not said."""

    programme: str = ""
    """its name, in the customer's language"""
    start: datetime | None = None
    """None: at once"""
    points_per_kwh: int = 0
    money_per_kwh: str = ""
    """with its currency: `0.25 EUR`"""
    answer: AnswerModel = "opt_out"
    yes_link: str = ""
    no_link: str = ""


def notice_text(
    customer: Customer,
    asked: Asked,
    *,
    zone: tzinfo = UTC,
    points_per_kwh: int = 0,
    offer: Offer | None = None,
) -> str:
    """The text for this customer; without an offer it promises `points_per_kwh`, and by default nothing."""
    offer = offer or Offer(points_per_kwh=points_per_kwh)
    if asked.releasing:
        return _say(
            customer,
            "Thank you. The power grid near you has room again: please use electricity as you like.",
            "谢谢您！您附近的电网已恢复正常，您可以照常用电。",
        )
    tell = _chinese if customer.language == "zh" else _english
    start = None if offer.start is None else _clock(offer.start, zone)
    return tell(asked, start, _clock(asked.end, zone), offer, customer.manner.drives_electric)


def follow_up_text(
    customer: Customer, asked: Asked, p_kw: float, *, zone: tzinfo = UTC, no_link: str = ""
) -> str:
    """During the event, to somebody who takes more than asked."""
    until = _clock(asked.end, zone)
    return _say(
        customer,
        f"Your meter shows {p_kw:.1f} kW now, and you were asked to stay below {asked.limit_kw:.1f} kW until "
        f"{until}. What you use less from now on still counts."
        + (f" You do not want to take part? {no_link}" if no_link else ""),
        f"您的电表目前显示{p_kw:.1f}千瓦，而我们请您在{until}之前保持在{asked.limit_kw:.1f}千瓦以下。"
        "从现在起少用的电仍然计入奖励。" + (f"不想参与？请点击：{no_link}" if no_link else ""),
    )


def thanks_text(customer: Customer, reduced_kwh: float, points: int, money: str = "") -> str:
    """After the settlement, to somebody who was credited. `money` with its currency, empty for none."""
    english = " and ".join([*([f"{points} points"] if points else []), *([money] if money else [])])
    chinese = "和".join([*([f"{points}积分"] if points else []), *([money] if money else [])])
    return _say(
        customer,
        f"Thank you for helping the power grid. Your meter shows {reduced_kwh:.2f} kWh less: "
        f"you were credited {english}.",
        f"感谢您支持电网！您的电表显示少用了{reduced_kwh:.2f}千瓦时，已为您记入{chinese}。",
    )


def explanation_text(customer: Customer, why: Why, reduced_kwh: float = 0.0) -> str:
    """After the settlement, to somebody who was credited nothing: why."""
    if why == "too_little_data":
        return _say(
            customer,
            "We could not credit anything for the last request: your meter was not read often enough to "
            "prove what you used less. If its readings arrive late, this is calculated anew.",
            "上次请求未能为您记入奖励：电表读数不足，无法证明您少用的电量。若迟到的读数补齐，将重新计算。",
        )
    return _say(
        customer,
        f"Nothing was credited for the last request: your meter shows {reduced_kwh:.2f} kWh less than you "
        "would have used. Nothing is lost for you, and the next time counts anew.",
        f"上次请求未记入奖励：您的电表显示比原本少用{reduced_kwh:.2f}千瓦时。您没有任何损失，下次重新计算。",
    )


def _english(asked: Asked, start: str | None, until: str, offer: Offer, car: bool) -> str:
    earned = " and ".join(
        [
            *([f"{offer.points_per_kwh} points"] if offer.points_per_kwh else []),
            *([offer.money_per_kwh] if offer.money_per_kwh else []),
        ]
    )
    begins = "" if start is None else f"from {start} "
    parts = [
        f"{offer.programme}: the power grid near you is overloaded."
        if offer.programme
        else "The power grid near you is overloaded.",
        f"Please keep your use below {asked.limit_kw:.1f} kW {begins}until {until}.",
        "Your car could charge later." if car else "",
        f"You earn {earned} for every kilowatt-hour less." if earned else "",
        "It is your choice: nothing is switched off.",
        _english_answer(offer),
    ]
    return " ".join(part for part in parts if part)


def _english_answer(offer: Offer) -> str:
    if offer.answer == "opt_in":
        how = f" Say yes here: {offer.yes_link}" if offer.yes_link else ""
        return f"It counts only if you say yes.{how}"
    return f"You take part unless you say no here: {offer.no_link}" if offer.no_link else ""


def _chinese(asked: Asked, start: str | None, until: str, offer: Offer, car: bool) -> str:
    earned = "和".join(
        [
            *([f"{offer.points_per_kwh}积分"] if offer.points_per_kwh else []),
            *([offer.money_per_kwh] if offer.money_per_kwh else []),
        ]
    )
    begins = "" if start is None else f"从{start}起"
    state = "您附近的电网负荷过高。"
    return "".join(
        (
            f"{offer.programme}：{state}" if offer.programme else state,
            f"请{begins}在{until}之前将用电功率保持在{asked.limit_kw:.1f}千瓦以下。",
            "您的电动汽车可以稍后充电。" if car else "",
            f"每少用1千瓦时电可获得{earned}。" if earned else "",
            "是否参与由您决定，我们不会切断任何用电。",
            _chinese_answer(offer),
        )
    )


def _chinese_answer(offer: Offer) -> str:
    if offer.answer == "opt_in":
        how = f"：{offer.yes_link}" if offer.yes_link else "。"
        return f"只有您同意后才计入奖励{how}"
    return f"如不参与，请点击：{offer.no_link}" if offer.no_link else ""


def _say(customer: Customer, english: str, chinese: str) -> str:
    return chinese if customer.language == "zh" else english


def _clock(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%H:%M}" + (" UTC" if zone is UTC else "")
