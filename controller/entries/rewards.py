"""The ledger, what else earns, and what becomes of what was earned."""

from datetime import datetime
from typing import Literal

from controller.entries.journal_entry import JournalEntry


class LedgerPosted(JournalEntry, frozen=True, kw_only=True, tag="ledger_posted"):
    """One transaction: postings that sum to zero per unit. The key makes it happen once."""

    key: str
    """programme/feeder/request/kind/rule version: the same key again is no new transaction"""
    postings: tuple[tuple[str, str, int], ...]
    """(account, unit, amount): unit is `points` or a currency's minor unit such as `EUR-cent`"""
    reason: str
    request: str | None
    corrects: str | None = None
    """key of the credit that this transaction reverses and books anew"""
    counts_for: str | None = None
    """an earning rule and the period that its cap counts in, such as `paid-on-time/2026-Q1`"""


class FactReported(JournalEntry, frozen=True, kw_only=True, tag="fact_reported"):
    """Something a customer did that may earn by the earning rules: a bill paid on time, an amount paid,
    taking part. Written in one commit with the LedgerPosted it earns, if any.
    """

    fact: str
    """its id, given by whoever reports it: the same id again changes nothing"""
    customer: str
    kind: str
    amount_minor_units: int | None
    currency: str | None
    occurred_at: datetime


class RedemptionMoved(JournalEntry, frozen=True, kw_only=True, tag="redemption_moved"):
    """One step of a redemption. Written in one commit with the LedgerPosted of the step."""

    redemption: str
    customer: str
    item: str
    """of the catalogue, as it was named then"""
    points: int
    state: Literal["pending", "fulfilled", "voided"]
    who: str
    reason: str
    deadline: datetime | None = None
    """of a pending one: what is not fulfilled by then is voided"""
    programme: str | None = None
    """whose budget what it is worth in money was held from"""


class PayoutMoved(JournalEntry, frozen=True, kw_only=True, tag="payout_moved"):
    """One step of a payout: its terms are told before its first transaction, its end after the last."""

    payout: str
    currency: str
    least: int
    """minor units: who has less is not paid"""
    state: Literal["begun", "booked"]
