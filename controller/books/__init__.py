"""The state that replaying the journal gives: requests, events, alarms and what operators ordered.

Pure: entries in, state out; the same entries in the same order always give equal books, so a restart is a
replay. What cannot have happened raises `BooksBroken` and changes nothing. Knows no clock, no store and no
wire; decides nothing.

Memory is bounded: of each feeder's closed events the latest `KEEP_CLOSED_EVENTS` keep their detail, older
ones live on in the totals once all their requests are over. The same holds for operators' limits.
"""

from controller.books.books import KEEP_CLOSED_EVENTS, Books, EventRecord
from controller.books.forking import fork

__all__ = ["KEEP_CLOSED_EVENTS", "Books", "EventRecord", "fork"]
