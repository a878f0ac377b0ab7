"""Whatever is done to a sealed journal is found, and its place is named (reliability, section 5).

`gridward bench tampering` does the same many thousand times.
"""

import numpy as np
import pytest

from controller.auditing.checkpoints import SigningKey, read_notes
from controller.entries import JournalCheckpointed
from controller.stores.audit import MOST_FAULTS, audit
from controller.stores.chain_check import ChainCheck
from gridward.bench import tampering_cases as cases
from gridward.bench.tampering import file_flips, many_flips

JOURNAL = cases.sealed_journal(500, sealed_every=50)


def test_a_sealed_journal_is_whole() -> None:
    found = cases.Attack(JOURNAL, None).verified()
    assert (found.faults, found.entries, found.sealed) == ((), len(JOURNAL.stored), len(JOURNAL.stored) - 1)
    assert found.checkpoints == JOURNAL.notes.count("— ") > 5


@pytest.mark.parametrize("deed", cases.DEEDS)
def test_every_deed_is_found_and_its_place_is_named(deed: str) -> None:
    rng = np.random.default_rng(5)
    for _ in range(25):
        attack = cases.DEEDS[deed](JOURNAL, rng)
        found = attack.verified()
        assert found.faults, (deed, attack.entry)
        assert attack.is_named(found), (deed, attack.entry, found.faults[:3])


def test_every_flipped_bit_is_named_by_its_entry_and_no_other_is() -> None:
    found, accused, made, _ = many_flips(JOURNAL, 1000, np.random.default_rng(3))
    assert (found, accused) == (made, 0)


def test_a_flipped_bit_in_the_file_is_told_wherever_it_matters() -> None:
    told, unreadable, harmless, silent = file_flips(JOURNAL, 100, np.random.default_rng(3))
    assert silent == 0
    assert told > 20
    assert told + unreadable + harmless == 100


def kinds(attack: cases.Attack) -> list[tuple[str, int | None, int | None]]:
    return [(fault.kind, fault.seq, fault.last) for fault in attack.verified().faults]


def told_of(rows: list[cases.StoredRow]) -> list[tuple[str, int | None]]:
    """What the chain alone says."""
    check = ChainCheck()
    list(check.places(rows))
    return [(fault.kind, fault.seq) for fault in check.faults]


def test_each_fault_has_its_own_words() -> None:
    rows = JOURNAL.stored
    assert told_of(rows) == []
    assert told_of(rows[1:]) == [("missing", 1)]
    assert told_of(rows[:9] + rows[12:]) == [("missing", 10)]
    renumbered = [row._replace(seq=row.seq - 1) for row in rows[10:]]
    assert told_of(rows[:9] + renumbered) == [("missing", 10)]
    new = cases.row_of(10, cases._refused(cases.T0), rows[8].link)
    moved = [row._replace(seq=row.seq + 1) for row in rows[9:]]
    assert told_of([*rows[:9], new, *moved]) == [("added", 10)]
    swapped = [*rows[:9], rows[30]._replace(seq=10), *rows[10:30], rows[9]._replace(seq=31), *rows[31:]]
    assert told_of(swapped) == [("reordered", 10), ("reordered", 31)]
    beside = [*rows[:9], rows[10]._replace(seq=10), rows[9]._replace(seq=11), *rows[11:]]
    assert told_of(beside) == [("reordered", 10), ("reordered", 11)]
    at_the_end = [*rows[:-2], rows[-1]._replace(seq=len(rows) - 1), rows[-2]._replace(seq=len(rows))]
    assert told_of(at_the_end) == [("reordered", len(rows) - 1), ("reordered", len(rows))]
    words = [
        *rows[:9],
        rows[9]._replace(body=rows[30].body),
        *rows[10:30],
        rows[30]._replace(body=rows[9].body),
    ]
    assert told_of([*words, *rows[31:]]) == [("reordered", 10), ("reordered", 31)]
    none = rows[19]._replace(body=b"\xff\x00")
    assert told_of([*rows[:19], none, *rows[20:]]) == [("altered", 20)]


def test_it_goes_on_after_the_first_fault_up_to_a_bound() -> None:
    rows = [row._replace(body=row.body + b" ") if row.seq % 10 == 0 else row for row in JOURNAL.stored]
    found = audit(cases.Journal(rows, ""))
    assert [fault.seq for fault in found.faults] == [10 * n for n in range(1, MOST_FAULTS + 1)]
    assert found.more_faults > MOST_FAULTS
    assert found.entries == 9


def test_a_tail_written_anew_is_found_from_the_last_good_checkpoint_on() -> None:
    rng = np.random.default_rng(1)
    sealed = [1, *(n.seq - 1 for n in JOURNAL.replay() if isinstance(n.entry, JournalCheckpointed))]
    attack = cases.rewrite_the_tail(JOURNAL, rng)
    assert attack.entry is not None
    before = max(size for size in sealed if size < attack.entry)
    after = min(size for size in sealed if size >= attack.entry)
    assert ("forked", before + 1, after) in kinds(attack)


def test_without_the_copies_outside_what_is_cut_off_is_not_found_and_with_them_it_is() -> None:
    """The stated limit: the end after the newest copy."""
    notes = list(read_notes(JOURNAL.notes))
    shorter = cases.Journal(JOURNAL.stored[:200], "")
    assert audit(shorter, [cases.KEY.public]).faults == ()
    (cut,) = audit(shorter, [cases.KEY.public], notes).faults
    assert (cut.kind, cut.seq, cut.last) == ("cut_off", 201, len(JOURNAL.stored) - 1)
    assert audit(cases.Journal(JOURNAL.stored[:-1], ""), [cases.KEY.public], notes).faults == ()


def test_the_keys_that_signed_are_all_that_are_believed() -> None:
    old = SigningKey("gridward/bench", b"k" * 32).public
    assert audit(JOURNAL, [old, cases.KEY.public]).faults == ()
    faults = audit(JOURNAL, [old]).faults
    assert {fault.kind for fault in faults} == {"forged"}
    forked = cases.rewrite_and_forge(JOURNAL, np.random.default_rng(2)).journal
    assert audit(forked).faults == (), "who has no key only sees a whole chain"


def test_an_old_checkpoint_in_a_later_place_is_named() -> None:
    sealed = [n for n in JOURNAL.replay() if isinstance(n.entry, JournalCheckpointed)]
    rows = JOURNAL.stored[: sealed[3].seq - 1]
    old = cases.row_of(len(rows) + 1, sealed[2].entry, rows[-1].link)
    found = audit(cases.Journal([*rows, old], ""), [cases.KEY.public])
    assert [(fault.kind, fault.seq) for fault in found.faults] == [("forged", sealed[3].seq)]
    assert "in the place of one of" in found.faults[0].text


def test_copies_of_another_site_are_refused() -> None:
    other = SigningKey("gridward/other", bytes(32)).sign(7, bytes(32))
    found = audit(JOURNAL, [cases.KEY.public], [(1, other)])
    assert [(fault.kind, fault.seq) for fault in found.faults] == [("forged", None)]
