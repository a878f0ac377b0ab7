"""What can be shown to somebody who has nothing but a file and the site's public key."""

import json
from pathlib import Path
from typing import Any

import pytest

from controller.auditing import proofs
from controller.entries import JournalCheckpointed, RequestMoved, RequestSent
from controller.stores.sqlite import SqliteStore
from gridward import audit_proof
from gridward.bench.tampering_cases import FORGER, KEY, T0, Journal, row_of, sealed_journal
from gridward.cli import main
from gridward.wiring import signing_key
from tests.gridward.sites import write_site
from tests.gridward.stores import alter

JOURNAL = sealed_journal(60, sealed_every=20)
REQUEST = "E-f-1-R001"


def store_of(path: Path, journal: Journal) -> Path:
    store = SqliteStore(path, durable=False)
    store.take_over("test")
    store.commit([numbered.entry for numbered in journal.replay()])
    store.close()
    return path


@pytest.fixture
def place(tmp_path: Path) -> Path:
    store_of(tmp_path / "j.sqlite3", JOURNAL)
    (tmp_path / "key").write_text(f"{KEY.public.text}\n", encoding="utf-8")
    (tmp_path / "other").write_text(f"{FORGER.public.text}\n", encoding="utf-8")
    (tmp_path / "copies").write_text(JOURNAL.notes, encoding="utf-8")
    return tmp_path


def prove(place: Path, what: str, out: str = "proof.json") -> Path:
    assert main(["audit", "prove", what, "--store", str(place / "j.sqlite3"), "--out", str(place / out)]) == 0
    return place / out


def check(place: Path, proof: Path, key: str = "key") -> int:
    return main(["audit", "check-proof", str(proof), "--public-key", str(place / key)])


def test_verify_says_what_is_sealed(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = ["--store", str(place / "j.sqlite3")]
    keys = ["--public-key", str(place / "key")]
    copies = ["--checkpoints", str(place / "copies")]
    assert main(["audit", "verify", *store, *keys, *copies]) == 0
    last = len(JOURNAL.stored)
    told = capsys.readouterr().out
    assert f"whole: {last} entries" in told
    assert f"seal entries 1 to {last - 1}, signatures checked" in told
    assert main(["audit", "verify", *store]) == 0
    assert "signatures not checked" in capsys.readouterr().out
    assert main(["audit", "verify", *store, "--public-key", str(place / "other")]) == 1
    assert "is a forged checkpoint: no key that was given has signed it" in capsys.readouterr().out
    assert main(["audit", "verify", *store, *copies]) == 2
    assert "expected --public-key" in capsys.readouterr().err
    assert main(["audit", "verify", *store, *keys, "--checkpoints", str(place / "none")]) == 2
    assert "No such file" in capsys.readouterr().err


def test_a_note_that_was_torn_is_a_remark_and_no_fault(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A power cut leaves half a note in the file for ever; the notes after it seal all that it did."""
    copies = place / "copies"
    copies.write_text(f"{JOURNAL.notes[:40]}\n\n{JOURNAL.notes}", encoding="utf-8")
    keys = ["--public-key", str(place / "key"), "--checkpoints", str(copies)]
    store = ["--store", str(place / "j.sqlite3")]
    assert main(["audit", "verify", *store, *keys]) == 0
    assert "line 1 of the copies is no checkpoint" in capsys.readouterr().out
    assert main(["audit", "verify", "--json", *store, *keys]) == 0
    assert len(json.loads(capsys.readouterr().out)["remarks"]) == 1
    copies.write_text(JOURNAL.notes.replace("gridward/bench\n", "gridward/other\n", 1), encoding="utf-8")
    assert main(["audit", "verify", *store, *keys]) == 1


def test_verify_finds_what_was_cut_off(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cut = store_of(place / "cut.sqlite3", Journal(JOURNAL.stored[:30], ""))
    keys = ["--public-key", str(place / "key"), "--checkpoints", str(place / "copies")]
    assert main(["audit", "verify", "--json", "--store", str(cut), *keys]) == 1
    document = json.loads(capsys.readouterr().out)
    assert [(f["kind"], f["seq"]) for f in document["faults"]] == [("cut_off", 31)]
    assert document["fault"].startswith("the journal ends after entry 30: entries 31 to ")


def test_an_entry_is_proven_without_the_store(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    proof = prove(place, "7")
    (place / "j.sqlite3").unlink()
    capsys.readouterr()
    assert check(place, proof) == 0
    told = capsys.readouterr().out
    assert f"proven: in the journal of {len(JOURNAL.stored) - 1} entries that gridward/bench signed" in told
    assert f"entry 7, 2026-01-12 00:00:00 UTC: {JOURNAL.stored[6].body.decode()}" in told


def test_a_request_is_proven_with_all_its_entries(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    proof = prove(place, REQUEST)
    assert check(place, proof) == 0
    told = capsys.readouterr().out
    assert all(word in told for word in ("request_planned", "request_settled", "ledger_posted"))
    assert "E-f-2" not in told


def altered(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Every way to alter a proof that still reads as one."""
    found = []
    for path, value in (
        (("entries", 0, "seq"), 8),
        (("entries", 0, "seq"), 1 << 63),
        (("entries", 0, "seq"), 1 << 70),
        (("checkpoint", "size"), 1 << 63),
        (("entries", 0, "previous"), "AAAA"),
        (("entries", 0, "hashes", 0), "AAAA"),
        (("entries", 0, "body"), document["entries"][0]["body"].replace("00", "01", 1)),
        (("entries", 0, "previous"), document["entries"][0]["hashes"][0]),
        (("entries", 0, "hashes"), document["entries"][0]["hashes"][1:]),
        (("entries", 0, "hashes", 0), "no base64"),
        (("entries",), []),
        (("checkpoint", "size"), document["checkpoint"]["size"] - 1),
        (("checkpoint", "root"), document["entries"][0]["previous"]),
        (("checkpoint", "key"), "gridward/x"),
        (("checkpoint", "signature"), "AAAA"),
    ):
        copy: Any = json.loads(json.dumps(document))
        inner = copy
        for part in path[:-1]:
            inner = inner[part]
        inner[path[-1]] = value
        found.append(copy)
    return found


def test_an_altered_proof_proves_nothing(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    proof = prove(place, "7")
    for number, document in enumerate(altered(json.loads(proof.read_text(encoding="utf-8")))):
        proof.write_text(json.dumps(document), encoding="utf-8")
        capsys.readouterr()
        assert check(place, proof) == 1, number
        assert "NOT PROVEN: " in capsys.readouterr().out
    proof.write_bytes(b"{}\xff")
    assert check(place, proof) == 1
    assert check(place, place / "none.json") == 2


def test_another_key_proves_nothing(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(place, prove(place, "7"), key="other") == 1
    assert "no key that was given has signed the checkpoint" in capsys.readouterr().out


def test_one_checkpoint_goes_on_from_another(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = [n.entry.size for n in JOURNAL.replay() if isinstance(n.entry, JournalCheckpointed)]
    first, second = str(sizes[1]), str(sizes[-1])
    out = place / "c.json"
    arguments = ["--store", str(place / "j.sqlite3"), "--out", str(out)]
    assert main(["audit", "consistency", first, second, *arguments]) == 0
    assert check(place, out) == 0
    assert f"the journal of {second} entries begins with that of {first}" in capsys.readouterr().out
    document = json.loads(out.read_text(encoding="utf-8"))
    document["hashes"] = document["hashes"][1:]
    out.write_text(json.dumps(document), encoding="utf-8")
    assert check(place, out) == 1
    for pair in (["3", second], [second, first]):
        assert main(["audit", "consistency", *pair, *arguments]) == 2


def test_what_cannot_be_proven(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    last = str(len(JOURNAL.stored))
    store = ["--store", str(place / "j.sqlite3"), "--out", str(place / "p.json")]
    for what, expected in (
        (last, "is not sealed yet"),
        ("999", "no such entry"),
        ("E-x-R001", "no such entry"),
    ):
        assert main(["audit", "prove", what, *store]) == 2
        assert expected in capsys.readouterr().err
    assert not (place / "p.json").exists()
    with pytest.raises(SystemExit):
        main(["audit", "prove", "7", "--store", str(place / "j.sqlite3"), "--out", str(place / "j.sqlite3")])
    for wrong in ("j.sqlite3", "none"):
        with pytest.raises(SystemExit) as stopped:
            check(place, place / "p.json", key=wrong)
        assert stopped.value.code == 2


def test_a_proof_of_a_running_request_says_what_is_not_sealed_yet(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whose = {n.seq: n.entry for n in JOURNAL.replay()}
    sealed = max(seq for seq, entry in whose.items() if isinstance(entry, JournalCheckpointed)) - 1
    request = next(n.entry.request for n in JOURNAL.replay() if isinstance(n.entry, RequestMoved))
    late = row_of(
        sealed + 2, RequestSent(at=T0, request=request, sequence=1, attempt=2), JOURNAL.stored[-1].link
    )
    rows = [*JOURNAL.stored, late]
    running = store_of(place / "r.sqlite3", Journal(rows, ""))
    arguments = ["--store", str(running), "--json", "--out", str(place / "r.json")]
    assert main(["audit", "prove", request, *arguments]) == 0
    assert json.loads(capsys.readouterr().out)["not_sealed_yet"] == 1


def test_an_altered_store_proves_nothing(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alter(place / "j.sqlite3", "UPDATE journal SET body = replace(body, '4.2', '3.2') WHERE seq = 3")
    assert (
        main(["audit", "prove", "7", "--store", str(place / "j.sqlite3"), "--out", str(place / "p.json")])
        == 1
    )
    assert "was altered" in capsys.readouterr().err


def test_the_public_key_of_a_site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = write_site(tmp_path)
    assert main(["audit", "key", str(site)]) == 2
    assert "there is no key yet" in capsys.readouterr().err
    made = signing_key(tmp_path / "state" / "journal.key", "dorf")
    assert main(["audit", "key", str(site)]) == 0
    assert capsys.readouterr().out == f"{made.public.text}\n"
    assert (tmp_path / "state" / "journal.key").stat().st_mode & 0o777 == 0o600
    assert signing_key(tmp_path / "state" / "journal.key", "another name").text == made.text
    (tmp_path / "state" / "journal.key").write_text("x", encoding="utf-8")
    assert main(["audit", "key", str(site)]) == 2
    assert "journal.key: no key that seals the journal" in capsys.readouterr().err


def test_an_entry_that_this_version_does_not_know_is_told_as_it_is() -> None:
    body = '{"entry":"from_the_future","at":"2026-01-12T18:00:00Z"}'
    seal = proofs.Seal(size=1, root="", key="k", signature="")
    entry = proofs.ProvenEntry(seq=1, body=body, previous="", hashes=())
    assert audit_proof._told(proofs.Inclusion(checkpoint=seal, entries=(entry,)))[1] == f"  entry 1: {body}"
