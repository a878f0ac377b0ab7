"""A million random operations on the ledger, compared with a naive one after every step [8].

What is drawn and what is compared: `random_ledger.py`.
"""

import asyncio
import logging

import structlog

from gridward.bench.random_ledger import Outcome, RandomLedger

OPERATIONS = 1_000_000


def run(seed: int, operations: int) -> Outcome:
    """One run. Raises AssertionError at the first difference."""
    drawn = RandomLedger(seed, operations)
    try:
        return asyncio.run(drawn.run())
    finally:
        drawn.close()


def print_figures(seed: int, quick: bool) -> None:
    """A short run, or the whole million."""
    print_operations(seed, 10_000 if quick else OPERATIONS)


def print_operations(seed: int, operations: int) -> None:
    """Run, and say what was done and how fast."""
    quiet = structlog.make_filtering_bound_logger(logging.CRITICAL)  # ids that are taken are drawn on purpose
    structlog.configure(wrapper_class=quiet)
    found = run(seed, operations)
    for told, times in sorted(found.by_kind.items()):
        print(f"{told:<18}{times:>10,}")
    print(
        f"{found.operations:,} operations, {found.transactions:,} transactions: after every one all sums are"
        f" zero, and what it moved is as in the reference; {found.seconds:.1f} s,"
        f" {found.operations / found.seconds:,.0f} operations/s"
    )
