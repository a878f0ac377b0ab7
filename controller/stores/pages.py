"""From the rows of a journal to its entries, with the chain checked on the way: the same for every store.

Knows no database: a store gives pages of rows, and the link that stands before the first of them.
"""

from collections.abc import Callable, Iterator, Sequence

import msgspec

from controller.entries import Entry
from controller.errors import RecordBroken
from controller.stores import chain
from controller.stores.port import Numbered, StoredRow

PAGE = 1000
"""entries read at once, so that a long replay does not keep others waiting"""

JournalRow = tuple[int, str, bytes, bytes]
"""seq, body, the link before, its own link"""


def entries_of(
    page_after: Callable[[int], Sequence[JournalRow]], after: int, previous: bytes
) -> Iterator[Numbered]:
    """All entries after number `after`, whose link is `previous`.

    `page_after(seq)`: the next rows in order, at most `PAGE`; fewer at the end. Raises RecordBroken at the
    first that was altered.
    """
    while True:
        page = page_after(after)
        for row in page:
            previous = checked(row, after, previous)
            after = row[0]
            yield Numbered(after, decoded(after, row[1]), previous)
        if len(page) < PAGE:
            return


def rows_of(page_after: Callable[[int], Sequence[StoredRow]]) -> Iterator[StoredRow]:
    """All rows in order as they are stored, unchecked; `page_after` as in `entries_of`."""
    after = 0
    while True:
        page = page_after(after)
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].seq


def checked(row: JournalRow, after: int, previous: bytes) -> bytes:
    """The row's own link; raises RecordBroken unless it follows entry `after`, whose link is `previous`."""
    seq, body, before, link = row
    if seq != after + 1:
        raise RecordBroken(
            f"entry {after + 1} is missing from the journal: entry {seq} follows entry {after}"
        )
    if before != previous:
        raise RecordBroken(f"entry {seq} does not follow entry {after}: one of them was altered or moved")
    if link != chain.link(previous, seq, body):
        raise RecordBroken(f"entry {seq} was altered: its hash is not that of its content")
    return link


def decoded(seq: int, body: str) -> Entry:
    """The entry of a body; raises RecordBroken when this version cannot read it."""
    try:
        return chain.decode(body)
    except msgspec.MsgspecError as error:
        raise RecordBroken(f"entry {seq} cannot be read by this version: {error}") from error
