"""Thousands of random operations on the ledger, each compared with a naive one; and that it would notice."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import structlog

from controller.errors import BooksBroken
from controller.rewards import accounts, earning, expiry, points, redemptions
from gridward.bench import ledger_reference
from gridward.bench.ledger import run
from gridward.cli import main


@pytest.fixture(autouse=True)
def quiet() -> Any:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


def test_after_every_operation_all_is_as_the_reference_has_it() -> None:
    found = run(seed=20_260_112, operations=6_000)
    happened = {told for told, times in found.by_kind.items() if times}
    assert {
        f"{kind} {what}" for kind in ("fact", "redeem", "end") for what in ("done", "same", "refused")
    } <= happened
    assert {"credit same", "correct same", "top_up same", "hourly done"} <= happened
    assert found.below_zero > 0
    assert found.transactions > 3_000


def _broken_take(held: points.PointsHeld, used: int) -> tuple[points.PointsHeld, points.Lots]:
    """Takes the newest first."""
    turned = points.PointsHeld(held.lots[::-1], held.earned, held.expired_through)
    left, taken = _TAKE(turned, used)
    return points.PointsHeld(tuple(sorted(left.lots)), left.earned, left.expired_through), tuple(
        sorted(taken)
    )


_TAKE = points.PointsHeld.take
_FAULTS: dict[str, tuple[Any, str, Callable[..., Any]]] = {
    "the newest points first": (points.PointsHeld, "take", _broken_take),
    "a bonus rounded up": (earning, "tier_of", lambda tiers, earned: tiers[0]),
    "no cap": (accounts.Accounts, "counted", lambda self, customer, counts_for: 0),
    "a budget without end": (accounts.Accounts, "budget_left", lambda *_: 10**12),
    "a stock without end": (accounts.Accounts, "taken", lambda self, item: 0),
    "no deadline": (redemptions, "is_overdue", lambda redemption, now: False),
    "facts forgotten": (accounts.Accounts, "fact", lambda self, fact: None),
    "no expiry": (expiry, "due", lambda *_: []),
    "debts forgotten": (accounts, "after_debt", lambda lots, debt: tuple(lots)),
}


@pytest.mark.parametrize("fault", _FAULTS)
def test_a_planted_fault_is_noticed(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    room, name, broken = _FAULTS[fault]
    monkeypatch.setattr(room, name, broken)
    with pytest.raises((AssertionError, BooksBroken)):
        run(seed=5, operations=3_000)


def test_the_figures_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "ledger", "--operations", "300"]) == 0
    printed = capsys.readouterr().out
    assert "300 operations" in printed
    assert "operations/s" in printed


def test_the_reference_shares_nothing_with_the_ledger() -> None:
    source = Path(ledger_reference.__file__).read_text(encoding="utf-8")
    assert "controller" not in source
