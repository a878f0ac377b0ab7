"""The state that replaying the journal gives: requests, events, alarms and what operators ordered.

Pure: entries in, state out; the same entries in the same order always give equal books, so a restart is a
replay. What cannot have happened raises `BooksBroken` and changes nothing. Knows no clock, no store and no
wire; decides nothing.

Memory is bounded: of each feeder's closed events the latest `KEEP_CLOSED_EVENTS` keep their detail, older
ones live on in the totals once all their requests are over. The same holds for operators' limits.

books          how entries are taken in            shelf            all books, and who looks what up
event_book     events and operators' limits        request_book     requests, by whom and what they are found
request_steps  a request after one more entry      word_book        words to customers and from them
feeder_book    violations, expectations, data      call_book        when customers were called
sums           since the journal began             experience       what settlements tell
failsafe_book  what devices do in silence          operator_book    who keeps the automatic out
correction_book  corrections and disputes
"""

from controller.books.books import Books
from controller.books.event_book import EventRecord
from controller.books.shelf import KEEP_CLOSED_EVENTS

__all__ = ["KEEP_CLOSED_EVENTS", "Books", "EventRecord"]
