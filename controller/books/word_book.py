"""Further words to customers that wait to go out, and what came of the words about each request. Pure; a part
of the books.
"""

from dataclasses import dataclass, field

from controller.entries import MessageDone, MessagePlanned, NoticeAnswered, NoticeDelivered
from controller.errors import BooksBroken

Word = NoticeDelivered | NoticeAnswered | MessageDone
KEEP_WORDS = 24
"""of one request: what came of the words to its customer"""


@dataclass(slots=True)
class WordBook:
    """Of all customers."""

    _waiting: dict[str, MessagePlanned] = field(default_factory=dict)
    _words: dict[str, tuple[Word, ...]] = field(default_factory=dict)
    """by request, as long as its detail is kept"""

    def waiting(self) -> tuple[MessagePlanned, ...]:
        """The outbox of further words to customers, oldest first."""
        return tuple(self._waiting.values())

    def words(self, request: str) -> tuple[Word, ...]:
        """What came of the latest words to the customer of a request, oldest first."""
        return self._words.get(request, ())

    def plan(self, entry: MessagePlanned, planned: tuple[str, ...]) -> None:
        """A message is to go out; `planned`: those that its request had already. Raises BooksBroken."""
        if entry.message in self._waiting or entry.message in planned:
            raise BooksBroken(f"message {entry.message} planned twice")
        self._waiting[entry.message] = entry

    def done(self, entry: MessageDone) -> str:
        """A message went out or was given up; the request that it was about. Raises BooksBroken."""
        if self._waiting.pop(entry.message, None) is None:
            raise BooksBroken(f"message {entry.message} done, but it is not waiting")
        return entry.message.rsplit("/", 2)[0]

    def note(self, request: str, word: Word) -> None:
        """What came of one more word about a request."""
        self._words[request] = (*self._words.get(request, ()), word)[-KEEP_WORDS:]

    def forget(self, request: str) -> None:
        """Its detail is dropped; what waits to go out stays."""
        self._words.pop(request, None)

    def fork(self) -> "WordBook":
        """A copy that can be written to without touching this one."""
        return WordBook(dict(self._waiting), dict(self._words))
