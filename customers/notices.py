"""A request to a person, in their language: what, until when, why, and what it earns. Pure.

Knows no channel. Times are told in the zone that is given, and the zone is named when it is UTC, because
hardly anybody lives by it.
"""

from datetime import UTC, datetime, tzinfo
from typing import Protocol

from customers.registry import Customer

LANGUAGES = ("en", "zh")


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


def notice_text(customer: Customer, asked: Asked, *, zone: tzinfo = UTC, points_per_kwh: int = 0) -> str:
    """The text for this customer; without `points_per_kwh` it promises nothing."""
    until = f"{asked.end.astimezone(zone):%H:%M}" + (" UTC" if zone is UTC else "")
    tell = _chinese if customer.language == "zh" else _english
    return tell(asked, until, points_per_kwh)


def _english(asked: Asked, until: str, points_per_kwh: int) -> str:
    if asked.releasing:
        return "Thank you. The power grid near you has room again: please use electricity as you like."
    reward = f" You earn {points_per_kwh} points for every kilowatt-hour less." if points_per_kwh else ""
    return (
        "The power grid near you is overloaded. "
        f"Please keep your use below {asked.limit_kw:.1f} kW until {until}.{reward} "
        "It is your choice: nothing is switched off."
    )


def _chinese(asked: Asked, until: str, points_per_kwh: int) -> str:
    if asked.releasing:
        return "谢谢您！您附近的电网已恢复正常，您可以照常用电。"
    reward = f"每少用1千瓦时电可获得{points_per_kwh}积分。" if points_per_kwh else ""
    return (
        f"您附近的电网负荷过高。请在{until}之前将用电功率保持在{asked.limit_kw:.1f}千瓦以下。"
        f"{reward}是否参与由您决定，我们不会切断任何用电。"
    )
