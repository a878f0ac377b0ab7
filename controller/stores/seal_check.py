"""Do the signed checkpoints seal this journal? Those in it, and copies of them that were kept outside.

What a checkpoint adds to the hash chain: whoever has the store can write entries anew and every hash after
them, but cannot sign that. A copy outside also shows entries that were cut off at the end, and checkpoints
that were taken out. Pure.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from controller.auditing.checkpoints import NoteRejected, NoteTorn, PublicKey, SignedCheckpoint, of_entry
from controller.auditing.merkle import Frontier
from controller.entries import Entry, JournalCheckpointed
from controller.stores.chain_check import Fault, Place

Note = tuple[int, SignedCheckpoint | NoteRejected]
"""line of the file, and what stands there"""


class SealCheck:
    """Follows the places of a chain; `faults` is whole after `end`."""

    def __init__(self, keys: Sequence[PublicKey], notes: Iterable[Note]) -> None:
        """`keys`: without any the signatures of the journal's own checkpoints are not checked."""
        self.faults: list[Fault] = []
        self.remarks: list[str] = []
        """notes that were cut off, as a power cut leaves them: they seal nothing, and show nothing"""
        self.checkpoints = 0
        """of the journal, that were found good"""
        self.sealed = 0
        """entries that a good checkpoint seals"""
        self._keys = tuple(keys)
        self._tree: Frontier | None = Frontier()
        self._forked = False
        self._outside: dict[int, list[int]] = defaultdict(list)
        self._roots: dict[tuple[int, int], bytes] = {}
        for line, told in notes:
            self._take_note(line, told)

    def take(self, place: Place, entry: Entry | None) -> None:
        """The next place, with its entry where that is believed."""
        if isinstance(entry, JournalCheckpointed):
            self._checkpoint(place.seq, entry)
        if self._tree is not None:
            if place.link is None or place.seq != self._tree.size + 1:
                self._tree = None  # too much is missing to tell any root from here on
                return
            self._tree.append(place.link)
            for line in self._outside.pop(place.seq, ()):
                self._compare(place.seq, self._roots[place.seq, line], f"line {line} of the copies")

    def end(self, last: int) -> None:
        """The journal ends after entry `last`."""
        beyond = [size for size in self._outside if size > last]
        if beyond:
            most, line = max(beyond), self._outside[max(beyond)][0]
            text = f"the journal ends after entry {last}: entries {last + 1} to {most} were cut off"
            self.faults.append(
                Fault("cut_off", last + 1, f"{text}; line {line} of the copies seals them", most)
            )

    def _take_note(self, line: int, told: SignedCheckpoint | NoteRejected) -> None:
        if isinstance(told, NoteTorn):
            self.remarks.append(f"line {line} of the copies is no checkpoint: {told}")
        elif isinstance(told, NoteRejected):
            self.faults.append(Fault("forged", None, f"line {line} of the copies is no checkpoint: {told}"))
        elif not self._is_signed(told):
            text = f"line {line} of the copies is forged: no key that was given has signed it"
            self.faults.append(Fault("forged", None, text))
        else:
            size = told.checkpoint.size
            self._outside[size].append(line)
            self._roots[size, line] = told.checkpoint.root

    def _checkpoint(self, seq: int, entry: JournalCheckpointed) -> None:
        try:
            signed = of_entry(entry.size, entry.root, entry.key, entry.signature)
        except NoteRejected as error:
            self.faults.append(Fault("forged", seq, f"entry {seq} is a forged checkpoint: {error}"))
            return
        if self._keys and not self._is_signed(signed):
            text = f"entry {seq} is a forged checkpoint: no key that was given has signed it"
            self.faults.append(Fault("forged", seq, text))
        elif entry.size != seq - 1:
            text = f"entry {seq} is a checkpoint of {entry.size} entries in the place of one of {seq - 1}"
            self.faults.append(Fault("forged", seq, text))
        elif self._tree is not None and self._compare(entry.size, signed.checkpoint.root, f"entry {seq}"):
            self.checkpoints += 1

    def _compare(self, size: int, root: bytes, where: str) -> bool:
        """Whether it seals the entries that are there; a fork is told once, where it begins to show."""
        if self._tree is not None and self._tree.root() == root:
            self.sealed = max(self.sealed, size)
            return True
        if not self._forked:
            first = self.sealed + 1
            text = f"entries {first} to {size} are not those that the checkpoint in {where} seals"
            self.faults.append(Fault("forked", first, f"{text}: they were written anew", size))
        self._forked = True
        return False

    def _is_signed(self, signed: SignedCheckpoint) -> bool:
        return any(key.has_signed(signed) for key in self._keys)
